"""What a study's report rests on: enough votes, every clip that counts, and all that is missing."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from hhlab.report.study import render
from hhlab.report.study.agreeing import agreement_part
from hhlab.report.study.method import EXCUSE, settings_of
from hhlab.report.study.missing import missing
from hhlab.report.study.tables import leading_rows, numbers_of
from hhlab.study import Study
from hhlab.study.report import dossier
from hhlab.tasks import WITHOUT_FACES
from tests.report.test_study_page import Page, votes_by
from tests.study.fakes import FakeContender, FakeInstrument, suite

PROMPTS = ("one", "two", "three")


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    made = Study.open(
        tmp_path_factory.mktemp("report") / "s", suite(*PROMPTS),
        [FakeContender("anna"), FakeContender("bert")], instrument=FakeInstrument(breaks_on="two"),
        gates=[],
    )  # fmt: skip
    made.run()
    return dossier(made)


def test_a_few_votes_on_one_prompt_do_not_make_a_metric_agree(material):
    names = list(material.contenders)
    rows = [
        {"model_a": names[0], "model_b": names[1], "winner": "a" if k < 4 else "tie",
         "prompt": "one" if k < 4 else "three", "voter": "ann", "vote_id": str(k),
         "dimension": "overall", "simulated": False, "category": ""} for k in range(5)
    ]  # fmt: skip
    page = render(replace(material, votes=pd.DataFrame(rows)))
    part = page.partition('id="agreement"')[2].partition("<section")[0]
    said = Page(part).text
    assert said.count("too little to tell") == 2 and "It takes 10 decided votes on 3" in said
    assert "agrees </td>" not in part and 'class="best"' not in part and 'class="last"' not in part
    assert not re.search(r"\d% to \d", said)


def test_a_price_in_time_is_of_those_whose_time_is_known(material):
    nan = float("nan")
    costs = material.costs.assign(usd=nan, usd_per_usable_s=nan, usable=3, open=0)
    costs["took_s_per_usable_s"] = [nan, 4.0]
    text = Page(render(replace(material, costs=costs))).text
    assert "Quickest usable second 4 s of computing bert; not known of anna" in text.replace(
        "  ", " ")  # fmt: skip
    text = Page(render(replace(material, costs=costs.assign(took_s_per_usable_s=nan)))).text
    assert re.search(r"Quickest usable second\s+not known", text) and "of computing" not in text


# --- numbers that lead their metric for some clips alone -----------------------------------------
@pytest.fixture
def mixed(material):
    """Grey leads for one shot only; of one clip it cannot be told, of another it is missing."""
    scores = material.scores.copy()
    grey = scores["measure"] == "grey"
    first = scores["shot"] == "shot-0"
    scores.loc[grey & ~first, "is_headline"] = False
    untold, lost = scores.index[grey & (scores["shot"] == "shot-2")]
    scores.loc[untold, ["value", "status", "reason"]] = [float("nan"), "undetermined", "too dark"]
    return replace(material, scores=scores.drop(index=lost).reset_index(drop=True))


def test_every_clip_that_has_a_number_counts(mixed):
    (grey,) = [number for number in numbers_of(mixed) if number.measure == "grey"]
    assert sum(line.clips for line in grey.lines) == 4 and sum(line.of for line in grey.lines) == 6
    voted = votes_by(["anna", "bert"], PROMPTS, better="anna")
    voted = voted.assign(dimension="overall", simulated=False)
    (row,) = [row for row in agreement_part(replace(mixed, votes=voted)).rows
              if row.title == "Grey"]  # fmt: skip
    assert row.votes > 20


def test_every_number_that_could_not_be_told_is_listed(mixed):
    gaps = [gap for gap in missing(mixed) if gap.numbers == ("grey",)]
    assert {gap.reason: sum(gap.counts.values()) for gap in gaps} == {
        "too dark": 1, "these clips have no such number, as where nothing of it was asked": 1,
    }  # fmt: skip
    listed = sum(
        sum(gap.counts.values()) for gap in missing(mixed) if gap.what != "the clip itself"
    )
    numbers = len(mixed.clips) * 2  # grey and shade
    assert f"{100 * listed / numbers:.0f}% of the numbers could not be told" in Page(
        render(mixed)).text  # fmt: skip


def test_what_is_known_beside_a_finding_that_could_not_be_told_does_not_lead(material):
    scores = material.scores[material.scores["metric"] == "shade"]  # it broke on one shot
    broken = scores[scores["measure"] == ""].head(1)
    beside = broken.assign(measure="amount", value=1.0, status="ok", is_headline=True)
    both = leading_rows(pd.concat([scores, beside]))
    assert set(both["measure"]) == {"shade"} and len(both) == 4


# --- method --------------------------------------------------------------------------------------
def test_settings_are_what_was_set_for_every_clip():
    one = {"asked": "", "heard": "a boat", "heard_by": "whisper", "heard_confidence": 0.8}
    other = one | {"asked": "a boat", "heard_confidence": 0.7}
    assert settings_of("speech", map(json.dumps, [one, other])) == {"heard_by": "whisper"}
    assert settings_of("speech", [json.dumps(one)]) == {"heard_by": "whisper"}
    flicker = [{"frames": "all", "patch_px": 12, "without_faces": "too long"}, {"frames": "all"}]
    assert settings_of("flicker", map(json.dumps, flicker)) == {"frames": "all", "patch_px": 12}
    assert settings_of("own", ['{"side_px": 8}', '{"side_px": 9}']) == {}
    assert settings_of("lip_sync", ['{"synchronised": null}']) == {}
    assert EXCUSE == WITHOUT_FACES
