"""HappyHorse through the official SDK, against a service on loopback that goes wrong on purpose."""

from __future__ import annotations

import json

import numpy as np
import pytest

import hhlab as hh
from hhlab import errors
from hhlab.errors import (
    BadArgument,
    BadKey,
    Cancelled,
    ContentRefused,
    KeyMissing,
    TaskExpired,
    UnknownOutcome,
)
from hhlab.generate.backoff import Patience
from hhlab.generate.download import file_sha256
from hhlab.generate.many import make_many
from hhlab.generate.modelstudio import ModelStudio, order_of, service_address
from hhlab.generate.protocol import UnsupportedShot
from hhlab.generate.setting import Setting

GREY = np.full((40, 40, 3), 128, np.uint8)


@pytest.fixture
def pipe(studio, fast, tmp_path, patience):
    return hh.load("happyhorse-1.1", endpoint=studio.endpoint, folder=tmp_path / "paid",
                   clock=fast.clock(), patience=patience)  # fmt: skip


@pytest.fixture
def again(studio, fast, tmp_path, patience):
    """The same generator as another process would have it."""
    return lambda **more: hh.load(
        "happyhorse-1.1", endpoint=studio.endpoint, folder=tmp_path / "paid", clock=fast.clock(),
        patience=patience, **more,
    )  # fmt: skip


def lines(tmp_path):
    return [json.loads(line) for line in (tmp_path / "paid" / "paid.jsonl").open()]


# --- what is sent ------------------------------------------------------------------------------
def test_a_prompt_is_sent_as_the_documentation_says(pipe, studio):
    clip = pipe.generate(hh.Shot("a man", seed=7, seconds=4, size_px=(1080, 1920)))
    headers, body = studio.requests[0]
    assert body["model"] == "happyhorse-1.1-t2v"
    assert body["input"] == {"prompt": "a man", "extend_prompt": False,
                             "function": "video-synthesis"}  # fmt: skip
    assert body["parameters"] == {"resolution": "1080P", "ratio": "9:16", "duration": 4, "seed": 7,
                                  "watermark": False}  # fmt: skip
    assert headers["X-DashScope-Async"] == "enable"
    assert clip.provenance["usd"] == pytest.approx(4 * 0.198)
    assert clip.provenance["service"]["usage"]["output_video_duration"] == 4


def test_pictures_and_clips_are_uploaded_once_each_and_named_in_order(pipe, studio, long_clip_file):
    references = [GREY, 255 - GREY, GREY]
    pipe.generate(hh.Shot("[Image 1] meets [Image 2]", references=references))
    _, body = studio.requests[-1]
    kinds = [item["type"] for item in body["input"]["media"]]
    urls = [item["url"] for item in body["input"]["media"]]
    assert body["model"] == "happyhorse-1.1-r2v" and kinds == ["reference_image"] * 3
    assert urls[0] == urls[2] != urls[1] and len(studio.files) == 2
    source = hh.read_clip(long_clip_file)
    clip = pipe.generate(hh.Shot("a hat", source=source, references=[GREY]))
    _, body = studio.requests[-1]
    assert body["model"] == "happyhorse-1.0-video-edit"
    assert [item["type"] for item in body["input"]["media"]] == ["video", "reference_image"]
    assert "duration" not in body["parameters"] and "ratio" not in body["parameters"]
    sent = studio.files[body["input"]["media"][0]["url"].removeprefix("oss://")]
    assert sent == long_clip_file.read_bytes()
    assert clip.provenance["usd"] == pytest.approx(2 * 4 * 0.154)  # source and result


def test_prompts_are_rewritten_only_on_request_and_that_is_recorded(again, studio):
    assert again().generate(hh.Shot("a man")).provenance["prompt_rewriting"] is False
    clip = again(rewrite_prompt=True).generate(hh.Shot("a man"))
    assert studio.requests[-1][1]["input"]["extend_prompt"] is True
    assert clip.provenance["prompt_rewriting"] is True
    assert len(studio.tasks) == 2  # they are not the same clip


