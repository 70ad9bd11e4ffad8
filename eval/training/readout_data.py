"""What the read-out learns from: rendered shards and synthetic speech, cut down to what is needed.

Clip A of a unit is shown as it was rendered, clip B as the model's codec gives it back, so that a
network learns to look past what the codec does. Everything is kept in a folder and made only once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from hhlab.actors.dataset import read_shard
from hhlab.actors.script import ATTRIBUTES, Script, split_of
from hhlab.actors.take import SAMPLE_RATE, still_of, utter
from hhlab.actors.visemes import mouth_at
from hhlab.actors.vocabulary import VOCABULARY
from hhlab.model.lapped import LappedCodec
from hhlab.model.mel import MelCodec
from hhlab.readout.nets import IN_ONE_PICTURE, cut_mouths
from hhlab.readout.signals import fields_of, spectra_of

KEPT = (0, 1, 2, 11, 12, 13, 22, 23, 24)  # pictures of a clip: three from its start, middle, end
CUT = 10  # mouths cut out of a clip
STEP_S = 0.02
SECONDS = 2.0  # of a clip


@dataclass
class Seen:
    """Pictures of n units; side 0 is as rendered, 1 as the codec gives it back.

    Attributes
    ----------
    frames : uint8 (n, 2, 9, s, s, 3)
    stills : uint8 (n, 4, s, s, 3), the last two through the codec
    mouths : float32 (n, 2, 9, 3), middle and width of the mouth's box, px
    fields : float16 (n, 2, t - 1, k), of movement
    crops, shapes : uint8 (m, 32, 32, 3) of mouths, float32 (m, 5) of their truth
    looks : int64 (n, 6, 10), values of IN_ONE_PICTURE of A, B and the stills
    light, move : int64 (n, 2) and (n,)
    """

    frames: np.ndarray
    stills: np.ndarray
    mouths: np.ndarray
    fields: np.ndarray
    crops: np.ndarray
    shapes: np.ndarray
    looks: np.ndarray
    light: np.ndarray
    move: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def join(cls, parts: Sequence[Seen]) -> Seen:
        """All units of some parts."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def to_torch(frames: np.ndarray) -> torch.Tensor:
    """uint8 (..., h, w, 3) to float32 (n, 3, h, w) in [-1, 1]."""
    x = torch.from_numpy(np.ascontiguousarray(frames).reshape(-1, *frames.shape[-3:]))
    return x.permute(0, 3, 1, 2).float() / 127.5 - 1


def to_uint8(x: torch.Tensor) -> np.ndarray:
    """Float in [-1, 1] to uint8."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()


@torch.inference_mode()
def through_codec(frames: np.ndarray, codec: LappedCodec) -> np.ndarray:
    """Clips uint8 (n, t, s, s, 3) as the codec gives them back; t = 1 for pictures."""
    rows, out = frames.shape[2] // codec.config.block_px, []
    for clip in frames:
        x = torch.from_numpy(clip[None]).float() / 127.5 - 1
        image = codec.encode_image(x[:, 0])
        video = codec.encode_video(x[:, 1:]) if len(clip) > 1 else image[:, :0]
        out.append(to_uint8(codec.decode(image, video, rows, rows)[0]))
    return np.stack(out)


def numbers(script: Script, names: Sequence[str] = IN_ONE_PICTURE) -> list[int]:
    """A script's values as numbers."""
    return [ATTRIBUTES[name].index(getattr(script, name)) for name in names]


def _seen(path: Path, codec: LappedCodec, rng: np.random.Generator) -> Seen:
    shard = read_shard(path)
    n, t = shard.video_a.shape[:2]
    clips = [shard.video_a, through_codec(shard.video_b, codec)]
    stills = shard.references.copy()
    stills[:, 2:] = through_codec(
        stills[:, 2:].reshape(-1, 1, *stills.shape[2:]), codec
    ).reshape(stills[:, 2:].shape)  # fmt: skip
    box = shard.mouth_box
    mouth = np.stack(
        [(box[..., 0] + box[..., 2]) / 2, (box[..., 1] + box[..., 3]) / 2,
         box[..., 2] - box[..., 0]], -1,
    )  # fmt: skip
    crops, shapes = [], []
    for side, clip in enumerate(clips):
        for unit in range(n):
            pick = rng.choice(t, CUT, replace=False)
            at = mouth[unit, side, pick].copy()
            at[:, 2] *= np.exp(rng.uniform(-0.12, 0.12, CUT))
            at[:, :2] += rng.uniform(-0.1, 0.1, (CUT, 2)) * at[:, 2:]
            crops.append(cut_mouths(to_torch(clip[unit, pick]), torch.from_numpy(at)))
            gap = shard.aperture_px[unit, side, pick] / (1.6 * at[:, 2])
            shapes.append(np.concatenate([shard.mouth[unit, side, pick], gap[:, None]], 1))
    scripts = [shard.scripts(unit) for unit in range(n)]
    looks = [
        [numbers(a), numbers(b), *(numbers(still_of(a, k).script) for k in range(4))]
        for a, b in scripts
    ]
    return Seen(
        np.stack([clip[:, KEPT] for clip in clips], 1), stills,
        mouth[:, :, KEPT].astype(np.float32),
        np.array([[fields_of(clip[u]) for clip in clips] for u in range(n)], np.float16),
        to_uint8(torch.cat(crops).permute(0, 2, 3, 1)), np.concatenate(shapes).astype(np.float32),
        np.array(looks), np.array([[numbers(s, ["light"])[0] for s in pair] for pair in scripts]),
        np.array([numbers(a, ["move"])[0] for a, _ in scripts]),
    )  # fmt: skip


