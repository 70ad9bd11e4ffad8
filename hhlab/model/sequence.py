"""The one sequence: which tokens it holds, in which role, given clean or as noise, and where.

All that tells text-to-video, image-to-video, reference-to-video, editing and completion apart is
the :class:`Layout` made here; the transformer knows no modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import torch

from hhlab.model.config import MODALITIES

PLACE_WAVES, TIME_WAVES = 6, 6  # of a token's place in the picture, and of its time
PLACE_FEATURES = 2 * PLACE_WAVES + 2 * TIME_WAVES
LONGEST_WAVE_S = 8.0
AXES = ("time_s", "row", "column", "index")
ROLES = ("prompt", "reference", "source", "target")


@dataclass(frozen=True, eq=False)
class Segment:
    """Some tokens of one modality that play one role.

    Attributes
    ----------
    modality, role : of MODALITIES and ROLES
    clean : whether they are given (True) or made from noise (False)
    positions : float32 (n, 4): time in seconds, row, column (in blocks), index (of a word in the
        prompt, or of a reference image)
    """

    modality: str
    role: str
    clean: bool
    positions: np.ndarray

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True, eq=False)
class Layout:
    """A whole sequence. Segments are grouped by modality, in the order of MODALITIES."""

    segments: tuple[Segment, ...]
    _moved: dict = field(default_factory=dict, repr=False)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Tokens of each modality."""
        return tuple(sum(len(s) for s in self.of(name)) for name in MODALITIES)

    def __len__(self) -> int:
        return sum(self.sizes)

    def of(self, modality: str) -> list[Segment]:
        """The segments of one modality, in order."""
        return [segment for segment in self.segments if segment.modality == modality]

    def where(self, modality: str, role: str) -> slice:
        """Where the tokens of a role lie among those of their modality."""
        start = 0
        for segment in self.of(modality):
            if segment.role == role:
                return slice(start, start + len(segment))
            start += len(segment)
        return slice(0, 0)

    def without(self, role: str) -> Layout:
        """The layout without the segments of a role; itself where it has none."""
        if all(segment.role != role for segment in self.segments):
            return self
        key = ("without", role)
        if key not in self._moved:
            self._moved[key] = Layout(tuple(s for s in self.segments if s.role != role))
        return self._moved[key]

    def is_noise(self, modality: str) -> bool:
        """Whether the target of a modality is to be generated."""
        return any(s.role == "target" and not s.clean for s in self.of(modality))

    @cached_property
    def blocks(self) -> tuple[int, int]:
        """Rows and columns of a picture's tokens; (0, 0) where there are no pictures."""
        first = next((s.positions for s in self.segments if s.modality in ("image", "video")
                      and s.role == "target" and len(s)), None)  # fmt: skip
        if first is None:
            return 0, 0
        return int(first[:, 1].max()) + 1, int(first[:, 2].max()) + 1

    def positions(self, modality: str, device: torch.device) -> torch.Tensor:
        """Positions, float32 (n, 4), of a modality's tokens."""
        return self._tensor("positions", modality, device)

    def places(self, modality: str, device: torch.device) -> torch.Tensor:
        """Where and when a modality's tokens lie, as waves: float32 (n, PLACE_FEATURES).

        Row and column count as shares of the picture, so that they mean the same in any size.
        """
        return self._tensor("places", modality, device)

    def roles(self, modality: str, device: torch.device) -> torch.Tensor:
        """Role numbers, int64 (n,), of a modality's tokens."""
        return self._tensor("roles", modality, device)

    def noisy(self, modality: str, device: torch.device) -> torch.Tensor:
        """1.0 where a modality's token starts as noise, else 0.0: float32 (n,)."""
        return self._tensor("noisy", modality, device)

    def _tensor(self, what: str, modality: str, device: torch.device) -> torch.Tensor:
        key = (what, modality, str(device))
        if key not in self._moved:
            self._moved[key] = torch.as_tensor(self._array(what, modality), device=device)
        return self._moved[key]

    def _array(self, what: str, modality: str) -> np.ndarray:
        parts = self.of(modality)
        if what == "positions":
            return np.concatenate([s.positions for s in parts] or [np.zeros((0, 4), np.float32)])
        if what == "places":
            return np.concatenate(
                [_waves(s.positions) for s in parts] or [np.zeros((0, PLACE_FEATURES), np.float32)]
            )
        if what == "roles":
            return np.concatenate(
                [np.full(len(s), ROLES.index(s.role), np.int64) for s in parts]
                or [np.zeros(0, np.int64)]
            )
        return np.concatenate(
            [np.full(len(s), float(not s.clean), np.float32) for s in parts]
            or [np.zeros(0, np.float32)]
        )


