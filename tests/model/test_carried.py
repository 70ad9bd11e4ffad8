"""A clip's first picture is carried along: what moves stays sharp, and is where it ought to be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hhlab.errors import BadArgument
from hhlab.model import HorseTransformer
from hhlab.model.carried import REACH, carry, warp
from hhlab.model.sequence import Grid, make_layout
from hhlab.model.training.motion import STEP, motion_of
from tests.model.conftest import TINY, smooth_pictures

GRID = Grid(rows=4, columns=4, groups=2, group_s=0.32, audio_tokens=18, token_s=0.04)


def test_a_picture_that_moves_everywhere_alike_is_shifted():
    picture = torch.rand(1, 3, 16, 24)
    motion = torch.zeros(1, 2, 2, 4, 6)
    motion[:, 1, 0], motion[:, 1, 1] = 3.0, -2.0
    moved = warp(picture, motion).permute(0, 1, 4, 2, 3)
    assert torch.allclose(moved[:, 0], picture, atol=1e-5)
    assert torch.allclose(moved[:, 1, :, 2:, :21], picture[:, :, :14, 3:], atol=1e-5)
    assert torch.allclose(moved[:, 1, :, 2:, 21:], picture[:, :, :14, 23:], atol=1e-5)  # goes on


def test_without_motion_the_clip_is_its_first_picture(codecs):
    codec = codecs[0]
    picture = torch.from_numpy(smooth_pictures(1, 32, 5)).float() / 127.5 - 1
    image = codec.encode_image(picture)
    first = codec.decode(image, torch.zeros(1, 0, 64), 4, 4)
    there = carry(codec, image, torch.zeros(1, 32, 32), 4, 4, 2)
    assert torch.allclose(there, codec.encode_video(first.expand(1, 8, -1, -1, -1)), atol=1e-4)


def test_a_clip_of_many_groups_is_carried_as_one_of_few(codecs):
    """Each group's tokens are those of its own motion, whatever is carried beside it."""
    codec, draw = codecs[0], torch.Generator().manual_seed(3)
    pictures = torch.from_numpy(smooth_pictures(2, 32, 5)).float() / 127.5 - 1
    image, motion = codec.encode_image(pictures), torch.randn(2, 5 * 16, 32, generator=draw)
    whole = carry(codec, image, motion, 4, 4, 2)
    for group in range(5):
        at = slice(group * 16, (group + 1) * 16)
        alone = carry(codec, image, motion[:, at], 4, 4, 2)
        torch.testing.assert_close(whole[:, at], alone, atol=1e-5, rtol=0)
        assert not torch.allclose(whole[:, at], whole.roll(16, 1)[:, at], atol=0.01)


@pytest.mark.parametrize("by", [(2, 0), (0, -2), (-1, 2)])
def test_motion_that_is_found_carries_the_first_picture_to_the_others(codecs, by):
    codec = codecs[0]
    wide = smooth_pictures(1, 80, 9)[0]
    pictures = np.stack(
        [wide[24 + by[1] * t : 56 + by[1] * t, 24 + by[0] * t : 56 + by[0] * t] for t in range(5)]
    )[None]
    motion = motion_of(pictures, block_px=8, frames=4, cells=2)
    assert motion.shape == (1, 16, 32) and motion.dtype == torch.int8
    x = torch.from_numpy(pictures).float() / 127.5 - 1
    image, wanted = codec.encode_image(x[:, 0]), codec.encode_video(x[:, 1:])
    inner = [5, 6, 9, 10]  # away from borders, beyond which nothing was seen
    still, moved = (
        (carry(codec, image, m, 4, 4, 2) - wanted)[:, inner].square().mean()
        for m in (torch.zeros(1, 16, 32), motion * (STEP / REACH))
    )
    assert moved < 0.25 * still


def clip(layout, draw: int = 1) -> tuple[torch.Tensor, ...]:
    noise = torch.Generator().manual_seed(draw)
    text, image, video, audio = layout.sizes
    return (
        torch.randint(0, 6, (1, text), generator=noise),
        torch.randn(1, image, 48, generator=noise), torch.randn(1, video, 64, generator=noise),
        torch.randn(1, audio, 24, generator=noise), torch.full((1, 3), 0.9), layout,
    )  # fmt: skip


def test_a_clip_that_keeps_its_first_picture_shows_it_whatever_else_is_drawn(codecs):
    model = HorseTransformer.of(TINY).eval().carry_with(codecs[0])
    torch.nn.init.normal_(model.part.heads["video"].weight)
    torch.nn.init.constant_(model.part.keep.bias, 30.0)
    given = clip(make_layout(GRID, text_tokens=8, first_frame=True))
    with torch.inference_mode():
        found = model(*given)
    still = carry(codecs[0], given[1], torch.zeros(1, 32, 32), 4, 4, 2)
    assert torch.allclose(found.video, still, atol=1e-4)


def test_a_part_of_a_clip_without_its_first_picture_is_drawn_alone(codecs):
    model = HorseTransformer.of(TINY).eval()
    later = Grid(4, 4, 1, 0.32, 8, 0.04, start=1)
    with torch.inference_mode():
        found = model(*clip(make_layout(later, text_tokens=8)))  # needs no codec
        assert found.motion is None
        with pytest.raises(BadArgument, match="carry_with"):
            model(*clip(make_layout(GRID, text_tokens=8)))
