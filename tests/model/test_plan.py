"""What the middle of the transformer is asked: true of the clip, learnable, and resumed exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_training import GRID, RECIPE

from hhlab.actors.script import ATTRIBUTES, Script
from hhlab.actors.take import take
from hhlab.model.training.latents import Latents
from hhlab.model.training.loop import Trainer
from hhlab.model.training.objective import make_batch
from hhlab.model.training.plan import MOUTH_MEAN, MOUTH_SPREAD, PHONES, plan_of
from hhlab.model.training.tasks import Task, clips_for, draw_task, grid_of

CLOSED = [PHONES.index(symbol) for symbol in "pbm"]
SHIFTS = {"picture_shift": 5.0, "sound_shift": 2.5, "drop_prompt": 0.0}


@pytest.fixture(scope="module")
def told(data) -> Latents:
    """The tiny data with a plan: what is said of a clip follows from the prompt's first word."""
    more = {}
    for side in "ab":
        kinds = data.tensors[f"words_{side}"][:, 0, 0].long() - 2
        more[f"attributes_{side}"] = torch.stack([kinds % len(v) for v in ATTRIBUTES.values()], 1)
        more[f"camera_{side}"] = kinds.view(-1, 1, 1).expand(-1, 9, 4).float() - 1.5
        more[f"mouth_shape_{side}"] = more[f"camera_{side}"].flip(2)
        more[f"phones_{side}"] = kinds.view(-1, 1).expand(-1, 12).contiguous()
    return Latents(data.tensors | more)


def test_the_plan_is_true_of_the_rendered_clip():
    script = Script.sample(5, words=("maybe", "bob"), move="pan left")
    truth = take(script).truth
    plan = plan_of(script, truth.mouth, fps=12.5, tokens=50, token_s=0.04)
    times = (np.arange(100) + 0.5) * 0.02
    closed = np.isin(plan["phones"], CLOSED)
    spoken = [p for p in truth.phonemes if p.is_bilabial]
    assert len(spoken) == 4  # m, b, b, b
    for phoneme in spoken:
        inside = (times >= phoneme.start_s) & (times < phoneme.end_s)
        assert closed[inside].all()
    assert closed.sum() == pytest.approx(50 * sum(p.end_s - p.start_s for p in spoken), abs=4)
    found = [values[k] for k, values in zip(plan["attributes"], ATTRIBUTES.values(), strict=True)]
    assert found == [getattr(script, name) for name in ATTRIBUTES]
    shape = plan["mouth_shape"] * MOUTH_SPREAD + MOUTH_MEAN
    assert np.allclose(shape, truth.mouth, atol=2e-3)
    path = plan["camera"][:, 0]  # a pan goes one way, evenly; nothing else moves
    assert (np.diff(path.astype(float)) > 0).all()
    assert not plan["camera"][:, 1:].any()


def test_the_middle_learns_what_the_prompt_says_and_resumes_exactly(told, tmp_path):
    def run(name: str, steps: int) -> Trainer:
        recipe = type(RECIPE)(
            **RECIPE.to_dict()
            | {"steps": steps, "batch": 8, "muon_rate": 0.02, "adam_rate": 0.01}
            | {"ema": 0.9, "precision": "fp32"}
        )
        return Trainer(recipe, tmp_path / name, told, told, GRID, text_vocabulary=8)

    whole = run("whole", 160)
    before = whole.watch()
    whole.run()
    after = whole.watch()
    for what in ("t2v attributes", "t2v lips", "t2v camera", "t2v phones"):
        assert after[what] < 0.75 * before[what], what

    first = run("cut", 160)
    while first.step < 120:
        first.update()
    first.save()
    again = run("cut", 160)
    assert again.resume()
    again.run()
    pairs = zip(whole.learner.parameters(), again.learner.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("alone", ["picture", "sound"])
def test_a_part_alone_holds_nothing_of_the_other(told, alone):
    task = Task(groups=0, alone=alone) if alone == "picture" else Task(alone=alone)
    draw = torch.Generator().manual_seed(0)
    batch = make_batch(told, torch.arange(4), GRID, draw, task=task, **SHIFTS)
    there = {name: batch.clean[name].shape[1] for name in ("image", "video", "audio")}
    assert there == ({"image": 4, "video": 0, "audio": 0} if alone == "picture"
                     else {"image": 0, "video": 0, "audio": 6})  # fmt: skip
    assert clips_for(task, GRID, 8) > 8
    assert clips_for(Task(), GRID, 8) == 8


def test_a_moment_is_what_its_clip_holds_then(told):
    def made(task: Task, seed: int):
        draw = torch.Generator().manual_seed(seed)
        return make_batch(told, torch.arange(4), GRID, draw, task=task, **SHIFTS)

    whole = made(Task(), 0)
    starts = set()
    for seed in range(8):
        part = made(Task(moment=True, groups=1), seed)
        time = part.layout.positions("video", torch.device("cpu"))[0, 0]
        start = round(float(time) / GRID.group_s - 0.5)
        starts.add(start)
        assert part.clean["image"].shape[1] == 0 and part.clean["video"].shape[1] == 4
        assert torch.equal(part.clean["video"], whole.clean["video"][:, 4 * start : 4 * start + 4])
        sound = part.layout.positions("audio", torch.device("cpu"))[:, 0]
        first = round(float(sound[0]) / GRID.token_s - 0.5)
        assert abs(first * GRID.token_s - start * GRID.group_s) <= GRID.token_s / 2
        rows = slice(first, first + len(sound))
        assert len(sound) and torch.equal(part.clean["audio"], whole.clean["audio"][:, rows])
        assert torch.equal(part.plan["phones"],
                           whole.plan["phones"][:, 2 * rows.start : 2 * rows.stop])  # fmt: skip
        assert part.plan["camera"].shape[1] == part.plan["mouth_shape"].shape[1] == 4
    assert starts == {0, 1}


def test_cheap_parts_come_mostly_first():
    def share(progress: float) -> float:
        draw = torch.Generator().manual_seed(1)
        tasks = [draw_task(draw, progress) for _ in range(2000)]
        return np.mean([task.alone is not None or task.moment for task in tasks])

    assert share(0.0) == pytest.approx(0.9, abs=0.04)
    assert share(1.0) == pytest.approx(0.38, abs=0.04)


def test_every_task_can_be_laid_out(told):
    draw = torch.Generator().manual_seed(3)
    for _ in range(60):
        task = draw_task(draw, 0.3)
        batch = make_batch(told, torch.arange(2), GRID, draw, task=task, **SHIFTS)
        times = batch.layout.positions("audio", torch.device("cpu"))[:, 0]
        later = task.moment and len(times) and float(times.min()) > GRID.group_s
        grid = grid_of(GRID, task, int(later))
        assert batch.clean["audio"].shape[1] in (0, grid.audio_tokens, 2 * grid.audio_tokens)
