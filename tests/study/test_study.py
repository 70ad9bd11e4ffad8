"""A study from a user's side: begun, done, gone on with, added to."""

from __future__ import annotations

import pytest
import yaml

from hhlab.errors import (
    BadArgument,
    MetricError,
    ResultsLocked,
    StudyDamaged,
    StudyDiffers,
    StudyMissing,
)
from hhlab.generate.suite import Suite, SuiteShot
from hhlab.results import lock
from hhlab.study import Study
from tests.study.fakes import BUSY, REFUSED, UNABLE, FakeContender, FakeInstrument, suite


def begin(folder, *prompts, names=("anna", "bert"), seeds=2, **more):
    """A study of these prompts, its contenders and its instrument."""
    contenders = [FakeContender(name) for name in names]
    instrument = more.pop("instrument", None) or FakeInstrument()
    study = Study.open(folder, suite(*prompts), contenders, seeds, instrument=instrument,
                       gates=more.pop("gates", []), **more)  # fmt: skip
    return study, contenders, instrument


def test_every_clip_is_made_and_measured_once(tmp_path):
    study, (anna, bert), instrument = begin(tmp_path / "june", "one", "two")
    assert study.run().is_complete
    assert sorted(anna.calls) == sorted(bert.calls) == [
        ("shot-0", 0), ("shot-0", 1), ("shot-1", 0), ("shot-1", 1)]  # fmt: skip
    assert len(instrument.measured) == 8
    assert {metrics for _, metrics in instrument.measured} == {("grey", "shade")}  # in one pass
    outcomes, scores, clips = study.outcomes(), study.scores(), study.clips()
    assert (outcomes["status"] == "made").all() and len(outcomes) == 8
    assert len(scores) == 8 * 3
    assert clips["sha256"].nunique() == 8
    again = Study.open(tmp_path / "june", contenders=[anna, bert], instrument=instrument)
    assert again.run().is_complete
    assert len(anna.calls) == 4 and len(instrument.measured) == 8
    assert again.scores().equals(scores) and again.outcomes().equals(outcomes)


def test_failures_are_outcomes_and_only_hopeful_ones_are_tried_again(tmp_path):
    study, (anna,), _ = begin(tmp_path / "s", "fine", REFUSED, UNABLE, BUSY, names=["anna"],
                              seeds=1)  # fmt: skip
    done = study.run()
    assert not done.is_complete and (done.total.made, done.total.failed) == (1, 3)
    outcomes = study.outcomes().set_index("shot")
    assert list(outcomes["error"]) == ["", "ContentRefused", "UnsupportedShot", "RateLimited"]
    assert "no dragons" in outcomes.loc["shot-2", "reason"]
    anna.calls.clear()
    study.run()
    assert anna.calls == [("shot-3", 0)]
    anna.busy = False
    study.run()
    assert study.outcomes().set_index("shot").loc["shot-3", "attempts"] == 3
    assert study.outcomes().set_index("shot").loc["shot-3", "status"] == "made"


def test_a_contender_that_cannot_be_had_does_not_stop_the_others(tmp_path):
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    study = Study.open(
        tmp_path / "s", suite("one"), {"ghost": checkpoint, "anna": FakeContender("x")},
        instrument=FakeInstrument(), gates=[],
    )  # fmt: skip
    checkpoint.rmdir()
    study.run()
    outcomes = study.outcomes().set_index("contender")
    assert outcomes.loc["ghost", "error"] == "UnknownModel"
    assert outcomes.loc["anna", "status"] == "made"


def test_a_metric_that_breaks_is_tried_once_more_and_then_left(tmp_path):
    instrument = FakeInstrument(breaks_on="two")
    study, _, _ = begin(tmp_path / "s", "one", "two", names=["anna"], seeds=1,
                        instrument=instrument)  # fmt: skip
    assert not study.run().is_complete
    for _ in range(3):
        study.run()
    asked = [metrics for shot, metrics in instrument.measured if shot == "shot-1"]
    assert asked == [("grey", "shade"), ("shade",)]
    scores = study.scores()
    broken = scores[(scores["shot"] == "shot-1") & (scores["metric"] == "shade")]
    assert list(broken["status"]) == ["failed"] and list(broken["reason"]) == ["broken"]


