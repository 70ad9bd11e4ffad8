"""Pages that people open: complete, self-contained, safe, and honest about what is missing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hhlab.media import read_clip
from hhlab.report import Entry, card, render_page, write_overview
from hhlab.report.overview import overview_text
from hhlab.report.timeline import MOST_POINTS, thin, timeline_svg
from hhlab.types import ClipInfo, Measure, Moment, Score, Series, undetermined

HARM = "<script>alert('x')</script>\"'&"
NAN = float("nan")


def score(**changes) -> Score:
    series = Series("drift", "1", "lower", np.arange(50) / 25, np.linspace(0, 1, 50), "drift")
    fields = {
        "metric": "identity", "version": "1", "status": "ok", "sentence": "The face changes.",
        "measures": (Measure("drift", 0.42, "1", "lower", 0.40, 0.44, label="typical drift"),
                     Measure("slope", NAN, "1/s", "lower", status="undetermined",
                             reason="too short")),
        "series": (series,), "moments": (Moment(0.6, "drift", 0.75, "furthest from itself"),),
        "parameters": {"every_s": 0.2},
    }  # fmt: skip
    return Score(**(fields | changes))


class Tags(HTMLParser):
    """Collects tags and attributes as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(small_clips):
    clip = read_clip(small_clips[0])
    return render_page(clip.info, [score(), undetermined("lip_sync", "1", "no speech")], clip)


def test_page_shows_values_units_intervals_directions_and_reasons(page):
    for text in ("The face changes.", "how unlike the reference face", "0.42", "0.40 … 0.44",
                 "lower is better", "too short", "no speech", "furthest from itself",
                 "0:00.60"):  # fmt: skip
        assert text in page


def test_page_plays_the_clip_and_shows_stills_of_the_worst_moments(page):
    tags = Tags(page).found
    videos = [a["src"] for tag, a in tags if tag == "video"]
    assert len(videos) == 1 and videos[0].startswith("data:video/mp4;base64,")
    stills = [a["src"] for tag, a in tags if tag == "img"]
    assert len(stills) == 1 and stills[0].startswith("data:image/jpeg;base64,")


