"""Continuity: is it the same character in several clips, by face, clothes and voice?

Each clip gives one :class:`Sighting`. Every pair of clips is compared, aspect by aspect, and a
distance becomes the probability that both show the same, given that either was as likely before
looking. Faces: the cosine distance of mean embeddings, as identity is judged
(:mod:`hhlab.metrics.identity_calibration`). Voices: likewise (:mod:`hhlab.metrics.voice`). Clothes:
:mod:`hhlab.metrics.continuity_clothes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from hhlab.metrics.continuity_clothes import CLOTHES, clothes_distance
from hhlab.metrics.continuity_odds import Tipping
from hhlab.metrics.identity_calibration import CALIBRATIONS

if TYPE_CHECKING:
    import pandas as pd

ASPECTS = ("face", "clothes", "voice")
SAME = 0.5
_DRAWS = 400


# Cosine distance of voices; see eval/validity/continuity.py for what it was fitted on.
VOICE = Tipping(30.0, 0.34)


@dataclass(frozen=True)
class Sighting:
    """What one clip shows of a character; None where it does not, and `why` says why not.

    Attributes
    ----------
    face : float32 (d,) of unit length, mean embedding by `encoder`
    clothes : what :func:`hhlab.metrics.continuity_clothes.clothes_of` gives
    voice : float32 (256,) of unit length
    """

    name: str
    face: np.ndarray | None = None
    clothes: np.ndarray | None = None
    voice: np.ndarray | None = None
    encoder: str = "sface"
    why: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Aspect:
    """One aspect of n clips.

    Attributes
    ----------
    distance, same : float64 (n, n), between each two clips, and the probability that they show the
        same; nan on the diagonal and where a clip does not show it
    why : clip's name -> why it does not show it
    """

    name: str
    clips: tuple[str, ...]
    distance: np.ndarray
    same: np.ndarray
    why: dict[str, str]

    @property
    def overall(self) -> float:
        """Mean probability over all pairs of clips that show it; nan where no two do."""
        known = self.same[np.triu_indices(len(self.clips), 1)]
        return float(np.nanmean(known)) if np.isfinite(known).any() else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of `overall`, bootstrap over clips; nan for fewer than four."""
        seen = np.flatnonzero(np.isfinite(self.same).any(axis=1))
        if len(seen) < 4:
            return float("nan"), float("nan")
        rng = np.random.default_rng(0)
        means = []
        for _ in range(_DRAWS):
            drawn = rng.choice(seen, len(seen))
            pairs = self.same[np.ix_(drawn, drawn)]
            if np.isfinite(pairs).any():  # a clip drawn twice is no pair with itself
                means.append(np.nanmean(pairs))
        low, high = np.percentile(means, [2.5, 97.5])
        return float(low), float(high)

    @property
    def per_clip(self) -> np.ndarray:
        """Mean probability of each clip with the others, float64 (n,)."""
        known = np.isfinite(self.same)
        total = np.where(known, self.same, 0).sum(axis=1)
        return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)

    @property
    def odd_ones(self) -> tuple[str, ...]:
        """Clips that differ from the rest, which agree among themselves; () where nobody does.

        The rest are those that agree with the clip that agrees best with all; they must be more
        than half of the clips that show it, and at least two, else nobody can say who is odd.
        """
        seen = np.flatnonzero(np.isfinite(self.same).any(axis=1))
        if len(seen) < 3:
            return ()
        inner = self.same[np.ix_(seen, seen)]
        middle = int(np.nanargmax(np.nanmean(inner, axis=1)))
        agrees = np.nan_to_num(inner[middle], nan=1.0) >= SAME
        if agrees.sum() * 2 <= len(seen) or agrees.all():
            return ()
        return tuple(self.clips[k] for k in seen[~agrees])