def test_a_new_version_of_a_metric_is_measured_and_the_old_numbers_are_kept(tmp_path):
    study, contenders, _ = begin(tmp_path / "s", "one", names=["anna"], seeds=1)
    study.run()
    newer = FakeInstrument(version="10")
    study = Study.open(tmp_path / "s", contenders=contenders, instrument=newer)
    study.run()
    assert newer.measured == [("shot-0", ("grey",))]
    assert set(study.scores().query("metric == 'grey'")["metric_version"]) == {"10"}
    every = study.scores(every_version=True).query("metric == 'grey'")
    assert set(every["metric_version"]) == {"1", "10"}


def test_a_lost_clip_is_made_again(tmp_path):
    study, (anna,), _ = begin(tmp_path / "s", "one", names=["anna"], seeds=1)
    study.run()
    (tmp_path / "s" / study.clips()["file"][0]).unlink()
    assert study.run().is_complete and len(anna.calls) == 2


def test_cancelling_keeps_what_is_done(tmp_path):
    study, (anna,), _ = begin(tmp_path / "s", "one", "two", "three", names=["anna"], seeds=1)
    done = study.run(cancel=lambda: len(anna.calls) >= 2)
    assert "stopped" in str(done) and done.total.made in (1, 2)
    assert study.run().is_complete and len(anna.calls) <= 4


def test_progress_says_what_is_done_and_escapes(tmp_path):
    study, _, _ = begin(tmp_path / "s", "one", names=["<b>bold</b>"], seeds=1)
    seen = []
    study.run(on_progress=lambda progress: seen.append(str(progress)))
    assert any("making <b>bold</b>: shot-0, seed 0" in text for text in seen)
    assert seen[-1].startswith("1 of 1 clips, 1 measured")
    html = study._repr_html_()
    assert "&lt;b&gt;bold" in html and "<b>bold" not in html
    assert "1 of 1 clips" in repr(study)


# --- opening -------------------------------------------------------------------------------------
def test_other_inputs_are_refused_by_name(tmp_path):
    begin(tmp_path / "s", "one", "two")
    anna, bert = FakeContender("anna"), FakeContender("bert")
    with pytest.raises(StudyDiffers, match="shot shot-1: prompt was 'two' and is 'other'"):
        Study.open(tmp_path / "s", suite("one", "other"), instrument=FakeInstrument())
    with pytest.raises(StudyDiffers, match="shot shot-2 is new"):
        Study.open(tmp_path / "s", suite("one", "two", "three"), instrument=FakeInstrument())
    with pytest.raises(StudyDiffers, match="contender bert is missing"):
        Study.open(tmp_path / "s", contenders=[anna], instrument=FakeInstrument())
    with pytest.raises(StudyDiffers, match="seed 1 is missing"):
        Study.open(tmp_path / "s", contenders=[anna, bert], seeds=1, instrument=FakeInstrument())
    with pytest.raises(StudyDiffers, match="contender bert was 'bert' and is 'other'"):
        Study.open(tmp_path / "s", contenders={"anna": anna, "bert": "other"},
                   instrument=FakeInstrument())  # fmt: skip


def test_contenders_seeds_and_gates_may_be_added_and_that_is_written_down(tmp_path):
    study, _, _ = begin(tmp_path / "s", "one", names=["anna"], seeds=1)
    study.run()
    more = [FakeContender("anna"), FakeContender("carl")]
    gate = {"metric": "grey", "measure": "grey", "at_most": 255}
    grown = Study.open(tmp_path / "s", suite("one"), more, 2, gates=[gate],
                       instrument=FakeInstrument())  # fmt: skip
    assert grown.run().is_complete
    assert more[0].calls == [("shot-0", 1)] and len(more[1].calls) == 2
    said = yaml.safe_load((tmp_path / "s" / "study.yaml").read_text())
    assert [entry["what"] for entry in said["history"]] == [
        "begun", "contender carl added", "seed 1 added", "gates changed"]  # fmt: skip
    assert all(entry["hhlab"] for entry in grown.history)


