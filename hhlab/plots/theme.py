"""A figure for a page whose theme nobody knows beforehand: JupyterLab's, light or dark.

Plotly's colours are fixed numbers. So what lies under the figure is left transparent, lines of the
grid and small words get a grey that is as far from white as from black, and the words that matter
are told their colour in CSS, which follows the page and changes with it. Where there is no such
page (an image, another viewer of notebooks) they are grey too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hhlab.plots.scores import INK

if TYPE_CHECKING:
    import plotly.graph_objects as go

GREY = "#787672"  # 4.5 : 1 on white, 4.2 : 1 on #111111, as WCAG counts contrast
GRID, CLEAR = "rgba(128, 128, 128, 0.22)", "rgba(0, 0, 0, 0)"
HOVER = {"bgcolor": "#2b2926", "bordercolor": "#8a8780", "font": {"color": "#ffffff"}}
_PAGE_INK = f"var(--jp-ui-font-color1, {GREY})"
_HEATMAP = "heatmap"


def themed(figure: go.Figure) -> go.Figure:
    """A copy of a figure whose words can be read on any page; marks and lines keep their colours.

    Words on the cells of a heat map keep theirs as well: the cells are as light or as dark as they
    were.
    """
    import plotly.graph_objects as go

    made = go.Figure(figure)
    made.update_layout(
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, font_color=GREY, hoverlabel=HOVER,
        legend_bgcolor=CLEAR,
    )  # fmt: skip
    for axis in (*made.select_xaxes(), *made.select_yaxes()):
        axis.update(gridcolor=GRID, zerolinecolor=GRID)
        if axis.title.text:
            axis.title.text = tinted(axis.title.text, INK)
        if axis.ticktext is not None:
            axis.ticktext = [tinted(text, INK) for text in axis.ticktext]
    title = made.layout.title
    for words in (title, title.subtitle):
        if words.text:
            words.text = tinted(words.text, words.font.color or INK)
    on_cells = any(trace.type == _HEATMAP for trace in made.data)
    for words in made.layout.annotations:
        if words.text and not (on_cells and _is_on_data(words)):
            words.text = tinted(words.text, words.font.color or INK)
    for shape in made.layout.shapes:
        if shape.line.color == INK:
            shape.line.color = GREY
    return made


def tinted(text: str, colour: str) -> str:
    """Words in the page's own ink; with another colour than ink, as far towards it as that colour
    needs to be told from the page.

    `text` is what plotly takes: markup of its own, with everything else escaped.
    """
    tone = _PAGE_INK if colour == INK else f"color-mix(in srgb, {colour} 62%, {_PAGE_INK})"
    return f'<span style="color:{tone}">{text}</span>'


def _is_on_data(words: go.layout.Annotation) -> bool:
    return words.xref in (None, "x") and words.yref in (None, "y")
