"""What a word makes of the words beside it, before it meets pictures and sound."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Near(nn.Module):
    """What each word makes of those beside it: two layers over a window of words.

    Which noun "green" goes with is a matter of neighbours, and rotary positions, whose pairs words
    share with pictures and sound, hardly tell these apart. The window approach of Collobert et al.
    2011, "Natural language processing (almost) from scratch", section 3.3.1; nothing at first.
    """

    def __init__(self, width: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.up = nn.Linear((2 * reach + 1) * width, width // 2)
        self.out = nn.Linear(width // 2, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keep the shape (b, n, width), n being 1 or more."""
        x = F.pad(F.layer_norm(x, x.shape[-1:]), (0, 0, self.reach, self.reach))
        window = x.unfold(1, 2 * self.reach + 1, 1).flatten(2)
        return self.out(F.gelu(self.up(window)))
