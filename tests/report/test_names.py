"""Every number that ships is called by a plain name, with a unit that reads well after it."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, get_type_hints

import numpy as np
import pytest

from hhlab.report import card, names, words
from hhlab.report.overview import Entry, overview_text
from hhlab.report.page import render_page
from hhlab.tasks import METRICS
from hhlab.types import ClipInfo, Measure, Score, Series

N = 3
VALUES: dict[Any, Any] = {float: 0.5, int: 3, str: "", bool: True, np.ndarray: np.linspace(0, 1, N)}
INFO = ClipInfo("clip.mp4", None, None, 2.0, 64, 64, 25.0)


def made(kind: type, /, **given: Any) -> Any:
    """A result of a metric whose every field has a value; `given` wins."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        if field.name not in given and hints[field.name] in VALUES:
            given[field.name] = VALUES[hints[field.name]]
    return kind(**{"status": "ok", **given} if "status" in hints else given)


def everything() -> list[Score]:
    """A score of each metric with all numbers that it can have."""
    from hhlab.metrics.camera_name import Move
    from hhlab.metrics.camera_result import CameraMotion
    from hhlab.metrics.flicker import Flicker
    from hhlab.metrics.identity_result import IdentityDrift
    from hhlab.metrics.instruction.clause import KINDS, Clause
    from hhlab.metrics.instruction.result import Finding, Following
    from hhlab.metrics.light import LightFound
    from hhlab.metrics.light_asked import VALUES as LIGHT
    from hhlab.metrics.lip_sync.result import LipSyncOffset
    from hhlab.metrics.motion_repeats import Repeats
    from hhlab.metrics.motion_result import TERMS, MotionQuality, Movement
    from hhlab.metrics.motion_skips import Skips
    from hhlab.metrics.perceptual import Perceptual
    from hhlab.metrics.sound_picture import SoundPicture
    from hhlab.metrics.speech.result import Speech
    from hhlab.metrics.speech.words import Agreement
    from hhlab.metrics.texture.result import AXES, REGIONS, TextureArtifacts

    line = np.linspace(0, 1, N)
    turns = np.repeat(np.eye(3)[None], N, axis=0)
    camera = made(CameraMotion, move=Move("pan left", (), 2.0, 0.1), doubt=np.full(4, 0.1),
                  rotations=turns)  # fmt: skip
    light = made(LightFound, errors=(0.1, 0.1, 0.1),
                 found=dict.fromkeys(LIGHT) | {"warmth": "warm"},
                 series={"balance": line, "level": line, "warmth": line})  # fmt: skip
    regions = [f"{axis}_{region}" for axis in (*AXES, "waxiness", "boiling") for region in REGIONS]
    motion = made(
        MotionQuality, terms=dict.fromkeys(TERMS, 0.5), repeats=made(Repeats, beat="none"),
        movement=made(Movement, tempo=(0.1, -1.0, 1.0)), skips=made(Skips),
        series=dict.fromkeys(("quality", *TERMS), line),
    )  # fmt: skip
    speech = made(Speech, agreement=Agreement(3, 1, 0, 0), pauses_s=line, pause_starts_s=line)
    identity = made(IdentityDrift, seen=line > 0, left_out=line < 0)
    clauses = tuple(Finding(made(Clause, kind=kind), "", "yes") for kind in KINDS)
    return [
        camera.to_score(), camera.to_score("the camera pans left"),
        light.to_score(), light.to_score("warm light"),
        made(TextureArtifacts, series=dict.fromkeys(regions, line)).to_score(), motion.to_score(),
        speech.to_score(), made(Flicker).to_score(), identity.to_score(),
        made(LipSyncOffset, synchronised=True).to_score(), made(SoundPicture).to_score(),
        Following(clauses).to_score(), made(Perceptual, compared_with="reference").to_score(),
        made(Perceptual, compared_with="previous sample").to_score(),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    return everything()


def numbers(scores: list[Score]) -> set[tuple[str, str]]:
    return {(score.metric, m.name) for score in scores for m in (*score.measures, *score.series)}


def test_no_number_that_ships_is_without_a_plain_name(scores):
    shipped = numbers(scores)
    assert {metric for metric, _ in shipped} == {kind.name for kind in METRICS}
    assert {pair for pair in shipped if pair[1] not in names.TERMS.get(pair[0], {})} == set()
    known = {(metric, measure) for metric, its in names.TERMS.items() for measure in its}
    assert known - shipped == set()  # and no name is left of a number that is gone


def test_names_fit_a_heading_and_a_sentence():
    for metric, its in names.TERMS.items():
        said = [term.name for term in its.values()]
        assert len(set(said)) == len(said), metric
        for name in said:
            assert 3 <= len(name) <= 32 and not re.search(r"[_,:;%]", name), name
            assert name[0].islower() or name[:3].isupper() or name[:3] == "LSE"


def test_what_every_number_says_is_told_beside_it(scores):
    for score in scores:
        for measure in score.measures:
            assert names.about(score.metric, measure.name, measure.label), measure


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(3.1, "1-5", "3.10 of 5"), (0.667, "share", "67%"), (0.0004, "share", "0.040%"),
     (0.0, "share", "0%"), (40.0, "ms", "+40 ms"), (12.0, "%", "12%"), (3.2, "°", "3.20°"),
     (1.5, "1/s", "1.50 per s"), (2.0, "sd", "2"), (-23.0, "LUFS", "-23 LUFS"),
     (0.5, "probability", "0.50"), (float("nan"), "share", "–")],
)  # fmt: skip
def test_units_read_well_after_a_number(value, unit, said):
    assert words.number(value, unit) == said