def prepare_seen(
    shards: Sequence[Path], cache: Path, codec: LappedCodec, say: Callable[[str], None]
) -> list[Path]:
    """Cut down every shard that is not yet in the cache; return the files, in order."""
    cache.mkdir(parents=True, exist_ok=True)
    out = []
    for path in shards:
        file = cache / f"{path.parent.name}-{path.stem}.npz"
        if not file.exists():
            seen = _seen(path, codec, np.random.default_rng(int(path.stem)))
            part = file.with_name(f".{file.name}")
            np.savez(part.open("wb"), **vars(seen))
            part.rename(file)
            say(f"cut down {path.parent.name} {path.stem}")
        out.append(file)
    return out


def load_seen(files: Sequence[Path]) -> Seen:
    """Read some cut-down shards."""
    return Seen.join([Seen(**np.load(file)) for file in files])


# --- sound ---------------------------------------------------------------------------------------
@dataclass
class Spoken:
    """Utterances; n of them, twice 100 spectra a second.

    Attributes
    ----------
    spectra : float16 (n, 2, k, bands), as spoken and as the sound codec gives it back
    mouth : float16 (n, k / 2, 4), the shapes of the mouth every 20 ms
    words : int64 (n, 5), numbers in the vocabulary from 1, then zeros
    voice : int64 (n,)
    """

    spectra: np.ndarray
    mouth: np.ndarray
    words: np.ndarray
    voice: np.ndarray


def speak_script(script: Script, lead_s: float) -> tuple[np.ndarray, np.ndarray]:
    """The sound of a script's clip float32 (k,), and the mouth's shapes every 20 ms (m, 4)."""
    speech = utter(script.sentence, **script.speaking())
    total = round(SECONDS * SAMPLE_RATE)
    samples = np.zeros(total, np.float32)
    first = round(lead_s * SAMPLE_RATE)
    heard = speech.samples[: total - first]
    samples[first : first + len(heard)] = heard
    # a step stands for what lies round its middle
    times = (np.arange(round(SECONDS / STEP_S)) + 0.5) * STEP_S
    return samples, mouth_at(speech.phonemes, times - lead_s)[:, :4]


@torch.inference_mode()
def prepare_spoken(
    count: int, seed: int, split: str, codec: MelCodec, cache: Path, say: Callable[[str], None]
) -> Spoken:
    """Speak `count` sentences of a split, in all voices, each also as the codec gives it back."""
    file = cache / f"spoken-{split}-{seed}-{count}.npz"
    if file.exists():
        return Spoken(**np.load(file))
    rng = np.random.default_rng([seed, split == "test", 0x5AD])
    spectra, mouths, words, voices = [], [], [], []
    while len(words) < count:
        batch = []
        while len(batch) < 32:
            script = Script.sample(int(rng.integers(2**48)))
            if split_of(script) == split:
                batch.append(script)
        made = [speak_script(script, float(rng.uniform(0.08, 0.28))) for script in batch]
        sounds = torch.from_numpy(np.stack([samples for samples, _ in made]))
        back = codec.decode(codec.encode(sounds), seed=len(words)).numpy()
        for script, (samples, mouth), again in zip(batch, made, back, strict=True):
            spectra.append([spectra_of(samples), spectra_of(again)])
            mouths.append(mouth)
            said = [1 + VOCABULARY.index(word) for word in script.words]
            words.append(said + [0] * (5 - len(said)))
            voices.append(numbers(script, ["voice"])[0])
        if len(words) % 1600 == 0:
            say(f"spoke {len(words)} of {count}")
    spoken = Spoken(
        np.array(spectra, np.float16)[:, :, :200], np.array(mouths, np.float16),
        np.array(words), np.array(voices),
    )  # fmt: skip
    cache.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        np.savez(stream, **vars(spoken))
    return spoken
