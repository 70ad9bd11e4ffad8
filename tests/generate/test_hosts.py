"""Veo and fal against fake services that speak what their SDKs' code shows, with every fault."""

from __future__ import annotations

import json

import numpy as np
import pytest

import hhlab as hh
from hhlab import errors
from tests.generate.fake_hosts import FAILS, HOSTS, REFUSED, Bench, bench_of
from tests.generate.test_secrets import everything_said_of

PICTURE = np.full((48, 64, 3), 90, np.uint8)


@pytest.fixture(params=HOSTS)
def bench(request, tmp_path) -> Bench:
    return bench_of(request, request.param, tmp_path / "paid")


@pytest.fixture
def veo(request, tmp_path) -> Bench:
    return bench_of(request, "veo-3.1", tmp_path / "paid")


@pytest.fixture
def fal(request, tmp_path) -> Bench:
    return bench_of(request, "happyhorse-1.1-fal", tmp_path / "paid")


def test_veo_sends_what_the_shot_asks_for(veo):
    shots = [
        hh.Shot("a man", "blur", seed=5, seconds=4, size_px=(1080, 1920)),
        hh.Shot("he waves", first_frame=PICTURE),
        hh.Shot("both", references=[PICTURE, 255 - PICTURE]),
    ]
    for shot in shots:
        veo.pipe().generate(shot)
    plain, first, both = (body for _, body in veo.fake.requests)
    assert plain["instances"] == [{"prompt": "a man"}]
    assert plain["parameters"] == {
        "durationSeconds": 4, "aspectRatio": "9:16", "resolution": "1080p", "seed": 5,
        "generateAudio": True, "sampleCount": 1, "negativePrompt": "blur",
    }  # fmt: skip
    assert first["instances"][0]["image"]["mimeType"] == "image/png"
    assert [r["referenceType"] for r in both["instances"][0]["referenceImages"]] == ["ASSET"] * 2
    for shot in (hh.Shot("x", references=[PICTURE], seconds=4),
                 hh.Shot("x", references=[PICTURE], size_px=(720, 1280)),
                 hh.Shot("x", seconds=5)):  # fmt: skip
        with pytest.raises(hh.generate.protocol.UnsupportedShot):
            veo.pipe().generate(shot)


def test_fal_sends_the_models_own_words_and_no_more(fal):
    fal.pipe().generate(hh.Shot("a man", seed=5, seconds=3, size_px=(1920, 1080)))
    fal.pipe().generate(hh.Shot("[Image 1] meets [Image 2]", references=[PICTURE, 255 - PICTURE]))
    plain, both = (body for _, body in fal.fake.requests)
    assert plain == {"prompt": "a man", "duration": 3, "resolution": "1080p", "seed": 5,
                     "aspect_ratio": "16:9"}  # fmt: skip
    assert both["prompt"] == "character1 meets character2"
    assert len(both["image_urls"]) == 2
    assert all(url.startswith("data:image/png;base64,") for url in both["image_urls"])


def test_a_clip_says_what_it_cost_and_came_from(bench):
    clip = bench.pipe().generate(hh.Shot("a man", seed=3))
    said = clip.provenance
    seconds, rate = (8, 0.40) if bench.name == "veo-3.1" else (5, 0.14)
    assert said["usd"] == pytest.approx(seconds * rate)
    assert said["task"] and said["model"] and said["prompt_rewriting"] is None
    assert clip.info.sha256 == said["sha256"]


@pytest.mark.parametrize("fault", ["429", "500"])
def test_what_the_service_did_not_take_is_asked_again(bench, fault):
    bench.fake.plan("start", *[fault] * 5)
    bench.fake.plan("look", *[fault] * 5)
    bench.pipe().generate(hh.Shot("a man"))
    assert len(bench.fake.tasks) == 1 and sum(bench.fast.slept) > 10


@pytest.mark.parametrize("fault", ["dropped but taken", "dropped", "malformed", "odd", "gateway"])
def test_a_start_without_an_answer_is_never_repeated(bench, fault):
    bench.fake.plan("start", fault)
    for _ in range(3):
        with pytest.raises(errors.UnknownOutcome, match="hhlab paid"):
            bench.pipe().generate(hh.Shot("a man"))
    assert bench.fake.counts["start"] == 1
    bench.pipe().generate(hh.Shot("a man", seed=1))
    assert bench.fake.counts["start"] == 2


@pytest.mark.parametrize("fault", ["dropped", "malformed", "odd", "gateway", "slow"])
def test_a_look_without_an_answer_is_repeated(bench, fault):
    bench.fake.plan("look", fault, fault)
    bench.pipe().generate(hh.Shot("a man"))
    assert bench.fake.counts["start"] == 1


def test_a_storm_of_429_and_500_is_weathered(bench):
    bench.fake.storm = (0.3, ("429", "500"))
    pipe = bench.pipe()
    for seed in range(10):
        pipe.generate(hh.Shot("a man", seed=seed))
    assert bench.fake.paid_tasks() == len(bench.fake.tasks) == 10


