"""Who is seen, and in what, as numbers of their own beside a picture's components; drawn by them.

A transformer that makes all of a clip at once knows from its prompt who is to be seen long before
it can place a wrinkle, the rim of glasses or an eye, each a pixel or two wide, wherever in its
blocks a head happens to be. So the codec says it in numbers, the same in all tokens of a clip, and
a small convolutional network draws by them what the components leave blurred or wrong (a renderer
led by parameters, as in Thies, Zollhoefer and Niessner 2019, "Deferred neural rendering",
section 5; led through a scale and a shift of each channel, as in Perez et al. 2018, "FiLM", section
2). Another network reads the numbers from a picture that is given. One number stands for all of a
clip: who is seen cannot drift.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from hhlab.model.broad import tint
from hhlab.model.config import LOOK
from hhlab.model.mouths import HALF, USUAL_PX, conv, even

FINE, COARSE = 48, 72  # channels at a half and at a quarter of a picture's sides
SEEN_AT = (1, 3, 5)  # the layers of a reader whose maps say what a picture looks like
READ_CELLS = 6  # a side of the map that is read
UP = 1.2  # how far above a mouth, in its usual widths, a face's middle lies
REACH = 1.5  # of a face around that, in the same
OVERPAINTED = 1.2  # how what is painted counts: it is a guess, and too faint


def around(where: torch.Tensor, h: int, w: int) -> torch.Tensor:
    """Where the places of a map lie to mouths (n, 3), px: (n, 3, h / HALF, w / HALF).

    To the right and down, in usual widths of a mouth, as far as 3; and how near the face's middle.
    """
    y = (torch.arange(h // HALF, device=where.device) + 0.5) * HALF
    x = (torch.arange(w // HALF, device=where.device) + 0.5) * HALF
    right = ((x - where[:, :1]) / USUAL_PX)[:, None, :].expand(-1, len(y), -1)
    down = ((y - where[:, 1:2]) / USUAL_PX)[:, :, None].expand(-1, -1, len(x))
    near = torch.exp(-0.5 * (right.square() + (down + UP).square()) / REACH**2)
    return torch.stack([right.clamp(-3, 3), down.clamp(-3, 3), near], 1)


class LookReader(nn.Module):
    """Reads who is seen, and in what, from whole pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            even(3, 32, stride=2), even(32, 64, stride=2), even(64, 64), even(64, 64),
            even(64, 96, stride=2), even(96, 96), nn.AdaptiveAvgPool2d(READ_CELLS), nn.Flatten(),
            nn.Linear(96 * READ_CELLS**2, 192), nn.SiLU(), nn.Dropout(0.2), nn.Linear(192, LOOK),
        )  # fmt: skip

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Numbers (n, LOOK) of pictures (n, 3, h, w)."""
        return self.body(pictures)

    def layers(self, pictures: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What it sees of pictures, from their parts to the numbers."""
        out = []
        for number, layer in enumerate(self.body):
            pictures = layer(pictures)
            if number in SEEN_AT:
                out.append(pictures)
        return (*out, pictures)


