"""Pictures of an edited clip, drawn anew out of its source's, in the light and with the words made.

What a model makes of a clip that is to be edited is soft, and in another light may be a little out
of place; the source shows every hair that stays, and where it is. So a small convolutional network
sees both, picture by picture, and says for each place how far the source is taken over, how much
more or less of each colour it has (the light, which is another: Barron and Malik 2015, "Shape,
illumination, and reflectance from shading", take pictures apart in the same way), and what is to be
added to that. It is told who is seen and how the mouth is held, so that lips follow
the new words on the face that is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from hhlab.model.broad import broad, smooth
from hhlab.model.config import LOOK, MOUTH, WORN
from hhlab.model.edges import drawn_over
from hhlab.model.looks import Redrawing, around
from hhlab.model.mouths import HALF, USUAL_PX, Mouths, cut, heard, put_back

if TYPE_CHECKING:
    from hhlab.model.lapped import LappedCodec

FINE, COARSE, TOLD = 40, 64, 64  # channels at a half and at a quarter of its sides, and of numbers
COLOURS = 3
BLACK = -1.0
MOST = 4.0  # logarithm of the largest factor by which a light is another
AGREES = (0.03, 0.09)  # mean difference of colours in [-1, 1] at which pictures agree, and do not
HEAD = (0.45, 0.6)  # nearness to a face's middle at which a head ends, and is all there is
BELOW = (0.9, 1.3)  # usual widths of a mouth below it, where clothes may begin, and do
OTHERWISE = (0.38, 0.5)  # mean difference of how mouths are held by the same words, and by others


class Retoucher(Redrawing):
    """Pictures that were made, drawn anew out of a source's."""

    def __init__(self) -> None:
        super().__init__(
            LOOK + MOUTH, beside=COLOURS * HALF**2 + 3, fine=FINE, coarse=COARSE, told=TOLD,
            last=(1, 1), ends=(1 + 2 * COLOURS) * HALF**2,
        )  # fmt: skip

    def forward(
        self, made: torch.Tensor, source: torch.Tensor, looks: torch.Tensor, shapes: torch.Tensor,
        where: torch.Tensor,
    ) -> torch.Tensor:  # fmt: skip
        """Pictures (n, 3, h, w) of those made and of their source's, both such, in [-1, 1].

        looks, shapes : (n, LOOK) and (n, MOUTH), of whom and of the mouth
        where : the source's mouths (n, 3), px
        """
        parts = [F.pixel_unshuffle(x, HALF) for x in (made, source)]
        seen = torch.cat([*parts, around(where, *made.shape[2:]).to(made)], 1)
        said = torch.cat([looks, shapes], 1)
        found = F.pixel_shuffle(self.maps(self.begin(seen), said).float(), HALF)
        taken, light, more = found.split([1, COLOURS, COLOURS], dim=1)
        lit = (source.float() - BLACK) * light.clamp(-MOST, MOST).exp() + BLACK
        return torch.lerp(made.float(), lit, taken.sigmoid()) + more


def told(
    codec: LappedCodec, source: torch.Tensor, image: torch.Tensor, video: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a retoucher is told of a clip's pictures: looks (t, LOOK), shapes (t, MOUTH), mouths
    (t, 3), px, of the source.

    source : float (t, 3, h, w) in [-1, 1]
    image, video : the tokens (1, n, channels) that were made
    """
    where, size = codec.mouth_nets.finder(source), source.shape[2:]
    blocks = image.shape[1]
    first = heard(codec.held("image", image), where[None, :1], *size)[0]
    groups = codec.held("video", video).reshape(-1, blocks, codec.frames * MOUTH)
    later = where[1:].unflatten(0, (len(groups), codec.frames))
    rest = heard(groups, later, *size).flatten(0, 1)
    looks = codec.who(image, video).expand(len(source), -1)
    return looks, torch.cat([first, rest]), where


def edited(
    codec: LappedCodec, made: torch.Tensor, source: torch.Tensor, image: torch.Tensor,
    video: torch.Tensor,
) -> torch.Tensor:  # fmt: skip
    """An edited clip's pictures (t, h, w, 3), drawn out of its source's, both in [-1, 1].

    A codec that has not learnt to do so draws along the source's edges alone.

    image, video : the tokens (1, n, channels) that `made` was decoded from
    """
    nets, along = codec.look_nets, drawn_over(made, source, codec.mouth_nets)
    if nets is None or nets.retoucher is None:
        return along
    worn = nets.read(source[None].float())[:, -WORN:]
    made, source, along = (
        x.float().permute(0, 3, 1, 2).contiguous() for x in (made.clamp(-1, 1), source, along)
    )
    looks, shapes, where = told(codec, source, image, video)
    drawn = nets.retoucher(made, source, looks, shapes, where)
    drawn = drawn + broad(along - drawn)  # a light's tint is the model's, which says it in full
    dressed = bool(worn.argmax(1) != looks[:1, -WORN:].argmax(1))
    drawn = torch.lerp(along, drawn, believed(along, drawn, where, dressed=dressed))
    return with_words(codec.mouth_nets, drawn, along, source, shapes, where).permute(0, 2, 3, 1)


def believed(
    along: torch.Tensor, drawn: torch.Tensor, where: torch.Tensor, *, dressed: bool
) -> torch.Tensor:
    """How far pictures `drawn` out of a source are believed over others (n, 3, h, w): (n, 1, h, w).

    A network that mends what it sees may keep what was to change. A head is the source's in any
    edit, wherever the model saw it; beside it, what was drawn has to agree with what was made, but
    for details; and below the mouth it has to give way where somebody is `dressed` in something
    else.
    """
    unlike = (smooth(along) - smooth(drawn)).abs().mean(1, keepdim=True)
    agrees = 1 - share_of(smooth(unlike), AGREES)
    if dressed:
        y = torch.arange(along.shape[2], device=along.device) + 0.5
        below = share_of((y - where[:, 1:2]) / USUAL_PX, BELOW)
        agrees = agrees * (1 - below[:, None, :, None])
    near = around(where, *along.shape[2:])[:, 2:]
    head = share_of(F.interpolate(near, scale_factor=HALF, mode="bilinear"), HEAD)
    return torch.maximum(agrees, head)


def with_words(
    mouths: Mouths, drawn: torch.Tensor, along: torch.Tensor, source: torch.Tensor,
    shapes: torch.Tensor, where: torch.Tensor,
) -> torch.Tensor:  # fmt: skip
    """Pictures (n, 3, h, w) with the mouths of `along`, if the source says other words.

    It does if its mouths (n, 3) are held otherwise than the shapes (n, MOUTH) that were made.
    """
    held = mouths.reader(cut(source, where))
    share = share_of((held - shapes).abs().mean(), OTHERWISE)
    moved = cut(along, mouths.finder(along)) - cut(drawn, where)
    return drawn + share * put_back(moved, where, *drawn.shape[2:])


def share_of(x: torch.Tensor, ends: tuple[float, float]) -> torch.Tensor:
    """How far values lie from the first of two to the second, 0 to 1."""
    return ((x - ends[0]) / (ends[1] - ends[0])).clamp(0, 1)
