"""Plots of how metrics agree with people, and with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.errors import BadArgument
from hhlab.plots.arena_parts import as_frame, finish, name_rows, shown_name
from hhlab.plots.scores import ACCENT, INK, LINE

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

LABELS = {"spearman": "Spearman's ρ", "kendall_tau_b": "Kendall's τ-b",
          "accuracy": "pairwise accuracy"}  # fmt: skip
CHANCE = {"spearman": 0.0, "kendall_tau_b": 0.0, "accuracy": 0.5}
COLOURS = {"pooled": LINE, "within model": ACCENT, "within prompt": "#2f7d4f", "models": "#7c3aed"}
SHOWN = ("pooled", "within model")


def agreement(
    found: Any, *, statistic: str = "spearman", scopes: tuple[str, ...] = SHOWN
) -> go.Figure:
    """Draw each metric's agreement with people as dots with 95% intervals, the best on top.

    Parameters
    ----------
    found : what :func:`hhlab.agreement` returns, or its ``to_frame()``
    statistic : "spearman", "kendall_tau_b" or "accuracy"
    scopes : which scopes to draw, each in a colour of its own; the first decides the order
    """
    import plotly.graph_objects as go

    if statistic not in LABELS:
        raise BadArgument("statistic", expected=f"one of {', '.join(LABELS)}",
                          found=repr(statistic))  # fmt: skip
    ends = [statistic, f"{statistic}_low", f"{statistic}_high"]
    table = as_frame(found, {"metric", "scope", *ends})
    scopes = tuple(scope for scope in scopes if scope in set(table["scope"]))
    if not scopes:
        raise BadArgument("scopes", expected=f"some of {', '.join(sorted(set(table['scope'])))}",
                          found="none of them")  # fmt: skip
    first = table[table["scope"] == scopes[0]].sort_values(
        statistic, ascending=False, na_position="last", kind="stable"
    )
    names = list(first["metric"])
    figure = go.Figure()
    for k, scope in enumerate(scopes):
        part = table[table["scope"] == scope].set_index("metric").reindex(names)
        value, low, high = (part[end].to_numpy(float) for end in ends)
        figure.add_scatter(
            x=value, y=np.arange(len(names)) + 0.22 * (k - (len(scopes) - 1) / 2), name=scope,
            mode="markers", marker={"size": 9, "color": COLOURS.get(scope, INK)},
            error_x={"type": "data", "symmetric": False, "width": 0, "thickness": 2,
                     "array": np.nan_to_num(high - value),
                     "arrayminus": np.nan_to_num(value - low)},
            customdata=[shown_name(name) for name in names],
            hovertemplate="%{customdata}: %{x:.3f}<extra>" + scope + "</extra>",
        )  # fmt: skip
    name_rows(figure, names, bottom=len(names) - 0.4, top=-0.6)
    figure.add_vline(x=CHANCE[statistic], line={"color": INK, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text=f"{LABELS[statistic]} with people (higher is better)")
    return finish(figure, "Agreement with people",
                  "95% intervals over prompts; the dotted line is chance",
                  height=150 + 46 * len(names), right=30)  # fmt: skip


def learning_curve(found: Any) -> go.Figure:
    """Draw agreement on unseen prompts against the number of judgements fitted to.

    found : what :func:`hhlab.agreement` returns, or its ``curve_frame()``
    """
    import plotly.graph_objects as go

    source = found if hasattr(found, "columns") else getattr(found, "curve_frame", lambda: found)()
    table = as_frame(source, {"n_judgements", "combined", "single", "low", "high"})
    if not len(table):
        raise BadArgument("curve", expected="at least one point", found="none: too few prompts")
    x = table["n_judgements"]
    figure = go.Figure()
    figure.add_scatter(
        x=[*x, *x[::-1]], y=[*table["high"], *table["low"][::-1]], fill="toself", mode="none",
        fillcolor="rgba(37, 99, 168, 0.15)", name="95% of repetitions", hoverinfo="skip",
    )  # fmt: skip
    for column, name, colour in (("combined", "combination", LINE),
                                 ("single", "best single metric", ACCENT)):  # fmt: skip
        figure.add_scatter(x=x, y=table[column], name=name, mode="lines+markers",
                           line={"color": colour, "width": 2})  # fmt: skip
    figure.update_xaxes(type="log", title_text="judgements fitted to")
    figure.update_yaxes(title_text="agreement on other prompts")
    return finish(figure, "How many judgements are enough?", "", height=360, right=30)


def redundancy(found: Any) -> go.Figure:
    """Draw rank correlations between metrics; pairs that double each other are marked.

    found : what :func:`hhlab.redundancy` returns
    """
    import plotly.graph_objects as go

    if not hasattr(found, "rho") or not hasattr(found, "pairs"):
        raise BadArgument("found", expected="what hhlab.redundancy returns",
                          found=type(found).__name__)  # fmt: skip
    table: pd.DataFrame = found.to_frame()
    rho, places = table.to_numpy(float), list(range(len(table)))
    figure = go.Figure(go.Heatmap(
        z=rho, x=places, y=places, zmin=-1, zmax=1, colorscale="RdBu", hovertemplate="%{z:.2f}"
        "<extra></extra>", colorbar={"title": {"text": "ρ"}},
    ))  # fmt: skip
    for i in places:
        for j in places:
            if np.isfinite(rho[i, j]):
                doubled = i != j and abs(rho[i, j]) > found.above
                text = f"{rho[i, j]:.2f}"
                figure.add_annotation(
                    x=j, y=i, text=f"<b>{text}</b>" if doubled else text, showarrow=False,
                    font={"size": 12, "color": "white" if abs(rho[i, j]) > 0.6 else INK},
                )  # fmt: skip
    ticks = {"tickvals": places, "ticktext": [shown_name(n) for n in table.columns]}
    figure.update_xaxes(**ticks, tickangle=-35)
    figure.update_yaxes(**ticks, autorange="reversed")
    note = f"bold: |ρ| above {found.above:g}, the two say the same"
    return finish(figure, "Do metrics double each other?", note, height=260 + 34 * len(table),
                  right=20)  # fmt: skip
