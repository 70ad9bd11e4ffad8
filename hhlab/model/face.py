"""A face drawn anew, around the mouth that is found: by who is seen and how the mouth is held.

A painter that goes over whole pictures (:mod:`hhlab.model.looks`) has to find out for each pixel
where in a face it lies. Cut out around the mouth that was found, in widths of it, every face lies
alike: eyes are where eyes are, and a network that knows its places draws them as the numbers say
(as in Thies, Zollhoefer and Niessner 2019, "Deferred neural rendering", section 5, and, for what
is cut out and put back, Jaderberg et al. 2015, "Spatial transformer networks", section 3). Lips,
beard and skin belong together, so it draws the mouth too, before another network that looks at the
mouth alone does so once more (:mod:`hhlab.model.mouths`): the two miss different ones. As with
mouths there is always a place where one is found, and a face is drawn there, come what may.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from hhlab.model.config import LOOK, MOUTH
from hhlab.model.looks import Redrawing
from hhlab.model.mouths import HALF, cut, put_back

FACE_PX, FACE_SHARE = 64, 3.2  # side of a face's crop, in pixels and in widths of the mouth's box
ABOVE = 0.75  # how far above a mouth its middle lies, in the same
FINE, COARSE, TOLD = 48, 96, 128  # channels at a half and at a quarter of its sides, and of numbers
MOUTHS_OVERDRAWN = 2.0  # how mouths are drawn, times what is said: what is drawn is too small
COUNTS = 0.8  # how what is drawn counts: learnt against a critic, over a painter, it does too much
FARTHEST = 3.0  # deviations from what is usual that a number may say


def faces_at(where: torch.Tensor) -> torch.Tensor:
    """Faces' places (n, 3), as :func:`hhlab.model.mouths.cut` takes them, of mouths' (n, 3)."""
    x, y, wide = where.unbind(1)
    return torch.stack([x, y - ABOVE * wide, wide], 1)


def cut_faces(pictures: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """Crops (n, 3, FACE_PX, FACE_PX) of the faces of mouths (n, 3) in pictures (n, 3, h, w)."""
    return cut(pictures, faces_at(where), side_px=FACE_PX, share=FACE_SHARE)


def put_faces(crops: torch.Tensor, where: torch.Tensor, h: int, w: int) -> torch.Tensor:
    """Pictures (n, 3, h, w) of crops where they were cut from, zero elsewhere, edges fading."""
    return put_back(crops, faces_at(where), h, w, share=FACE_SHARE)


class Face(Redrawing):
    """What is to be added to crops of blurred faces."""

    def __init__(self) -> None:
        super().__init__(
            LOOK + MOUTH, beside=0, fine=FINE, coarse=COARSE, told=TOLD, last=(1, 1)
        )  # fmt: skip
        self.place = nn.Parameter(torch.zeros(1, FINE, FACE_PX // HALF, FACE_PX // HALF))

    def forward(
        self, crops: torch.Tensor, looks: torch.Tensor, shapes: torch.Tensor
    ) -> torch.Tensor:
        """Map (n, 3, FACE_PX, FACE_PX), (n, LOOK) and (n, MOUTH) to (n, 3, FACE_PX, FACE_PX)."""
        said = torch.cat([looks.clamp(-FARTHEST, FARTHEST), shapes], 1)
        return self.drawn(self.begin(F.pixel_unshuffle(crops, HALF)) + self.place, said)

    def added(
        self, pictures: torch.Tensor, looks: torch.Tensor, shapes: torch.Tensor,
        where: torch.Tensor,
    ) -> torch.Tensor:  # fmt: skip
        """What is to be added to pictures (n, 3, h, w) whose mouths are at (n, 3), px."""
        crops = self(cut_faces(pictures, where), looks, MOUTHS_OVERDRAWN * shapes)
        return COUNTS * put_faces(crops, where, *pictures.shape[2:])