def test_a_clips_page_and_its_one_line_summary_read_well(scores):
    by_name = {score.metric: score for score in scores}
    plain = {name: words.headline(score) for name, score in by_name.items()}
    assert plain["speech"] == "0.50 of 5" and plain["instruction"] == "100%"
    assert plain["camera"] == "as asked: pan left" and plain["light"] == "as asked: warm"
    assert words.headline(scores[0]) == "pan left" and words.headline(scores[2]) == "warm"
    page = render_page(INFO, list(by_name.values()))
    for text in ("Jerky motion", "Bending and melting", "Shimmering surfaces", "Words right",
                 "Change of warmth", "how far each picture is from halfway"):  # fmt: skip
        assert text in page
    assert not re.search(r"unevenness|incoherence|residue|dnsmos_|1-5", re.sub(
        r"<code>.*?</code>", "", page, flags=re.DOTALL))  # fmt: skip


def test_the_table_of_clips_names_its_columns(scores):
    head = overview_text([Entry("a.mp4", None, tuple(scores[1::2]))]).splitlines()[:2]
    assert "Sound and picture" in head[0] or "Instruction following" in head[0]
    assert "_" not in head[1] and "dnsmos" not in head[1]


def test_numbers_of_other_instruments_keep_their_own_words():
    line = np.linspace(0, 1, N)
    own = Score("own", "1", "ok", "Fine.", measures=(
        Measure("jerk_per_s", 0.5, "1/s", "lower", label="how <b>fast</b>"),),
        series=(Series("glow", "", "none", line, line, "how it <i>glows</i>"),))  # fmt: skip
    page, shown = render_page(INFO, [own]), card(INFO, [own])
    assert "Jerk<small>how &lt;b&gt;fast&lt;/b&gt;</small>" in page and "0.50 per s" in page
    assert "how it &lt;i&gt;glows" in page and "<i>glows" not in page + shown


def test_chips_tell_metrics_apart():
    said = [words.short_title(kind.name) for kind in METRICS]
    assert len(set(said)) == len(said) and "Sound & picture" in said and "Speech" in said
    assert all(len(text) <= 16 for text in said)