@dataclass(frozen=True)
class Continuity:
    """How alike a character is in several clips.

    Attributes
    ----------
    clips : names, in the order given
    face, clothes, voice : see :class:`Aspect`
    """

    clips: tuple[str, ...]
    face: Aspect
    clothes: Aspect
    voice: Aspect

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        return self.face, self.clothes, self.voice

    @property
    def odd_one_out(self) -> str | None:
        """The one clip that differs from the rest in most aspects; None where there is no one."""
        counts: dict[str, int] = {}
        for aspect in self.aspects:
            for name in aspect.odd_ones:
                counts[name] = counts.get(name, 0) + 1
        most = max(counts.values(), default=0)
        leading = [name for name, count in counts.items() if count == most]
        return leading[0] if len(leading) == 1 else None

    def to_frame(self) -> pd.DataFrame:
        """One row per clip and aspect, and one per aspect over all ("all clips")."""
        import pandas as pd

        rows = []
        for aspect in self.aspects:
            low, high = aspect.interval
            rows.append({
                "aspect": aspect.name, "clip": "all clips", "same": aspect.overall, "low": low,
                "high": high, "odd": bool(aspect.odd_ones),
                "reason": "" if np.isfinite(aspect.overall) else _nothing(aspect),
            })  # fmt: skip
            for name, same in zip(aspect.clips, aspect.per_clip, strict=True):
                rows.append({
                    "aspect": aspect.name, "clip": name, "same": same, "low": np.nan,
                    "high": np.nan, "odd": name in aspect.odd_ones,
                    "reason": aspect.why.get(name, ""),
                })  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def sentence(self) -> str:
        """The finding in words."""
        parts = []
        for aspect in self.aspects:
            if not np.isfinite(aspect.overall):
                parts.append(f"{aspect.name}: {_nothing(aspect)}")
            elif aspect.odd_ones:
                parts.append(f"{aspect.name}: {', '.join(aspect.odd_ones)} unlike the rest")
            elif aspect.overall >= SAME:
                parts.append(f"{aspect.name}: the same (probability {aspect.overall:.2f})")
            else:
                parts.append(f"{aspect.name}: not the same (probability {aspect.overall:.2f})")
        return "; ".join(parts)

    def _repr_html_(self) -> str:
        from html import escape

        table = self.to_frame().to_html(index=False, float_format="{:.3f}".format, na_rep="–")
        return f"<p>{escape(self.sentence)}</p>{table}"  # to_html escapes names itself


def compare_sightings(sightings: Sequence[Sighting]) -> Continuity:
    """Compare every two of n clips, aspect by aspect. Names should differ."""
    names = tuple(sighting.name for sighting in sightings)
    aspects = {name: _aspect(name, names, sightings) for name in ASPECTS}
    return Continuity(names, **aspects)


def _aspect(name: str, names: tuple[str, ...], sightings: Sequence[Sighting]) -> Aspect:
    distance = np.full((len(names), len(names)), np.nan)
    for i, j in combinations(range(len(names)), 2):
        one, other = getattr(sightings[i], name), getattr(sightings[j], name)
        if one is not None and other is not None:
            distance[i, j] = distance[j, i] = _DISTANCES[name](one, other)
    if name == "face":
        calibration = CALIBRATIONS.get(sightings[0].encoder, CALIBRATIONS["sface"])
        same = Tipping(calibration.log_odds_slope, calibration.log_odds_zero).probability(distance)
    else:
        same = {"clothes": CLOTHES, "voice": VOICE}[name].probability(distance)
    why = {s.name: s.why.get(name, "not seen") for s in sightings if getattr(s, name) is None}
    return Aspect(name, names, distance, same, why)


def _cosine_distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(1 - one @ other)


_DISTANCES = {"face": _cosine_distance, "voice": _cosine_distance, "clothes": clothes_distance}


def _nothing(aspect: Aspect) -> str:
    reasons = list(dict.fromkeys(aspect.why.values()))
    return f"undetermined ({reasons[0] if reasons else 'fewer than two clips'})"
