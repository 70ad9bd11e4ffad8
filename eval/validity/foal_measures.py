"""What is measured of one clip, as plain numbers, and of many together."""

from __future__ import annotations

import numpy as np

from eval.validity.foal_material import RATE, Wish, judged_stills
from hhlab import readout
from hhlab.actors.script import ATTRIBUTES
from hhlab.readout.decoding import word_errors
from hhlab.readout.reading import Picture, Sound
from hhlab.readout.signals import spectra_of

BLOCK_PX = 16
SAME_MOTION_PX = 2.0  # how far, as a root mean square, a mouth's path may be off
SAME_SOUND = 0.85  # correlation of spectra
SHOWN = (0, 6, 12, 18, 24)  # pictures of a clip whose features are kept


def measure(wish: Wish, frames: np.ndarray, samples: np.ndarray, gallery: np.ndarray) -> dict:
    """Everything the table needs of a clip: frames uint8 (t, s, s, 3), samples float32 (k,).

    `gallery` holds embeddings float32 (n, 64) of other actors.
    """
    seen, heard = readout.watch(frames), readout.listen(samples, sample_rate=RATE)
    target = wish.unit.scripts[wish.target]
    found = seen.attributes.values | heard.attributes.values
    sync = readout.compare(seen.mouth, heard.mouth)
    said, meant = heard.words.words, target.words
    out = {
        "key": wish.key, "named": list(wish.named),
        "right": {name: found.get(name) == getattr(target, name) for name in ATTRIBUTES},
        "word_errors": word_errors(said, meant), "words": len(meant),
        "offset_ms": sync.offset_ms, "drift_ms_per_s": sync.drift_ms_per_s,
        "opening": sync.opening, "identity_drift": identity_drift(seen.embeddings),
        "blockiness": blockiness(frames),
        "features": np.round(seen.features[list(SHOWN)].astype(float), 3).tolist(),
    }  # fmt: skip
    if wish.mode == "first frame":
        out["psnr_db"] = psnr(frames[0], wish.unit.frames[0, 0])
    if "reference" in wish.mode:
        out |= _who(seen, wish, gallery)
    if wish.mode == "edit":
        out |= _edited(wish, seen, heard, found, samples)
    return out


def _who(seen: Picture, wish: Wish, gallery: np.ndarray) -> dict:
    own = readout.embed_identity(judged_stills(wish.unit.scripts[0]))
    mean = seen.embeddings.mean(0)
    mean = mean / np.linalg.norm(mean)
    return {"own": float(mean @ own), "nearest": bool(mean @ own > (gallery @ mean).max())}


def _edited(wish: Wish, seen: Picture, heard: Sound, found: dict, samples: np.ndarray) -> dict:
    before, after = wish.unit.scripts
    old, new = before.attributes(), after.attributes()
    now = found | {"words": heard.words.sentence}
    changed = [name for name in new if new[name] != old[name]]
    spoken = {"words", "voice"} & set(changed)
    # what a perfect edit would look like, as the same instrument sees it
    path = readout.watch(wish.unit.frames[1]).mouth.place_px[:, :2]
    off = np.sqrt(np.square(seen.mouth.place_px[:, :2] - path).sum(1).mean())
    same = float(
        np.corrcoef(spectra_of(samples).ravel(), spectra_of(wish.unit.samples[0]).ravel())[0, 1]
    ) if len(samples) == wish.unit.samples.shape[1] else 0.0  # fmt: skip
    return {
        "changed": {name: now.get(name) == new[name] for name in changed},
        "kept": {name: now.get(name) == old[name] for name in ATTRIBUTES if name not in changed},
        "motion_px": float(off), "motion_kept": bool(off <= SAME_MOTION_PX),
        "sound": same, "sound_kept": None if spoken else bool(
            same >= SAME_SOUND and heard.words.words == before.words),
    }  # fmt: skip


def identity_drift(embeddings: np.ndarray) -> float:
    """Cosine distance between who is seen in the first and the last third of the pictures."""
    third = max(1, len(embeddings) // 3)
    a, b = embeddings[:third].mean(0), embeddings[-third:].mean(0)
    return float(1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def blockiness(frames: np.ndarray) -> float:
    """How steep the picture is across the borders of blocks, against everywhere else.

    Mean absolute difference between neighbours that lie in different blocks, over that of all other
    neighbours; 1 where borders cannot be told.
    """
    luma = frames.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    at, inside = [], []
    for axis in (1, 2):
        step = np.abs(np.diff(luma, axis=axis)).mean(axis=(0, 3 - axis))
        border = np.arange(1, luma.shape[axis]) % BLOCK_PX == 0
        at.append(step[border].mean())
        inside.append(step[~border].mean())
    return float(sum(at) / max(sum(inside), 1e-6))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal to noise ratio of two uint8 pictures, dB."""
    error = np.square(a.astype(np.float64) - b).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-6)))


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of two sets of features (n, k), as Gaussians (Heusel et al. 2017, eq. 6)."""
    mean = a.mean(0) - b.mean(0)
    one, two = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    both = np.sqrt(np.linalg.eigvalsh(root @ two @ root).clip(0)).sum()
    return float(mean @ mean + np.trace(one) + np.trace(two) - 2 * both)


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927)."""
    if not count:
        return float("nan"), float("nan")
    share, grow = hits / count, z * z / count
    middle = (share + grow / 2) / (1 + grow)
    half = z * np.sqrt(share * (1 - share) / count + grow / (4 * count)) / (1 + grow)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))
