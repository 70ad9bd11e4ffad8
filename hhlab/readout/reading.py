"""Read a clip of the small world: what it shows, what is said, who it is, how the lips move."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from hhlab.actors.script import ATTRIBUTES
from hhlab.actors.vocabulary import VOCABULARY
from hhlab.errors import BadArgument, BadArray
from hhlab.metrics.lip_sync.articulation_sound import to_rate
from hhlab.readout import nets
from hhlab.readout.decoding import collapse
from hhlab.readout.load import load
from hhlab.readout.signals import SAMPLE_RATE, fields_of, spectra_of

FPS = 12.5  # of the clips the networks know
STEP_S = 0.02  # of what is heard
LONGEST_S = 60.0


@dataclass(frozen=True)
class Attributes:
    """The values of named attributes, as in :data:`hhlab.actors.script.ATTRIBUTES`.

    Attributes
    ----------
    values : by name
    confidence : by name, the probability of that value, in [0, 1]
    """

    values: dict[str, str]
    confidence: dict[str, float]

    def __getitem__(self, name: str) -> str:
        return self.values[name]


@dataclass(frozen=True)
class Words:
    """What is said: words of the vocabulary, in order, and the least probability of any of them."""

    words: tuple[str, ...]
    confidence: float

    @property
    def sentence(self) -> str:
        """The words, one space between them."""
        return " ".join(self.words)


@dataclass(frozen=True)
class Mouth:
    """How a mouth moves, seen or asked for by the sound; t moments.

    Attributes
    ----------
    times_s : float64 (t,)
    shapes : float32 (t, 4), opening, width, rounding, jaw, each in [0, 1]
    aperture_px : float32 (t,), between the inner edges of the lips, in a picture of 96 px; nan
        where it is heard
    place_px : float32 (t, 3), the mouth's middle x and y and the width of its box; nan where heard
    """

    times_s: np.ndarray
    shapes: np.ndarray
    aperture_px: np.ndarray
    place_px: np.ndarray


@dataclass(frozen=True)
class Picture:
    """Everything the eyes tell of a clip of t pictures.

    Attributes
    ----------
    attributes : all that can be seen; without "light" and "move" of fewer than 3 pictures
    embeddings : float32 (t, 64) of unit length, who each picture shows
    features : float32 (t, 160), from which all of it is read
    mouth : how it moves
    """

    attributes: Attributes
    embeddings: np.ndarray
    features: np.ndarray
    mouth: Mouth


@dataclass(frozen=True)
class Sound:
    """Everything the ear tells: attribute "voice", the words, and the mouth that belongs to it."""

    attributes: Attributes
    words: Words
    mouth: Mouth


def read_attributes(
    frames: np.ndarray, samples: np.ndarray | None = None, *, sample_rate: int | None = None
) -> Attributes:
    """Tell what a clip shows and, given its sound, whether the voice is deep or high.

    Parameters
    ----------
    frames : uint8 (t, h, w, 3), 12.5 a second; other sizes than 96 x 96 are brought to it
    samples, sample_rate : float (k,) in [-1, 1], and how many a second

    Raises
    ------
    BadArray, BadArgument : arrays of another kind, a sample rate that is missing
    """
    seen = watch(frames).attributes
    if samples is None:
        return seen
    if sample_rate is None:
        raise BadArgument("sample_rate", expected="to be given with samples", found="None")
    heard = listen(samples, sample_rate=sample_rate).attributes
    return Attributes(seen.values | heard.values, seen.confidence | heard.confidence)


def recognise(samples: np.ndarray, *, sample_rate: int) -> Words:
    """Tell which words of the vocabulary are said in samples float (k,); none in silence."""
    return listen(samples, sample_rate=sample_rate).words


def embed_identity(frames: np.ndarray) -> np.ndarray:
    """Tell who is seen in pictures uint8 (t, h, w, 3): float32 (64,) of unit length.

    The cosine between two of them is about 1 for one actor, and about 0 for two that differ.
    """
    mean = watch(frames).embeddings.mean(0)
    return mean / max(float(np.linalg.norm(mean)), 1e-9)


@torch.inference_mode()
def watch(frames: np.ndarray, *, weights: Path | None = None) -> Picture:
    """Read the pictures of one clip: see :func:`read_attributes` for what they must be."""
    frames = fit(frames)
    net = load(weights)
    x = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1
    looks = net.look(x.contiguous(memory_format=torch.channels_last))
    chances = {
        name: logits.log_softmax(-1).mean(0).softmax(-1) for name, logits in looks.logits.items()
    }
    if len(frames) > 2:
        chances["light"] = net.look.lights(looks.features[_thirds(len(frames))]).softmax(-1).mean(0)
        chances["move"] = net.move(torch.from_numpy(fields_of(frames))[None])[0].softmax(-1)
    found = net.mouth(nets.cut_mouths(x, looks.mouth)).numpy()
    place = looks.mouth.numpy()
    mouth = Mouth(
        np.arange(len(frames)) / FPS, found[:, :4],
        found[:, 4] * nets.CROP_SHARE * place[:, 2], place,
    )  # fmt: skip
    return Picture(
        _attributes(chances), looks.embedding.numpy(), looks.features.float().numpy(), mouth
    )


@torch.inference_mode()
def listen(samples: np.ndarray, *, sample_rate: int, weights: Path | None = None) -> Sound:
    """Read a sound float (k,) in [-1, 1]."""
    samples = _sound(samples, sample_rate)
    spectra = torch.from_numpy(spectra_of(samples))
    spectra = spectra[: len(spectra) // 2 * 2]
    heard = load(weights).hear(spectra[None])
    silent = not np.abs(samples).max(initial=0.0) > 1e-4
    chances = heard.words[0].exp().numpy()
    said = () if silent else collapse(chances)
    best = chances[:, 1:].max(0)
    words = Words(
        tuple(VOCABULARY[symbol - 1] for symbol in said),
        min((float(best[symbol - 1]) for symbol in said), default=0.0),
    )
    shapes = heard.mouth[0].numpy()
    nothing = np.full(len(shapes), np.nan, np.float32)
    mouth = Mouth(
        (np.arange(len(shapes)) + 0.5) * STEP_S, shapes, nothing,
        np.full((len(shapes), 3), np.nan, np.float32),
    )  # fmt: skip
    voice = {} if silent else {"voice": heard.voice[0].softmax(-1)}
    return Sound(_attributes(voice), words, mouth)


def _attributes(chances: dict[str, torch.Tensor]) -> Attributes:
    best = {name: int(chance.argmax()) for name, chance in chances.items()}
    order: Iterable[str] = [name for name in ATTRIBUTES if name in chances]
    return Attributes(
        {name: ATTRIBUTES[name][best[name]] for name in order},
        {name: float(chances[name][best[name]]) for name in order},
    )


def _thirds(count: int) -> torch.Tensor:
    """Numbers of a picture near the start, one in the middle, one near the end; three times."""
    last, middle = count - 1, (count - 1) // 2
    near = min(1, last // 4)
    rows = [[k, min(last, middle - 1 + k), last - 2 * near + k] for k in (0, near, 2 * near)]
    return torch.tensor(rows).clamp(0, last)


def fit(frames: np.ndarray) -> np.ndarray:
    """Check pictures, and bring them to 96 x 96."""
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise BadArray(
            "frames", expected="uint8 (t, h, w, 3)", found=f"{frames.dtype} {frames.shape}"
        )
    if not len(frames) or min(frames.shape[1:3]) < 16 or len(frames) > LONGEST_S * FPS:
        raise BadArray(
            "frames", expected="1 to 750 pictures of at least 16 px a side", found=str(frames.shape)
        )
    size = nets.SIZE_PX
    if frames.shape[1:3] != (size, size):
        how = cv2.INTER_AREA if min(frames.shape[1:3]) > size else cv2.INTER_CUBIC
        frames = np.stack([cv2.resize(frame, (size, size), interpolation=how) for frame in frames])
    return np.ascontiguousarray(frames)


def _sound(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    samples = np.asarray(samples)
    if samples.ndim != 1 or samples.dtype.kind != "f" or not np.isfinite(samples).all():
        raise BadArray(
            "samples", expected="finite float (k,)", found=f"{samples.dtype} {samples.shape}"
        )
    if not 4000 <= sample_rate <= 192_000:
        raise BadArgument("sample_rate", expected="4000 to 192000", found=str(sample_rate))
    if not 0.2 <= len(samples) / sample_rate <= LONGEST_S:
        raise BadArray(
            "samples", expected="0.2 to 60 s", found=f"{len(samples) / sample_rate:.3f} s"
        )
    samples = samples.astype(np.float32)
    return samples if sample_rate == SAMPLE_RATE else to_rate(samples, sample_rate)