def test_files_of_the_suite_are_frozen(tmp_path):
    picture = tmp_path / "anna.jpg"
    picture.write_bytes(b"one")
    shots = (SuiteShot("a", "she smiles", references=(picture,)),)
    Study.open(tmp_path / "s", Suite("refs", "", shots), [FakeContender("x")],
               instrument=FakeInstrument())  # fmt: skip
    picture.write_bytes(b"two")
    kept = Study.open(tmp_path / "s", instrument=FakeInstrument()).plan.shots[0].references[0]
    assert kept.read_bytes() == b"one" and kept.parent == tmp_path / "s" / "inputs"
    with pytest.raises(StudyDiffers, match="shot a: references"):
        Study.open(tmp_path / "s", Suite("refs", "", shots), instrument=FakeInstrument())
    (tmp_path / "s2").mkdir()
    (tmp_path / "s2" / "letter.txt").write_text("mine")
    with pytest.raises(BadArgument, match=r"letter\.txt"):
        Study.open(tmp_path / "s2", Suite("refs", "", shots), [FakeContender("x")])


def test_a_study_changed_by_hand_is_not_opened(tmp_path):
    begin(tmp_path / "s", "one")
    file = tmp_path / "s" / "study.yaml"
    file.write_text(file.read_text().replace("prompt: one", "prompt: won"))
    with pytest.raises(StudyDamaged, match=r"study\.yaml"):
        Study.open(tmp_path / "s", instrument=FakeInstrument())


def test_what_cannot_be_opened_says_why(tmp_path):
    with pytest.raises(StudyMissing, match="a suite and contenders"):
        Study.open(tmp_path / "nothing")
    with pytest.raises(BadArgument, match="'anna' twice"):
        begin(tmp_path / "s", "one", names=["anna", "anna"])
    for seeds in (0, [1, 1], [-1], True, [2**63]):
        with pytest.raises(BadArgument, match="seeds"):
            begin(tmp_path / "s", "one", seeds=seeds)
    with pytest.raises(MetricError, match="one of grey, shade"):
        begin(tmp_path / "s", "one", metrics=["beauty"])
    assert not (tmp_path / "s").exists()


def test_a_call_that_is_not_meant_like_that_says_what_is(tmp_path):
    for call in (lambda: Study(tmp_path), lambda: Study(tmp_path, suite="a.yaml")):
        with pytest.raises(BadArgument, match=r"hh\.Study\.open\(folder"):
            call()
    anna = [FakeContender("anna")]
    for folder, of, contenders, says in (
        (3, suite("one"), anna, "'folder'.*found 3"), (tmp_path / "s", 3, anna, "'suite'.*found 3"),
        (tmp_path / "s", suite("one"), [3], "'contenders'.*names, folders.*found 3"),
        (tmp_path / "s", suite("one"), 3, "'contenders'.*found 3"),
        (tmp_path / "s", suite("one"), {"anna": None}, "'contenders'.*found None"),
    ):  # fmt: skip
        with pytest.raises(BadArgument, match=says):
            Study.open(folder, of, contenders, instrument=FakeInstrument())
    for bad in ({"seeds": 1.5}, {"metrics": 3}):
        with pytest.raises(BadArgument, match=f"{next(iter(bad))}.*found"):
            begin(tmp_path / "s", "one", **bad)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("bad", [{"workers": 0}, {"workers": 1.5}, {"max_cost_usd": -5},
                                 {"max_cost_usd": "much"}])  # fmt: skip
def test_a_run_that_cannot_be_meant_is_refused_before_anything_is_made(tmp_path, bad):
    study, (anna,), _ = begin(tmp_path / "s", "one", names=["anna"])
    with pytest.raises(BadArgument, match=r"workers|max_cost"):
        study.run(**bad)
    assert not anna.calls and (study.outcomes()["status"] == "waiting").all()


