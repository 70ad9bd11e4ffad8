"""What the arena's plots are made of: names shown as text, dots with intervals, rows and labels."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.errors import BadArgument, printable
from hhlab.plots.scores import ACCENT, INK

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

LONGEST_NAME = 30  # characters of a name that are shown


def as_frame(source: Any, columns: set[str]) -> pd.DataFrame:
    if not (hasattr(source, "columns") or hasattr(source, "to_frame")):
        raise BadArgument("frame", expected="a table, or a result that has one",
                          found=type(source).__name__)  # fmt: skip
    frame = source if hasattr(source, "columns") else source.to_frame()
    missing = columns - set(frame.columns)
    if missing:
        raise BadArgument("frame", expected=f"columns {sorted(columns)}",
                          found=f"no {sorted(missing)}")  # fmt: skip
    return frame


def plain_name(name: object) -> str:
    """A name on one line, cut in the middle where it is too long, so that its end is seen too."""
    text = printable(str(name)).replace("\n", " ").strip() or "(no name)"
    half = (LONGEST_NAME - 1) // 2
    return text if len(text) <= LONGEST_NAME else f"{text[:half]}…{text[-half:]}"


def shown_name(name: object) -> str:
    """The same as plotly may show it: what would be markup is text."""
    return escape(plain_name(name), quote=True)


def rank_range(low: Any, high: Any) -> str:
    import pandas as pd

    if pd.isna(low) or pd.isna(high) or not int(low):
        return ""
    return f"{int(low)}" if int(low) == int(high) else f"{int(low)} – {int(high)}"


def add_dots(figure: go.Figure, table: pd.DataFrame, rows: np.ndarray, colour: str, **cell) -> None:
    """Scores as dots, their intervals as bars; an infinite end runs out of the picture."""
    score = table["score"].to_numpy(float)
    low, high = table["low"].to_numpy(float), table["high"].to_numpy(float)
    ends = np.concatenate([score, low[np.isfinite(low)], high[np.isfinite(high)]])
    far = 10 * (np.ptp(ends) + 1) if len(ends) else 1.0
    low, high = (
        np.where(np.isinf(low), score - far, low),
        np.where(np.isinf(high), score + far, high),
    )
    names = [shown_name(name) for name in table["model"]]
    figure.add_scatter(
        x=score, y=rows, mode="markers", marker={"size": 10, "color": colour}, showlegend=False,
        error_x={"type": "data", "symmetric": False, "array": np.nan_to_num(high - score),
                 "arrayminus": np.nan_to_num(score - low), "color": colour, "thickness": 2.2,
                 "width": 0},
        customdata=np.column_stack([names, low.round(), high.round()]) if names else None,
        hovertemplate="%{customdata[0]}: %{x:.0f} (%{customdata[1]} to %{customdata[2]})"
        "<extra></extra>", **cell,
    )  # fmt: skip


def same_range(figure: go.Figure, table: pd.DataFrame) -> None:
    """The same range of scores in all panels, from the lowest end of an interval to the highest."""
    ends = table[["score", "low", "high"]].to_numpy(float)
    ends = ends[np.isfinite(ends)]
    if len(ends):
        room = 0.06 * (np.ptp(ends) + 1)
        figure.update_xaxes(range=[ends.min() - room, ends.max() + room])


def write_beside(figure: go.Figure, row: float, pixels: int, text: str, colour: str) -> None:
    """Write so many pixels right of the plot."""
    figure.add_annotation(text=text, x=1, xref="paper", xshift=pixels, y=row, xanchor="left",
                          showarrow=False, font={"color": colour, "size": 12})  # fmt: skip


def name_rows(figure: go.Figure, names: Sequence[object], *, bottom: float, top: float) -> None:
    """One row per name; by number, so that two names that look alike stay two."""
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=[f"{shown_name(name)} " for name in names],
        range=[bottom, top], showgrid=False, zeroline=False,
    )  # fmt: skip


def apart(values: np.ndarray, step: float) -> np.ndarray:
    """Falling values moved as little as needed to lie `step` apart (isotonic regression)."""
    target = values + step * np.arange(len(values))
    blocks: list[list[float]] = []  # mean, size
    for value in target:
        blocks.append([float(value), 1])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            mean, size = blocks.pop()
            before, number = blocks[-1]
            blocks[-1] = [(before * number + mean * size) / (number + size), number + size]
    fitted = np.repeat([b[0] for b in blocks], [int(b[1]) for b in blocks]) if blocks else target
    return fitted - step * np.arange(len(values))


def finish(
    figure: go.Figure, title: str, note: str, *, height: int, right: int, top: int | None = None
) -> go.Figure:
    heading: dict[str, Any] = {"text": title, "font": {"size": 15}, "x": 0.02, "xanchor": "left",
                               "yref": "container", "y": 1, "pad": {"t": 18}}  # fmt: skip
    if note:
        heading["subtitle"] = {"text": shown_note(note), "font": {"size": 12, "color": ACCENT}}
    from hhlab.plots.chart import Chart

    return Chart(figure).update_layout(
        template="plotly_white", title=heading, font_color=INK, height=height,
        margin={"l": 20, "r": right, "t": top or (90 if note else 65), "b": 50},
    ).update_yaxes(automargin=True)  # fmt: skip


def shown_note(text: str) -> str:
    return escape(printable(text).replace("\n", " "), quote=True)
