"""Do a study's metrics and votes agree? What the report says of it, and what that rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hhlab.agreeing import agreement
from hhlab.agreeing.found import FEWEST_PAIRS, FEWEST_TELLING, TOO_LITTLE
from hhlab.errors import HhlabError, TooFew
from hhlab.report.study.dossier import Dossier
from hhlab.report.study.tables import (
    counted_votes,
    for_fit,
    leading_rows,
    overall_votes,
)

if TYPE_CHECKING:
    import pandas as pd

    from hhlab.agreeing import Agreement, MetricAgreement

_DRAWS = 300


@dataclass(frozen=True)
class Agrees:
    """How often one number picks the clip that was preferred, of `votes` that were decided."""

    title: str
    accuracy: float
    low: float
    high: float
    votes: int
    verdict: str


@dataclass(frozen=True)
class AgreementPart:
    """All numbers against the votes, the most agreeing first; or why there is nothing to say.

    Attributes
    ----------
    gain : what a combination of all would add, in a sentence; "" where it cannot be said
    unmatched : votes about clips without scores
    needed : how many votes it takes to tell, in a sentence; "" where all rows have as many
    """

    rows: tuple[Agrees, ...]
    reason: str
    gain: str = ""
    unmatched: int = 0
    needed: str = ""


def agreement_of(dossier: Dossier) -> Agreement:
    """Compare every headline number with the votes on the clip as a whole.

    Votes name a prompt; of its shot the first seed's clips are compared, which are those that a
    blind session shows. Metrics are called "metric.measure".

    Raises
    ------
    TooFew : there are no votes, none that names its prompt, or nothing was measured; or too few
    NothingInCommon : no vote is about clips that were measured
    """
    scores, votes, reason = _material(dossier)
    if reason:
        raise TooFew("agreement", expected="votes on clips that were measured", found=reason)
    return agreement(scores, votes, draws=_DRAWS, seed=0)


def agreement_part(dossier: Dossier) -> AgreementPart:
    """What :func:`agreement_of` finds, in words."""
    reason = _material(dossier)[2]
    if reason:
        return AgreementPart((), reason)
    try:
        found = agreement_of(dossier)
    except TooFew as error:
        return AgreementPart((), f"{error.expected} are needed, and there are {error.found}")
    except HhlabError as error:
        return AgreementPart((), f"{error.kind}: {error}")
    rows = [_agrees(row) for row in found.rows if _is_shown(row)]
    too_little = any(row.verdict == TOO_LITTLE for row in rows)
    needed = (
        f"It takes {FEWEST_PAIRS} decided votes on {FEWEST_TELLING} shots or more to say whether "
        "a number agrees."
    )
    return AgreementPart(
        tuple(sorted(rows, key=lambda row: -row.accuracy)), "", _gain(found), found.n_unmatched,
        needed if too_little else "",
    )  # fmt: skip


def _is_shown(row: MetricAgreement) -> bool:
    return row.scope == "pooled" and "." in row.metric and row.n_pairs > 0


def _agrees(row: MetricAgreement) -> Agrees:
    from hhlab.report.study.verdict import call

    metric, _, measure = row.metric.partition(".")
    return Agrees(call(metric, measure), row.accuracy, row.accuracy_low, row.accuracy_high,
                  row.n_pairs, row.verdict)  # fmt: skip


def _gain(found: Agreement) -> str:
    if found.combination is None:
        return ""
    one = next(g for g in found.combination.gains if g.statistic == "accuracy")
    whole, single = 100 * one.combined, 100 * one.single
    return (
        "All numbers together, weighted by the votes and tried on shots that they were not "
        f"fitted to, pick the preferred clip in {whole:.0f}% of decided votes, the best single "
        f"one in {single:.0f}%: {100 * one.gain:+.0f} percentage points, 95% interval "
        f"{100 * one.low:+.0f} to {100 * one.high:+.0f}."
    )


# --- what it is made from ------------------------------------------------------------------------
def _material(dossier: Dossier) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Scores and votes as :func:`hhlab.agreeing.agreement` takes them, or why that cannot be."""
    scores, votes = _judged(dossier), overall_votes(counted_votes(dossier.votes)[0])
    if not len(votes):
        return scores, votes, "nobody has voted"
    votes = for_fit(votes.assign(prompt=_shot_ids(votes["prompt"], dossier)))
    if "prompt" not in votes:
        return scores, votes, "no vote names the prompt that it is about"
    return scores, votes, "" if len(scores) else "nothing was measured that could be compared"


def _shot_ids(prompts: pd.Series, dossier: Dossier) -> Sequence[str | None]:
    """Of each vote its shot's id: votes name a prompt's text, or the id itself."""
    texts: dict[str, str] = {}
    for shot in dossier.shots:
        texts.setdefault(shot.prompt, shot.id)
    ids = {shot.id for shot in dossier.shots}
    return [str(p) if str(p) in ids else texts.get(str(p)) for p in prompts]


def _judged(dossier: Dossier) -> pd.DataFrame:
    """Headline numbers of the first seed's clips, those with a better and a worse."""
    scores = leading_rows(dossier.scores)
    scores = scores[(scores["seed"] == dossier.seeds[0]) & (scores["direction"] != "none")]
    columns = ["metric", "measure", "value", "direction"]
    table = scores[columns].assign(prompt=scores["shot"], model=scores["contender"])
    return table.reset_index(drop=True)
