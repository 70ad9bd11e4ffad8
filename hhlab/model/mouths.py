"""How a mouth is held, as numbers of their own beside a picture's components, and drawn from them.

A linear code spends hundreds of numbers on a mouth that is a few pixels wide and may lie anywhere
in its block, and gives them up first. Four numbers say it to one who sees the rest of the face: how
far it is open, how wide, how rounded, where the jaw is. So the codec has small convolutional
networks that find the mouth, read these numbers, and draw mouths by them into the blurred picture
that the components make (a renderer led by parameters, as in Thies, Zollhoefer and Niessner 2019,
"Deferred neural rendering", section 5; the mouth is cut out and put back as in Jaderberg et al.
2015, "Spatial transformer networks", section 3). A model then says how a mouth is held, as the
sound has it, and need not find the pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from hhlab.model.config import MOUTH

if TYPE_CHECKING:
    from hhlab.model.looks import Looks

SHAPES = MOUTH  # opening, width, rounding, jaw; each with mean 0 and deviation about 1
CROP_PX, CROP_SHARE = 32, 1.6  # side of a mouth's crop, in pixels and in widths of the mouth's box
CELL_PX = 4  # of the map on which a mouth is sought
USUAL_PX = 20.0  # a mouth's width
NEAR = 0.5  # of a block's side: from how far around a mouth its tokens are heard, as a deviation
HALF = 2  # pictures are cleared up at half of their sides, with four times the channels
OVERDRAWN = 1.4  # how mouths are drawn, times what is said: what is drawn is a guess, and too small
SEEN, DRAWN = 32, 40  # channels of the networks


def conv(channels: int, out: int, *, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A convolution of 3 by 3, with fresh weights."""
    layer = nn.Conv2d(channels, out, 3, stride=stride, padding=dilation, dilation=dilation)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer


