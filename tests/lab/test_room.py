"""The lab at work: clips arrive one by one, are measured, stopped, pinned, and are there again."""

from __future__ import annotations

import threading

import pytest

from hhlab.errors import BadArgument
from hhlab.generate.protocol import UnsupportedShot
from hhlab.lab import Axis, Draft, Lab
from hhlab.scores import Scores

from .conftest import Stub, stub_measure

SOON_S = 20.0


@pytest.fixture
def lab(tmp_path, stub):
    made = Lab(tmp_path / "lab", {"stub": stub, "dear": Stub("dear", usd=0.25)},
               measure=stub_measure)  # fmt: skip
    yield made
    for generator in (stub, made.generator("dear")):
        generator.gate.set()
    made.close()


def finish(lab):
    assert lab.wait(SOON_S)
    return lab.takes


def test_takes_are_made_measured_and_told_of(lab):
    heard = []
    lab.listen(lambda take: heard.append((take.id, take.state)))
    asked = lab.run(Draft(subject="a man"), seeds=[1, 2], guidance=2.0)
    assert [t.state for t in asked] == ["waiting", "waiting"]
    takes = finish(lab)
    assert [t.state for t in takes] == ["done", "done"]
    assert [t.asked.seed for t in takes] == [1, 2] and takes[0].clip != takes[1].clip
    assert all(t.took_s >= 0 and t.facts["has_audio"] for t in takes)
    states = [state for take, state in heard if take == takes[0].id]
    order = list(dict.fromkeys(states))
    assert order == ["waiting", "running", "measuring", "done"]
    scores = lab.scores(takes[0].id)
    assert isinstance(scores, Scores) and scores["flicker"]["level"].value > 0
    assert scores.info.sha256 == takes[0].clip, "the scores are of the kept file"
    frame = lab.to_frame()
    assert list(frame["seed"]) == [1, 2] and frame["flicker.level"].notna().all()
    assert list(lab.clip(takes[0].id).frames())


def test_progress_and_cancel(lab, stub):
    stub.gate.clear()
    first, second = lab.run("A man.", seeds=[1, 2])
    assert stub.begun.wait(SOON_S)
    assert lab[first.id].state == "running" and lab.progress(first.id).left_s is None
    assert [t.id for t in lab.busy] == [first.id, second.id]
    assert lab.cancel_all() == 2
    assert lab[second.id].state == "cancelled"
    stub.gate.set()
    takes = finish(lab)
    assert [t.state for t in takes] == ["cancelled", "cancelled"]
    assert not any(t.clip for t in takes) and len(stub.asked) == 1
    assert not lab.cancel(first.id)


def test_one_failure_is_one_card_with_its_reason(lab):
    lab.run("Please break.", contenders=["stub"])
    lab.run("A man.", contenders=["stub"])
    bad, good = finish(lab)
    assert bad.state == "failed" and "ZeroDivisionError" in bad.reason
    assert good.state == "done"
    with pytest.raises(BadArgument, match="one with a clip"):
        lab.clip(bad.id)


def test_measuring_can_fail_or_be_left_out_and_be_made_up_for(tmp_path, stub):
    def broken(*args, **options):
        raise RuntimeError("no network weights")

    lab = Lab(tmp_path, {"stub": stub}, measure=broken)
    lab.run("A man.")
    lab.run("A man.", seeds=[5], measure=False)
    first, second = finish(lab)
    assert first.state == "done" and "not measured: " in first.reason and first.clip
    assert second.state == "done" and second.scores is None and not second.reason
    lab._measure = stub_measure
    for take in (first, second):
        lab.measure(take.id)
    assert all(t.scores and not t.reason for t in finish(lab))
    lab.close()


def test_measuring_can_be_stopped(tmp_path, stub):
    begun, go = threading.Event(), threading.Event()

    def slow(clip, metrics, *, shot=None, progress=None):
        progress(0.0)
        begun.set()
        assert go.wait(SOON_S)
        progress(0.1)
        raise AssertionError("it went on")

    lab = Lab(tmp_path, {"stub": stub}, measure=slow)
    (take,) = lab.run("A man.")
    assert begun.wait(SOON_S)
    assert lab[take.id].state == "measuring" and lab.cancel(take.id)
    go.set()
    (take,) = finish(lab)
    assert take.state == "done" and take.reason == "measuring was stopped" and take.clip
    lab.close()


def test_money_is_told_where_a_price_is_known(lab):
    from hhlab.types import Shot

    assert lab.price_usd("dear", Shot("x")) == 0.25 and lab.price_usd("stub", Shot("x")) is None
    lab.run("A man.", contenders=["stub", "dear"])
    assert {t.contender: t.cost_usd for t in finish(lab)} == {"stub": None, "dear": 0.25}


def test_what_runs_here_costs_nothing_and_limits_are_known_before_loading(tmp_path):
    from hhlab.types import Shot

    lab = Lab(tmp_path, ["foal", "a/folder"])
    assert lab.price_usd("foal", Shot("x")) == 0 and lab.price_usd("a/folder", Shot("x")) is None
    modes, limits = lab.offer("foal")
    assert "edit" in modes and limits.references == 4 and lab.offer("a/folder") is None
    with pytest.raises(UnsupportedShot, match="seconds"):
        lab.run("A man.", seconds=1000.0)
    assert not lab.takes
    lab.close()


def test_what_a_contender_cannot_do_is_refused_before_anything_starts(lab, stub):
    with pytest.raises(UnsupportedShot, match=r"0\.2 to 5"):
        lab.run("A man.", seconds=60.0)
    with pytest.raises(BadArgument, match="stub, dear"):
        lab.run("A man.", contenders=["nobody"])
    with pytest.raises(BadArgument, match="at least one name"):
        Lab("anywhere", "foal")
    assert not lab.takes and not stub.asked