def test_page_needs_no_other_file_and_forbids_itself_to_load_one(page):
    tags = Tags(page).found
    for tag, attributes in tags:
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:"), tag
    policy = next(a["content"] for t, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_nothing_from_outside_becomes_markup(tmp_path):
    info = ClipInfo(HARM, None, None, 2.0, 64, 64, 25.0, notes=(HARM,), video_codec=HARM)
    hostile = score(
        sentence=HARM, subject=HARM, encoder=HARM, parameters={HARM: HARM},
        measures=(Measure(HARM, 1.0, HARM, "lower", status="ok", label=HARM),),
        series=(Series("drift", HARM, "lower", np.arange(3.0), np.arange(3.0), HARM),),
        moments=(Moment(1.0, "drift", 0.5, HARM),),
    )  # fmt: skip
    overview = write_overview(tmp_path / "i.html", [Entry(HARM, HARM, (hostile,)),
                                                    Entry(HARM, None, (), HARM)])  # fmt: skip
    for text in (render_page(info, [hostile]), card(info, [hostile]), overview.read_text()):
        assert "<script>alert" not in text
        tags = Tags(text).found
        assert sum(tag == "script" for tag, _ in tags) <= 1
        assert not any(name.startswith("on") for _, attributes in tags for name in attributes)


def test_card_runs_no_script(small_clips):
    clip = read_clip(small_clips[0])
    text = card(clip.info, [score()], clip)
    assert "<video" in text and "<svg" in text and "<script" not in text


def test_gaps_break_the_line():
    values = np.array([0.1, 0.2, NAN, NAN, 0.3, 0.4, NAN, 0.5])
    svg = timeline_svg(Series("s", "1", "lower", np.arange(8.0), values), duration_s=8)
    assert svg.count("<polyline") == 2 and svg.count('r="1.6"') == 1


def test_an_empty_series_says_so():
    svg = timeline_svg(Series("s", "1", "lower", np.zeros(0), np.zeros(0)), duration_s=2)
    assert "nothing could be measured" in svg


@given(st.lists(st.floats(-1e12, 1e12) | st.just(NAN), max_size=40))
def test_every_point_lies_inside_the_picture(values):
    series = Series("s", "ms", "zero", np.arange(len(values)) / 10, np.array(values, float))
    svg = timeline_svg(series, duration_s=len(values) / 10, moments=[Moment(0.1, "s", 1e9, "x")])
    assert "nan" not in svg.replace("nothing", "")
    for points in re.findall(r'points="([^"]+)"', svg):
        for pair in points.split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= 720 and 0 <= y <= 96


def axis(unit: str, direction: str, *values: float) -> tuple[list[str], list[float]]:
    """The labels at the ends of the axis (lowest first), and each value's share of its height."""
    series = Series("s", unit, direction, np.arange(len(values)) / 10, np.array(values))
    svg = timeline_svg(series, duration_s=1)
    ends = re.findall(r'class="grid"[^>]*y1="([-\d.]+)".*?<text[^>]*>([^<]+)</text>', svg)
    bottom, top = float(ends[0][0]), float(ends[1][0])
    (points,) = re.findall(r'points="([^"]+)"', svg)
    ys = [float(pair.split(",")[1]) for pair in points.split()]
    return [label for _, label in ends], [(bottom - y) / (bottom - top) for y in ys]


@pytest.mark.parametrize(
    ("unit", "direction"), [("probability", "higher"), ("share", "lower"), ("", "higher")]
)
@pytest.mark.parametrize("values", [(0.0, 0.0), (1.0, 1.0), (0.93, 0.93), (0.97, 0.98, 0.96)])
def test_probabilities_shares_and_qualities_have_the_whole_scale(unit, direction, values):
    labels, heights = axis(unit, direction, *values)
    assert labels == (["0%", "100%"] if unit == "share" else ["0", "1"])
    np.testing.assert_allclose(heights, values, atol=0.01)


@given(st.floats(1e-6, 1e6), st.sampled_from(["%", "1", "log chromaticity"]))
def test_a_level_line_of_what_is_never_negative_starts_its_axis_at_zero(value, unit):
    labels, heights = axis(unit, "lower", value, value)
    assert labels[0].split()[0].rstrip("%") == "0" and all(0.5 < height < 0.9 for height in heights)


def test_level_lines_at_zero_and_below():
    assert axis("%", "lower", 0.0, 0.0) == (["0%", "1%"], [0.0, 0.0])
    assert axis("ms", "zero", 0.0, 0.0) == (["-1 ms", "+1 ms"], [0.5, 0.5])
    labels, heights = axis("dB", "none", -20.0, -20.0)
    assert labels == ["-30 dB", "0 dB"] and heights[0] == pytest.approx(1 / 3, abs=0.01)


def test_a_signed_series_and_one_far_from_zero_keep_their_own_range():
    assert axis("dB", "none", -3.0, 5.0)[0] == ["-3 dB", "5 dB"]
    assert axis("%", "lower", 8.0, 10.0)[0] == ["8%", "10%"]


def test_thinning_keeps_the_extremes():
    values = np.zeros(50_000)
    values[31_234] = 9.0
    values[100] = -4.0
    times, kept = thin(np.arange(50_000) / 25, values)
    assert len(times) <= MOST_POINTS and kept.max() == 9.0 and kept.min() == -4.0


def test_terminal_table_lines_up_and_tells_failures():
    text = overview_text(
        [Entry("a.mp4", None, (score(),)), Entry("b.mp4", None, (), "FileEmpty: b")]
    )
    lines = text.splitlines()
    assert lines[0].index("Identity") == lines[2].index("0.42")
    assert "FileEmpty" in lines[3]


def test_every_metric_has_a_heading_of_its_own():
    from hhlab.report.words import TITLES
    from hhlab.tasks import METRICS

    assert {kind.name for kind in METRICS} <= set(TITLES)
    assert len(set(TITLES.values())) == len(TITLES)
