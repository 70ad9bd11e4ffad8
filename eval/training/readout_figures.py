"""How often the read-out is right, on clips it was not trained on, as rendered and as coded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from eval.training.readout_data import through_codec
from hhlab.actors.dataset import read_shard
from hhlab.actors.script import ATTRIBUTES
from hhlab.model.lapped import LappedCodec
from hhlab.model.mel import MelCodec
from hhlab.readout.decoding import word_errors
from hhlab.readout.reading import listen, watch
from hhlab.readout.sync import compare

GALLERY = 100


def figures(
    shards: Sequence[Path], picture: LappedCodec, sound: MelCodec, *, weights: Path,
    say: Callable[[str], None],
) -> dict[str, float]:  # fmt: skip
    """Shares that are right and mean errors, by name; each "render" and "codec".

    "identity" is the share of clips that are nearer to four stills of their own actor, taken
    together, than to those of any of 99 others.
    """
    right: dict[str, list[float]] = {}
    clips: dict[str, list[np.ndarray]] = {"render": [], "codec": []}
    stills: list[np.ndarray] = []
    for path in shards:
        shard = read_shard(path)
        for unit in range(len(shard)):
            pair = shard.scripts(unit)
            four = watch(shard.references[unit], weights=weights).embeddings.mean(0)
            stills.append(four / np.linalg.norm(four))
            sides = ((shard.video_a, shard.audio_a), (shard.video_b, shard.audio_b))
            for side, (frames, samples) in enumerate(sides):
                script, clip = pair[side], frames[unit]
                heard = torch.from_numpy(samples[unit].astype(np.float32) / 32768)
                for name in ("render", "codec"):
                    if name == "codec":
                        clip = through_codec(clip[None], picture)[0]
                        heard = sound.decode(sound.encode(heard[None]), seed=unit)[0]
                    seen = watch(clip, weights=weights)
                    ear = listen(heard.numpy(), sample_rate=16_000, weights=weights)
                    found = seen.attributes.values | ear.attributes.values
                    for attribute in ATTRIBUTES:
                        right.setdefault(f"{attribute}, {name}", []).append(
                            found[attribute] == getattr(script, attribute)
                        )
                    right.setdefault(f"words, {name}", []).append(
                        1 - word_errors(ear.words.words, script.words) / len(script.words)
                    )
                    gap = seen.mouth.aperture_px - shard.aperture_px[unit, side]
                    follow = np.corrcoef(seen.mouth.aperture_px, shard.aperture_px[unit, side])
                    sync = compare(seen.mouth, ear.mouth)
                    for what, value in (
                        ("aperture error px", np.abs(gap).mean()),
                        ("aperture correlation", follow[0, 1]),
                        ("sync offset within 80 ms", abs(sync.offset_ms) <= 80),
                        ("sync offset ms", sync.offset_ms),
                        ("sync opening correlation", sync.opening),
                    ):
                        right.setdefault(f"{what}, {name}", []).append(value)
                    if side == 0:
                        mean = seen.embeddings.mean(0)
                        clips[name].append(mean / np.linalg.norm(mean))
        say(f"looked at {path.parent.name} {path.stem}")
    out = {name: float(np.nanmean(values)) for name, values in right.items()}
    for name, found in clips.items():
        out[f"identity among {GALLERY}, {name}"] = identified(np.array(found), np.array(stills))
    return out


def identified(clips: np.ndarray, stills: np.ndarray) -> float:
    """Share of clips (n, k) whose own still (n, k) is the nearest of a hundred, in 20 draws."""
    rng, near = np.random.default_rng(0), clips @ stills.T
    many = min(GALLERY, len(clips))
    hits = []
    for _ in range(20):
        rows = rng.choice(len(clips), many, replace=False)
        hits.append((near[np.ix_(rows, rows)].argmax(1) == np.arange(many)).mean())
    return float(np.mean(hits))
