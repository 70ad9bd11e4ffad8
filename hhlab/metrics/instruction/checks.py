"""The instruments: each answers the clauses that it can see, and no others.

An instrument is a function of a clause that returns a :class:`Finding`, or None for clauses that
are not its business. Those here read what other metrics found, the colours of regions, the length
of the clip and its cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hhlab.metrics.camera_asked import camera_agrees
from hhlab.metrics.instruction.clause import Clause
from hhlab.metrics.instruction.colours import HAIR, NAMES, belonging
from hhlab.metrics.instruction.result import Answer, Finding, settled
from hhlab.metrics.light_name import light_agrees
from hhlab.metrics.speech.words import compare, normalised
from hhlab.types import Score

Instrument = Callable[[Clause], Finding | None]
LENGTH_SHARE, LENGTH_S = 0.1, 0.25
"""A clip may be so much longer or shorter than asked, whichever is more."""
WORDS_RIGHT, WORDS_WRONG = 0.75, 0.5
SPEAKS_S = 0.3
COLOUR_YES, COLOUR_NO = 0.5, 0.1
"""Of a region's belonging to the colour asked: from the first on it has it, below the second not;
between, and where light or pattern leave no colour the upper hand, it is undetermined."""
LIGHT_DECIDES = {
    "black": ("blue", "purple", "brown", "green", "red", "grey"),
    "grey": ("white", "black"), "white": ("grey",),
}  # fmt: skip
"""What looks so may be these in more light or less: no answer is "no" for them."""
FEWEST_PIXELS = 60


def check(clauses: Sequence[Clause], instruments: Sequence[Instrument]) -> tuple[Finding, ...]:
    """Ask the instruments about each clause, in their order; the first that knows decides."""
    out = []
    for clause in clauses:
        answers = (instrument(clause) for instrument in instruments)
        out.append(settled(clause, [answer for answer in answers if answer is not None]))
    return tuple(out)


def camera(score: Score) -> Instrument:
    """By the score of the camera metric."""

    def look(clause: Clause) -> Finding | None:
        if clause.kind != "camera":
            return None
        if score.status != "ok":
            return Finding(clause, "camera", "undetermined", reason=score.reason)
        named, also = str(score.parameters["move"]), list(score.parameters.get("also", ()))
        agrees = camera_agrees(named, clause.asked, also=also)
        answer: Answer = "yes" if agrees else "no"
        return Finding(clause, "camera", answer, " and ".join([named, *also]))

    return look


def light(score: Score) -> Instrument:
    """By the score of the light metric, whose parameter "found" says what is there, by kind."""

    def look(clause: Clause) -> Finding | None:
        if clause.kind != "light":
            return None
        if score.status != "ok":
            return Finding(clause, "light", "undetermined", reason=score.reason)
        found = dict(score.parameters.get("found") or {})
        there = str(found.get(clause.about) or "")
        agrees = light_agrees(found, clause.about, clause.asked)
        if agrees is None:
            reason = f"the {clause.about} of the light is not clear"
            return Finding(clause, "light", "undetermined", there, reason=reason)
        return Finding(clause, "light", "yes" if agrees else "no", there)

    return look


def words(score: Score) -> Instrument:
    """By the score of the speech metric: what is said, and whether anybody speaks."""
    heard = tuple(str(score.parameters.get("heard", "")).split())

    def look(clause: Clause) -> Finding | None:
        if clause.kind == "talks":
            return _talks(clause, score)
        if clause.kind != "words":
            return None
        if score.status != "ok" or not score.parameters.get("heard_by"):
            reason = _why(score, "words_right") or "nothing could listen"
            return Finding(clause, "speech", "undetermined", reason=reason)
        asked = normalised(clause.asked)
        share = compare(asked, heard).share_right
        sure = score.parameters.get("heard_confidence")
        confidence = float("nan") if sure is None else float(sure)
        text = " ".join(heard) or "nothing"
        if WORDS_WRONG < share < WORDS_RIGHT:
            return Finding(clause, "speech", "undetermined", text, confidence,
                           f"{100 * share:.0f}% of the words are right")  # fmt: skip
        return Finding(clause, "speech", "yes" if share >= WORDS_RIGHT else "no", text, confidence)

    return look


def _talks(clause: Clause, score: Score) -> Finding:
    """Whether somebody speaks, where the sound tells."""
    try:
        speaking = score["speaking"]
    except KeyError:
        speaking = None
    if speaking is None or speaking.status != "ok":
        reason = score.reason if speaking is None else speaking.reason
        return Finding(clause, "speech", "undetermined", reason=reason)
    speaks = speaking.value >= SPEAKS_S
    agrees = speaks == (clause.asked == "yes")
    found = f"{speaking.value:.1f} s of speech"
    return Finding(clause, "speech", "yes" if agrees else "no", found)


def length(duration_s: float) -> Instrument:
    """By the clip's length."""

    def look(clause: Clause) -> Finding | None:
        if clause.kind != "duration":
            return None
        if not np.isfinite(duration_s):
            return Finding(clause, "length", "undetermined", reason="the clip's length is unknown")
        asked = float(clause.asked)
        right = abs(duration_s - asked) <= max(LENGTH_SHARE * asked, LENGTH_S)
        return Finding(clause, "length", "yes" if right else "no", f"{duration_s:.2f} s")

    return look


