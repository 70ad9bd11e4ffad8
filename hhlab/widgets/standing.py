"""The leaderboard while people vote: it grows with every vote, and names nobody before the end."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.arena.errors import NoVotes, OneModel
from hhlab.arena.ledger.sessions import OVERALL
from hhlab.widgets.pair import BlindPair

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from hhlab.arena.ratings import Ratings

_WAITING = "The first votes draw this leaderboard."


def live_leaderboard(pair: BlindPair) -> go.FigureWidget:
    """A leaderboard of all votes in the pair's ledger that follows every vote of this rater.

    Contenders are called by numbers drawn by lot until the rater has finished and had them
    revealed. Scores are fitted with a prior, since there are few votes at first.
    """
    import plotly.graph_objects as go

    from hhlab.plots.chart import QUIET
    from hhlab.plots.theme import themed

    names = _Names(pair)
    figure = go.FigureWidget(themed(_figure(pair, names)))
    figure._config = QUIET | {"displayModeBar": False}

    def follow() -> None:
        new = themed(_figure(pair, names))
        with figure.batch_update():
            if len(figure.data) != len(new.data):
                figure.data = []
                figure.add_traces(new.data)
            else:
                for old, trace in zip(figure.data, new.data, strict=True):
                    old.update(trace.to_plotly_json(), overwrite=True)
            figure.layout = new.layout

    pair.on_vote(follow)
    return figure


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