def test_a_clip_that_comes_damaged_is_fetched_again_and_not_paid_again(bench):
    faults = ["truncated"] if bench.name == "veo-3.1" else ["truncated", "wrong checksum", "500"]
    bench.fake.plan("clip", *faults)
    clip = bench.pipe().generate(hh.Shot("a man"))
    assert len(list(clip.frames())) == 6 and len(bench.fake.tasks) == 1
    assert bench.fake.counts["clip"] == len(faults) + 1


def test_a_link_that_has_run_out_is_asked_for_again(fal):
    fal.fake.plan("clip", "expired")
    fal.pipe().generate(hh.Shot("a man"))
    fal.fake.plan("clip", *["expired"] * 9)
    with pytest.raises(errors.TaskExpired):
        fal.pipe().generate(hh.Shot("another man"))
    assert len(fal.fake.tasks) == 2


def test_refused_content_is_an_outcome(bench):
    for prompt in (REFUSED, *(["is filtered"] if bench.name == "veo-3.1" else [])):
        for _ in range(2):
            with pytest.raises(errors.ContentRefused):
                bench.pipe().generate(hh.Shot(prompt))
    assert len(bench.fake.tasks) == 1


def test_a_task_that_fails_is_an_error_with_the_services_words(bench):
    with pytest.raises(errors.ServerFault, match="it did not work"):
        bench.pipe().generate(hh.Shot(FAILS))


def test_a_task_that_the_service_forgot_is_gone(bench):
    bench.fake.plan("look", *["expired"] * 99)
    with pytest.raises(errors.BadAnswer):  # so soon it may be a mistake
        bench.pipe().generate(hh.Shot("a man"))
    bench.fast.ahead_s += 25 * 3600
    for _ in range(2):
        with pytest.raises(errors.TaskExpired):
            bench.pipe().generate(hh.Shot("a man"))
    assert bench.fake.counts["start"] == 1


def test_keys_and_quotas(bench, monkeypatch):
    variable = HOSTS[bench.name].variable
    monkeypatch.setenv(variable, "wrong-0123")
    with pytest.raises(errors.BadKey) as caught:
        bench.pipe().generate(hh.Shot("a man"))
    assert "wrong-0123" not in str(caught.value)
    monkeypatch.delenv(variable)
    with pytest.raises(errors.KeyMissing, match=variable):
        bench.pipe()


def test_an_empty_account_is_named(fal):
    fal.fake.plan("start", "quota")
    with pytest.raises(errors.QuotaExhausted):
        fal.pipe().generate(hh.Shot("a man"))


def test_keys_travel_secured_or_not_at_all(bench):
    with pytest.raises(errors.BadArgument, match="https"):
        hh.load(bench.name, endpoint="http://example.com", folder=bench.folder)


def test_a_task_is_found_again_after_a_restart(bench):
    pipe, asked = bench.pipe(), []
    with pytest.raises(errors.Cancelled):
        pipe.generate(hh.Shot("a man"), cancel=lambda: asked.append(1) or len(asked) > 1)
    assert len(bench.fake.tasks) == 1
    bench.pipe().generate(hh.Shot("a man"))
    assert bench.fake.counts["start"] == len(bench.fake.tasks) == 1


def test_no_key_in_anything_written_said_or_raised(bench, caplog, capsys):
    caplog.set_level("DEBUG")
    secret, said = HOSTS[bench.name].key, []
    pipe = bench.pipe()
    said += [repr(pipe), repr(vars(pipe))]
    clip = pipe.generate(hh.Shot("a man"))
    said.append(json.dumps(dict(clip.provenance)))
    for place, fault in (("start", "malformed"), ("start", "429"), ("start", "dropped"),
                         ("look", "odd"), ("look", "500")):  # fmt: skip
        bench.fake.plan(place, *[fault] * 99)
        try:
            pipe.generate(hh.Shot(f"with {fault}"))
        except errors.GeneratorError as error:
            said.append(everything_said_of(error))
        bench.fake.faults.clear()
    said += [file.read_text("latin-1") for file in bench.folder.rglob("*") if file.is_file()]
    said += [caplog.text, *capsys.readouterr()]
    assert not [text for text in said if secret in text]


def test_the_key_goes_to_the_service_alone(fal):
    """The addresses in the queue's answer are not followed, as they may lead anywhere."""
    fal.pipe().generate(hh.Shot("a man"))
    assert fal.fake.counts["look"] > 1 and fal.fake.counts["result"] == 1


def test_veo_with_a_project_needs_no_key(veo, monkeypatch):
    monkeypatch.delenv("GOOGLE_API_KEY")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "mine")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    with pytest.raises(errors.BadKey, match="gcloud auth application-default login"):
        veo.pipe().generate(hh.Shot("a man"))
