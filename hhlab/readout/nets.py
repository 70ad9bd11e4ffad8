"""The read-out's four small networks, as plain torch modules.

They tell from a clip what a script put into it. All see what a viewer sees and hears, one picture
of 96 pixels (:class:`LookNet`, :class:`MouthNet`), the field of movement between pictures
(:class:`MoveNet`), or the sound (:class:`HearNet`); none sees the model's own numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from hhlab.actors.script import ATTRIBUTES
from hhlab.actors.vocabulary import VOCABULARY
from hhlab.metrics.lip_sync.articulation_sound import BANDS

SIZE_PX = 96
CROP_PX = 32
CROP_SHARE = 1.6  # side of the mouth's crop, in widths of its box
FEATURES, EMBEDDING = 160, 64
SHAPES = ("opening", "width", "rounding", "jaw")
IN_ONE_PICTURE = (
    "person", "age", "skin", "hair", "hair_colour", "glasses", "beard", "garment", "dye", "place",
)  # fmt: skip
CELLS, FIELDS = 36, 3  # of the field of movement: a grid of 6 x 6; right, down, how sure
MOVES, LIGHTS, VOICES = ATTRIBUTES["move"], ATTRIBUTES["light"], ATTRIBUTES["voice"]


def _layer(into: int, out: int, *, taps: int = 3, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(into, out, taps, stride=stride, padding=taps // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out))


class Residual(nn.Module):
    """Two convolutions that change what is there."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _layer(width, width), _layer(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keep the shape (n, width, h, w)."""
        return F.relu(x + self.second(F.relu(self.first(x))))


@dataclass
class Looks:
    """What one picture shows; n pictures.

    Attributes
    ----------
    features : (n, FEATURES), what all else is read from
    logits : by attribute of IN_ONE_PICTURE, (n, values)
    embedding : (n, EMBEDDING) of unit length; who it is
    mouth : (n, 3), the mouth's middle x and y and the width of its box, px
    """

    features: torch.Tensor
    logits: dict[str, torch.Tensor]
    embedding: torch.Tensor
    mouth: torch.Tensor


class LookNet(nn.Module):
    """One picture (n, 3, 96, 96) in [-1, 1] to :class:`Looks`."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            _layer(3, 24, taps=5, stride=2), nn.ReLU(), _layer(24, 48, stride=2), nn.ReLU(),
            Residual(48),
        )  # fmt: skip
        self.middle = nn.Sequential(_layer(48, 96, stride=2), nn.ReLU(), Residual(96))
        self.coarse = nn.Sequential(_layer(96, 128, stride=2), nn.ReLU(), Residual(128))
        self.narrow = nn.Sequential(nn.Conv2d(128, 48, 1), nn.ReLU())
        self.gather = nn.Linear(48 * 36, FEATURES)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(FEATURES, len(ATTRIBUTES[name])) for name in IN_ONE_PICTURE}
        )
        self.light = nn.Sequential(
            nn.Linear(3 * FEATURES, 96), nn.ReLU(), nn.Linear(96, len(LIGHTS))
        )
        self.who = nn.Linear(FEATURES, EMBEDDING)
        self.near, self.far = nn.Conv2d(48, 32, 1), nn.Conv2d(96, 32, 1)
        self.mouth_map = nn.Conv2d(32, 1, 3, padding=1)
        self.mouth_width = nn.Linear(FEATURES, 1)

    def forward(self, pictures: torch.Tensor) -> Looks:
        """Read n pictures."""
        fine = self.fine(pictures)
        middle = self.middle(fine)
        features = F.relu(self.gather(self.narrow(self.coarse(middle)).flatten(1)))
        spread = F.interpolate(self.far(middle), scale_factor=2, mode="nearest")
        chance = self.mouth_map(F.relu(self.near(fine) + spread)).float().flatten(1).softmax(-1)
        chance = chance.reshape(-1, SIZE_PX // 4, SIZE_PX // 4)
        at = torch.arange(SIZE_PX // 4, device=chance.device) * 4.0 + 1.5
        x, y = chance.sum(1) @ at, chance.sum(2) @ at
        wide = torch.exp(self.mouth_width(features).float()[:, 0].clamp(-2, 2)) * 18.0
        return Looks(
            features, {name: head(features) for name, head in self.heads.items()},
            F.normalize(self.who(features).float(), dim=-1), torch.stack([x, y, wide], 1),
        )  # fmt: skip

    def lights(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (n, lights) from features (n, 3, FEATURES) of three pictures in order."""
        return self.light(features.flatten(1))


