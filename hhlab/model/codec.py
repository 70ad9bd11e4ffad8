"""What the codecs have in common: they keep full precision whatever the transformer runs in."""

from __future__ import annotations

from typing import Any, Self

import torch


class KeepsPrecision:
    """Moves between devices but stays float32, as a codec's tables are exact."""

    @classmethod
    def from_pretrained(cls, folder: Any, **options: Any) -> Self:
        """As diffusers does it, but as exact as it was stored, whatever type is asked for."""
        for name in ("torch_dtype", "dtype"):
            options.pop(name, None)
        return super().from_pretrained(folder, **options)

    def _apply(self, fn, recurse=True):
        def moved(tensor: torch.Tensor) -> torch.Tensor:
            there = fn(tensor)
            return tensor.to(there.device) if there.dtype != tensor.dtype else there

        return super()._apply(moved, recurse)
