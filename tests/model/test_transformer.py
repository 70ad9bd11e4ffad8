"""The transformer: full size, one sequence, roles and positions that matter, cut over devices."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hhlab.model import HORSE_15B, HorseTransformer
from hhlab.model.near import Near
from hhlab.model.sequence import Grid, make_layout
from tests.model.conftest import TINY

GRID = Grid(rows=2, columns=2, groups=2, group_s=0.32, audio_tokens=6, token_s=0.04)


def example(**task) -> dict:
    layout = make_layout(GRID, text_tokens=8, references=1, **task)
    draw = torch.Generator().manual_seed(1)
    _, image, video, audio = layout.sizes
    return {
        "text": torch.randint(0, 6, (2, 8), generator=draw),
        "image": torch.randn(2, image, 48, generator=draw),
        "video": torch.randn(2, video, 64, generator=draw),
        "audio": torch.randn(2, audio, 24, generator=draw),
        "levels": torch.tensor([[0.7, 0.7, 0.4], [0.2, 0.2, 0.9]]),
        "layout": layout,
    }


@pytest.fixture(scope="module")
def model(codecs) -> HorseTransformer:
    torch.manual_seed(0)
    made = HorseTransformer.of(TINY).eval().carry_with(codecs[0])
    for head in made.part.heads.values():
        torch.nn.init.normal_(head.weight, std=0.1)
    return made


def test_the_published_shape_has_15_billion_parameters():
    with torch.device("meta"):
        model = HorseTransformer.of(HORSE_15B)
    assert len(model.blocks) == 40
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(15.0e9, rel=0.02)


def test_every_kind_of_token_reaches_every_other(model):
    inputs = example()
    for name in ("image", "video", "audio"):
        inputs[name].requires_grad_()
    model.words.weight.requires_grad_()
    for target in ("image", "video", "audio"):
        out = model(**inputs)[target]
        reached = torch.autograd.grad(
            out.square().sum(),
            [model.words.weight, *(inputs[n] for n in ("image", "video", "audio"))],
        )
        assert all(g.abs().sum() > 0 for g in reached), target


def test_words_hear_those_beside_them_and_no_others():
    near, x = Near(8, 2), torch.randn(1, 9, 8)
    assert not near(x).any()  # nothing, before it has learnt
    torch.nn.init.normal_(near.out.weight)
    other = x.clone()
    other[0, 4] = torch.randn(8)
    changed = (near(x) - near(other)).abs()[0].amax(1) > 1e-6
    assert changed.nonzero().ravel().tolist() == [2, 3, 4, 5, 6]
    swapped = x[:, [0, 1, 4, 3, 2, 5, 6, 7, 8]]  # and it matters on which side
    assert not torch.allclose(near(x)[:, 3], near(swapped)[:, 3], atol=1e-6)


def test_a_fresh_model_learns_to_hear_neighbours():
    made = HorseTransformer.of(replace(TINY, near_words=1, moves=()))
    for head in made.part.heads.values():
        torch.nn.init.normal_(head.weight, std=0.1)
    made(**example())["audio"].square().sum().backward()
    assert made.near.out.weight.grad.abs().sum() > 0


def test_order_of_references_is_told_by_index_and_role_not_by_place(model):
    layout = make_layout(GRID, text_tokens=8, references=2)
    inputs = example() | {"layout": layout}
    one, other = torch.randn(2, 4, 48), torch.randn(2, 4, 48)
    target = inputs["image"][:, -4:]
    a = model(**inputs | {"image": torch.cat([one, other, target], 1)}).video
    b = model(**inputs | {"image": torch.cat([other, one, target], 1)}).video
    assert (a - b).abs().max() > 1e-5  # [Image 1] and [Image 2] are not the same


def test_sound_and_picture_share_the_clock():
    layout = make_layout(GRID, text_tokens=8)
    video = layout.positions("video", torch.device("cpu"))[:, 0]
    audio = layout.positions("audio", torch.device("cpu"))[:, 0]
    assert video.unique().tolist() == pytest.approx([0.16, 0.48])
    assert audio.tolist() == pytest.approx([0.02, 0.06, 0.10, 0.14, 0.18, 0.22])


@pytest.mark.parametrize(
    ("task", "noisy"),
    [
        ({}, {"image": 4, "video": 8, "audio": 6}),
        ({"first_frame": True}, {"image": 0, "video": 8, "audio": 6}),
        ({"sound_given": True}, {"image": 4, "video": 8, "audio": 0}),
        ({"picture_given": True}, {"image": 0, "video": 0, "audio": 6}),
        ({"source": True}, {"image": 4, "video": 8, "audio": 6}),
    ],
)
def test_modes_differ_only_in_what_is_clean(task, noisy):
    layout = make_layout(GRID, text_tokens=8, **task)
    cpu = torch.device("cpu")
    assert {n: int(layout.noisy(n, cpu).sum()) for n in noisy} == noisy


def test_levels_matter_and_those_of_clean_tokens_do_not(model):
    inputs = example(sound_given=True)
    base = model(**inputs).video
    louder = inputs["levels"].clone()
    louder[:, 2] = 0.99  # sound is given: its level is 0 whatever is said
    assert torch.equal(model(**inputs | {"levels": louder}).video, base)
    louder[:, 1] = 0.99
    assert (model(**inputs | {"levels": louder}).video - base).abs().max() > 1e-5


def test_checkpointed_gradients_are_the_same(model):
    def gradient() -> torch.Tensor:
        model.zero_grad()
        model(**example()).video.square().sum().backward()
        return model.blocks[1].mlp.to_out.weight.grad.clone()

    plain = gradient()
    model.enable_gradient_checkpointing()
    again = gradient()
    model.disable_gradient_checkpointing()
    assert torch.allclose(plain, again, atol=1e-6)


@pytest.mark.slow
def test_a_sequence_cut_over_two_processes_answers_the_same(tmp_path):
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.model.parallel_worker", tmp_path / "meet", str(rank)],
            cwd=root, env=environment, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    for worker in workers:
        _, errors = worker.communicate(timeout=600)
        assert worker.returncode == 0, errors[-2000:]