def cut_mouths(pictures: torch.Tensor, mouth: torch.Tensor) -> torch.Tensor:
    """Crops (n, 3, CROP_PX, CROP_PX) round mouths (n, 3: x, y, width in px) of pictures."""
    half = CROP_SHARE * mouth[:, 2] / SIZE_PX  # of the crop's side, in units of the grid
    zero = torch.zeros_like(half)
    middle = (mouth[:, :2] + 0.5) / (SIZE_PX / 2) - 1
    theta = torch.stack(
        [torch.stack([half, zero, middle[:, 0]], 1), torch.stack([zero, half, middle[:, 1]], 1)], 1
    )
    grid = F.affine_grid(theta, [len(pictures), 3, CROP_PX, CROP_PX], align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


class MouthNet(nn.Module):
    """A crop of a mouth to its shapes (SHAPES, in [0, 1]) and its aperture, in crop sides."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _layer(3, 24, stride=2), nn.ReLU(), _layer(24, 48), nn.ReLU(),
            _layer(48, 64, stride=2), nn.ReLU(), _layer(64, 64, stride=2), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * 16, 64), nn.ReLU(), nn.Linear(64, len(SHAPES) + 1),
        )  # fmt: skip

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, CROP_PX, CROP_PX) to (n, 5)."""
        out = self.body(crops).float()
        return torch.cat([torch.sigmoid(out[:, :-1]), 0.2 * F.softplus(out[:, -1:])], 1)


class MoveNet(nn.Module):
    """Fields of movement (n, t, CELLS * FIELDS) to logits (n, moves)."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.into = nn.Conv1d(CELLS * FIELDS, width, 1)
        self.over = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1) for _ in range(2))
        self.out = nn.Sequential(nn.Linear(2 * width, 64), nn.ReLU(), nn.Linear(64, len(MOVES)))
        self.drop = nn.Dropout(0.2)

    def forward(self, fields: torch.Tensor) -> torch.Tensor:
        """Logits."""
        x = F.relu(self.into(fields.transpose(1, 2)))
        for conv in self.over:
            x = x + F.relu(conv(self.drop(x)))
        # a steady move shows in the mean, a shaking one in how much it changes
        return self.out(self.drop(torch.cat([x.mean(-1), x.std(-1)], 1)))


@dataclass
class Heard:
    """What a sound holds; m steps of 20 ms.

    Attributes
    ----------
    words : log probabilities (n, m, 1 + words), the blank first
    voice : logits (n, voices)
    mouth : (n, m, 4), the SHAPES that the sound asks for, in [0, 1]
    """

    words: torch.Tensor
    voice: torch.Tensor
    mouth: torch.Tensor


class HearNet(nn.Module):
    """Log-mel spectra (n, 2 m, BANDS) a hundred times a second to :class:`Heard`."""

    DILATIONS = (1, 2, 4, 8)

    def __init__(self, width: int = 112) -> None:
        super().__init__()
        self.into = nn.Conv1d(BANDS, width, 6, stride=2, padding=2)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(1 + len(self.DILATIONS)))
        self.over = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * d, dilation=d) for d in self.DILATIONS
        )
        self.words = nn.Linear(width, 1 + len(VOCABULARY))
        self.mouth = nn.Linear(width, len(SHAPES))
        self.voice = nn.Linear(2 * width, len(VOICES))
        self.drop = nn.Dropout(0.1)

    def forward(self, spectra: torch.Tensor) -> Heard:
        """Listen to n sounds."""
        x = F.relu(self.norms[0](self.into(spectra.transpose(1, 2))))
        for conv, norm in zip(self.over, self.norms[1:], strict=True):
            x = x + F.relu(norm(conv(self.drop(x))))
        steps = x.transpose(1, 2)
        pooled = torch.cat([x.mean(-1), x.amax(-1)], 1)
        return Heard(
            self.words(steps).float().log_softmax(-1), self.voice(pooled).float(),
            torch.sigmoid(self.mouth(steps).float()),
        )  # fmt: skip


class Readout(nn.Module):
    """All four together, as they are stored."""

    def __init__(self) -> None:
        super().__init__()
        self.look, self.mouth, self.move, self.hear = LookNet(), MouthNet(), MoveNet(), HearNet()
