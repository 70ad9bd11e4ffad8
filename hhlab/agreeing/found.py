"""What :func:`hhlab.agreeing.agreement` finds: numbers, tables, and what they say in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from hhlab.agreeing.combination import Combination
from hhlab.agreeing.curve import CurvePoint

if TYPE_CHECKING:
    import pandas as pd

FEWEST_PAIRS, FEWEST_TELLING = 10, 3
"""Decided votes or pairs, and prompts that they are on, below which no verdict is given."""
AGREES, CONTRADICTS = "agrees", "contradicts"
CHANCE = "no better than chance, as far as can be told"
TOO_LITTLE = "too little to tell"


@dataclass(frozen=True)
class MetricAgreement:
    """How one metric agrees with people in one scope; higher is better, intervals are 95%.

    Attributes
    ----------
    metric : its name, or "(combination)", judged on prompts that it was not fitted to
    scope : "pooled"; "within model" (votes: within each pair of models); "within prompt";
        "models" (between the models' means)
    n_items, n_prompts : clips (votes) and prompts that the metric could judge
    coverage_percent : of the judged clips (votes), those that the metric could judge
    spearman, kendall_tau_b : -1 to 1
    accuracy : 0 to 1, .5 is chance: pairs that people tell apart and the metric orders the same way
        (a tie of the metric is one half)
    n_pairs : pairs (votes) that people tell apart
    n_telling_prompts : of the prompts, those that say something: with votes, where one is decided.
        With a single one there are no intervals, since another prompt might say anything.
    people_tied_percent : of all pairs, those that people tie, which are left out
    metric_tied_percent : of `n_pairs`, those that the metric ties
    """

    metric: str
    scope: str
    n_items: int
    n_prompts: int
    coverage_percent: float
    spearman: float
    spearman_low: float
    spearman_high: float
    kendall_tau_b: float
    kendall_tau_b_low: float
    kendall_tau_b_high: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    n_pairs: int
    n_telling_prompts: int
    people_tied_percent: float
    metric_tied_percent: float

    @property
    def verdict(self) -> str:
        """In words, by the accuracy: "agrees", "contradicts", "no better than chance, as far as
        can be told", or "too little to tell"."""
        few = self.n_pairs < FEWEST_PAIRS or self.n_telling_prompts < FEWEST_TELLING
        if few or self.accuracy_low != self.accuracy_low:
            return TOO_LITTLE
        if self.accuracy_low > 0.5:
            return AGREES
        return CONTRADICTS if self.accuracy_high < 0.5 else CHANCE


@dataclass(frozen=True)
class Agreement:
    """What :func:`agreement` found.

    Attributes
    ----------
    kind : "ratings" or "votes"
    rows : one per metric and scope
    combination : None where there are too few prompts, or one metric; `combination_reason` says so
    curve : the combination after fewer judgements, () where there are too few
    enough_judgements : the fewest with which the combination is as good as with all; None where the
        curve still rises, or is missing
    n_judgements, n_unmatched : ratings or votes used; judged clips (votes) without scores
    draws, seed : of the bootstrap over prompts
    """

    kind: str
    rows: tuple[MetricAgreement, ...]
    combination: Combination | None
    combination_reason: str
    curve: tuple[CurvePoint, ...]
    enough_judgements: int | None
    n_judgements: int
    n_unmatched: int
    draws: int
    seed: int

    def __getitem__(self, key: str | tuple[str, str]) -> MetricAgreement:
        """``found["clip"]`` (pooled) or ``found["clip", "within model"]``."""
        metric, scope = (key, "pooled") if isinstance(key, str) else key
        for row in self.rows:
            if (row.metric, row.scope) == (metric, scope):
                return row
        raise KeyError(f"{key!r}: there are {sorted({row.metric for row in self.rows})}")

    def to_frame(self) -> pd.DataFrame:
        """One row per metric and scope, with its verdict."""
        import pandas as pd

        return pd.DataFrame([asdict(row) | {"verdict": row.verdict} for row in self.rows],
                            columns=[*MetricAgreement.__dataclass_fields__, "verdict"])  # fmt: skip

    def curve_frame(self) -> pd.DataFrame:
        """One row per point of the learning curve."""
        import pandas as pd

        return pd.DataFrame([asdict(point) for point in self.curve],
                            columns=list(CurvePoint.__dataclass_fields__))  # fmt: skip

    # --- to look at ----------------------------------------------------------------------------
    @property
    def sentence(self) -> str:
        """The finding in words."""
        rows = self._pooled()
        counted = Counter(row.verdict for row in rows)
        verdicts = [one for one in (AGREES, CONTRADICTS, CHANCE, TOO_LITTLE) if counted[one]]
        each = "; ".join(f"{counted[one]} {one}" for one in verdicts)
        metrics = f"{len(rows)} metric{'s' * (len(rows) != 1)}"
        said = [f"{metrics} against {self.n_judgements} {self.kind}: {each}."]
        if counted[TOO_LITTLE]:
            said.append(f"To tell takes {FEWEST_PAIRS} {self._pairs} on {FEWEST_TELLING} prompts.")
        if self.n_unmatched:
            said.append(f"Without scores, and left out: {self.n_unmatched}.")
        return " ".join(said)

    def __str__(self) -> str:
        lines = [
            f"{name}: {verdict} (same choice {same}, 95% interval {ends or 'none'}, {pairs} "
            f"{self._pairs})" for name, same, ends, pairs, verdict in self._cells()
        ]  # fmt: skip
        return "\n".join([self.sentence, *lines])

    def _repr_html_(self) -> str:
        from html import escape

        import pandas as pd

        columns = ["metric", "same choice", "95% interval", self._pairs, "verdict"]
        table = pd.DataFrame(self._cells(), columns=columns)
        return f"<p>{escape(self.sentence)}</p>{table.to_html(index=False, escape=True, border=0)}"

    @property
    def _pairs(self) -> str:
        return "decided votes" if self.kind == "votes" else "pairs told apart"

    def _pooled(self) -> list[MetricAgreement]:
        rows = [row for row in self.rows if row.scope == "pooled"]
        return sorted(rows, key=lambda row: -row.accuracy if row.n_pairs else 0.0)

    def _cells(self) -> list[tuple[str, str, str, int, str]]:
        """Name, share, interval, pairs and verdict of every metric, the most agreeing first."""
        found = []
        for row in self._pooled():
            same = f"{100 * row.accuracy:.0f}%" if row.n_pairs else "–"
            ends = f"{100 * row.accuracy_low:.0f}% to {100 * row.accuracy_high:.0f}%"
            known = row.accuracy_low == row.accuracy_low
            found.append((row.metric, same, ends if known else "", row.n_pairs, row.verdict))
        return found