def test_two_processes_do_not_run_the_same_study(tmp_path):
    study, (anna, _), _ = begin(tmp_path / "s", "one")
    with lock(tmp_path / "s"), pytest.raises(ResultsLocked):
        study.run()
    assert not anna.calls


def test_a_reader_sees_what_another_writes(tmp_path):
    study, _, _ = begin(tmp_path / "s", "one", names=["anna"], seeds=1)
    reader = Study.open(tmp_path / "s", instrument=FakeInstrument())
    assert reader.scores().empty and list(reader.outcomes()["status"]) == ["waiting"]
    study.run()
    assert len(reader.scores()) == 3 and list(reader.outcomes()["status"]) == ["made"]


# --- gates, costs, votes -------------------------------------------------------------------------
def test_money_counts_by_usable_second(tmp_path):
    study, _, _ = begin(tmp_path / "s", "one", "two", "three", REFUSED, names=["anna"], seeds=1)
    study.run()
    values = study.scores().query("measure == 'grey'")["value"].sort_values()
    gate = {"metric": "grey", "measure": "grey", "at_most": float(values.iloc[1]), "why": "dark"}
    study = Study.open(tmp_path / "s", gates=[gate], instrument=FakeInstrument())
    costs = study.costs().iloc[0]
    assert (costs["asked"], costs["made"], costs["failed"], costs["usable"]) == (4, 3, 1, 2)
    assert costs["usd"] == pytest.approx(0.75)
    assert costs["usd_per_usable_s"] == pytest.approx(0.75 / (2 * 0.5))
    why = study.outcomes().query("usable == False and status == 'made'")["why_not"].iloc[0]
    assert why.startswith("grey.grey is ") and "at most" in why


def test_a_clip_is_neither_usable_nor_not_until_it_is_measured(tmp_path):
    class Blind(FakeInstrument):
        def measure(self, clip, metrics, *, shot):
            raise KeyboardInterrupt

    gate = {"metric": "grey", "measure": "grey", "at_most": 255}
    study, _, _ = begin(tmp_path / "s", "one", names=["anna"], seeds=1, instrument=Blind(),
                        gates=[gate])  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        study.run()
    assert study.outcomes()["usable"].isna().all() and study.costs()["open"].tolist() == [1]


def test_votes_become_ratings_and_simulated_ones_stay_apart(tmp_path):
    import pandas as pd

    from hhlab.arena.errors import NoVotes, UnknownName

    study, _, _ = begin(tmp_path / "s", "one")
    with pytest.raises(NoVotes):
        study.ratings()
    votes = pd.DataFrame({"model_a": ["anna"] * 9, "model_b": ["bert"] * 9,
                          "winner": ["a"] * 6 + ["b"] * 3, "voter": ["zoe"] * 9})  # fmt: skip
    other = votes.assign(winner=["a"] * 2 + ["b"] * 7)
    assert study.add_votes(other, simulated=True).added == 9
    assert study.ratings().to_frame()["model"].iloc[0] == "bert"  # nobody else has voted
    assert study.add_votes(votes).added == 9 and study.add_votes(votes).added == 0
    assert study.ratings().to_frame()["model"].iloc[0] == "anna"
    assert study.votes()["simulated"].tolist().count(True) == 9
    assert set(study.votes().query("simulated")["voter"]) == {"simulated: zoe"}
    with pytest.raises(UnknownName, match="a contender: anna, bert"):
        study.add_votes(votes.assign(model_a="carl"))


def test_clips_are_handed_to_the_blind_arena(tmp_path):
    study, _, _ = begin(tmp_path / "s", "one", REFUSED)
    study.run()
    (entry,) = study.entries()
    assert set(entry.clips) == {"anna", "bert"} and entry.prompt == "one"


def test_details_have_values_over_time(tmp_path):
    study, _, _ = begin(tmp_path / "s", "one", names=["anna"], seeds=1)
    study.run()
    found = study.details("anna", "shot-0", 0)
    assert len(found.scores[0].series[0].values) == 3
    assert study.provenance("anna", "shot-0", 0) == {"generator": "anna"}
