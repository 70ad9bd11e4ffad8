"""The pipeline's promises: modes, seeds, batches, diffusers' manners, refusals."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    DiffusionPipeline,
    EulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    UniPCMultistepScheduler,
)
from safetensors.torch import load_file, save_file

import hhlab as hh
from hhlab.errors import BadArgument, BadArray, Cancelled, FileMissing, UnknownModel, UnsafePickle
from hhlab.model import Given
from hhlab.model.canvas import drawn_at
from hhlab.model.inputs import fit_picture
from hhlab.model.shots import EDITS_LED
from tests.model.conftest import smooth_pictures


def pictures(clip: hh.Clip) -> np.ndarray:
    return np.stack([frame.rgb for frame in clip.frames()])


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def test_a_clip_has_picture_and_sound_of_one_length(pipe):
    clip = pipe.generate(hh.Shot("a man.", seed=1, steps=2))
    assert pictures(clip).shape == (9, 32, 32, 3)
    assert clip.audio().samples.shape == (1, 11520)
    assert clip.info.duration_s == pytest.approx(0.72)
    assert clip.provenance["seed"] == 1
    assert clip.provenance["mode"] == "text-to-video"
    assert clip.provenance["temperature"] == 1.0


def test_a_clip_depends_on_its_seed_and_not_on_its_batch(pipe):
    alone = pictures(pipe.generate(hh.Shot("a man", seed=3, steps=3)))
    other, again = pipe.generate(
        [hh.Shot("a woman", seed=2, steps=3), hh.Shot("a man", seed=3, steps=3)]
    )
    assert np.abs(pictures(again).astype(int) - alone).max() <= 1
    assert np.abs(pictures(other).astype(int) - alone).max() > 5


def test_less_temperature_makes_seeds_more_alike(pipe):
    def apart(temperature: float) -> float:
        one, two = (
            pipe("a man", num_inference_steps=2, temperature=temperature, output_type="latent",
                 generator=torch.Generator().manual_seed(seed)).frames["video"]
            for seed in (1, 2)
        )  # fmt: skip
        return float((one - two).square().mean())

    assert apart(0.1) < apart(0.5) < apart(1.0)
    for wrong in (0, 1.01, float("nan")):
        with pytest.raises(BadArgument, match="temperature"):
            pipe("a man", temperature=wrong)


def test_the_prompt_and_what_is_unwanted_change_the_clip(pipe):
    one, two, three = (
        pictures(pipe.generate(hh.Shot(prompt, negative, seed=3, steps=2)))
        for prompt, negative in (("a man", ""), ("a woman", ""), ("a man", "a woman"))
    )
    assert (one != two).any()
    assert (one != three).any()


def test_the_first_picture_is_kept(pipe):
    first = smooth_pictures(1, 32, 5)[0]
    clip = pipe.generate(hh.Shot("a man", first_frame=first, steps=2))
    assert psnr(pictures(clip)[0], first) > 30


def test_given_pictures_are_kept_while_sound_is_made_and_the_other_way_round(pipe):
    source = pipe.generate(hh.Shot("a man", seed=8, steps=2))
    heard = pipe.generate(hh.Shot("a man", picture=source, seed=9, steps=2))
    assert psnr(pictures(heard), pictures(source)) > 30
    seen = pipe.generate(hh.Shot("a man", sound=source, seed=9, steps=2))
    assert psnr(pictures(seen), pictures(source)) < 30
    codec = pipe.sound_codec
    made, given = (
        codec.log_mel(torch.from_numpy(c.audio().samples)) for c in (seen, source)
    )  # fmt: skip
    assert (made - given).abs().mean() < 0.1


def test_references_and_source_matter(pipe):
    image, other = smooth_pictures(1, 32, 1)[0], smooth_pictures(1, 32, 2)[0]
    source = pipe.generate(hh.Shot("a man", seed=8, steps=2))
    made = [
        pictures(pipe.generate(hh.Shot("a man", steps=2, **given)))
        for given in (
            {}, {"references": [image]}, {"references": [other]}, {"references": [image, other]},
            {"source": source},
        )
    ]  # fmt: skip
    assert all((a != b).any() for i, a in enumerate(made) for b in made[:i])


def test_progress_and_cancel(pipe):
    seen = []
    pipe.generate(hh.Shot("a", steps=3), on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    calls = []
    with pytest.raises(Cancelled):
        pipe.generate(hh.Shot("a", steps=50), cancel=lambda: calls.append(1) or len(calls) == 2)
    assert len(calls) == 2


def test_a_step_callback_may_change_the_tokens(pipe):
    def blank(pipeline, step, timestep, tensors):
        return {"image": torch.zeros_like(tensors["image"])}

    out = pipe("a man", num_inference_steps=2, callback_on_step_end=blank,
               callback_on_step_end_tensor_inputs=["image"], output_type="latent")  # fmt: skip
    assert out.frames["image"].abs().max() == 0


def test_it_is_saved_and_found_again_by_diffusers_and_by_name(pipe, tmp_path):
    pipe.save_pretrained(tmp_path / "m")
    before = pictures(pipe.generate(hh.Shot("a man", seed=1, steps=2)))
    for again in (DiffusionPipeline.from_pretrained(tmp_path / "m"), hh.load(tmp_path / "m")):
        again.set_progress_bar_config(disable=True)
        assert (pictures(again.generate(hh.Shot("a man", seed=1, steps=2))) == before).all()


def test_schedulers_can_be_swapped(pipe):
    pipe.scheduler = FlowMatchHeunDiscreteScheduler.from_config(pipe.scheduler.config)
    pipe.sound_scheduler = FlowMatchHeunDiscreteScheduler.from_config(pipe.sound_scheduler.config)
    assert pictures(pipe.generate(hh.Shot("a man", steps=3))).shape[0] == 9


@pytest.mark.parametrize(
    ("kind", "given"),
    [(FlowMatchHeunDiscreteScheduler, {}),
     (UniPCMultistepScheduler, {"use_flow_sigmas": True, "prediction_type": "flow_prediction"})],
)  # fmt: skip
def test_the_picture_s_scheduler_alone_can_be_swapped(pipe, kind, given):
    plain = pictures(pipe.generate(hh.Shot("a man", steps=3)))
    pipe.scheduler = kind.from_config(pipe.scheduler.config, **given)
    swapped = pictures(pipe.generate(hh.Shot("a man", steps=3)))
    assert swapped.shape == plain.shape and (swapped != plain).any()
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    pipe.scheduler.register_to_config(prediction_type="epsilon")
    with pytest.raises(BadArgument, match="flow matching"):
        pipe.generate(hh.Shot("a man", steps=3))


def test_what_is_not_finite_is_no_clip(pipe):
    with pytest.raises(BadArray, match="sound"):
        pipe("a man", given=Given(sound=np.full(11520, np.nan, np.float32)), num_inference_steps=1)
    with torch.no_grad():
        pipe.transformer.part.heads["video"].weight.fill_(float("nan"))
    with pytest.raises(BadArray, match="video"):
        pipe("a man", num_inference_steps=1)


def test_a_negative_prompt_without_guidance_is_said_to_do_nothing(pipe):
    with pytest.warns(UserWarning, match="negative prompt"):
        pipe.generate(hh.Shot("a man", "a woman", steps=1, guidance=1.0))


def test_attention_back_ends_agree(pipe):
    before = pictures(pipe.generate(hh.Shot("a man", seed=1, steps=2)))
    pipe.transformer.set_attention_backend("_native_math")
    after = pictures(pipe.generate(hh.Shot("a man", seed=1, steps=2)))
    assert np.abs(before.astype(int) - after).max() <= 1


def test_group_offload_gives_the_same(pipe):
    before = pictures(pipe.generate(hh.Shot("a man", seed=1, steps=2)))
    pipe.transformer.enable_group_offload(
        onload_device=torch.device("cpu"), offload_device=torch.device("cpu"),
        offload_type="block_level", num_blocks_per_group=1,
    )  # fmt: skip
    after = pictures(pipe.generate(hh.Shot("a man", seed=1, steps=2)))
    assert np.abs(before.astype(int) - after).max() <= 1


def test_unknown_words_are_passed_over_and_said(pipe):
    with pytest.warns(UserWarning, match="zeppelin"):
        clip = pipe.generate(hh.Shot("a zeppelin", steps=1))
    assert clip.provenance["unknown_words"] == ["zeppelin"]


@pytest.mark.parametrize(
    ("shot", "says"),
    [
        ({"prompt": ""}, "some words"),
        ({"prompt": "man " * 10_000}, "at most 8 words"),
        ({"prompt": "a", "references": [np.zeros((32, 32, 3), np.uint8)] * 5}, "at most 4"),
        ({"prompt": "a", "steps": 0}, "1 or more"),
        ({"prompt": "a", "guidance": float("nan")}, "0 to 50"),
    ],
)
def test_what_cannot_be_made_is_refused_by_name(pipe, shot, says):
    with pytest.raises(BadArgument, match=says):
        pipe.generate(hh.Shot(**shot))


def test_a_source_without_sound_is_edited_all_the_same(pipe):
    silent = hh.Clip.from_arrays(smooth_pictures(9, 32, 3), fps=12.5)
    clip = pipe.generate(hh.Shot("a man", source=silent, steps=1))
    assert clip.info.has_audio


def test_a_corrupt_reference_is_a_named_error(pipe, tmp_path):
    bad = tmp_path / "face.png"
    bad.write_bytes(b"not a picture")
    with pytest.raises(hh.HhlabError, match=r"face\.png"):
        pipe.generate(hh.Shot("a man", references=[bad]))


def test_damaged_and_unsafe_weights_are_refused(pipe, tmp_path):
    with pytest.raises(UnknownModel):
        hh.load("no-such-model")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileMissing):
        hh.load(tmp_path / "empty")
    folder = tmp_path / "m"
    pipe.save_pretrained(folder)
    file = next((folder / "transformer").glob("*.safetensors"))
    tensors = load_file(file)
    tensors["role.weight"][0, 0] = float("nan")
    save_file(tensors, file)
    with pytest.raises(hh.HhlabError, match="role"):
        hh.load(folder)
    (folder / "transformer" / "diffusion_pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(UnsafePickle):
        hh.load(folder)


def test_a_batch_must_be_of_one_kind(pipe):
    with pytest.raises(BadArgument, match="same kinds"):
        pipe(["a", "a"], given=[Given(), Given(first_frame=smooth_pictures(1, 32, 0)[0])])


def test_length_and_size_are_the_shots(pipe):
    clip = pipe.generate(hh.Shot("a man.", seconds=0.4, size_px=(48, 24), steps=1))
    assert pictures(clip).shape == (5, 24, 48, 3)
    assert clip.audio().samples.shape[1] == pytest.approx(5 / 12.5 * 16000, abs=640)


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [((64, 64), (32, 32)), ((16, 16), (32, 32)), ((48, 24), (48, 24)), ((64, 32), (48, 24))],
)
def test_a_shape_is_drawn_at_the_size_that_the_model_knows_best(pipe, asked, drawn):
    def made(size_px):
        return pipe.generate(hh.Shot("a man.", seconds=0.4, size_px=size_px, steps=1, seed=3))

    clip = made(asked)
    assert pictures(clip).shape[2:0:-1] == asked and clip.provenance["drawn_px"] == list(drawn)
    as_drawn = np.stack([fit_picture(picture, asked) for picture in pictures(made(drawn))])
    assert np.array_equal(pictures(clip), as_drawn)


def test_every_size_on_offer_is_drawn_in_its_shape_at_one_that_can_be_drawn():
    sides = range(32, 193, 16)
    for width, height in itertools.product(sides, sides):
        wide, high = drawn_at(width, height, block_px=16, trained_px=96)
        assert wide * height == high * width, "another shape"
        assert all(side % 16 == 0 and 32 <= side <= 192 for side in (wide, high))
        asked, drawn = (abs(np.log(w * h / 96**2)) for w, h in ((width, height), (wide, high)))
        assert drawn <= asked, "farther from what the model knows"
    assert drawn_at(96, 96, block_px=16, trained_px=96) == (96, 96)


def test_clips_of_several_sizes_are_each_as_they_are_alone(pipe):
    shots = [hh.Shot("a man.", seconds=0.4, size_px=(side, side), steps=1, seed=side)
             for side in (16, 32, 64)]  # fmt: skip
    for shot, clip in zip(shots, pipe.generate(shots), strict=True):
        assert np.array_equal(pictures(clip), pictures(pipe.generate(shot)))
        assert pictures(clip).shape[1:3] == (shot.size_px[1], shot.size_px[0])


@pytest.mark.parametrize("kind", ["source", "picture", "first_frame", "references"])
def test_what_is_given_is_brought_to_the_size_that_is_drawn(pipe, kind):
    frames = smooth_pictures(5, 64, 0)
    clip = hh.Clip.from_arrays(frames, fps=12.5)
    given = {"source": clip, "picture": clip, "first_frame": frames[0], "references": [frames[0]]}
    shot = hh.Shot("a man.", seconds=0.4, size_px=(64, 64), steps=1, **{kind: given[kind]})
    made, usual = pipe.generate(shot), pipe.generate(replace(shot, size_px=(32, 32)))
    assert made.provenance["drawn_px"] == [32, 32] and pictures(made).shape == (5, 64, 64, 3)
    as_drawn = np.stack([fit_picture(picture, (64, 64)) for picture in pictures(usual)])
    assert np.array_equal(pictures(made), as_drawn)


@pytest.mark.parametrize(
    "asked", [{"size_px": (40, 30)}, {"size_px": (8, 32)}, {"size_px": (320, 32)}, {"seconds": 9.0}]
)
def test_other_lengths_and_sizes_are_refused_by_name(pipe, asked):
    with pytest.raises(BadArgument):
        pipe.generate(hh.Shot("a man.", **asked))


@pytest.mark.slow
def test_compiled_layers_give_the_same(pipe):
    shot = hh.Shot("a man", seed=2, steps=2)
    plain = pictures(pipe.generate(shot))
    # the whole layer must be one graph: a break in it would cost on a GPU what compiling gains
    pipe.transformer.compile_repeated_blocks(fullgraph=True, backend="aot_eager")
    again = pictures(pipe.generate(shot))
    assert np.abs(again.astype(int) - plain).max() <= 2


@pytest.mark.slow
def test_the_readme_opens_what_ships_with_diffusers_alone():
    root = Path(hh.__file__).parent.parent
    text = (root / "README.md").read_text(encoding="utf-8")
    (block,) = (b for b in re.findall(r"```python\n(.*?)```", text, re.S) if "DiffusionPipe" in b)
    code = block + "\nprint(type(pipe).__name__, pipe.transformer.codec is pipe.picture_codec)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["HorsePipeline", "True"], done.stderr


def test_edits_are_led_less_unless_a_shot_says_otherwise(pipe, monkeypatch):
    source = pipe.generate(hh.Shot("a man", steps=1))
    assert source.provenance["guidance"] == pipe.default_guidance == 3.0

    def guidance(**asked) -> float:
        return pipe.generate(hh.Shot("a man", source=source, steps=1, **asked)).provenance[
            "guidance"
        ]

    assert guidance() == EDITS_LED < 3.0
    assert guidance(guidance=3.0) == 3.0
    led = []
    call = type(pipe).__call__
    monkeypatch.setattr(
        type(pipe), "__call__",
        lambda self, *a, **k: led.append(k["guidance_scale"]) or call(self, *a, **k),
    )  # fmt: skip
    pipe.generate([hh.Shot("a man", steps=1), hh.Shot("a man", source=source, steps=1)])
    assert led == [3.0, EDITS_LED]
    monkeypatch.setattr(pipe, "default_guidance", 1.0, raising=False)
    assert guidance() == 1.0  # one that is not led at all stays so
