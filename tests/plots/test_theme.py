"""Figures in a notebook can be read on light and dark pages; elsewhere they stay as drawn."""

from __future__ import annotations

import json
import re

import pandas as pd
import plotly.io as pio
import pytest

from hhlab import plots
from hhlab.plots.theme import themed, tinted

LIGHT, DARK = "#ffffff", "#111111"  # JupyterLab's own pages
KIND = "application/vnd.plotly.v1+json"


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, as WCAG 2.2 defines it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture(scope="module")
def board() -> pd.DataFrame:
    return pd.DataFrame({
        "model": ["a<b", "c"], "score": [1100.0, 900.0], "low": [1050.0, 850.0],
        "high": [1150.0, 950.0], "rank_low": [1, 2], "rank_high": [1, 2], "votes": [40, 40],
    })  # fmt: skip


@pytest.fixture(scope="module")
def votes() -> pd.DataFrame:
    return pd.DataFrame({"model_a": ["a", "b", "c"] * 6, "model_b": ["b", "c", "a"] * 6,
                         "winner": ["a", "b", "tie"] * 6})  # fmt: skip


@pytest.fixture(autouse=True)
def in_jupyter(monkeypatch):
    monkeypatch.setattr(pio.renderers, "default", "plotly_mimetype")


def shown(figure) -> dict:
    """The layout as a notebook gets it."""
    return figure._repr_mimebundle_()[KIND]["layout"]


def test_the_page_is_seen_under_the_figure_and_its_words_can_be_read_on_both(board):
    layout = shown(plots.leaderboard(board, note="simulated votes"))
    assert {layout["paper_bgcolor"], layout["plot_bgcolor"]} == {"rgba(0, 0, 0, 0)"}
    base = layout["font"]["color"]
    assert min(contrast(base, LIGHT), contrast(base, DARK)) > 4.1
    title = layout["title"]
    told = [title["text"], title["subtitle"]["text"], layout["xaxis"]["title"]["text"],
            *layout["yaxis"]["ticktext"], *(a["text"] for a in layout["annotations"])]  # fmt: skip
    assert len(told) > 8
    for text in told:  # the page's own ink, and a grey where there is no such page
        assert f"var(--jp-ui-font-color1, {base})" in text
    assert "simulated votes" in title["subtitle"]["text"]
    assert "a&lt;b" in layout["yaxis"]["ticktext"][0], "names are text as before"


def test_words_on_a_heat_map_keep_the_colours_that_suit_its_cells(votes):
    figure = plots.win_matrix(votes, note="made up")
    before = {a.text: a.font.color for a in figure.layout.annotations if a.xref is None}
    after = {a["text"]: a["font"]["color"] for a in shown(figure)["annotations"]}
    assert before and before.items() <= after.items()
    (under,) = set(after) - set(before)
    assert "var(--jp" in under, "what stands beside the map follows the page"


def test_lines_that_are_ink_are_not_lost_in_the_dark(board):
    figure = plots.leaderboard(board)
    figure.add_vline(x=1000, line={"color": "#1c1b19"})
    (line,) = (shape["line"]["color"] for shape in shown(figure)["shapes"])
    assert contrast(line, DARK) > 4 and contrast(line, LIGHT) > 4


def test_a_file_or_a_window_of_its_own_is_dark_on_white_as_drawn(board, monkeypatch):
    figure = plots.leaderboard(board, note="simulated votes")
    before = figure.to_json()
    shown(figure)
    assert figure.to_json() == before, "showing a figure changes nothing in it"
    assert "--jp-" not in figure.to_html(include_plotlyjs=False)
    monkeypatch.setattr(pio.renderers, "default", "png")
    assert "--jp-" not in figure._drawn(None).to_json()
    assert "--jp-" in figure._drawn("plotly_mimetype+notebook").to_json()


def test_a_coloured_word_keeps_its_hue_and_no_text_gets_out_of_its_span():
    word = tinted("<b>x</b>", "#2563a8")
    (style,) = re.findall(r'style="([^"]*)"', word)
    assert "color-mix" in style and "#2563a8" in style and word.endswith("<b>x</b></span>")


def test_marks_and_lines_are_the_same(board):
    drawn = plots.leaderboard(board)
    assert json.loads(themed(drawn).to_json())["data"] == json.loads(drawn.to_json())["data"]
