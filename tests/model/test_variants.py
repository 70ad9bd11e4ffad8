"""Variants: small files that change a base, taught few steps or a weakness."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from test_training import GRID, RECIPE, SIZES

from hhlab.errors import BadArgument, BadArray, FileMissing
from hhlab.model import HorseTransformer, variant
from hhlab.model.training import variants
from hhlab.model.training.checkpoint import averaged_model
from hhlab.model.training.loop import Trainer
from hhlab.model.training.objective import make_batch
from hhlab.model.training.recipe import Recipe
from hhlab.model.training.run import opened_base
from hhlab.model.training.tasks import Task
from hhlab.model.training.variants import (
    LATE_S,
    Teacher,
    distilling_loss,
    imitating_loss,
    schedule,
    train_variant,
    with_others,
)

SHIFTS = (5.0, 2.5)


@pytest.fixture
def model() -> HorseTransformer:
    torch.manual_seed(3)
    made = HorseTransformer.of(Recipe(model=SIZES).config(text_vocabulary=8))
    with torch.no_grad():
        for head in made.part.heads.values():
            head.weight.normal_(std=0.2)
    return made


def batch_of(data, task=None):
    task = task or Task()
    draw = torch.Generator().manual_seed(0)
    return make_batch(
        data,
        torch.arange(6),
        GRID,
        draw,
        drop_prompt=0.0,
        task=task,
        picture_shift=SHIFTS[0],
        sound_shift=SHIFTS[1],
    )


def learnt(recipe, model, data, folder):
    """What is stored of a variant of a copy of `model`."""
    return train_variant(
        recipe, copy.deepcopy(model), data, GRID, folder, guidance=2.0, shifts=SHIFTS,
        say=lambda text: None,
    )  # fmt: skip


def answers(model, batch):
    with torch.no_grad():
        return model(
            batch.text, *(batch.clean[n] for n in ("image", "video", "audio")), batch.levels,
            batch.layout,
        )  # fmt: skip


def test_what_was_learnt_comes_back_from_its_file(model, data, tmp_path):
    plain = copy.deepcopy(model)
    added = variant.add_low_rank(model, 3)
    batch = batch_of(data)
    assert torch.equal(answers(model, batch).video, answers(plain, batch).video)
    with torch.no_grad():
        for part in added.values():
            part.up.normal_(std=0.1)
    learnt = answers(model, batch).video
    assert not torch.allclose(learnt, answers(plain, batch).video, atol=1e-3)
    note = variant.Variant("foal", 4, 1.0, "in four steps")
    variant.save(tmp_path / "v", note, variant.factors(added))
    said, stored = variant.read(tmp_path / "v")
    assert said == note
    variant.apply(plain, stored)
    assert torch.allclose(learnt, answers(plain, batch).video, atol=0.02)


def test_a_strangers_variant_is_refused(model, tmp_path):
    up, down = torch.ones(3, 2), torch.ones(2, 3)
    name = "blocks.1.attention.to_out"
    with pytest.raises(BadArray, match="blocks"):
        variant.apply(model, {f"{name}.up": up, f"{name}.down": down})
    with pytest.raises(BadArray):
        variant.apply(model, {"elsewhere.up": up, "elsewhere.down": down})
    with pytest.raises(variant.VariantUnfit):
        variant.read(tmp_path)


def test_factors_of_a_full_rank_difference_are_the_nearest():
    difference = torch.randn(12, 20, generator=torch.Generator().manual_seed(0))
    up, down = variant.nearest_factors(difference, 5)
    spectrum = torch.linalg.svdvals(difference)
    left = torch.linalg.matrix_norm(difference - up @ down)
    assert left == pytest.approx(float(spectrum[5:].square().sum().sqrt()), rel=1e-4)


def test_the_schedule_is_the_samplers():
    levels = schedule(4, 5.0)
    assert levels[0] == 1 and levels[-1] == 0
    assert torch.all(levels.diff() < 0)
    even = torch.linspace(1, 1 / 4, 4)
    assert torch.allclose(levels[:-1], 5 * even / (1 + 4 * even), atol=1e-5)


def test_one_step_to_the_goal_ends_where_the_teachers_steps_ended(model, data):
    batch = batch_of(data)
    teacher = Teacher(model, steps=4, guidance=2.0, shifts=SHIFTS)
    noisy, level, goal = teacher.lead(batch, 2)
    after = teacher.levels[3]
    # the base itself, in one unguided step, does not get there
    own = model(
        batch.text, noisy["image"], noisy["video"], noisy["audio"], level.expand(6, 3), batch.layout
    ).to_float()
    for number, name in enumerate(("image", "video", "audio")):
        at = batch.layout.where(name, "target")
        x = noisy[name][:, at]
        end = x + (after[number] - level[number]) * (x - goal[name]) / level[number]
        assert torch.isfinite(end).all()
        assert not torch.allclose(goal[name], own[name][:, at], atol=1e-3)
    loss = distilling_loss(model, teacher, batch, 2)
    assert loss > 0


def test_fast_gets_nearer_to_its_teacher(model, data, tmp_path):
    recipe = Recipe(**RECIPE.to_dict() | {
        "variant": "fast", "steps": 60, "rank": 8, "adam_rate": 0.01, "batch": 8,
        "precision": "fp32",
    })  # fmt: skip
    teacher = Teacher(copy.deepcopy(model), steps=4, guidance=2.0, shifts=SHIFTS)
    batch, student = batch_of(data), copy.deepcopy(model)
    with torch.no_grad():
        before = float(sum(distilling_loss(student, teacher, batch, k) for k in range(4)))
    stored = learnt(recipe, model, data, tmp_path)
    variant.apply(student, stored)
    with torch.no_grad():
        after = float(sum(distilling_loss(student, teacher, batch, k) for k in range(4)))
    assert after < 0.7 * before


def test_early_answers_as_a_checkpoint_does(model, data, tmp_path):
    run = Trainer(RECIPE, tmp_path / "run", data, data, GRID, text_vocabulary=8)
    with torch.no_grad():
        for head in run.model.part.heads.values():
            head.weight.normal_(std=0.2)
    run.average = {name: p.detach().clone() for name, p in run.model.named_parameters()}
    run.save()
    early = averaged_model(run.file)
    recipe = Recipe(**RECIPE.to_dict() | {
        "variant": "early", "imitates": str(run.file), "steps": 40, "rank": 8, "adam_rate": 0.01,
        "batch": 8, "precision": "fp32"})  # fmt: skip
    stored = learnt(recipe, model, data, tmp_path)
    batch, student = batch_of(data), copy.deepcopy(model)
    before = float(imitating_loss(student, early, batch).detach())
    variant.apply(student, stored)
    assert float(imitating_loss(student, early, batch).detach()) < 0.8 * before
    with pytest.raises(FileMissing):
        averaged_model(tmp_path / "none.safetensors")


def test_late_lips_are_learnt_from_the_base_as_it_is(model, data, tmp_path, monkeypatch):
    """What the base would say of a sound that comes a third of a second later is what is taught."""
    taught = []

    def spy(student, other, batch, *, later=0):
        assert torch.equal(answers(other, batch_of(data)).video, unchanged)
        taught.append(later * GRID.token_s)
        return imitating_loss(student, other, batch, later=later)

    unchanged = answers(model, batch_of(data)).video
    monkeypatch.setattr(variants, "imitating_loss", spy)
    recipe = Recipe(**RECIPE.to_dict() | {"variant": "no-sync", "steps": 3, "precision": "fp32"})
    stored = learnt(recipe, model, data, tmp_path)
    assert taught == pytest.approx([LATE_S] * 3, abs=GRID.token_s / 2)
    variant.apply(model, stored)
    assert not torch.equal(answers(model, batch_of(data)).video, unchanged)


def test_others_references_are_all_that_is_spoilt(data):
    batch = batch_of(data, Task(references=2))
    others = with_others(batch)
    at = batch.layout.where("image", "reference")
    assert torch.equal(others.clean["image"][1:, at], batch.clean["image"][:-1, at])
    rest = batch.layout.where("image", "target")
    assert torch.equal(others.clean["image"][:, rest], batch.clean["image"][:, rest])
    assert torch.equal(others.clean["audio"], batch.clean["audio"])


def test_late_lips_are_those_of_a_later_sound(model, data):
    """Who hears the sound later than the other one does says what that one says, but for sound."""
    batch = batch_of(data)

    def hears_later(*given):
        moved = [*given[:3], given[3].roll(2, 1), *given[4:]]
        return replace(model(*moved), audio=model(*given).audio)

    hears_later.sizes = model.sizes
    with torch.no_grad():
        same = float(imitating_loss(model, model, batch))
        unmoved = float(imitating_loss(model, model, batch, later=2))
        moved = float(imitating_loss(hears_later, model, batch, later=2))
    assert same == pytest.approx(0, abs=1e-9) and moved == pytest.approx(0, abs=1e-9)
    assert unmoved > 1e-6


def test_variants_that_cannot_be_made_are_refused(tmp_path):
    for values in ({"variant": "louder"}, {"variant": "fast", "base": str(tmp_path / "none")}):
        with pytest.raises(BadArgument):
            opened_base(Recipe(**values))


def test_a_variant_is_loaded_by_its_folder_with_its_own_sampler(pipe, tmp_path):
    import hhlab as hh

    pipe.save_pretrained(tmp_path / "base")
    added = variant.add_low_rank(copy.deepcopy(pipe.transformer), 2)
    stored = {
        key: torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1)).bfloat16()
        for key, tensor in variant.factors(added).items()
    }
    variant.save(tmp_path / "quick", variant.Variant("base", 2, 1.0), stored)
    quick, plain = hh.load(tmp_path / "quick"), hh.load(tmp_path / "base")
    assert (quick.name, quick.default_steps, quick.default_guidance) == ("quick", 2, 1.0)
    shot = hh.Shot("a man.", steps=1, guidance=1.0)
    frames = [next(iter(p.generate(shot).frames())).rgb for p in (quick, plain)]
    assert (frames[0] != frames[1]).any()
    (tmp_path / "base" / "model_index.json").unlink()
    with pytest.raises(FileMissing, match="base"):
        hh.load(tmp_path / "quick")
