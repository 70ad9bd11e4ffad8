"""Plots of the arena: who is ahead, who beats whom, how it came about, and where it differs.

Each takes a ``note``, such as "simulated votes", that is written under the title, so that a picture
taken out of its place still says what it shows.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.errors import BadArgument
from hhlab.plots.arena_parts import (
    add_dots,
    apart,
    as_frame,
    finish,
    name_rows,
    plain_name,
    rank_range,
    same_range,
    shown_name,
    write_beside,
)
from hhlab.plots.scores import ACCENT, INK, LINE

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from hhlab.arena.ratings import Ratings

GREY, PALE = "#8a8780", "#e7e5e0"
PALETTE = (LINE, ACCENT, "#2f7d4f", "#7c3aed", "#b45309", "#0e7490", "#be185d", "#4d7c0f")
# Loses - even - wins; readable without red and green.
LOSES_TO_WINS = [[0, ACCENT], [0.5, "#f7f6f3"], [1, LINE]]
MOST_WRITTEN = 12  # models up to which numbers are written into the win matrix
MOST_MODELS = 300  # of a win matrix


def leaderboard(ratings: Ratings | pd.DataFrame, *, note: str = "") -> go.Figure:
    """Draw scores with their intervals, best on top, and the ranks each model may have.

    Parameters
    ----------
    ratings : what :func:`hhlab.arena.fit` gives, or its ``to_frame()``
    note : a line under the title
    """
    import plotly.graph_objects as go

    level = f"{ratings.level:.0%} " if hasattr(ratings, "level") else ""
    table = as_frame(ratings, {"model", "score", "low", "high", "rank_low", "rank_high", "votes"})
    table = table.sort_values("score", ascending=False, na_position="last", kind="stable")
    rows = np.arange(len(table))
    known = np.isfinite(table["score"].to_numpy(float))
    figure = go.Figure()
    add_dots(figure, table[known], rows[known], LINE)
    same_range(figure, table[known])
    labels = [rank_range(low, high) for low, high in zip(table["rank_low"], table["rank_high"],
                                                     strict=True)]  # fmt: skip
    for row, label, votes in zip(rows, labels, table["votes"], strict=True):
        write_beside(figure, row, 14, label, INK)
        write_beside(figure, row, 82, f"{int(votes):,}", GREY)
    for row in rows[~known]:
        figure.add_annotation(text="undetermined", x=0.01, xref="x domain", y=row, xanchor="left",
                              showarrow=False, font={"color": GREY, "size": 12})  # fmt: skip
    for x, word in ((14, "ranks"), (82, "votes")):
        write_beside(figure, -0.85, x, word, GREY)
    figure.update_xaxes(title_text="score in points")
    name_rows(figure, table["model"], bottom=len(table) - 0.4, top=-1.1)
    title = f"Scores with {level}intervals, and the ranks each may have"
    return finish(figure, title, note, height=150 + 34 * len(table), right=150)


def win_matrix(votes: Any, ratings: Ratings | None = None, *, note: str = "") -> go.Figure:
    """Draw how often the row was preferred to the column, beside how often the scores expect it.

    Parameters
    ----------
    votes : what :func:`hhlab.arena.read_votes` takes; ties and "both bad" are half a win each
    ratings : the scores; None: fitted here with the defaults
    note : a line under the title

    Up to 12 models the cells say: observed share; in small, expected share and number of votes.
    """
    import plotly.graph_objects as go

    from hhlab.arena.fitting import fit
    from hhlab.arena.pairing.posterior import tally
    from hhlab.arena.votes import read_votes

    votes = read_votes(votes)
    if len(votes.models) > MOST_MODELS:
        raise BadArgument("votes", expected=f"{MOST_MODELS} models at most",
                          found=str(len(votes.models)))  # fmt: skip
    ratings = fit(votes) if ratings is None else ratings
    if tuple(ratings.models) != tuple(votes.models):
        raise BadArgument("ratings", expected="the same models as the votes",
                          found=f"{len(ratings.models)} and {len(votes.models)}")  # fmt: skip
    order = np.argsort(-np.nan_to_num(ratings.score, nan=-np.inf), kind="stable")
    wins = tally(votes)[np.ix_(order, order)]
    met = wins + wins.T
    share = np.divide(wins, met, out=np.full(met.shape, np.nan), where=met > 0)
    score = ratings.score[order]
    expected = 1 / (1 + ratings.base ** ((score[None, :] - score[:, None]) / ratings.scale))
    names = [plain_name(votes.models[k]) for k in order]
    full = [escape(name, quote=True) for name in names]
    n = len(order)
    figure = go.Figure(go.Heatmap(
        z=100 * share, zmin=0, zmax=100, colorscale=LOSES_TO_WINS, xgap=2, ygap=2,
        customdata=np.dstack([100 * expected, met, np.array([full] * n).T, np.array([full] * n)]),
        hovertemplate="%{customdata[2]} against %{customdata[3]}: %{z:.0f}% preferred, "
        "%{customdata[0]:.0f}% expected, %{customdata[1]:.0f} votes<extra></extra>",
        colorbar={"title": {"text": "%"}, "thickness": 12, "outlinewidth": 0, "len": 0.8},
    ))  # fmt: skip
    if n <= MOST_WRITTEN:
        for i, j in np.argwhere(met > 0):
            small = f"{100 * expected[i, j]:.0f} · {met[i, j]:,.0f}"
            far = abs(share[i, j] - 0.5) > 0.36
            figure.add_annotation(
                x=j, y=i, showarrow=False, font={"size": 13, "color": "white" if far else INK},
                text=f"{100 * share[i, j]:.0f}<br><span style='font-size:10px'>{small}</span>",
            )  # fmt: skip
    ticks = {"tickvals": list(range(n)), "ticktext": full, "showgrid": False, "zeroline": False}
    figure.update_xaxes(**ticks, side="top", tickangle=-35 if n > 4 else 0)
    figure.update_yaxes(**ticks, autorange="reversed")
    figure.update_layout(plot_bgcolor=PALE)
    title = "How often the row is preferred to the column, in %"
    under = "small: expected by the scores, and number of votes" if n <= MOST_WRITTEN else ""
    figure = finish(figure, title, note, height=max(420, 230 + 46 * min(n, 20)), right=20,
                     top=100 + (int(4.2 * max(map(len, names))) if n > 4 else 30))  # fmt: skip
    if under:
        figure.add_annotation(text=under, x=0, xref="paper", xanchor="left", y=0, yref="paper",
                              yanchor="top", yshift=-6, showarrow=False,
                              font={"size": 11, "color": GREY})  # fmt: skip
    return figure


def history(history: Any, *, note: str = "") -> go.Figure:
    """Draw scores over time (or over votes, where they have no times), a line a model.

    Parameters
    ----------
    history : what :func:`hhlab.arena.elo_history` gives, or its ``to_frame()``
    note : a line under the title

    Raises :class:`BadArgument` for times that are no Unix seconds, such as milliseconds.
    """
    import pandas as pd
    import plotly.graph_objects as go

    table = as_frame(history, {"model", "vote", "score"})
    timed = "time_s" in table and table["time_s"].notna().all()
    try:
        x = pd.to_datetime(table["time_s"], unit="s") if timed else table["vote"]
    except pd.errors.OutOfBoundsDatetime:
        raise BadArgument("time_s", expected="Unix time in seconds",
                          found=f"{table['time_s'].max():g}") from None  # fmt: skip
    last = table.groupby("model", observed=True)["score"].last().sort_values(ascending=False)
    figure = go.Figure()
    for k, name in enumerate(last.index):
        part = table["model"] == name
        colour = PALETTE[k % len(PALETTE)]
        dash = ("solid", "dot", "dash")[k // len(PALETTE) % 3]
        figure.add_scatter(
            x=x[part], y=table["score"][part], mode="lines", name=shown_name(name),
            showlegend=False,
            line={"color": colour, "width": 1.8, "dash": dash},
            hovertemplate=f"{shown_name(name)}: %{{y:.0f}}<extra></extra>",
        )  # fmt: skip
    height = max(360, 130 + 20 * len(last))
    low, high = (float(f(table["score"])) for f in (np.min, np.max)) if len(table) else (0.0, 1.0)
    room = 0.06 * max(high - low, 1.0)
    places = apart(last.to_numpy(float), step=18 * (high - low + 2 * room) / (height - 130))
    for k, (name, place) in enumerate(zip(last.index, places, strict=True)):
        figure.add_annotation(
            text=f"{shown_name(name)}  {last[name]:.0f}", x=1.01, xref="paper", xanchor="left",
            y=place, showarrow=False, font={"color": PALETTE[k % len(PALETTE)], "size": 12},
        )  # fmt: skip
    figure.update_yaxes(title_text="Elo score in points", range=[min(low, *places, low) - room,
                        max(high, *places, high) + room])  # fmt: skip
    figure.update_xaxes(title_text="" if timed else "votes", showgrid=False)
    width = max((len(plain_name(name)) for name in last.index), default=0)
    return finish(figure, "Scores as the votes came in", note, height=height,
                   right=70 + 7 * width).update_layout(hovermode="x unified")  # fmt: skip


def by_category(table: pd.DataFrame, *, note: str = "") -> go.Figure:
    """Draw a leaderboard per category (or dimension, prompt or voter), side by side.

    Parameters
    ----------
    table : what :func:`hhlab.arena.by` gives: its first column names the groups
    note : a line under the title

    Models have the same row in every panel, ordered by their mean over panels.
    """
    from plotly.subplots import make_subplots

    table = as_frame(table, {"model", "score", "low", "high"})
    what = str(table.columns[0])
    table = table[table["model"].notna()]
    if table.empty:
        raise BadArgument(what, expected="a group that could be fitted", found="none")
    groups = list(dict.fromkeys(table[what]))
    mean = table.groupby("model", observed=True)["score"].mean()
    models = list(mean.sort_values(ascending=False, na_position="last").index)
    place = {name: k for k, name in enumerate(models)}
    down = -(-len(groups) // 6)
    across = -(-len(groups) // down)
    figure = make_subplots(
        rows=down, cols=across, shared_yaxes=True, shared_xaxes="all",
        subplot_titles=[shown_name(g) if g is not None else "not said" for g in groups],
        horizontal_spacing=0.03, vertical_spacing=0.12 / down,
    )  # fmt: skip
    for k, group in enumerate(groups):
        row, col = divmod(k, across)
        part = table[(table[what] == group) if group is not None else table[what].isna()]
        part = part[np.isfinite(part["score"].to_numpy(float))]
        add_dots(figure, part, np.array([place[name] for name in part["model"]]), PALETTE[0],
              row=row + 1, col=col + 1)  # fmt: skip
    same_range(figure, table)
    name_rows(figure, models, bottom=len(models) - 0.4, top=-0.6)
    figure.update_annotations(font_size=13)  # the panels' titles
    figure.update_xaxes(tickangle=0, nticks=3, showticklabels=True)
    figure.add_annotation(text="score in points", x=0.5, xref="paper", y=0, yref="paper",
                          yshift=-42, showarrow=False, font_size=14)  # fmt: skip
    return finish(figure, f"Scores by {shown_name(what)}, with intervals", note,
                   height=150 + down * (60 + 26 * len(models)), right=20)  # fmt: skip
