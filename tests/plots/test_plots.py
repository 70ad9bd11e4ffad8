"""Figures hold what the table holds, and say when there is nothing to draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hhlab import plots
from hhlab.errors import BadArgument


@pytest.fixture
def series() -> pd.DataFrame:
    return pd.DataFrame({
        "clip": ["a"] * 3 + ["b"] * 3, "metric": "identity", "series": "drift", "unit": "1",
        "time_s": [0.0, 1.0, 2.0] * 2, "value": [0.1, np.nan, 0.3, 0.2, 0.2, 0.2],
    })  # fmt: skip


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame({
        "clip": ["a", "b"], "metric": "lip_sync", "measure": "offset_ms", "value": [40.0, np.nan],
        "low": [20.0, np.nan], "high": [70.0, np.nan], "unit": "ms", "direction": "zero",
        "status": ["ok", "undetermined"], "reason": ["", "no speech"],
    })  # fmt: skip


def test_each_clip_is_a_line_and_gaps_stay_gaps(series):
    figure = plots.timeline(series)
    assert [trace.name for trace in figure.data] == ["a", "b"]
    assert np.isnan(figure.data[0].y[1]) and figure.data[0].connectgaps is False


def test_a_metric_that_is_not_there_draws_an_empty_figure(series):
    figure = plots.timeline(series, metric="flicker")
    assert not figure.data and "nothing" in figure.layout.title.text


def test_intervals_are_drawn_and_undetermined_clips_keep_their_place(table):
    figure = plots.comparison(table, measure="offset_ms")
    known, unsure = figure.data
    assert list(known.x) == ["a"] and list(known.error_y.array) == [30.0]
    assert list(known.error_y.arrayminus) == [20.0]
    assert list(unsure.x) == ["b"] and list(unsure.hovertext) == ["no speech"]
    assert list(figure.layout.xaxis.categoryarray) == ["a", "b"]


def test_what_is_drawn_is_said_in_words_with_its_unit(series, table):
    figure = plots.comparison(table, measure="offset_ms")
    assert figure.layout.title.text == "Lip sync: offset, nearer to 0 is better"
    assert figure.layout.yaxis.title.text == "offset in ms"
    meaning = "0 same .. 1 another person"
    (panel,) = plots.timeline(series.assign(unit=meaning)).layout.annotations
    assert panel.text == f"Identity: drift ({meaning})"


def test_names_of_clips_are_text(series, table):
    nasty = '<a href="https://example.org">x</a>'
    for figure in (plots.timeline(series.assign(clip=nasty)),
                   plots.comparison(table.assign(clip=nasty), measure="offset_ms")):  # fmt: skip
        assert "<a" not in figure.to_plotly_json()["data"][0]["name"]
        assert "<a" not in str(figure.layout.xaxis.categoryarray)
        assert not any("<a" in str(x) for trace in figure.data for x in trace.x)


def test_an_unknown_measure_names_the_known_ones(table):
    with pytest.raises(BadArgument, match="offset_ms"):
        plots.comparison(table, measure="beauty")


def test_missing_columns_are_named(table):
    with pytest.raises(BadArgument, match="unit"):
        plots.comparison(table.drop(columns="unit"), measure="offset_ms")


def test_nothing_leads_out_of_a_figure_in_a_notebook(series, table, monkeypatch):
    """No button that sends data away, no vendor's link; and what is drawn stays a plotly figure."""
    import plotly.graph_objects as go
    import plotly.io as pio

    monkeypatch.setattr(pio.renderers, "default", "plotly_mimetype")
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, **_: shown.append(bundle))
    for figure in (plots.timeline(series), plots.comparison(table, measure="offset_ms")):
        assert isinstance(figure, go.Figure)
        shown.append(figure._repr_mimebundle_())
        figure.show()
        figure._ipython_display_()
    assert len(shown) == 6
    for bundle in shown:
        config = bundle["application/vnd.plotly.v1+json"]["config"]
        assert config["displaylogo"] is False and config["showSendToCloud"] is False
        assert "plot.ly" not in str(bundle) and "http" not in str(config)
