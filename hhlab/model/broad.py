"""What of pictures is broad: all but their details; and what tint that has."""

from __future__ import annotations

import torch
from torch.nn import functional as F

DETAIL_PX, CELL_PX = 2, 4  # what is smaller is a detail; cells of what is said of broad colours


def broad(x: torch.Tensor) -> torch.Tensor:
    """Of maps (n, c, h, w) only what is larger than some cells of CELL_PX."""
    cells = smooth(F.avg_pool2d(x, CELL_PX))
    return F.interpolate(cells, x.shape[2:], mode="bilinear")


def smooth(x: torch.Tensor) -> torch.Tensor:
    """Maps (n, c, h, w) without what is smaller than some pixels."""
    for _ in range(2):
        x = F.avg_pool2d(F.pad(x, (DETAIL_PX,) * 4, mode="replicate"), 2 * DETAIL_PX + 1, 1)
    return x


def tint(x: torch.Tensor) -> torch.Tensor:
    """By what more or less of its colours pictures (n, 3, h, w) are tinted broadly, as bright."""
    cells = broad(x)
    return cells - cells.mean(1, keepdim=True)
