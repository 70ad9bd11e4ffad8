"""Real pipeline classes of diffusers, tiny and random, saved and loaded back as generators."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import pytest

pytest.importorskip("transformers", reason="open models need transformers: hhlab[diffusers]")

from hhlab import errors
from hhlab.generate import checkpoint, pipelines
from hhlab.generate.contenders import contender, read
from hhlab.generate.diffusers import make, open_folder, open_hub
from hhlab.generate.protocol import Generator, UnsupportedShot
from hhlab.generate.setting import Setting
from hhlab.types import Clip, Shot
from tests.generate import tiny

MODES = {
    "wan": {"text-to-video", "edit"},
    "wan-ti2v": {"text-to-video", "image-to-video"},
    "wan-i2v": {"image-to-video"},
    "wan-vace": {"text-to-video", "reference-to-video", "edit"},
    "ltx": {"text-to-video", "image-to-video"},
    "ltx2": {"text-to-video", "image-to-video"},
}
WIDE = np.zeros((40, 60, 3), np.uint8)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}

    def get(name):
        if name not in made:
            made[name] = tiny.save(name, tmp_path_factory.mktemp(name) / "tiny")
        return made[name]

    return get


@pytest.fixture
def load(folders, tmp_path):
    return lambda name, **more: open_folder(
        folders(name), Setting(**{"folder": tmp_path, "fps": 8.0, **more})
    )


def small(mode: str, **more) -> Shot:
    """A shot of that mode that takes no time."""
    given = {
        "image-to-video": {"first_frame": WIDE}, "reference-to-video": {"references": [WIDE, WIDE]},
        "edit": {"source": Clip.from_arrays(np.stack([WIDE] * 7), fps=8.0)},
    }.get(mode, {})  # fmt: skip
    asked = {"steps": 2, "guidance": 2.0, "seconds": 0.8, "size_px": (32, 32)}
    return Shot("a cat sings", **{**asked, **given, **more})


def frames(clip: Clip) -> np.ndarray:
    return np.stack([frame.rgb for frame in clip.frames()])


@pytest.mark.parametrize("name", MODES)
def test_the_class_tells_the_modes_and_each_makes_a_clip(load, name):
    made = load(name)
    assert isinstance(made, Generator) and made.modes == MODES[name]
    for mode in sorted(made.modes):
        steps = []
        clip = made.generate(small(mode), on_progress=lambda *at, to=steps: to.append(at))
        count = len(frames(clip))
        assert count % pipelines.frames_step(made._pipes[mode]) == 1 and 5 <= count <= 9
        assert (clip.info.width_px, clip.info.height_px, clip.info.fps) == (32, 32, 8.0)
        assert steps[-1][0] == steps[-1][1] and len(steps) in (1, 2)  # editing starts half-way
        assert clip.provenance["mode"] == mode and clip.provenance["seed"] == 0


def test_a_seed_is_a_clip_and_batches_no_state_over(load):
    made = load("wan-ti2v")
    first, other, again = (made.generate(small("", seed=seed)) for seed in (1, 2, 1))
    assert np.array_equal(frames(first), frames(again))
    assert not np.array_equal(frames(first), frames(other))


def test_sound_comes_with_the_picture_at_the_vocoders_rate(load):
    made = load("ltx2")
    assert made.limits.sound and not load("wan").limits.sound
    clip = made.generate(small(""))
    sound = clip.audio()
    assert (sound.sample_rate, len(sound.samples)) == (24000, 2)
    assert sound.duration_s == pytest.approx(clip.info.duration_s, abs=0.15)
    assert np.abs(sound.samples).max() <= 1.0


def test_the_first_frame_keeps_its_shape_and_is_seen(load):
    made = load("wan-ti2v")
    made._options = {"call": {"num_frames": 1}}
    light = made.generate(small("image-to-video", size_px=None, first_frame=WIDE + 255))
    dark = made.generate(small("image-to-video", size_px=None, first_frame=WIDE))
    width, height = light.info.width_px, light.info.height_px
    assert width / height == pytest.approx(1.5, abs=0.1) and width % 32 == height % 32 == 0
    assert width * height == pytest.approx(832 * 480, rel=0.1)
    assert not np.array_equal(frames(light), frames(dark))


def test_cancel_stops_after_the_step_that_is_being_done(load):
    made, seen = load("wan"), []
    with pytest.raises(errors.Cancelled, match="stopped at 1"):
        made.generate(small("", steps=50), on_progress=lambda *at: seen.append(at),
                      cancel=lambda: bool(seen))  # fmt: skip
    assert seen == [(1, 50)]
    assert len(frames(made.generate(small("")))) >= 5  # and it still works


@pytest.mark.parametrize(
    ("name", "shot", "words"),
    [
        ("wan-i2v", Shot("x"), "mode.*image-to-video.*text-to-video"),
        ("ltx", small("", size_px=(33, 32)), "multiples of 32.*33x32"),
        ("wan-ti2v", small("", size_px=(48, 32)), "multiples of 32.*48x32"),
        ("wan", small("edit", references=[WIDE]), "at most 0"),
        ("wan-ti2v", small("image-to-video", references=[WIDE]), "mode"),
    ],
)
def test_what_a_pipeline_cannot_do_is_said_before_anything_is_computed(load, name, shot, words):
    with pytest.raises(UnsupportedShot, match=words):
        load(name).generate(shot, on_progress=lambda *at: pytest.fail("it has begun"))


def test_what_the_pipeline_itself_refuses_and_where_it_breaks_is_named(load, monkeypatch):
    made = load("ltx")
    made._options = {"call": {"width": 33}}
    with pytest.raises(UnsupportedShot, match="divisible by 32"):
        made.generate(small(""))
    made = load("wan")
    monkeypatch.setattr(
        type(made._pipes["text-to-video"].vae), "decode",
        lambda *a, **k: (_ for _ in ()).throw(RuntimeError("CUDA error: no luck")),
    )  # fmt: skip
    with pytest.raises(errors.TaskFailed, match="no luck"):
        made.generate(small(""))


def test_pictures_that_are_no_numbers_are_an_error(load):
    import torch

    made = load("ltx")
    with torch.no_grad():
        next(made._pipes["text-to-video"].vae.decoder.parameters()).fill_(float("nan"))
    with pytest.raises(errors.BadArray, match="dtype"):
        made.generate(small(""))


def test_each_part_keeps_its_stored_precision_unless_asked(load, folders, tmp_path):
    import torch
    from diffusers import WanTransformer3DModel

    mixed = tmp_path / "mixed"
    shutil.copytree(folders("wan"), mixed)
    part = WanTransformer3DModel.from_pretrained(mixed / "transformer")
    part.to(torch.bfloat16).save_pretrained(mixed / "transformer")
    made = open_folder(mixed, Setting(fps=8.0))
    dtypes = made.generate(small("")).provenance["dtype"]
    assert dtypes["transformer"] == "bfloat16" and dtypes["vae"] == "float32"
    made = open_folder(mixed, Setting(fps=8.0, dtype="float32"))
    assert set(made.generate(small("")).provenance["dtype"].values()) == {"float32"}


def test_attention_is_chosen_and_code_from_the_hub_is_not(load):
    made = load("wan", attention="_native_math")
    assert len(frames(made.generate(small("")))) >= 5
    for name in ("flash_hub", "nonsense"):
        with pytest.raises(errors.BadArgument, match=f"native.*{name}"):
            load("wan", attention=name)


def test_offload_uses_diffusers_hooks_and_pipelines_take_turns(load, monkeypatch):
    made = load("wan-ti2v")
    calls = []
    for mode, pipe in made._pipes.items():
        monkeypatch.setattr(
            pipe, "enable_model_cpu_offload",
            lambda device, mode=mode: calls.append((mode, device)),
        )  # fmt: skip
    made._setting = Setting(device="cuda", offload="model", fps=8.0)
    for mode in ("text-to-video", "text-to-video", "image-to-video", "text-to-video"):
        made.generate(small(mode))
    assert calls == [(m, "cuda") for m in ("text-to-video", "image-to-video", "text-to-video")]
    with pytest.raises(errors.BadArgument, match="none, or a device other than cpu"):
        load("wan", offload="model")
    with pytest.raises(errors.BadArgument, match="none, model, sequential"):
        load("wan", offload="disk", device="cuda")


def test_the_rate_is_the_pipelines_or_given_but_never_guessed(load):
    assert load("ltx", fps=None).fps == 25.0 and load("ltx2", fps=None).fps == 24.0
    with pytest.raises(errors.BadArgument, match="fps"):
        load("wan", fps=None)


def test_a_checkpoint_cannot_bring_code_or_pickles(folders, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folders("wan"), copy)
    index = json.loads((copy / "model_index.json").read_text())
    for name, value, kind in (
        ("transformer", ["os", "system"], checkpoint.UnsafeModel),
        ("transformer", ["../evil", "X"], checkpoint.UnsafeModel),
        ("_class_name", ["evil", "Pipeline"], checkpoint.UnsafeModel),
        ("_class_name", "OsPipeline", errors.UnknownModel),
        ("_class_name", "os", errors.UnknownModel),
        ("_class_name", "StableDiffusionPipeline", errors.UnknownModel),
    ):
        (copy / "model_index.json").write_text(json.dumps({**index, name: value}))
        with pytest.raises(kind):
            open_folder(copy, Setting(fps=8.0))
    (copy / "model_index.json").write_text(json.dumps(index))
    (copy / "vae" / "more.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(errors.UnsafePickle):
        open_folder(copy, Setting(fps=8.0))
    (copy / "vae" / "more.bin").unlink()
    weights = next((copy / "vae").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(errors.WeightsDamaged, match=f"{weights.name}.*a whole safetensors file"):
        open_folder(copy, Setting(fps=8.0))
    weights.unlink()
    with pytest.raises(errors.UnknownModel, match="whole checkpoint"):
        open_folder(copy, Setting(fps=8.0))
    (copy / "model_index.json").write_text("[")
    with pytest.raises(errors.UnknownModel):
        open_folder(copy, Setting(fps=8.0))
    with pytest.raises(errors.FileMissing):
        open_folder(tmp_path, Setting(fps=8.0))


def test_whether_weights_are_here_is_told_without_asking_anybody(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    ltx2 = contender("ltx-2")
    assert ltx2.status() == ("weights missing", "hh.load('Lightricks/LTX-2') fetches them")
    snapshot = tmp_path / "models--Lightricks--LTX-2" / "snapshots" / "0a1b2c"
    snapshot.mkdir(parents=True)
    (snapshot / "model_index.json").write_text("{}")
    assert ltx2.status()[0] == "ready"


def test_a_contenders_name_fetches_nothing(monkeypatch):
    import socket

    monkeypatch.setattr(socket.socket, "connect", lambda *a: pytest.fail("it used the network"))
    for name in ("ltx-2", "wan-2.2-ti2v-5b"):
        with pytest.raises(errors.WeightsMissing, match=r"fetched by hh\.load"):
            make(contender(name), Setting())


def test_a_hub_that_is_out_of_reach_is_a_named_error(monkeypatch, capsys):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(errors.DownloadFailed, match="nobody/nothing"):
        open_hub("nobody/nothing", Setting())
    assert "asking the Hugging Face hub" in capsys.readouterr().err


def test_a_contenders_row_gives_rate_limits_and_what_its_call_needs(folders, monkeypatch):
    row = {
        "label": "x", "maker": "x", "family": "diffusers", "licence": None, "facts": [],
        "models": {"text-to-video": "some/where"},
        "limits": {"seconds": [0.5, 2], "default_seconds": 1},
        "options": {"fps": 12, "call": {"max_sequence_length": 8}},
    }  # fmt: skip
    monkeypatch.setattr(
        "hhlab.generate.diffusers.fetched", lambda name, download: folders("wan-ti2v")
    )
    made = make(read("mine", row), Setting())
    clip = made.generate(small("", seconds=None))
    assert made.name == "mine" and clip.info.fps == 12.0 and len(frames(clip)) == 13
    assert clip.provenance["call"] == {"max_sequence_length": 8}
    assert clip.provenance["model"] == "some/where"
    with pytest.raises(UnsupportedShot, match=r"0\.5 to 2"):
        made.generate(small("", seconds=3.0))
    with pytest.raises(errors.BadArgument, match="nonsense"):
        make(read("mine", {**row, "options": {"fps": 12, "call": {"nonsense": 1}}}), Setting())


def test_the_shipped_rows_ask_for_nothing_that_their_pipelines_do_not_take():
    import diffusers

    for name, kinds in {
        "ltx-2": ("LTX2Pipeline", "LTX2ImageToVideoPipeline"),
        "wan-2.2-ti2v-5b": ("WanPipeline", "WanImageToVideoPipeline"),
    }.items():
        row = contender(name)
        for kind in kinds:
            takes = pipelines.takes(getattr(diffusers, kind).__new__(getattr(diffusers, kind)))
            assert set(row.options.get("call", {})) <= set(takes)
        assert row.modes == {"text-to-video", "image-to-video"} and row.options["fps"] == 24