@dataclass(frozen=True)
class Grid:
    """The tokens of a clip: one image token a block for the first picture, video tokens after it.

    Attributes
    ----------
    rows, columns : blocks of a picture
    groups : groups of pictures after the first
    group_s, token_s : how long a group of pictures and an audio token last
    audio_tokens : of the whole clip, or of that part of it
    start : None where the first picture stands at the beginning; else this is a part of a clip
        without it, and so many groups come before
    """

    rows: int
    columns: int
    groups: int
    group_s: float
    audio_tokens: int
    token_s: float
    start: int | None = None

    @property
    def start_s(self) -> float:
        """When the part begins in its clip."""
        return (self.start or 0) * self.group_s


def _waves(positions: np.ndarray) -> np.ndarray:
    out = [np.zeros((len(positions), 0))]
    for axis in (1, 2):
        at = positions[:, axis : axis + 1].astype(np.float64)
        share = (at + 0.5) / (at.max(initial=0.0) + 1)
        out.append(np.cos(np.pi * share * np.arange(1, PLACE_WAVES + 1)))
    turns = positions[:, :1] / LONGEST_WAVE_S * 2.0 ** np.arange(TIME_WAVES)
    out += [np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)]
    return np.concatenate(out, 1).astype(np.float32)


def _picture(grid: Grid, times_s: Sequence[float], index: float = 0.0) -> np.ndarray:
    t, y, x = np.meshgrid(times_s, np.arange(grid.rows), np.arange(grid.columns), indexing="ij")
    rows = [t.ravel(), y.ravel(), x.ravel(), np.full(t.size, index)]
    return np.stack(rows, -1).astype(np.float32)


@lru_cache(maxsize=64)
def make_layout(
    grid: Grid,
    *,
    text_tokens: int,
    references: int = 0,
    source: bool = False,
    source_sound: bool = True,
    first_frame: bool = False,
    picture_given: bool = False,
    sound_given: bool = False,
) -> Layout:
    """Lay out a sequence.

    Parameters
    ----------
    grid : the clip that is to be made
    text_tokens : length of the prompt, with its padding
    references : how many images of the subject are shown
    source, source_sound : whether a clip to be edited is given, and whether with its sound
    first_frame : whether the first picture is given
    picture_given, sound_given : whether all of the picture or the sound is given, and only the
        other is to be made
    """
    frame_s = grid.group_s  # the middle of a group lies half a group after its start
    middles = [grid.start_s + (k + 0.5) * frame_s for k in range(grid.groups)]
    first, rest = _picture(grid, [0.0] if grid.start is None else []), _picture(grid, middles)
    sound = np.zeros((grid.audio_tokens, 4), np.float32)
    sound[:, 0] = grid.start_s + (np.arange(grid.audio_tokens) + 0.5) * grid.token_s
    words = np.zeros((text_tokens, 4), np.float32)
    words[:, 3] = np.arange(text_tokens)
    text = [Segment("text", "prompt", True, words)]
    shown = [
        _picture(grid, [0.0], index=float(number + 1)) for number in range(references)
    ]  # a reference stands outside the clip's time; its index sets it apart
    image = [Segment("image", "reference", True, np.concatenate(shown))] if references else []
    video, audio = [], []
    if source:
        image.append(Segment("image", "source", True, first))
        video.append(Segment("video", "source", True, rest))
        if source_sound and len(sound):
            audio.append(Segment("audio", "source", True, sound))
    image.append(Segment("image", "target", first_frame or picture_given, first))
    if grid.groups:
        video.append(Segment("video", "target", picture_given, rest))
    if grid.audio_tokens:
        audio.append(Segment("audio", "target", sound_given, sound))
    return Layout((*text, *image, *video, *audio))