def cuts(times_s: Sequence[float]) -> Instrument:
    """By the moments at which a shot ends; between one and the next something must be seen."""

    def look(clause: Clause) -> Finding | None:
        if clause.kind != "cuts":
            return None
        found = len(times_s)
        at = f" at {', '.join(f'{t:.2f}' for t in times_s[:6])} s" if found else ""
        answer: Answer = "yes" if found == int(clause.asked) else "no"
        return Finding(clause, "cuts", answer, f"{found}{at}")

    return look


def colours(pixels: Mapping[str, np.ndarray]) -> Instrument:
    """By the pixels, uint8 (n, 3), of the regions "hair", "clothes" and "background"."""

    def look(clause: Clause) -> Finding | None:
        region, _, word = clause.kind.rpartition(" ")
        if word != "colour":
            return None
        seen = pixels.get(region, np.empty((0, 3), np.uint8))
        if len(seen) < FEWEST_PIXELS:
            reason = f"too little of the {region} is in the picture"
            return Finding(clause, "colour", "undetermined", reason=reason)
        if region == "hair" and (reason := unlike_background(pixels)):
            return Finding(clause, "colour", "undetermined", reason=reason)
        share = belonging(seen, HAIR if region == "hair" else NAMES)
        return colour_finding(clause, share)

    return look


def colour_finding(clause: Clause, share: Mapping[str, float]) -> Finding:
    """Whether a region whose colours belong to names by `share` has the colour asked."""
    best = max(share, key=lambda name: share[name])
    mine = share.get(clause.asked, 0.0)
    if mine >= COLOUR_YES:
        return Finding(clause, "colour", "yes", best, mine)
    if clause.asked in LIGHT_DECIDES.get(best, ()):
        reason = f"in this light {clause.asked} may look {best}"
        return Finding(clause, "colour", "undetermined", best, mine, reason)
    if mine < COLOUR_NO and share[best] >= COLOUR_YES:
        return Finding(clause, "colour", "no", best, 1 - mine)
    shown = " or ".join(sorted(share, key=lambda name: -share[name])[:2])
    reason = f"between {shown}: light or pattern leave it open"
    return Finding(clause, "colour", "undetermined", shown, mine, reason)


def unlike_background(pixels: Mapping[str, np.ndarray]) -> str:
    """Why what is above the face may not be hair, "" where it differs from what is beside it."""
    hair, wall = pixels["hair"], pixels.get("background", np.empty((0, 3), np.uint8))
    if len(wall) < FEWEST_PIXELS:
        return ""
    apart = np.linalg.norm(np.median(hair, axis=0) - np.median(wall, axis=0))
    return "what is above the face looks like the background" if apart < 20 else ""


def _why(score: Score, measure: str) -> str:
    try:
        return score[measure].reason or score.reason
    except KeyError:
        return score.reason
