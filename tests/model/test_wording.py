"""Prompts of scripts that nobody rendered teach what words ask for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hhlab.actors.prompts import words_of_language
from hhlab.actors.reading import parse
from hhlab.actors.script import ATTRIBUTES, split_of
from hhlab.errors import BadArgument
from hhlab.model import HorseTransformer
from hhlab.model.config import LOOK, SWAY
from hhlab.model.sequence import Grid
from hhlab.model.training.latents import Latents
from hhlab.model.training.loop import Trainer
from hhlab.model.training.objective import loss_of
from hhlab.model.training.plan import Planner
from hhlab.model.training.recipe import Recipe
from hhlab.model.training.tasks import Task, draw_task
from hhlab.model.training.truth import said_look
from hhlab.model.training.wording import HUES, LEAST, PROMPTS, draw_prompts, worded_batch
from hhlab.model.words import full_vocabulary
from tests.model.conftest import TINY

WORDS = full_vocabulary(words_of_language())
SIZES = replace(
    TINY, image_dim=52 + LOOK + SWAY, video_dim=80 + LOOK + SWAY, moves=(4, 2, 64),
    text_vocabulary=len(WORDS), text_tokens=60,
)  # fmt: skip
GRID = Grid(6, 6, 6, 0.32, 50, 0.04)


def batch_of(seed: int):
    return worded_batch(SIZES, GRID, torch.Generator().manual_seed(seed))


def test_scripts_are_those_that_training_may_see_and_prompts_fit():
    scripts, texts = draw_prompts(40, 50, 7)
    assert {split_of(script) for script in scripts} == {"train"}
    assert all(len(text.split()) <= 50 for text in texts)
    for script, text in zip(scripts, texts, strict=True):
        named = {name: value for name, value in parse(text).items() if name in ATTRIBUTES}
        assert named and all(getattr(script, name) == value for name, value in named.items())


def test_half_of_the_scripts_have_two_colours_that_could_change_places():
    scripts, _ = draw_prompts(200, 60, 3)
    walls = [script.place.removesuffix(" studio") for script in scripts]
    both = [
        wall != script.dye and {wall, script.dye} <= set(HUES)
        for wall, script in zip(walls, scripts, strict=True)
    ]
    assert {"red", "green", "blue", "yellow"} == set(HUES)
    assert 0.4 < np.mean(both) < 0.7
    pairs = {(w, s.dye) for w, s, two in zip(walls, scripts, both, strict=True) if two}
    assert len(pairs) > 8  # of twelve, but for those that are held out: no colour is a wall's alone


def test_the_same_draw_gives_the_same_prompts_and_another_others():
    one, same, other = batch_of(1), batch_of(1), batch_of(2)
    assert torch.equal(one.text, same.text)
    assert torch.equal(one.noise["image"], same.noise["image"])
    assert one.text.shape != other.text.shape or not torch.equal(one.text, other.text)


def test_a_batch_holds_who_is_seen_behind_noise():
    seed = 5
    batch = batch_of(seed)
    draw = torch.Generator().manual_seed(seed)
    scripts, _ = draw_prompts(PROMPTS, 60, int(torch.randint(2**40, (), generator=draw)))
    looks = np.stack([said_look(script) for script in scripts])
    image = batch.clean["image"]
    assert torch.equal(image[:, 0, 52 : 52 + LOOK], torch.from_numpy(looks))
    assert (image == image[:, :1]).all() and not image[..., :52].any()
    assert batch.levels.min() >= LEAST and batch.levels.max() <= 1
    said = batch.noise["image"][..., -LOOK - SWAY :]
    assert (said == said[:, :1]).all() and said.std() > 0.9
    at = list(ATTRIBUTES).index("dye")
    dyes = [ATTRIBUTES["dye"].index(script.dye) for script in scripts]
    assert batch.plan["attributes"][:, at].tolist() == dyes


def test_what_is_not_known_of_a_picture_is_not_learnt():
    """Of the ways out, only what says who is seen gets a gradient; and the words do."""
    torch.manual_seed(0)
    model, planner = HorseTransformer.of(SIZES), Planner(SIZES.width, 4)
    loss, parts = loss_of(model, batch_of(3), planner)
    loss.backward()
    assert set(parts) == {"looks", "attributes"}
    head = model.part.heads["image"].weight.grad
    assert head[52 : 52 + LOOK].abs().sum() > 0
    assert not head[:52].any() and not head[52 + LOOK :].any()
    assert model.words.weight.grad.abs().sum() > 0


def test_a_model_that_does_not_say_who_is_seen_learns_words_alone():
    sizes = replace(SIZES, image_dim=52, video_dim=80)
    torch.manual_seed(0)
    model, planner = HorseTransformer.of(sizes), Planner(sizes.width, 4)
    batch = worded_batch(sizes, GRID, torch.Generator().manual_seed(1))
    loss_of(model, batch, planner)[0].backward()
    assert not model.part.heads["image"].weight.grad.any()
    assert model.words.weight.grad.abs().sum() > 0


def test_prompts_that_cannot_be_short_enough_are_an_error():
    with pytest.raises(BadArgument, match="text_tokens"):
        draw_prompts(2, 1, 0)


def test_prompts_alone_come_as_often_as_asked():
    draw = torch.Generator().manual_seed(0)
    tasks = [draw_task(draw, worded=0.25) for _ in range(800)]
    assert 0.2 < np.mean([task.alone == "words" for task in tasks]) < 0.3
    plain, none = (torch.Generator().manual_seed(1) for _ in range(2))
    assert [draw_task(plain) for _ in range(20)] == [draw_task(none, worded=0.0) for _ in range(20)]
    assert Task(alone="words") not in [draw_task(plain) for _ in range(200)]


def test_a_run_can_begin_with_prompts_alone(data, tmp_path):
    known = {"attributes": torch.zeros(8, len(ATTRIBUTES), dtype=torch.int16)}
    known |= {"camera": torch.zeros(8, 9, 4)}
    told = Latents(data.tensors | {f"{n}_{side}": x for n, x in known.items() for side in "ab"})
    dims = {"image_dim": 12, "video_dim": 16, "audio_dim": 10, "text_dim": 32, "text_tokens": 60}
    model = dims | {"width": 32, "layers": 2, "edge_layers": 0}
    recipe = Recipe(worded_first=2, batch=2, steps=4, model=model)
    grid = Grid(2, 2, 2, 0.32, 6, 0.12)
    run = Trainer(recipe, tmp_path, told, told, grid, text_vocabulary=len(WORDS))
    draw = torch.Generator().manual_seed(0)
    assert [run.batch(step, draw).rendered for step in range(4)] == [False, False, True, True]
    nobody = Trainer(recipe, tmp_path, data, data, grid, text_vocabulary=len(WORDS))
    assert nobody.batch(0, draw).rendered  # of clips that were not rendered no script is known