@pytest.mark.parametrize(
    "shot",
    [
        {"prompt": "a" * 5001}, {"prompt": "\u9a6c" * 2501}, {"seed": 2**31}, {"seconds": 4.5},
        {"prompt": ""},
        {"seconds": 2}, {"size_px": (640, 480)}, {"negative_prompt": "blur"}, {"steps": 4},
        {"references": [GREY] * 10}, {"references": [GREY], "first_frame": GREY},
        {"sound": hh.Audio(np.zeros((1, 10), np.float32), 10)},
    ],
)  # fmt: skip
def test_what_the_service_would_refuse_or_pass_over_is_not_sent(pipe, studio, shot):
    with pytest.raises(UnsupportedShot, match=r"happyhorse-1\.1"):
        pipe.generate(hh.Shot(**{"prompt": "a man", **shot}))
    assert not studio.requests and not studio.files


@pytest.mark.parametrize(
    ("change", "says"),
    [({"seconds": 5}, "as the source"), ({"references": [GREY] * 6}, "at most 5"), ({}, "3 to 60")],
)
def test_editing_has_limits_of_its_own(pipe, studio, clip_file, long_clip_file, change, says):
    source = hh.read_clip(long_clip_file if change else clip_file)
    with pytest.raises(UnsupportedShot, match=says):
        pipe.generate(hh.Shot("a hat", source=source, **change))
    assert not studio.requests


# --- what goes wrong ---------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["429", "500", "dropped", "slow"])
@pytest.mark.parametrize("place", ["start", "look", "upload"])
def test_faults_that_pass_are_waited_out_and_cost_nothing(pipe, studio, place, fault):
    studio.plan(place, fault, fault)
    pipe.generate(hh.Shot("b", first_frame=GREY))
    assert studio.paid().total() == 1


@pytest.mark.parametrize("fault", ["500 but taken", "dropped but taken", "malformed"])
def test_a_task_whose_id_never_arrived_is_found_and_not_paid_again(pipe, studio, fault, tmp_path):
    for n in range(3):  # others of the same words, whose ids are known
        pipe.generate(hh.Shot("a man", seed=n))
    before = studio.counts["start"]
    studio.plan("start", fault)
    pipe.generate(hh.Shot("a man", seed=9))
    assert studio.counts["start"] == before + 1, "the request was sent again"
    assert studio.paid()["a man|9"] == 1 and studio.paid().total() == 4
    assert any(line.get("found_again") for line in lines(tmp_path))


def test_a_request_of_unknown_outcome_is_not_sent_again_while_the_service_cannot_say(
    pipe, again, studio
):
    studio.plan("start", "dropped but taken")
    studio.plan("list", "404 NotFound")
    with pytest.raises(UnknownOutcome):
        pipe.generate(hh.Shot("a man"))
    assert studio.counts["start"] == 1
    studio.plan("list", *["malformed", "500", "429"])
    again().generate(hh.Shot("a man"))
    assert studio.counts["start"] == 1 == studio.paid().total()


def test_two_tasks_that_both_fit_are_reported_and_nothing_is_paid(pipe, studio, tmp_path):
    studio.plan("start", "500 but taken", "500 but taken")
    other = hh.load("happyhorse-1.1", endpoint=studio.endpoint, folder=tmp_path / "other",
                    patience=Patience(tries=1))  # fmt: skip
    with pytest.raises(errors.ServerFault):
        other.generate(hh.Shot("a man"))
    for _ in range(2):
        with pytest.raises(UnknownOutcome, match="one task that fits"):
            pipe.generate(hh.Shot("a man"))
    assert studio.counts["start"] == 2


def test_after_a_day_nobody_can_say_any_more(again, studio, fast):
    studio.plan("start", "500 but taken")
    with pytest.raises(errors.ServerFault):
        hh.load(
            "happyhorse-1.1", endpoint=studio.endpoint, folder=again()._setting.folder,
            clock=fast.clock(), patience=Patience(tries=1),
        ).generate(hh.Shot("a man"))  # fmt: skip
    fast.ahead_s += 25 * 3600
    with pytest.raises(UnknownOutcome, match="24 hours"):
        again().generate(hh.Shot("a man"))
    assert studio.counts["start"] == 1


