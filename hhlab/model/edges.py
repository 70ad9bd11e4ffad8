"""Pictures of an edited clip, drawn along the edges of its source.

A codec of few components and a guess from noise are both soft, and most of what they miss is there
to be seen: the source shows every hair that an edit is to keep. So in each small window the made
picture is told as nearly as can be by the source's colours there (a guided filter, the source being
its guide: He, Sun and Tang 2013, "Guided image filtering", equations 11 to 14), and what that says
is believed as far as it explains the window. Where an edit asked for something else, the source
explains nothing, and what was made stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from hhlab.model.mouths import Mouths

REACH = 1 / 16  # of the shorter side: from a window's middle to its border
NOISE = 0.002  # variance of a colour in [-1, 1] that is not believed to be an edge
FLAT = 0.0016  # variance of all three colours, below which there is nothing to explain
SURE = (0.6, 0.8)  # shares of a window's variance: explained, believed not yet, and altogether


def along_edges(made: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """Pictures with the details of a source, where that shows the same.

    Parameters
    ----------
    made, source : float (t, h, w, 3) in [-1, 1], of one clip

    Returns
    -------
    float32 (t, h, w, 3), about [-1, 1]
    """
    with torch.autocast(made.device.type, enabled=False):  # covariances are small differences
        return _along_edges(made, source)


def _along_edges(made: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    guide, wanted = (x.float().permute(0, 3, 1, 2) for x in (source, made))
    reach = max(1, round(REACH * min(guide.shape[2:])))

    def mean(x: torch.Tensor) -> torch.Tensor:
        """Of each window, (t, c, h, w)."""
        around = F.pad(x, (reach,) * 4, mode="replicate")
        rows = F.avg_pool2d(around, (2 * reach + 1, 1), 1)
        return F.avg_pool2d(rows, (1, 2 * reach + 1), 1)

    def shared(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Covariance in each window, (t, h, w, 3, 3), of colours (t, 3, h, w)."""
        both = mean((a[:, :, None] * b[:, None]).flatten(1, 2)).unflatten(1, (3, 3))
        return (both - mean(a)[:, :, None] * mean(b)[:, None]).permute(0, 3, 4, 1, 2)

    spread = shared(guide, guide) + NOISE * torch.eye(3, device=guide.device)
    common = shared(guide, wanted)
    slope = inverse(spread) @ common  # (t, h, w, source's colour, made colour)
    told = (slope * common).sum((-2, -1))
    there = shared(wanted, wanted).diagonal(dim1=-2, dim2=-1).sum(-1)
    believed = mean((told / (there + FLAT)).clamp(0, 1)[:, None])
    believed = ((believed - SURE[0]) / (SURE[1] - SURE[0])).clamp(0, 1)

    slope = slope.permute(0, 3, 4, 1, 2)
    level = mean(wanted) - (slope * mean(guide)[:, :, None]).sum(1)
    slope = mean(slope.flatten(1, 2)).unflatten(1, (3, 3))
    drawn = (slope * guide[:, :, None]).sum(1) + mean(level)
    return (wanted + believed * (drawn - wanted)).permute(0, 2, 3, 1)


def inverse(matrices: torch.Tensor) -> torch.Tensor:
    """Of matrices (..., 3, 3): by cross products, as there are hundreds of thousands of them."""
    a, b, c = matrices.unbind(-2)
    columns = [torch.linalg.cross(*pair) for pair in ((b, c), (c, a), (a, b))]
    return torch.stack(columns, -1) / (a * columns[0]).sum(-1)[..., None, None]


def drawn_over(
    made: torch.Tensor, source: torch.Tensor, mouths: Mouths | None = None
) -> torch.Tensor:
    """As :func:`along_edges`, but mouths, if they can be found, stay: they may say other words."""
    drawn = along_edges(made, source)
    return drawn if mouths is None else torch.lerp(drawn, made.float(), mouths.around(made))
