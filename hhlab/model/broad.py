"""What of pictures is broad: all but their details; and what tint that has."""

from __future__ import annotations

import torch
from torch.nn import functional as F

DETAIL_PX, CELL_PX = 2, 4  # what is smaller is a detail; cells of what is said of broad colours


def broad(x: torch.Tensor) -> torch.Tensor:
    """Of maps (n, c, h, w) only what is larger than some cells of CELL_PX."""
    h, w = x.shape[2:]
    cells = smooth(F.avg_pool2d(x, CELL_PX, ceil_mode=True))
    return F.interpolate(cells, scale_factor=CELL_PX, mode="bilinear")[..., :h, :w]


def smooth(x: torch.Tensor) -> torch.Tensor:
    """Maps (n, c, h, w) without what is smaller than some pixels."""
    for _ in range(2):
        x = F.avg_pool2d(F.pad(x, (DETAIL_PX,) * 4, mode="replicate"), 2 * DETAIL_PX + 1, 1)
    return x


def tint(x: torch.Tensor) -> torch.Tensor:
    """What broad colour pictures (n, 3, h, w) have beyond grey; over the colours its mean is 0."""
    cells = broad(x)
    return cells - cells.mean(1, keepdim=True)