@pytest.mark.parametrize(
    "fault", ["truncated", "dropped", "wrong checksum", "expired", "500", "429"]
)
def test_a_clip_arrives_whole_or_not_at_all(pipe, studio, tmp_path, fault):
    studio.plan("clip", fault)
    clip = pipe.generate(hh.Shot("a man"))
    task = clip.provenance["task"]
    kept = tmp_path / "paid" / "clips"
    assert [path.read_bytes() for path in kept.iterdir()] == [studio.clip_of(task)]
    assert studio.counts["clip"] == 2 and studio.paid().total() == 1
    assert clip.provenance["sha256"] == file_sha256(next(kept.iterdir()))


def test_a_link_that_stays_expired_is_an_error_and_tried_again_another_time(pipe, studio):
    studio.plan("clip", "expired", "expired")
    with pytest.raises(TaskExpired):
        pipe.generate(hh.Shot("a man"))
    pipe.generate(hh.Shot("a man"))
    assert studio.paid().total() == 1


def test_a_clip_that_was_damaged_here_is_fetched_and_not_paid_again(pipe, studio, tmp_path):
    clip = pipe.generate(hh.Shot("a man"))
    path = next((tmp_path / "paid" / "clips").iterdir())
    path.write_bytes(b"something else")
    assert pipe.generate(hh.Shot("a man")).provenance["sha256"] == clip.provenance["sha256"]
    assert studio.paid().total() == 1 and studio.counts["clip"] == 2


def test_a_task_that_is_kept_no_longer_is_an_outcome(again, pipe, studio, fast):
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        pipe.generate(hh.Shot("a man"), cancel=lambda: next(asked, True))
    fast.ahead_s += 25 * 3600
    studio.tasks.clear()
    for _ in range(2):
        with pytest.raises(TaskExpired):
            again().generate(hh.Shot("a man"))
    assert studio.counts["start"] == 1


def test_a_storm_of_thirty_percent_is_weathered(pipe, studio, tmp_path):
    studio.storm = (0.3, ("429", "500", "500 but taken", "dropped", "dropped but taken"))
    shots = [hh.Shot(f"clip {n}", seed=n % 3, label=f"s{n}") for n in range(12)]
    real, studio.fault = studio.fault, lambda place: "" if place == "clip" else real(place)
    made = make_many(pipe, shots, tmp_path / "clips", workers=2)
    assert [one.error for one in made] == [""] * 12
    assert set(studio.paid().values()) == {1} and studio.paid().total() == 12
    assert studio.counts["storm"] >= 8


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("401 InvalidApiKey", "BadKey"), ("403 AccessDenied.Unpurchased", "BadKey"),
        ("400 Arrearage", "QuotaExhausted"), ("400 DataInspectionFailed", "ContentRefused"),
        ("403 AllocationQuota.FreeTierOnly", "QuotaExhausted"),
        ("400 InvalidParameter", "RequestRefused"), ("404 ModelNotFound", "RequestRefused"),
        ("400 IPInfringementSuspect", "ContentRefused"),
    ],
)  # fmt: skip
def test_answers_that_do_not_pass_are_named_and_not_tried_again(pipe, studio, fault, kind):
    studio.plan("start", fault)
    with pytest.raises(getattr(errors, kind), match=r"happyhorse-1\.1.*as planned"):
        pipe.generate(hh.Shot("a man"))
    assert studio.counts["start"] == 1


@pytest.mark.parametrize(
    ("code", "kind", "starts"),
    [("DataInspectionFailed", "ContentRefused", 1), ("InvalidParameter.X", "RequestRefused", 1),
     ("SomethingNew", "TaskFailed", 1), ("InternalError.Algo", "ServerFault", 3)],
)  # fmt: skip
def test_a_task_that_fails_says_why_and_only_faults_are_tried_again(
    pipe, studio, code, kind, starts
):
    with pytest.raises(getattr(errors, kind)):
        pipe.generate(hh.Shot(f"fails {code}"))
    assert studio.counts["start"] == starts and not studio.paid()


def test_pressing_too_hard_is_answered_by_longer_and_longer_waits(pipe, studio, fast):
    studio.plan("start", *["429"] * 5)
    pipe.generate(hh.Shot("a man"))
    assert sum(fast.slept) > 0.5 * (2 + 4 + 8 + 16 + 32)


# --- stopping and going on ---------------------------------------------------------------------
def test_a_task_whose_id_is_known_is_resumed(pipe, again, studio, fast):
    studio.looks = 5
    asked = iter([False] * 4)
    with pytest.raises(Cancelled):
        pipe.generate(hh.Shot("a man"), cancel=lambda: next(asked, True))
    assert studio.paid().total() == 1
    again().generate(hh.Shot("a man"))
    assert studio.counts["start"] == 1


