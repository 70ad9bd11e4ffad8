"""What the mouth does while it speaks: phoneme times in, lip and jaw trajectories out.

Each speech sound has articulatory targets (how far the lips open, how wide they spread, how much
they round, how far the jaw drops) and, per channel, a *dominance*: how strongly it insists on its
target. A trajectory is the dominance-weighted mean of all targets (M. M. Cohen and D. W. Massaro,
"Modeling coarticulation in synthetic visual speech", 1993, equations 1 to 4):

    F(t) = sum_s D_s(t) T_s / sum_s D_s(t),      D_s(t) = alpha_s exp(-theta tau_s(t))

where tau is the time to the sound's core (0 inside it). theta is smaller *before* the core than
after it, most of all for rounding, because speakers prepare a sound: **lips lead the voice**. The
lead is thus part of the movement, not a delay: the moments that the ear and the eye can both
place, the closing and the release of /p b m/, fall on the same instant in both. A picture rendered
from these trajectories and shown at the times given is in sync: its offset is 0 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hhlab.actors.voice import BILABIALS, PAUSE, Phoneme, Speech
from hhlab.errors import BadArgument

CHANNELS = ("opening", "width", "rounding", "jaw")
# Decay of dominance per second, before and after a sound's core, in the order of CHANNELS.
THETA_BEFORE = np.array([18.0, 14.0, 9.0, 14.0])
THETA_AFTER = np.array([22.0, 20.0, 18.0, 18.0])
CLOSING_S, OPENING_S = 0.045, 0.035  # how long lips take to meet, and to part after the release
STRESS_GAIN = (0.8, 0.9, 1.0)  # unstressed vowels are reduced

# symbol: opening, width, rounding, jaw | dominance of each. 0.5 is the width of lips at rest.
REST = (0.04, 0.50, 0.05, 0.05, 0.9, 0.7, 0.7, 0.7)
TARGETS: dict[str, tuple[float, ...]] = {
    PAUSE: REST,
    # bilabial and labiodental
    "p": (0.00, 0.48, 0.08, 0.15, 2.5, 0.3, 0.2, 0.5),
    "b": (0.00, 0.48, 0.08, 0.18, 2.5, 0.3, 0.2, 0.5),
    "m": (0.00, 0.50, 0.06, 0.18, 2.5, 0.3, 0.2, 0.5),
    "f": (0.10, 0.52, 0.05, 0.12, 4.0, 0.6, 0.4, 1.0),
    "v": (0.10, 0.52, 0.05, 0.15, 4.0, 0.6, 0.4, 1.0),
    # rounded consonants
    "w": (0.14, 0.10, 0.95, 0.15, 3.0, 3.0, 3.0, 0.8),
    "ʍ": (0.14, 0.10, 0.95, 0.15, 3.0, 3.0, 3.0, 0.8),
    "ɹ": (0.25, 0.32, 0.50, 0.22, 1.2, 1.2, 1.2, 0.7),
    "ʃ": (0.28, 0.28, 0.65, 0.10, 2.0, 1.6, 1.8, 2.0),
    "ʒ": (0.28, 0.28, 0.65, 0.10, 2.0, 1.6, 1.8, 2.0),
    # tongue sounds, whose lips follow their neighbours
    "θ": (0.22, 0.52, 0.05, 0.20, 1.0, 0.5, 0.5, 0.8),
    "ð": (0.22, 0.52, 0.05, 0.20, 1.0, 0.5, 0.5, 0.8),
    "s": (0.18, 0.66, 0.03, 0.05, 1.6, 0.9, 0.7, 2.2),
    "z": (0.18, 0.66, 0.03, 0.05, 1.6, 0.9, 0.7, 2.2),
    "t": (0.22, 0.55, 0.05, 0.12, 0.9, 0.4, 0.3, 1.0),
    "d": (0.24, 0.55, 0.05, 0.15, 0.9, 0.4, 0.3, 1.0),
    "ɾ": (0.28, 0.55, 0.05, 0.22, 0.5, 0.3, 0.2, 0.5),
    "n": (0.24, 0.55, 0.05, 0.18, 0.7, 0.3, 0.3, 0.7),
    "l": (0.32, 0.52, 0.05, 0.28, 0.7, 0.4, 0.3, 0.6),
    "r": (0.28, 0.50, 0.10, 0.25, 0.6, 0.4, 0.3, 0.6),
    "k": (0.30, 0.52, 0.05, 0.28, 0.4, 0.2, 0.2, 0.4),
    "ɡ": (0.30, 0.52, 0.05, 0.28, 0.4, 0.2, 0.2, 0.4),
    "ŋ": (0.30, 0.52, 0.05, 0.28, 0.4, 0.2, 0.2, 0.4),
    "x": (0.30, 0.50, 0.05, 0.25, 0.4, 0.2, 0.2, 0.4),
    "h": (0.35, 0.50, 0.05, 0.30, 0.2, 0.1, 0.1, 0.2),
    "ʔ": (0.30, 0.50, 0.05, 0.25, 0.1, 0.1, 0.1, 0.1),
    "j": (0.22, 0.78, 0.03, 0.18, 1.0, 1.2, 0.8, 0.8),
    # vowels
    "i": (0.26, 0.90, 0.00, 0.18, 1.0, 1.3, 1.0, 0.9),
    "ɪ": (0.36, 0.72, 0.02, 0.30, 1.0, 0.9, 0.8, 0.9),
    "e": (0.46, 0.76, 0.00, 0.42, 1.0, 1.0, 0.9, 1.0),
    "ɛ": (0.56, 0.70, 0.00, 0.52, 1.0, 0.9, 0.9, 1.0),
    "æ": (0.80, 0.72, 0.00, 0.80, 1.1, 0.9, 0.9, 1.1),
    "a": (0.88, 0.60, 0.02, 0.90, 1.2, 0.8, 0.9, 1.2),
    "ɑ": (0.92, 0.50, 0.06, 1.00, 1.2, 0.8, 0.9, 1.2),
    "ɒ": (0.74, 0.34, 0.35, 0.85, 1.1, 1.0, 1.1, 1.1),
    "ɔ": (0.62, 0.24, 0.62, 0.70, 1.1, 1.2, 1.3, 1.1),
    "o": (0.46, 0.18, 0.78, 0.48, 1.1, 1.3, 1.4, 1.0),
    "ʊ": (0.32, 0.24, 0.68, 0.30, 1.0, 1.1, 1.2, 0.9),
    "u": (0.20, 0.08, 0.95, 0.18, 1.1, 1.5, 1.6, 0.9),
    "ʉ": (0.22, 0.20, 0.80, 0.18, 1.1, 1.3, 1.4, 0.9),
    "ʌ": (0.60, 0.52, 0.03, 0.60, 1.0, 0.7, 0.7, 1.0),
    "ɐ": (0.56, 0.52, 0.03, 0.55, 0.8, 0.5, 0.5, 0.8),
    "ə": (0.40, 0.50, 0.06, 0.36, 0.6, 0.4, 0.4, 0.6),
    "ɚ": (0.36, 0.40, 0.32, 0.32, 0.9, 0.8, 0.9, 0.8),
    "ɜ": (0.42, 0.40, 0.30, 0.38, 1.0, 0.9, 0.9, 0.9),
    "y": (0.22, 0.20, 0.90, 0.18, 1.1, 1.3, 1.4, 0.9),
    "ø": (0.42, 0.26, 0.75, 0.40, 1.1, 1.2, 1.3, 0.9),
    "œ": (0.52, 0.32, 0.62, 0.52, 1.1, 1.1, 1.2, 0.9),
}
ALIASES = {
    "g": "ɡ", "ɫ": "l", "ʎ": "l", "ɲ": "n", "β": "b", "ʋ": "v", "ɣ": "x", "ʁ": "x", "ç": "j",
    "ɕ": "ʃ", "ʂ": "ʃ", "ʐ": "ʒ", "ᵻ": "ɪ", "ɨ": "ɪ", "ɝ": "ɜ", "ɘ": "ə", "ʏ": "y",
}  # fmt: skip
VOWELS = frozenset("iɪeɛæaɑɒɔoʊuʉʌɐəɚɜyøœ")


@dataclass(frozen=True)
class MouthTrack:
    """Mouth shape over time: each channel ``float32 (n,)`` in [0, 1], at `times_s` float64 (n,).

    Attributes
    ----------
    opening : gap between the lips; 0 shut, 1 as wide as in a loud "ah"
    width : distance of the mouth's corners; 0 pursed, 0.5 at rest, 1 spread as in "ee"
    rounding : protrusion; 0 none, 1 as in "oo"
    jaw : 0 teeth together, 1 dropped
    closure : how firmly both lips are pressed together; 1 within /p b m/
    speaking : 1 while a sound other than a pause is being made
    """

    times_s: np.ndarray
    opening: np.ndarray
    width: np.ndarray
    rounding: np.ndarray
    jaw: np.ndarray
    closure: np.ndarray
    speaking: np.ndarray

    def __len__(self) -> int:
        return len(self.times_s)


def mouth_track(
    speech: Speech, *, fps: float, start_s: float = 0.0, duration_s: float | None = None
) -> MouthTrack:
    """Mouth shapes at the times ``k / fps`` of the pictures of a clip.

    Parameters
    ----------
    fps : pictures a second
    start_s : when the speech starts on the clip's clock (the mouth rests before and after it)
    duration_s : length of the clip; up to the end of the speech if not given
    """
    if not fps > 0:
        raise BadArgument("fps", expected="a positive number", found=str(fps))
    end_s = start_s + speech.duration_s if duration_s is None else duration_s
    times_s = np.arange(max(1, round(end_s * fps))) / fps
    shapes = mouth_at(speech.phonemes, times_s - start_s)
    return MouthTrack(times_s, *shapes.T.copy())


def mouth_at(phonemes: Sequence[Phoneme], times_s: np.ndarray) -> np.ndarray:
    """Evaluate the mouth at any times of the utterance's clock.

    Returns
    -------
    float32 (n, 6) in [0, 1]: opening, width, rounding, jaw, closure, speaking
    """
    times_s = np.asarray(times_s, dtype=np.float64)
    cores = articulate(phonemes)
    total = np.zeros((len(times_s), len(CHANNELS)))
    weight = np.full_like(total, 1e-12)
    for (
        start_s,
        end_s,
        target,
    ) in cores:  # a sound reaches about half a second; far ones are skipped
        near = slice(*np.searchsorted(times_s, (start_s - 1.2, end_s + 0.8)))
        before = np.maximum(start_s - times_s[near], 0)[:, None]
        after = np.maximum(times_s[near] - end_s, 0)[:, None]
        dominance = target[4:] * np.exp(-THETA_BEFORE * before - THETA_AFTER * after)
        total[near] += dominance * target[:4]
        weight[near] += dominance
    shapes = total / weight
    closure = np.zeros(len(times_s))
    speaking = np.zeros(len(times_s))
    for phoneme in phonemes:
        if phoneme.symbol != PAUSE:
            speaking[(times_s >= phoneme.start_s) & (times_s < phoneme.end_s)] = 1
        if phoneme.symbol in BILABIALS:
            open_s = phoneme.release_s if np.isfinite(phoneme.release_s) else phoneme.end_s
            closing = np.clip((times_s - phoneme.start_s) / CLOSING_S + 1, 0, 1)
            opening = np.clip((open_s - times_s) / OPENING_S + 1, 0, 1)
            closure = np.maximum(closure, smooth_step(closing) * smooth_step(opening))
    shapes[:, 0] *= 1 - closure
    return np.clip(np.column_stack([shapes, closure, speaking]), 0, 1).astype(np.float32)


def articulate(phonemes: Sequence[Phoneme]) -> list[tuple[float, float, np.ndarray]]:
    """Break phonemes into cores: (start_s, end_s, targets and dominances ``float64 (8,)``).

    A diphthong has two cores, one after the other. Rest precedes and follows the utterance.
    """
    rest = np.array(REST)
    if not phonemes:
        return [(-np.inf, np.inf, rest)]
    cores = [(-np.inf, phonemes[0].start_s - CLOSING_S, rest)]
    for phoneme in phonemes:
        parts = [ALIASES.get(letter, letter) for letter in phoneme.symbol]
        parts = [part for part in parts if part in TARGETS] or ["ə"]
        if parts[0] in "td" and len(parts) == 2:
            parts = parts[1:]  # the lips of an affricate are those of its second half
        edges = np.linspace(phoneme.start_s, phoneme.end_s, len(parts) + 1)
        for part, start_s, end_s in zip(parts, edges[:-1], edges[1:], strict=True):
            target = np.array(TARGETS[part])
            if part in VOWELS:
                target[[0, 3]] *= STRESS_GAIN[phoneme.stress]
            if part in BILABIALS and np.isfinite(phoneme.release_s):
                end_s = phoneme.release_s
            inset = 0.25 * (end_s - start_s)
            if part == PAUSE:  # the mouth is still closing, and opens in good time for what comes
                inset = min(inset, 0.08)
            cores.append((start_s + inset, end_s - inset, target))
    cores.append((phonemes[-1].end_s + OPENING_S, np.inf, rest))
    return cores


def smooth_step(x: np.ndarray) -> np.ndarray:
    """Rise from 0 to 1 over [0, 1] with no jump in speed at either end."""
    return x * x * (3 - 2 * x)
