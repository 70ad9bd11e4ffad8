"""Plots of measured scores."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from hhlab.errors import BadArgument

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

INK, LINE, ACCENT = "#1c1b19", "#2563a8", "#c2410c"
BETTER = {
    "lower": "lower is better",
    "higher": "higher is better",
    "zero": "nearer to 0 is better",
    "none": "",
}


def timeline(series: pd.DataFrame, *, metric: str | None = None) -> go.Figure:
    """Draw values over time, one panel per series.

    Parameters
    ----------
    series : columns clip, metric, series, unit, time_s, value, as
        :meth:`hhlab.scores.Scores.series_frame` and the files ``series.parquet`` give; with several
        clips each gets a line of its own
    metric : draw only this one
    """
    from plotly.subplots import make_subplots

    _need(series, {"clip", "metric", "series", "unit", "time_s", "value"})
    if metric is not None:
        series = series[series["metric"] == metric]
    panels = list(series.groupby(["metric", "series", "unit"], sort=False))
    if not panels:
        return _style(make_subplots(), "nothing was measured over time")
    titles = [_heading(m, s, unit) + _in_brackets(unit) for (m, s, unit), _ in panels]
    figure = make_subplots(
        rows=len(panels), cols=1, shared_xaxes=True, subplot_titles=titles,
        vertical_spacing=min(0.08, 0.4 / len(panels)),
    )  # fmt: skip
    clips = list(dict.fromkeys(series["clip"]))
    colours = _colours(clips)
    for row, ((_, _, unit), part) in enumerate(panels, start=1):
        for clip, values in part.groupby("clip", sort=False):
            figure.add_scatter(
                x=values["time_s"], y=values["value"], row=row, col=1,
                name=escape(str(clip)), legendgroup=str(clip),
                mode="lines+markers", marker_size=3, line={"color": colours[clip], "width": 1.6},
                connectgaps=False, showlegend=row == 1 and len(clips) > 1,
            )  # fmt: skip
        short = unit if unit != "1" and not _in_brackets(unit) else ""
        figure.update_yaxes(title_text=short, row=row, col=1)
    figure.update_xaxes(title_text="time in s", row=len(panels), col=1)
    return _style(figure, "").update_layout(height=120 + 150 * len(panels))


def comparison(table: pd.DataFrame, *, measure: str, metric: str | None = None) -> go.Figure:
    """Draw one measure of many clips with 95% intervals, in the order of the table.

    Parameters
    ----------
    table : columns of :data:`hhlab.scores.COLUMNS`, as ``to_frame()`` and ``scores.parquet`` give.
        A clip whose value is undetermined is drawn as a cross at zero height with its reason, so
        that it is not mistaken for a clip that was not asked for.
    """
    import plotly.graph_objects as go

    _need(table, {"clip", "metric", "measure", "value", "low", "high", "unit", "direction",
                  "status", "reason"})  # fmt: skip
    part = table[table["measure"] == measure]
    if metric is not None:
        part = part[part["metric"] == metric]
    if part.empty:
        have = sorted(set(table["measure"]) - {""})
        raise BadArgument("measure", expected=f"one of {have}", found=repr(measure))
    known = part[part["status"] == "ok"]
    unsure = part[part["status"] != "ok"]
    first = part.iloc[0]
    words = _words(measure, first["unit"])
    figure = go.Figure()
    figure.add_scatter(
        x=_text(known["clip"]), y=known["value"], mode="markers", name=words,
        marker={"size": 9, "color": LINE},
        error_y={
            "type": "data", "symmetric": False, "color": LINE, "thickness": 1.4,
            "array": (known["high"] - known["value"]).fillna(0),
            "arrayminus": (known["value"] - known["low"]).fillna(0),
        },
    )  # fmt: skip
    if len(unsure):
        figure.add_scatter(
            x=_text(unsure["clip"]), y=[0.0] * len(unsure), mode="markers", name="undetermined",
            marker={"size": 9, "color": ACCENT, "symbol": "x-thin-open"},
            hovertext=_text(unsure["reason"]), hoverinfo="x+text",
        )  # fmt: skip
    unit = f" in {first['unit']}" if first["unit"] not in ("", "1") else ""
    figure.update_yaxes(title_text=words + (_in_brackets(first["unit"]) or unit), zeroline=True)
    clips = list(dict.fromkeys(_text(part["clip"])))
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=clips)
    better = BETTER.get(first["direction"], "")
    heading = _heading(first["metric"], measure, first["unit"])
    figure.update_layout(showlegend=len(unsure) > 0)
    return _style(figure, f"{heading}, {better}" if better else heading)


def _text(names: pd.Series) -> list[str]:
    """Names as plotly may show them: what would be markup is text."""
    return [escape(str(name)) for name in names]


def _words(name: str, unit: str) -> str:
    """The name of a measure as one says it; its unit is told beside it."""
    return name.removesuffix(f"_{unit}").replace("_", " ")


def _heading(metric: str, name: str, unit: str) -> str:
    words = _words(name, unit)
    said = metric.replace("_", " ").capitalize()
    return said if words == metric else f"{said}: {words}"


def _in_brackets(unit: str) -> str:
    """Behind the name where a unit is a sentence, such as what 0 and 1 mean; else nothing."""
    return f" ({unit})" if " " in unit else ""


def _need(frame: pd.DataFrame, columns: set[str]) -> None:
    missing = columns - set(frame.columns)
    if missing:
        raise BadArgument("frame", expected=f"columns {sorted(columns)}",
                          found=f"no {sorted(missing)}")  # fmt: skip


def _colours(names: list[str]) -> dict[str, str]:
    palette = [LINE, ACCENT, "#2f7d4f", "#7c3aed", "#b45309", "#0e7490", "#be185d", "#4d7c0f"]
    return {name: palette[i % len(palette)] for i, name in enumerate(names)}


def _style(figure: go.Figure, title: str) -> go.Figure:
    from hhlab.plots.chart import Chart

    return Chart(figure).update_layout(
        template="plotly_white", title={"text": title, "font_size": 13}, font_color=INK,
        margin={"l": 60, "r": 20, "t": 50, "b": 40}, hovermode="x unified",
    )  # fmt: skip