def test_a_task_that_has_not_begun_is_dropped_on_request_and_begun_anew(pipe, again, studio):
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        pipe.generate(hh.Shot("a man"), cancel=lambda: next(asked, True))
    assert [task.state for task in studio.tasks.values()] == ["CANCELED"]
    again().generate(hh.Shot("a man"))
    assert studio.paid().total() == 1


def test_a_task_that_others_cancel_is_an_error_and_begun_anew_another_time(pipe, again, studio):
    def by_others() -> bool:
        for task in studio.tasks.values():
            task.state = "CANCELED"
        return False

    with pytest.raises(errors.TaskFailed, match="cancelled"):
        pipe.generate(hh.Shot("a man"), cancel=by_others)
    again().generate(hh.Shot("a man"))
    assert studio.paid().total() == 1


def test_the_budget_holds_across_interruptions(again, studio):
    pipe = again(max_cost_usd=2.0)  # two clips of 0.77
    pipe.generate(hh.Shot("one"))
    studio.plan("start", "400 InvalidParameter")
    with pytest.raises(errors.RequestRefused):  # costs nothing
        pipe.generate(hh.Shot("not this"))
    pipe.generate(hh.Shot("two"))
    with pytest.raises(errors.BudgetExhausted, match=r"1\.54 USD spent"):
        again(max_cost_usd=2.0).generate(hh.Shot("three"))
    pipe.generate(hh.Shot("two"))  # is here
    assert studio.paid().total() == 2


def test_many_stop_cleanly_where_the_money_ends(again, studio, tmp_path):
    shots = [hh.Shot(f"clip {n}", label=f"s{n}") for n in range(6)]
    made = make_many(again(max_cost_usd=2.5), shots, tmp_path / "clips", workers=2)
    assert sum(one.file is not None for one in made) == 3 == studio.paid().total()
    assert {one.error for one in made if one.file is None} == {"BudgetExhausted"}
    clips = hh.load(f"clips:{tmp_path / 'clips'}")  # what is here can be compared
    assert clips.generate(shots[0]).info.duration_s > 0
    made = make_many(again(max_cost_usd=9.0), shots, tmp_path / "clips")
    assert [one.fresh for one in made] == [False] * 3 + [True] * 3


# --- getting in --------------------------------------------------------------------------------
def test_a_missing_or_impossible_key_is_named_before_anything_is_sent(studio, monkeypatch):
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    with pytest.raises(KeyMissing, match="DASHSCOPE_API_KEY"):
        hh.load("happyhorse-1.1")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-with\nbreak")
    with pytest.raises(BadKey) as caught:
        hh.load("happyhorse-1.1")
    assert "sk-with" not in str(caught.value)


def test_endpoints_have_names_and_are_secured(studio, monkeypatch, tmp_path):
    from hhlab.generate.contenders import contender

    one = contender("happyhorse-1.1")

    def address(endpoint=None):
        return service_address(one, Setting(folder=tmp_path, endpoint=endpoint))

    assert address() == "https://dashscope-intl.aliyuncs.com/api/v1"
    assert address("china") == "https://dashscope.aliyuncs.com/api/v1"
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "https://w.example/api/v1/")
    assert address() == "https://w.example/api/v1"
    for wrong in ("http://example.org/api/v1", "moon", "file:///tmp"):
        with pytest.raises(BadArgument, match="international, china"):
            address(wrong)


def test_refused_content_is_recorded_as_such(pipe, studio, tmp_path):
    with pytest.raises(ContentRefused):
        pipe.generate(hh.Shot("words that are refused"))
    assert lines(tmp_path)[-1]["event"] == "failed"
    assert lines(tmp_path)[-1]["error"] == "ContentRefused"


def test_order_of_needs_no_key_and_no_network(tmp_path):
    from hhlab.generate.contenders import contender

    one, setting = contender("happyhorse-1.0"), Setting(folder=tmp_path)
    orders = [order_of(one, setting, hh.Shot("a", seed=seed)) for seed in (0, 0, 1)]
    assert orders[0].key == orders[1].key != orders[2].key
    assert ModelStudio.failed_is_free
