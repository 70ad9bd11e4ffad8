"""Training learns, resumes exactly, and refuses settings that do not exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hhlab.errors import BadArgument
from hhlab.model.config import LOOK
from hhlab.model.lapped import LappedCodec
from hhlab.model.sequence import Grid, make_layout
from hhlab.model.training.checkpoint import averaged_model
from hhlab.model.training.growing import grown
from hhlab.model.training.latents import Latents, mouth_share
from hhlab.model.training.loop import Trainer, rate_at
from hhlab.model.training.objective import FINE, draw_levels, make_batch, weighted_error
from hhlab.model.training.recipe import COUNTS, SHARES, Recipe
from hhlab.model.training.tasks import Task
from hhlab.model.training.world import check_drawing
from hhlab.model.variant import VariantUnfit
from tests.model.conftest import TINY

GRID = Grid(rows=2, columns=2, groups=2, group_s=0.32, audio_tokens=6, token_s=0.12)
SIZES = {
    "width": 32, "layers": 3, "heads": 2, "kv_heads": 2, "head_dim": 16, "mlp_width": 48,
    "image_dim": 12, "video_dim": 16, "audio_dim": 10, "text_dim": 32, "text_tokens": 5,
    "rope_pairs": [3, 2, 2, 1],
}  # fmt: skip
RECIPE = Recipe(name="t", steps=8, batch=4, save_every=4, sample_every=8, model=SIZES, warmup=0.2)


def trainer(data: Latents, folder, recipe: Recipe = RECIPE) -> Trainer:
    return Trainer(recipe, folder, data, data, GRID, text_vocabulary=8)


def test_a_killed_run_that_is_resumed_ends_with_the_same_weights(data, tmp_path):
    whole = trainer(data, tmp_path / "whole")
    whole.run()
    first = trainer(data, tmp_path / "cut")
    while first.step < 4:
        first.update()
    first.save()
    first.update()  # done, but lost: killed before the next checkpoint
    again = trainer(data, tmp_path / "cut")
    assert again.resume()
    assert again.step == 4
    again.run()
    for (name, a), (_, b) in zip(
        whole.model.named_parameters(), again.model.named_parameters(), strict=True
    ):
        assert torch.equal(a, b), name
    assert all(torch.equal(whole.average[n], again.average[n]) for n in whole.average)


def test_it_learns_what_the_prompt_says(data, tmp_path):
    fast = {"steps": 160, "batch": 8, "muon_rate": 0.02, "adam_rate": 0.01}
    fast |= {"ema": 0.9, "precision": "fp32"}
    run = trainer(data, tmp_path, Recipe(**RECIPE.to_dict() | fast))
    before = run.watch()
    run.run()
    after = run.watch()
    for what in ("t2v video", "t2v audio", "references image", "edit video"):
        assert after[what] < 0.6 * before[what], what


def test_what_moved_is_learnt(data, tmp_path):
    codec = LappedCodec(block_px=8, frames=4, image_dim=12, video_dim=16)
    codec.image_basis.copy_(torch.eye(*codec.image_basis.shape))
    codec.video_basis.copy_(torch.eye(*codec.video_basis.shape))
    draw = torch.Generator().manual_seed(4)
    away = torch.randint(-64, 64, (1, 8, 32), generator=draw, dtype=torch.int8)  # always the same
    told = Latents(data.tensors | {f"motion_{s}": away.expand(8, -1, -1) for s in "ab"})
    model = SIZES | {"moves": (4, 2)}
    recipe = replace(RECIPE, steps=60, adam_rate=0.01, ema=0.9, model=model)
    run = Trainer(recipe, tmp_path / "run", told, told, GRID, text_vocabulary=8, codec=codec)
    before = run.watch()["first frame motion"]
    run.run()
    assert run.watch()["first frame motion"] < 0.7 * before
    saved = averaged_model(run.file)
    assert all(torch.equal(p, run.average[n]) for n, p in saved.named_parameters())


def test_fine_channels_count_more_where_a_source_shows_what_noise_hides(data):
    spread = torch.tensor([9.0] + 11 * [0.1])
    sizes, ratio = Recipe(**RECIPE.to_dict()).config(text_vocabulary=8), {}
    for source in (False, True):
        batch = make_batch(
            data, torch.tensor([0, 1]), GRID, torch.Generator().manual_seed(0), drop_prompt=0.0,
            picture_shift=1.0, sound_shift=1.0, task=Task(source=source),
        )  # fmt: skip
        batch = replace(
            batch, levels=torch.ones(2, 3), channels={"image": spread, "video": spread}, mouth={}
        )
        wanted = torch.zeros(2, 4, 12)
        errors = []
        for channel in (0, 5):
            found = wanted.clone()
            found[..., channel] = 1.0
            errors.append(weighted_error(found, wanted, batch, "image", sizes))
        ratio[source] = float(errors[0] / errors[1])
    assert ratio[False] == pytest.approx(90.0, rel=1e-3)
    assert ratio[True] == pytest.approx(90.0**0.5, rel=1e-3)


def test_ctrl_c_keeps_what_was_done(data, tmp_path):
    run = trainer(data, tmp_path)

    def stop(step: int, parts: dict[str, float]) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.run(stop)
    again = trainer(data, tmp_path)
    assert again.resume()
    assert again.step == 3


@pytest.mark.parametrize("change", [{"traces": True}, {"layers": 2}, {"mlp_width": 64}], ids=str)
def test_a_checkpoint_of_another_model_is_named(data, tmp_path, change):
    made = trainer(data, tmp_path)
    made.save()
    other = Recipe(**RECIPE.to_dict() | {"model": SIZES | change})
    with pytest.raises(BadArgument, match=re.escape(str(made.file))):
        trainer(data, tmp_path, other).resume()


def test_checkpoints_that_are_to_be_kept_stay(data, tmp_path):
    recipe = Recipe(**RECIPE.to_dict() | {"kept": (3,)})
    trainer(data, tmp_path, recipe).run()
    (kept,) = tmp_path.glob("kept-*.safetensors")
    early = trainer(data, tmp_path / "again", recipe)
    (tmp_path / "again").mkdir()
    kept.rename(early.file)
    assert early.resume()
    assert early.step == 3


def test_every_clip_is_seen_once_an_epoch(data, tmp_path):
    run = trainer(data, tmp_path)
    seen = torch.cat([run.rows(step) for step in range(4)])
    assert sorted(seen.tolist()) == list(range(16))
    assert not torch.equal(run.rows(0), run.rows(4))


def test_an_edit_shows_the_other_clip_and_says_what_changes(data):
    rows = torch.tensor([0, 1])
    batch = make_batch(data, rows, GRID, torch.Generator().manual_seed(0), drop_prompt=0.0,
                       picture_shift=1.0, sound_shift=1.0, task=Task(source=True))  # fmt: skip
    source = batch.clean["video"][:, batch.layout.where("video", "source")]
    target = batch.clean["video"][:, batch.layout.where("video", "target")]
    assert not torch.equal(data.tensors["video_a"][0], data.tensors["video_b"][0])
    assert torch.equal(source[0], data.tensors["video_b"][0].float())
    assert torch.equal(target[0], data.tensors["video_a"][0].float())
    assert torch.equal(source[1], data.tensors["video_a"][0].float())


def test_noise_levels_are_shares_and_lean_as_asked():
    draw = torch.Generator().manual_seed(0)
    levels = draw_levels(4000, draw, picture_shift=5.0, sound_shift=2.0)
    assert levels.min() >= 0
    assert levels.max() <= 1
    # most pictures lean by 5, whose median is 5 in 6; the others are drawn evenly
    beyond = (1 - FINE) * 0.5 + FINE / 6
    assert float((levels[:, 1] > 5 / 6).float().mean()) == pytest.approx(beyond, abs=0.025)
    assert levels[:, 2].median() == pytest.approx(2 / 3, abs=0.02)


def test_the_mouths_share_is_where_the_mouth_is():
    share = mouth_share(np.array([[[20.0, 40.0, 28.0, 44.0]]]), rows=4, columns=4, block=16)
    assert share.shape == (1, 1, 16)
    assert share.argmax() == 2 * 4 + 1
    assert float(share.sum()) == pytest.approx(1)


def test_the_rate_rises_stays_and_falls_to_nothing():
    recipe = Recipe(steps=100, warmup=0.1, decay=0.4)
    rates = [rate_at(step, recipe) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[30] == 1
    assert rates[-1] == 0
    assert rates[80] == pytest.approx(0.5)


def test_a_recipe_with_unknown_settings_is_refused(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("steps: 5\nlearning: fast\n")
    with pytest.raises(BadArgument, match="learning"):
        Recipe.read(path)


@pytest.mark.parametrize("name", SHARES)
def test_a_share_that_is_none_is_refused(name):
    assert Recipe(**{name: 0}) != Recipe(**{name: 1.0})
    for share in (1.5, -0.1, "often", float("nan"), True):
        with pytest.raises(BadArgument, match=name):
            Recipe(**{name: share})


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("steps", [0.1, -1, "some", True])
def test_steps_that_cannot_be_counted_are_refused(name, steps):
    with pytest.raises(BadArgument, match=name):
        Recipe(**{name: steps})


def test_no_steps_at_all_need_a_model_that_is_there():
    with pytest.raises(BadArgument, match="steps"):
        Recipe(steps=0)
    assert Recipe(steps=0, start="runs/foal").steps == 0


def test_faces_and_edits_that_nobody_would_draw_are_refused_before_anything_is_rendered():
    looks = RECIPE.model | {"image_dim": 52 + LOOK, "video_dim": 80 + LOOK, "moves": (4, 2, 64)}
    for name in ("face_steps", "retouch_steps"):
        for wrong in ({"model": RECIPE.model}, {"model": looks, "variant": "fast"}):
            recipe = replace(RECIPE, **{name: 5}, **wrong)
            with pytest.raises(BadArgument, match=name):
                sizes = replace(RECIPE, model=wrong["model"]).config(text_vocabulary=6)
                check_drawing(recipe, sizes, None)
    seeing = replace(RECIPE, face_steps=5, model=looks)
    sizes = seeing.config(text_vocabulary=6)
    check_drawing(seeing, sizes, None)
    # edits need somebody who makes them, of the same tokens
    editing = replace(seeing, retouch_steps=5)
    dims = {"mouths": True, "looks": True, "image_dim": 52 + LOOK, "video_dim": 80 + LOOK}
    start = SimpleNamespace(picture_codec=LappedCodec(block_px=8, **dims))
    check_drawing(editing, sizes, start)
    less = SimpleNamespace(picture_codec=LappedCodec(block_px=8, image_dim=52, video_dim=80))
    for nobody in (None, less):
        with pytest.raises(BadArgument, match="retouch_steps"):
            check_drawing(editing, sizes, nobody)
    with pytest.raises(BadArgument, match="quick"):
        check_drawing(replace(seeing, quick="runs/fast"), sizes, None)
    with pytest.raises(VariantUnfit):
        check_drawing(replace(editing, quick="nowhere"), sizes, start)


def test_a_run_begins_with_a_finished_model_of_its_sizes(data, tmp_path):
    done = trainer(data, tmp_path / "done")
    done.run()
    more = trainer(data, tmp_path / "more", replace(RECIPE, start="done", steps=4, warmup=0.0))
    more.begin_with(averaged_model(done.file))
    assert more.watch() == done.watch()


def test_clips_with_references_lack_their_prompt_more_often(data):
    def empty(references: int) -> float:
        draw, rows = torch.Generator().manual_seed(2), torch.arange(16).repeat(50)
        batch = make_batch(
            data, rows, GRID, draw, drop_prompt=0.1, picture_shift=5.0, sound_shift=2.0,
            task=Task(references=references),
        )  # fmt: skip
        return float((batch.text == 0).all(1).float().mean())

    assert 0.05 < empty(0) < 0.15
    assert 0.24 < empty(2) < 0.36


def test_a_model_whose_tokens_hold_more_does_as_before(pipe):
    model = pipe.transformer
    sizes = replace(TINY, image_dim=52, video_dim=80, moves=(4, 2, 64), near_words=2)
    more = grown(model, sizes, heard=0.0)
    more.carry_with(pipe.picture_codec)
    layout = make_layout(Grid(4, 4, 2, 0.32, 18, 0.04), text_tokens=3)
    draw = torch.Generator().manual_seed(1)
    image, video, audio = (
        torch.randn(1, n, d, generator=draw)
        for n, d in zip(layout.sizes[1:], (52, 80, 24), strict=True)
    )
    rest = audio, torch.full((1, 3), 0.5), layout
    with torch.no_grad():
        before = model(torch.tensor([[1, 2, 3]]), image[..., :48], video[..., :64], *rest)
        after = more(torch.tensor([[1, 2, 3]]), image, video, *rest)
    assert torch.allclose(before.video, after.video[..., :64], atol=1e-5)
    assert torch.allclose(before.image, after.image[..., :48], atol=1e-5)
    assert torch.allclose(before.audio, after.audio, atol=1e-5)
    assert not after.video[..., 64:].any() and not after.image[..., 48:].any()
    ways_in = (grown(model, sizes).embed[name].weight for name in ("image", "video"))
    assert all(
        weight[:, known:].std() > 0.03 for weight, known in zip(ways_in, (48, 64), strict=True)
    )
    with pytest.raises(BadArgument, match="larger"):
        grown(model, replace(TINY, layers=4))
    with pytest.raises(BadArgument, match="larger"):
        grown(more, TINY)


@pytest.mark.slow
def test_two_processes_share_the_clips_and_end_with_the_same_weights(data, tmp_path):
    save_file({n: t.clone() for n, t in data.tensors.items()}, tmp_path / "data.safetensors")
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone",
         "-m", "tests.model.training_worker", str(tmp_path)],
        cwd=root, env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    seen = [json.loads((tmp_path / f"seen-{k}.json").read_text()) for k in (0, 1)]
    assert [s["processes"] for s in seen] == [2, 2]
    together = [row for s in seen for rows in s["rows"] for row in rows]
    assert sorted(together) == list(range(16))  # an epoch of 16 clips in four steps
    one, two = (load_file(tmp_path / f"weights-{k}.safetensors") for k in (0, 1))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 4  # one of them writes
