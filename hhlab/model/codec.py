"""What the codecs have in common: they keep full precision whatever the transformer runs in."""

from __future__ import annotations

import torch


class KeepsPrecision:
    """Moves between devices but stays float32, as a codec's tables are exact."""

    def _apply(self, fn, recurse=True):
        def moved(tensor: torch.Tensor) -> torch.Tensor:
            there = fn(tensor)
            return tensor.to(there.device) if there.dtype != tensor.dtype else there

        return super()._apply(moved, recurse)