def even(channels: int, out: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """The same, made even over a batch, and bent."""
    layer = conv(channels, out, stride=stride, dilation=dilation)
    return nn.Sequential(layer, nn.BatchNorm2d(out), nn.SiLU())


class Finder(nn.Module):
    """Finds the mouth."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(
            even(3, SEEN, stride=2), even(SEEN, SEEN, stride=2),
            *(even(SEEN, SEEN, dilation=by) for by in (1, 2, 4, 2)),
        )  # fmt: skip
        self.chance, self.wide = nn.Conv2d(SEEN, 1, 1), nn.Conv2d(SEEN, 1, 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Where mouths (n, 3) are in pictures (n, 3, h, w): their middle's x and y, width; px."""
        x = self.look(pictures)
        chance = self.chance(x).float().flatten(2).softmax(-1).view(len(x), *x.shape[2:])
        rows, columns = (
            CELL_PX * torch.arange(k, device=x.device) + CELL_PX / 2 for k in x.shape[2:]
        )
        wide = (self.wide(x)[:, 0].float().clamp(-2, 2) * chance).sum((1, 2)).exp() * USUAL_PX
        # sums and no matrix product, which autocast would make in half precision
        x, y = (chance.sum(1) * columns).sum(1), (chance.sum(2) * rows).sum(1)
        return torch.stack([x, y, wide], 1)


def cut(
    pictures: torch.Tensor, where: torch.Tensor, *, side_px: int = CROP_PX,
    share: float = CROP_SHARE,
) -> torch.Tensor:  # fmt: skip
    """Crops (n, 3, side_px, side_px) around mouths (n, 3) of pictures (n, 3, h, w).

    `share` is how many widths of a mouth's box a crop is wide.
    """
    size = where.new_tensor([pictures.shape[3], pictures.shape[2]])
    part, middle = share * where[:, 2:] / size, 2 * where[:, :2] / size - 1
    return F.grid_sample(
        pictures, _grid(part, middle, side_px, side_px), padding_mode="border", align_corners=False
    )


def put_back(
    crops: torch.Tensor, where: torch.Tensor, h: int, w: int, *, share: float = CROP_SHARE
) -> torch.Tensor:
    """Pictures (n, 3, h, w) of crops where they were cut from, zero elsewhere, edges fading."""
    fade = torch.linspace(0, 8, crops.shape[-1], device=crops.device)
    fade = torch.minimum(fade, fade.flip(0)).clamp(0, 1)
    crops = crops * fade * fade[:, None]
    size = where.new_tensor([w, h])
    part = size / (share * where[:, 2:])
    middle = -(2 * where[:, :2] / size - 1) * part
    return F.grid_sample(crops, _grid(part, middle, h, w), align_corners=False)


def _grid(share: torch.Tensor, middle: torch.Tensor, h: int, w: int) -> torch.Tensor:
    theta = torch.cat([torch.diag_embed(share), middle[:, :, None]], 2)
    return F.affine_grid(theta, [len(theta), 1, h, w], align_corners=False)


def nearness(where: torch.Tensor, places: int, h: int, w: int) -> torch.Tensor:
    """How near square blocks, `places` in a picture, lie to mouths (n, 3): (n, places), sum 1."""
    side = (h * w / places) ** 0.5
    y, x = ((torch.arange(round(size / side), device=where.device) + 0.5) * side for size in (h, w))
    across = (where[:, :1] - x).square()[:, None, :] + (where[:, 1:2] - y).square()[:, :, None]
    return (-0.5 * across / (NEAR * side) ** 2).flatten(1).softmax(1)


def heard(held: torch.Tensor, where: torch.Tensor, h: int, w: int) -> torch.Tensor:
    """How mouths are held (b, t, SHAPES), as tokens (b, rows columns, t SHAPES) say.

    Those that do not agree are heard the more, the nearer they lie to mouths (b, t, 3).
    """
    near = nearness(where.flatten(0, 1), held.shape[1], h, w).unflatten(0, where.shape[:2])
    return torch.einsum("btn,bnts->bts", near, held.unflatten(2, (-1, SHAPES)).float())


class Reader(nn.Module):
    """Reads how mouths are held from crops."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            even(3, SEEN, stride=2), even(SEEN, 2 * SEEN), even(2 * SEEN, 2 * SEEN, stride=2),
            even(2 * SEEN, 2 * SEEN, stride=2), nn.Flatten(),
            nn.Linear(2 * SEEN * (CROP_PX // 8) ** 2, 2 * SEEN), nn.SiLU(),
            nn.Linear(2 * SEEN, SHAPES),
        )  # fmt: skip

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Shapes (n, SHAPES) of crops (n, 3, CROP_PX, CROP_PX)."""
        return self.body(crops)


class Drawer(nn.Module):
    """What is to be added to crops of blurred mouths."""

    def __init__(self, layers: int = 4) -> None:
        super().__init__()
        self.begin = conv(3, SEEN)
        self.inner = nn.ModuleList(conv(SEEN, SEEN, dilation=1 + k % 2) for k in range(layers))
        self.held = nn.Sequential(
            nn.Linear(SHAPES, 2 * SEEN), nn.SiLU(), nn.Linear(2 * SEEN, 2 * SEEN * layers)
        )
        self.end = conv(SEEN, 3)
        nn.init.zeros_(self.end.weight)

    def forward(self, crops: torch.Tensor, shapes: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, CROP_PX, CROP_PX) and (n, SHAPES) to (n, 3, CROP_PX, CROP_PX)."""
        x = F.silu(self.begin(crops))
        held = self.held(shapes).unflatten(1, (len(self.inner), 2, SEEN, 1, 1))
        for number, layer in enumerate(self.inner):
            scale, shift = held[:, number].unbind(1)
            x = x + F.silu(layer(x) * (1 + scale) + shift)
        return self.end(x)


class Clearer(nn.Module):
    """What is to be added to whole blurred pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.begin = conv(3 * HALF**2, DRAWN)
        self.inner = nn.ModuleList(conv(DRAWN, DRAWN, dilation=by) for by in (1, 2, 4, 1))
        self.end = conv(DRAWN, 3 * HALF**2)
        nn.init.zeros_(self.end.weight)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Keep the shape (n, 3, h, w)."""
        x = F.silu(self.begin(F.pixel_unshuffle(pictures, HALF)))
        for layer in self.inner:
            x = x + F.silu(layer(x))
        return F.pixel_shuffle(self.end(x), HALF)


class Mouths(nn.Module):
    """The networks together."""

    def __init__(self, clear: bool = True) -> None:
        super().__init__()
        self.finder, self.reader, self.drawer = Finder(), Reader(), Drawer()
        self.clearer = Clearer() if clear else None  # else a painter does so

    def read(self, pictures: torch.Tensor, places: int) -> torch.Tensor:
        """What each of a group's tokens holds, the same in all: (b, places, t SHAPES).

        `pictures` is float (b, t, h, w, 3) in [-1, 1], t being the pictures of a token.
        """
        x = pictures.flatten(0, 1).permute(0, 3, 1, 2).contiguous()
        shapes = self.reader(cut(x, self.finder(x))).view(len(pictures), 1, -1)
        return shapes.expand(-1, places, -1)

    def around(self, pictures: torch.Tensor) -> torch.Tensor:
        """How far each place of pictures (n, h, w, 3) belongs to a mouth's crop: (n, h, w, 1)."""
        x = pictures.float().permute(0, 3, 1, 2).contiguous()
        whole = x.new_ones(len(x), 1, CROP_PX, CROP_PX)
        return put_back(whole, self.finder(x), *x.shape[2:]).permute(0, 2, 3, 1)

    def draw(
        self, pictures: torch.Tensor, held: torch.Tensor, painting: Looks | None = None,
        looks: torch.Tensor | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """Pictures (b, t, h, w, 3) with mouths as tokens (b, rows columns, t SHAPES) hold them.

        With `looks` (b, LOOK) and their networks, `painting`, who is seen is painted before, and
        the whole face drawn if these can.
        """
        x = pictures.flatten(0, 1).permute(0, 3, 1, 2).contiguous()
        where = self.finder(x)
        shapes = heard(held, where.unflatten(0, pictures.shape[:2]), *x.shape[2:]).flatten(0, 1)
        if looks is not None:
            looks = looks.repeat_interleave(pictures.shape[1], 0)
        x = self.drawn(x, shapes, painting, looks, where=where)
        return x.permute(0, 2, 3, 1).unflatten(0, pictures.shape[:2])

    def drawn(
        self, x: torch.Tensor, shapes: torch.Tensor, painting: Looks | None,
        looks: torch.Tensor | None, *, where: torch.Tensor | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """The same of pictures x (n, 3, h, w), mouths held as (n, SHAPES), and looks (n, LOOK)."""
        where = self.finder(x) if where is None else where
        if painting is not None:
            x = painting.over(x, looks, shapes, where)
        added = self.drawer(cut(x, where), OVERDRAWN * shapes)
        if painting is None:
            x = x + self.clearer(x)
        return x + put_back(added, where, *x.shape[2:])
