"""Guidance leads away from a clip that nothing was asked of."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import hhlab as hh
from hhlab.model.guidance import MADE, guided_targets, targets
from hhlab.model.sequence import Grid, make_layout
from tests.model.conftest import smooth_pictures

GRID = Grid(rows=2, columns=2, groups=2, group_s=0.32, audio_tokens=6, token_s=0.12)
DIMS = {"image": 48, "video": 64, "audio": 24}


def asked(references: int, level: float = 0.98):
    """Words, tokens, levels (of much noise, where all is led) and layout of two clips."""
    draw = torch.Generator().manual_seed(5)
    layout = make_layout(GRID, text_tokens=8, references=references)
    counts = dict(zip(MADE, layout.sizes[1:], strict=True))
    tokens = {n: torch.randn(2, counts[n], DIMS[n], generator=draw) for n in MADE}
    text = torch.randint(1, 6, (2, 8), generator=draw)
    return text, tokens, torch.full((2, 3), level), layout


@pytest.mark.parametrize("references", [0, 2])
def test_one_is_no_guidance_and_more_goes_on_in_the_same_direction(pipe, references):
    text, tokens, levels, layout = asked(references)
    empty = torch.zeros_like(text)

    def at(scale: float) -> dict:
        return guided_targets(pipe.transformer, text, empty, tokens, levels, layout, scale)

    plain = targets(pipe.transformer, text, tokens, levels, layout)
    away, one, three = at(0.0), at(1.0), at(3.0)
    for name in MADE:
        torch.testing.assert_close(one[name], plain[name], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(
            three[name] - away[name], 3 * (one[name] - away[name]), rtol=1e-3, atol=1e-4
        )
        assert not torch.allclose(one[name], away[name], atol=1e-4)


@pytest.mark.parametrize("level", [0.6, 0.98])
def test_what_it_leads_away_from_knows_no_references(pipe, level):
    text, tokens, levels, layout = asked(references=2, level=level)
    shown = layout.where("image", "reference")
    others = tokens["image"].clone()
    others[:, shown] = torch.randn(others[:, shown].shape, generator=torch.Generator())
    empty = torch.zeros_like(text)
    away, still, plain, changed = (
        guided_targets(
            pipe.transformer, text, empty, tokens | {"image": image}, levels, layout, scale
        )["video"]
        for scale, image in ((0.0, tokens["image"]), (0.0, others), (1.0, tokens["image"]),
                             (1.0, others))
    )  # fmt: skip
    torch.testing.assert_close(away, still)
    assert not torch.allclose(plain, changed, atol=1e-4)


@pytest.mark.parametrize("guidance", [0.0, 1.0, 3.0])
def test_a_clip_with_references_depends_on_its_own_and_not_on_its_batch(pipe, guidance):
    def asked(seed: int, shown: int) -> hh.Shot:
        stills = list(smooth_pictures(2, 32, shown))
        negative = "a woman" if guidance != 1 else ""
        return hh.Shot("a man", negative, seed=seed, steps=2, guidance=guidance, references=stills)

    def pictures(clip: hh.Clip) -> np.ndarray:
        return np.stack([frame.rgb for frame in clip.frames()]).astype(int)

    alone = pictures(pipe.generate(asked(3, shown=7)))
    _, again = pipe.generate([asked(2, shown=8), asked(3, shown=7)])
    others = pictures(pipe.generate(asked(3, shown=9)))
    assert np.abs(pictures(again) - alone).max() <= 1
    assert (np.abs(others - alone).max() > 1) == (guidance > 0)
