"""The leaderboard while people vote: it grows with every vote, and names nobody before the end."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np

from hhlab.arena.errors import NoVotes, OneModel
from hhlab.arena.ledger.sessions import OVERALL
from hhlab.widgets.pair import BlindPair

if TYPE_CHECKING:
    from hhlab.arena.ratings import Ratings

PLOTLY_MIME = "application/vnd.plotly.v1+json"
_ELSEWHERE = "A leaderboard; it is drawn wherever figures of Plotly are."
_BEFORE = "The leaderboard is drawn when the comparison is on show."
_WAITING = "The first votes draw this leaderboard."


def live_leaderboard(pair: BlindPair) -> ipywidgets.Output:
    """A leaderboard of all votes in the pair's ledger that follows every vote of this rater.

    Contenders are called by numbers drawn by lot until the rater has finished and had them
    revealed. Scores are fitted with a prior, since there are few votes at first.

    It is drawn when a page shows the pair. Loading Plotly keeps a slow machine busy for longer than
    a widget has for its start, and the clips matter more.
    """
    names = _Names(pair)
    shown = ipywidgets.Output(outputs=(_output(None),))

    def follow() -> None:
        shown.outputs = (_output(_figure(pair, names)),)

    pair.when_shown(follow)
    pair.on_vote(follow)
    return shown


def _output(figure: Any) -> dict[str, Any]:
    """What a cell that ends in the figure would put out. No FigureWidget: that sends five megabytes
    of script with every reload of the page."""
    data: dict[str, Any] = {"text/plain": _BEFORE if figure is None else _ELSEWHERE}
    if figure is not None:
        from hhlab.plots.chart import QUIET
        from hhlab.plots.theme import themed

        data[PLOTLY_MIME] = json.loads(themed(figure).to_json())
        data[PLOTLY_MIME]["config"] = QUIET | {"displayModeBar": False}
    return {"output_type": "display_data", "data": data, "metadata": {}}


class _Names:
    """Numbers in place of names, drawn anew for each widget, until names may be shown."""

    def __init__(self, pair: BlindPair) -> None:
        self.pair = pair
        names = list(pair.session.material.contenders)
        secrets.SystemRandom().shuffle(names)
        self.number = {name: f"Contender {k + 1}" for k, name in enumerate(names)}

    def of(self, ratings: Ratings) -> Ratings:
        if self.pair.is_finished:
            return ratings
        return replace(ratings, models=tuple(self.number[name] for name in ratings.models))


def _figure(pair: BlindPair, names: _Names) -> Any:
    from hhlab import arena, plots

    votes = pair.session.ledger.votes()
    known = [k for k, name in enumerate(votes.models) if name in names.number]
    votes = votes.where(np.isin(votes.a, known) & np.isin(votes.b, known))
    voters = 0 if votes.voter is None else len(np.unique(votes.voter.codes))
    try:
        ratings = names.of(arena.fit(votes, dimension=OVERALL, prior="normal"))
    except (NoVotes, OneModel, arena.errors.UnknownName):
        return _empty()
    count = int(ratings.votes.sum()) // 2
    note = f"{count} votes of {voters} {'person' if voters == 1 else 'people'}"
    if not pair.is_finished:
        note += "; who is who is shown at the end"
    return plots.leaderboard(ratings, note=note)


def _empty() -> Any:
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_annotation(text=_WAITING, showarrow=False, font={"size": 15}, x=0.5, y=0.5,
                          xref="paper", yref="paper")  # fmt: skip
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return figure.update_layout(template="plotly_white", height=220)