def test_a_contender_by_name_is_loaded_once_and_when_it_is_needed(tmp_path, stub):
    loaded = []

    def load(name):
        loaded.append(name)
        if name == "missing":
            raise BadArgument(name, expected="a folder")
        return stub

    lab = Lab(tmp_path, ["late", "missing"], load=load, measure=stub_measure)
    assert not loaded
    lab.run("A man.", contenders=["late", "missing"], seeds=[1, 2], measure=False)
    takes = finish(lab)
    assert sorted(loaded) == ["late", "missing", "missing"]
    assert [t.state for t in takes] == ["done", "done", "failed", "failed"]
    assert "a folder" in takes[2].reason
    lab.close()


def test_a_sweep_stands_in_a_grid(lab):
    lab.run("A man.", rows=Axis("seed", (1, 2)), columns=Axis("guidance", (1.0, 2.0)))
    takes = finish(lab)
    assert [(t.row, t.column) for t in takes] == [
        ("seed 1", "guidance 1"), ("seed 1", "guidance 2"),
        ("seed 2", "guidance 1"), ("seed 2", "guidance 2"),
    ]  # fmt: skip
    assert len({t.batch for t in takes}) == 1


def test_everything_is_there_again_after_a_restart(tmp_path, stub):
    lab = Lab(tmp_path, {"stub": stub}, measure=stub_measure)
    lab.run("A man.", seeds=[1, 2])
    before = finish(lab)
    lab.favourite(before[1].id)
    stub.gate.clear()
    stub.begun.clear()
    (cut,) = lab.run("A man.", seeds=[3])
    assert stub.begun.wait(SOON_S)
    lab.history.close()  # as the end of a process does

    again = Lab(tmp_path, {"stub": Stub()}, measure=stub_measure)
    assert [(t.clip, t.scores, t.favourite) for t in again.takes[:2]] == [
        (t.clip, t.scores, t.id == before[1].id) for t in before
    ]
    assert again[cut.id].state == "interrupted" and not again.busy
    repeat = again.again(cut.id)
    assert again.wait(SOON_S)
    assert again[repeat.id].state == "done" and again[repeat.id].asked == again[cut.id].asked
    assert again.again(cut.id, seed=77).asked.seed == 77
    assert again.wait(SOON_S)
    stub.gate.set()
    again.close()


def test_the_shot_travels_to_the_generator_and_the_measuring(tmp_path, stub):
    import numpy as np

    seen = []

    def measure(clip, metrics, *, shot=None, progress=None):
        seen.append(shot)
        return stub_measure(clip, metrics)

    lab = Lab(tmp_path, {"stub": stub}, measure=measure)
    lab.run("A man.", references=[np.full((20, 20, 3), 8, np.uint8)], seeds=[1, 2])
    takes = finish(lab)
    assert takes[0].asked.mode == "reference-to-video"
    assert stub.asked[0].references == stub.asked[1].references == seen[0].references
    assert [(shot.prompt, shot.seed) for shot in seen] == [("A man.", 1), ("A man.", 2)]
    assert stub.asked[0].references[0].is_file()
    lab.close()


def test_a_listener_that_breaks_stops_nothing(lab, caplog):
    lab.listen(lambda take: 1 / 0)
    heard = []
    end = lab.listen(heard.append)
    lab.run("A man.", measure=False)
    assert finish(lab)[0].state == "done" and heard
    end()
    lab.run("A man.", seeds=[2], measure=False)
    finish(lab)
    assert 2 not in {take.asked.seed for take in heard}


def test_a_full_disk_costs_no_lane(lab, monkeypatch):
    from hhlab.lab import history

    (first,) = lab.run("A man.", measure=False)
    finish(lab)

    def full(path, data):
        raise OSError(28, "No space left on device")

    (second,) = lab.run("A man.", seeds=[2], measure=False, contenders=["dear"])
    finish(lab)
    lab.generator("stub").gate.clear()
    lab.generator("stub").begun.clear()
    (third,) = lab.run("A man.", seeds=[3], measure=False)
    assert lab.generator("stub").begun.wait(SOON_S)
    monkeypatch.setattr(history, "write_atomic", full)
    lab.generator("stub").gate.set()
    finish(lab)
    assert lab[third.id].state == "done" and "No space left" in lab[third.id].reason
    monkeypatch.undo()
    (fourth,) = lab.run("A man.", seeds=[4], measure=False)
    finish(lab)
    assert lab[fourth.id].state == "done", "the contender goes on"
    assert lab[first.id].state == lab[second.id].state == "done"


def test_estimates_follow_earlier_takes_and_prices(tmp_path):
    from hhlab.lab.offers import estimate, weight
    from hhlab.lab.record import Asked, Take
    from hhlab.lab.sweep import plan

    def take(contender, took_s, **asked):
        return Take("a", "b", "", contender, Asked("x", **asked), took_s=took_s)

    takes = [take("a", 10.0, steps=10), take("a", 30.0, steps=20), take("a", 1e3, steps=20),
             take("b", 8.0, steps=20, guidance=1.0), take("c", None)]  # fmt: skip
    pace = 30.0 / weight(Asked("x", steps=20))  # the median
    cells = plan("x", contenders=["a", "b"], seeds=[1, 2], steps=40)
    found = estimate(cells, takes, lambda name, shot: {"a": 0.0, "b": 0.5}[name])
    assert found.clips == 4 and found.usd == 1.0
    assert found.seconds == pytest.approx(2 * pace * weight(Asked("x", steps=40)))
    unknown = estimate(plan("x", contenders=["c"]), takes, lambda name, shot: None)
    assert (unknown.seconds, unknown.usd) == (None, None)
