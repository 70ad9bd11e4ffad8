"""Findings clause by clause, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hhlab.metrics.instruction.clause import KINDS, Clause
from hhlab.types import Measure, Score, undetermined

if TYPE_CHECKING:
    import pandas as pd

METRIC, VERSION = "instruction", "1"
Answer = Literal["yes", "no", "undetermined"]
NOBODY = "no instrument sees this"
_Z = 1.959964


@dataclass(frozen=True)
class Finding:
    """Whether one clause was followed.

    Attributes
    ----------
    clause, instrument : what was asked, and what looked ("" where nothing can)
    found : what is there, in the clause's own terms
    agrees : "yes", "no" or "undetermined"; the latter has a `reason`
    confidence : 0 to 1, of the answer; nan where the instrument gives none
    """

    clause: Clause
    instrument: str
    agrees: Answer
    found: str = ""
    confidence: float = float("nan")
    reason: str = ""

    @property
    def checkable(self) -> bool:
        """Whether there was an answer."""
        return self.agrees != "undetermined"


@dataclass(frozen=True)
class Following:
    """How far a clip follows its prompt.

    Attributes
    ----------
    findings : one per clause, in the order of the prompt
    """

    findings: tuple[Finding, ...]

    @property
    def n_followed(self) -> int:
        return sum(finding.agrees == "yes" for finding in self.findings)

    @property
    def n_checkable(self) -> int:
        return sum(finding.checkable for finding in self.findings)

    @property
    def share(self) -> float:
        """Share of the clauses with an answer that were followed; nan without any."""
        return self.n_followed / self.n_checkable if self.n_checkable else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the share (Wilson 1927)."""
        return wilson(self.n_followed, self.n_checkable)

    def to_frame(self) -> pd.DataFrame:
        """One row per clause."""
        import pandas as pd

        return pd.DataFrame([row_of(finding) for finding in self.findings])

    def to_score(self) -> Score:
        """The finding as a :class:`~hhlab.types.Score`; the rows are its parameter "clauses"."""
        total, answered = len(self.findings), self.n_checkable
        parameters = {"clauses": [row_of(finding) for finding in self.findings]}
        subject = "the prompt, clause by clause"
        if not total:
            return undetermined(METRIC, VERSION, "the prompt asks for nothing in particular",
                                parameters=parameters, subject=subject)  # fmt: skip
        checkable = Measure("checkable", answered / total, "", "none",
                            label=f"share of {total} clauses that got an answer")  # fmt: skip
        if not answered:
            reason = "no clause of the prompt could be checked"
            return undetermined(METRIC, VERSION, reason, measures=(checkable,),
                                parameters=parameters, subject=subject)  # fmt: skip
        low, high = self.interval
        followed = Measure("followed", self.share, "", "higher", low, high,
                           label="share of the clauses with an answer that are so")  # fmt: skip
        return Score(METRIC, VERSION, "ok", sentence(self), parameters=parameters, subject=subject,
                     measures=(followed, checkable, *self._by_kind()))  # fmt: skip

    def _by_kind(self) -> tuple[Measure, ...]:
        out = []
        for kind in KINDS:
            mine = [f for f in self.findings if f.clause.kind == kind and f.checkable]
            if mine:
                yes = sum(finding.agrees == "yes" for finding in mine)
                low, high = wilson(yes, len(mine))
                out.append(Measure(f"{kind.replace(' ', '_')}_followed", yes / len(mine), "",
                                   "higher", low, high, label=f"{kind}: as asked"))  # fmt: skip
        return tuple(out)


def wilson(right: int, n: int) -> tuple[float, float]:
    """95% interval of a share, `right` of `n`; nan for n = 0."""
    if not n:
        return float("nan"), float("nan")
    share = right / n
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n)) / (1 + _Z**2 / n)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def row_of(finding: Finding) -> dict[str, object]:
    """A finding as plain values."""
    clause = finding.clause
    return {
        "clause": clause.phrase, "kind": clause.kind, "about": clause.about, "asked": clause.asked,
        "instrument": finding.instrument, "found": finding.found, "agrees": finding.agrees,
        "confidence": None if np.isnan(finding.confidence) else round(finding.confidence, 3),
        "reason": finding.reason,
    }  # fmt: skip


def sentence(found: Following) -> str:
    """The finding in words."""
    total, answered = len(found.findings), found.n_checkable
    missed = [
        f"{f.clause.kind} {f.clause.asked}" + (f" (found {f.found})" if f.found else "")
        for f in found.findings if f.agrees == "no"
    ]  # fmt: skip
    text = f"{found.n_followed} of {answered} clauses that could be checked are followed"
    if answered < total:
        text += f", {total - answered} more could not be"
    if missed:
        more = f" and {len(missed) - 4} more" if len(missed) > 4 else ""
        text += f"; not followed: {', '.join(missed[:4])}{more}"
    return f"{text}."


def settled(clause: Clause, answers: Sequence[Finding]) -> Finding:
    """The first instrument's answer that is one; else the first that says why there is none."""
    for answer in answers:
        if answer.checkable:
            return answer
    return answers[0] if answers else Finding(clause, "", "undetermined", reason=NOBODY)
