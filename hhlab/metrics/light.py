"""Light: from where it comes, how warm, how strong and how hard it is, and how it changes.

A few times a second the shading of each face says from where light falls on it
(:mod:`hhlab.metrics.light_shading`), and eye whites, skin and picture how warm and strong it is
(:mod:`hhlab.metrics.light_cues`). Without a face only the last of these is there: direction is then
undetermined, and warmth and level are told only where they are extreme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hhlab.metrics.light_asked import asked_light
from hhlab.metrics.light_cues import LEVEL, Cues, picture_cues, warmth_mired, weigh, with_face
from hhlab.metrics.light_name import (
    light_agrees,
    name_change,
    name_direction,
    name_level,
    name_softness,
    name_warmth,
)
from hhlab.metrics.light_shading import shading, triangles
from hhlab.types import Face, Frame, Measure, Score, Series, Status, undetermined

METRIC, VERSION = "light", "1"
LOOK_S = 0.2
FEWEST_LOOKS = 3
BALANCE_ERROR = (0.25, 0.10)
"""Standard error of the balance between faces in the same light: stops, and share of the value."""
NO_FACE = "no face was seen well enough to read its shading"


@dataclass(frozen=True)
class LightFound:
    """The light of a clip.

    Attributes
    ----------
    balance_stops, upper_stops, contrast_stops : see
        :class:`~hhlab.metrics.light_shading.Shading`; medians over the clip, nan without a face
    warmth_mired : + warmer, - cooler than the display's white
    level_stops : above (+) or below (-) a well-exposed picture
    errors : standard errors of balance, warmth and level
    level_change_stops, warmth_change_mired : from the first fifth of the clip to the last
    found : by kind of :data:`hhlab.metrics.light_asked.VALUES`, the word; None is not clear
    times_s : float64 (n,);  series : by name, float64 (n,)
    """

    status: Status
    reason: str
    balance_stops: float
    upper_stops: float
    contrast_stops: float
    warmth_mired: float
    level_stops: float
    errors: tuple[float, float, float]
    level_change_stops: float
    warmth_change_mired: float
    found: Mapping[str, str | None]
    times_s: np.ndarray
    series: Mapping[str, np.ndarray]
    subject: str = ""
    parameters: dict[str, object] = field(default_factory=dict)

    def to_score(self, prompt: str = "") -> Score:
        """The finding as a :class:`~hhlab.types.Score`.

        `prompt` is what was asked of the clip; where it asks for light, the score says what of it
        is there.
        """
        asked = asked_light(prompt)
        parameters = {**self.parameters, "found": dict(self.found),
                      "asked": [[one.about, one.value] for one in asked]}  # fmt: skip
        if self.status != "ok":
            return undetermined(METRIC, VERSION, self.reason, parameters=parameters,
                                subject=self.subject)  # fmt: skip
        balance, warmth, level = self.errors
        measures = [
            _measure("warmth", self.warmth_mired, warmth, "mired", "+ warmer, - cooler"),
            _measure("level", self.level_stops, level, "stops", "above a well-exposed picture"),
            _measure("balance", self.balance_stops, balance, "stops",
                     "+ light from the right, - from the left", NO_FACE),
            _measure("upper", self.upper_stops, np.nan, "stops", "light from above", NO_FACE),
            _measure("contrast", self.contrast_stops, np.nan, "stops",
                     "between the lit and the shaded side of the face", NO_FACE),
            _measure("level_change", self.level_change_stops, np.nan, "stops",
                     "from beginning to end", "too few looks"),
            _measure("warmth_change", self.warmth_change_mired, np.nan, "mired",
                     "from beginning to end", "too few looks"),
        ]  # fmt: skip
        words = [value for value in self.found.values() if value]
        sentence = f"Light: {', '.join(words)}." if words else "Light: nothing of it is clear."
        answers = [light_agrees(self.found, one.about, one.value) for one in asked]
        known = [answer for answer in answers if answer is not None]
        if asked:
            share = float(np.mean(known)) if known else float("nan")
            label = "share of what was asked of the light that is there"
            measures.insert(0, _measure("as_asked", share, np.nan, "", label,
                                        "what was asked of the light is not clear",
                                        direction="higher"))  # fmt: skip
            sentence = f"{sentence[:-1]}; asked was {_said(asked, answers)}."
        units = {"balance": "stops", "level": "stops", "warmth": "mired"}
        series = tuple(Series(name, units[name], "none", self.times_s, values)
                       for name, values in self.series.items())  # fmt: skip
        return Score(METRIC, VERSION, "ok", sentence, measures=tuple(measures), series=series,
                     parameters=parameters, subject=self.subject)  # fmt: skip


@dataclass(frozen=True)
class _Seen:
    time_s: float
    cues: Cues
    shape: tuple[float, float, float] = (np.nan,) * 3  # balance, upper, contrast; stops


class LightObserver:
    """Streaming light; keeps a few numbers of each face and look."""

    def __init__(self) -> None:
        self._next_s = -np.inf
        self._bits: np.ndarray | None = None
        self._by_face: dict[int, list[_Seen]] = {}
        self._bare: list[_Seen] = []

    def see(self, frame: Frame, faces: Sequence[Face] = ()) -> None:
        """Take in the next frame, and the faces in it."""
        if frame.time_s < self._next_s - 1e-6:
            return
        self._next_s = frame.time_s + LOOK_S
        picture = picture_cues(frame.rgb)
        self._bare.append(_Seen(frame.time_s, picture))
        for face in faces:
            mesh = face.landmarks_px
            if mesh is None or not np.isfinite(mesh).all():
                continue
            mesh = mesh.astype(np.float64)
            if self._bits is None:
                self._bits = triangles(mesh)
            found = shading(frame.rgb, mesh, self._bits)
            if found is not None:
                shape = found.balance_stops, found.upper_stops, found.contrast_stops
                all_cues = with_face(picture, frame.rgb, mesh, found)
                rows = self._by_face.setdefault(face.track_id, [])
                rows.append(_Seen(frame.time_s, all_cues, shape))

    @property
    def most_seen(self) -> int | None:
        """Number of the face that was seen well most often, None without any."""
        return max(self._by_face, key=lambda one: len(self._by_face[one]), default=None)

    def result(self, *, track_id: int | None = None, subject: str = "") -> LightFound:
        """Return what was found so far, of a face; None is the one seen well most often.

        Where that face was hardly seen, what the pictures say without it.
        """
        rows = self._by_face.get(self.most_seen if track_id is None else track_id, [])
        if len(rows) < FEWEST_LOOKS:
            rows = self._bare
            subject = "whole frame"
        return summed(rows, subject)


def summed(rows: Sequence[_Seen], subject: str = "") -> LightFound:
    """Sum up looks at one face, or at pictures without one."""
    nan = float("nan")
    if len(rows) < FEWEST_LOOKS:
        reason = f"{len(rows)} looks are too few"
        return LightFound("undetermined", reason, nan, nan, nan, nan, nan, (nan, nan, nan), nan,
                          nan, {}, np.empty(0), {}, subject, {"look_s": LOOK_S})  # fmt: skip
    times = np.array([row.time_s for row in rows])
    balance, upper, contrast = np.array([row.shape for row in rows]).T
    warm_cues, level_cues = (_filled(np.array([getattr(row.cues, name) for row in rows]))
                             for name in ("warmth", "level"))  # fmt: skip
    warmth = np.array([warmth_mired(seen)[0] for seen in warm_cues])
    level = np.array([weigh(seen, LEVEL)[0] for seen in level_cues])
    middle, doubt = warmth_mired(np.median(warm_cues, axis=0))
    strength, level_doubt = weigh(np.median(level_cues, axis=0), LEVEL)
    side, rise, hardness = (float(np.median(x)) for x in (balance, upper, contrast))
    side_doubt = float(np.hypot(BALANCE_ERROR[0], BALANCE_ERROR[1] * side))
    found = {
        "direction": name_direction(side, side_doubt, rise),
        "warmth": name_warmth(middle, doubt),
        "level": name_level(strength, level_doubt),
        "softness": name_softness(hardness),
        "change": name_change(level, balance, warmth),
    }
    part = max(1, len(rows) // 5)
    gains = [float(np.median(v[-part:]) - np.median(v[:part])) for v in (level, warmth)]
    return LightFound(
        "ok", "", side, rise, hardness, middle, strength, (side_doubt, doubt, level_doubt), *gains,
        found, times, {"balance": balance, "level": level, "warmth": warmth}, subject,
        {"look_s": LOOK_S},
    )  # fmt: skip


def _filled(seen: np.ndarray) -> np.ndarray:
    """Cues (n, 3) over time; each is used throughout or, where it is there too seldom, not at all.

    One that comes and goes (an eye that blinks) would make the light seem to change.
    """
    out = seen.copy()
    for column in out.T:
        known = np.isfinite(column)
        if known.mean() < 0.5:
            column[:] = np.nan
        elif not known.all():
            column[~known] = np.interp(np.flatnonzero(~known), np.flatnonzero(known), column[known])
    return out


def _measure(
    name: str, value: float, error: float, unit: str, label: str, reason: str = "",
    direction: str = "none",
) -> Measure:  # fmt: skip
    if not np.isfinite(value):
        return Measure(name, float("nan"), unit, direction, status="undetermined", label=label,
                       reason=reason or "too dark or too bright")  # fmt: skip
    return Measure(name, value, unit, direction, value - 1.96 * error, value + 1.96 * error,
                   label=label)  # fmt: skip


def _said(asked, answers) -> str:
    said = {True: "there", False: "not there", None: "not clear"}
    return "; ".join(f"{one.about} {one.value}: {said[answer]}"
                     for one, answer in zip(asked, answers, strict=True))  # fmt: skip