class Led(nn.Module):
    """What it is given, and a convolution of it scaled and shifted as numbers say."""

    def __init__(self, channels: int, told: int, dilation: int) -> None:
        super().__init__()
        self.layer = conv(channels, channels, dilation=dilation)
        self.even = nn.BatchNorm2d(channels, affine=False)
        self.told = nn.Linear(told, 2 * channels)
        nn.init.zeros_(self.told.weight)
        nn.init.zeros_(self.told.bias)

    def forward(self, x: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """Map (n, channels, h, w) and (n, told) to (n, channels, h, w)."""
        scale, shift = self.told(told)[:, :, None, None].chunk(2, 1)
        return x + F.silu(self.even(self.layer(x)) * (1 + scale) + shift)


class Redrawing(nn.Module):
    """Maps at a half and at a quarter of a picture's sides, led by numbers, and what they add.

    `said` is how many numbers, `beside` how many maps are seen beside the picture; `fine` and
    `coarse` channels the maps have, `told` the numbers inside, `last` the reach of the last layers,
    `ends` how many maps come out: a picture's, if nothing else is said.
    """

    def __init__(
        self, said: int, *, beside: int, fine: int, coarse: int, told: int, last: tuple[int, ...],
        ends: int = 3 * HALF**2,
    ) -> None:  # fmt: skip
        super().__init__()
        self.tell = nn.Sequential(
            nn.Linear(said, told), nn.SiLU(), nn.Linear(told, told), nn.SiLU()
        )
        self.begin = conv(3 * HALF**2 + beside, fine)
        self.before = nn.ModuleList(Led(fine, told, by) for by in (1, 2))
        self.down = conv(fine, coarse, stride=2)
        self.inner = nn.ModuleList(Led(coarse, told, by) for by in (1, 2, 4, 1))
        self.up = conv(coarse, fine)
        self.after = nn.ModuleList(Led(fine, told, by) for by in last)
        self.end = conv(fine, ends)
        nn.init.zeros_(self.end.weight)

    def maps(self, begun: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
        """Maps (n, ends, h / HALF, w / HALF), for one (n, fine, h / HALF, w / HALF), (n, said)."""
        told, x = self.tell(said), F.silu(begun)
        for layer in self.before:
            x = layer(x, told)
        deep = F.silu(self.down(x))
        for layer in self.inner:
            deep = layer(deep, told)
        x = x + F.silu(self.up(F.interpolate(deep, size=x.shape[2:], mode="nearest")))
        for layer in self.after:
            x = layer(x, told)
        return self.end(x)

    def drawn(self, begun: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
        """What to add (n, 3, h, w), for the same."""
        return F.pixel_shuffle(self.maps(begun, said), HALF)


class Painter(Redrawing):
    """What is to be added to blurred pictures, so that they show whom numbers say."""

    def __init__(self) -> None:
        super().__init__(LOOK, beside=3, fine=FINE, coarse=COARSE, told=96, last=(1, 2))

    def forward(
        self, pictures: torch.Tensor, looks: torch.Tensor, where: torch.Tensor
    ) -> torch.Tensor:
        """What to add (n, 3, h, w), for looks (n, LOOK) and mouths at (n, 3), px."""
        seen = around(where, *pictures.shape[2:]).to(pictures)
        both = torch.cat([F.pixel_unshuffle(pictures, HALF), seen], 1)
        return self.drawn(self.begin(both), looks)


def settled(looks: torch.Tensor, either: Sequence[tuple[int, float, float]]) -> torch.Tensor:
    """Looks (n, LOOK) in which numbers that can only be one or the other are.

    `either` is (number, the one value, the other), such as for glasses, which are worn or not: half
    of a pair, or less than none, is nothing that anybody who draws by it has seen.
    """
    out = looks.clone()
    for number, low, high in either:
        more = looks[..., number] > (low + high) / 2
        out[..., number] = torch.where(more, high, low)
    return out


def alike(noise: Sequence[torch.Tensor], count: int) -> list[torch.Tensor]:
    """Noise (b, n, channels) of a clip's modalities, the last `count` channels drawn but once.

    What all tokens say alike has one noise; were it many, their mean would give it away.
    """
    first = next((x[:, :1, -count:] for x in noise if x.shape[1]), None) if count else None
    if first is None:
        return list(noise)
    return [torch.cat([x[..., :-count], first.expand(-1, x.shape[1], -1)], -1) for x in noise]


def cooled(noise: torch.Tensor, temperature: float, alike: int) -> torch.Tensor:
    """Picture tokens' noise (..., channels) of less strength; but the last `alike` keep all of it.

    Less noise than a model was told of makes it say what is right on average, and nobody wears half
    a pair of glasses.
    """
    if not alike:
        return temperature * noise
    return torch.cat([temperature * noise[..., :-alike], noise[..., -alike:]], -1)


class Looks(nn.Module):
    """The networks together, with one for faces and one for edits if there are such."""

    def __init__(self, face: nn.Module | None = None, retoucher: nn.Module | None = None) -> None:
        super().__init__()
        self.reader, self.painter = LookReader(), Painter()
        self.face, self.retoucher = face, retoucher

    def read(self, pictures: torch.Tensor) -> torch.Tensor:
        """What is seen in pictures (b, t, h, w, 3) in [-1, 1] on average: (b, LOOK)."""
        x = pictures.flatten(0, 1).permute(0, 3, 1, 2).contiguous()
        return self.reader(x).view(*pictures.shape[:2], LOOK).mean(1)

    def over(
        self, pictures: torch.Tensor, looks: torch.Tensor, shapes: torch.Tensor,
        where: torch.Tensor,
    ) -> torch.Tensor:  # fmt: skip
        """Blurred pictures (n, 3, h, w) with people painted, and the face drawn if that is known.

        What is painted has no broad tint: a painter that is told of a skin makes it look as it
        mostly does, but the pictures know what light is there.

        looks, shapes : (n, LOOK) and (n, MOUTH), of whom and of the mouth
        where : mouths (n, 3), px
        """
        added = OVERPAINTED * self.painter(pictures, looks, where)
        x = pictures + added - tint(added)
        return x if self.face is None else x + self.face.added(x, looks, shapes, where)
