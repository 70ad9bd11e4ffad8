"""A camera's sway is said in numbers for a whole clip, and put on when the clip is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hhlab.actors.camera import Camera, shoot
from hhlab.actors.script import Script
from hhlab.errors import BadArgument
from hhlab.model.config import LOOK, SWAY
from hhlab.model.lapped import LappedCodec
from hhlab.model.sway import LEAST_PX, moved, path_of, sway_of, swayed
from hhlab.model.training.truth import hand_path, steadied
from tests.model.conftest import TINY, smooth_pictures

SIZES = replace(
    TINY, image_dim=52 + LOOK + SWAY, video_dim=80 + LOOK + SWAY, moves=(4, 2, 64)
)  # fmt: skip


def shaken(seed: int, pictures: int = 25) -> np.ndarray:
    shots = shoot(Camera("shake"), np.arange(pictures) / 12.5, seed)
    path = np.array([(shot.x, shot.y) for shot in shots], np.float32)
    return path - path[:1]


@pytest.mark.parametrize("seed", range(4))
def test_the_numbers_say_the_path_of_a_hand(seed):
    path = shaken(seed)
    back = path_of(torch.from_numpy(sway_of(path))[None], 25)[0].numpy()
    assert np.abs(back[0]).max() == 0
    assert np.corrcoef(back.ravel(), path.ravel())[0, 1] > 0.98
    # a longer clip goes on swaying, as far
    longer = path_of(torch.from_numpy(sway_of(path))[None], 50)[0].numpy()
    assert np.allclose(longer[:25], back, atol=1e-6)
    assert 0.5 < longer[25:].std() / back.std() < 2


def test_a_picture_is_moved_to_the_right_and_down_by_whole_pixels_exactly():
    picture = torch.rand(1, 1, 24, 32, 3, generator=torch.Generator().manual_seed(0))
    out = moved(picture, torch.tensor([[[3.0, 2.0]]]))
    torch.testing.assert_close(out[0, 0, 2:, 3:], picture[0, 0, :-2, :-3], atol=1e-4, rtol=0)
    # what lies beyond the border is as the border is
    torch.testing.assert_close(out[0, 0, 0, 5:], picture[0, 0, 0, 2:-3], atol=0.2, rtol=0)


def test_clips_are_moved_along_the_path_each_by_its_own_and_steady_ones_not_at_all():
    clip = torch.from_numpy(smooth_pictures(9, 48, 3)).float()[None] / 127.5 - 1
    sway = torch.from_numpy(sway_of(shaken(5)))
    faint = sway * (0.5 * LEAST_PX / 48 / path_of(sway[None], 9).square().mean().sqrt())
    out = swayed(clip.expand(3, -1, -1, -1, -1), torch.stack([sway, 0 * sway, faint / 2**0.5]))
    assert torch.equal(out[1], clip[0]) and torch.equal(out[2], clip[0])
    path = path_of(sway[None], 9) * 48
    torch.testing.assert_close(out[:1], moved(clip, path))
    torch.testing.assert_close(out[0, 0], clip[0, 0], atol=1e-4, rtol=0)  # from the first picture


def test_what_was_steadied_sways_again_as_it_did():
    path = shaken(2)
    clip = torch.from_numpy(smooth_pictures(25, 64, 8)).float()[None]
    hand = moved(clip, torch.from_numpy(path)[None] * 64).round().clamp(0, 255)
    boxes = np.tile(np.float32([20, 30, 40, 40]), (1, 25, 1))
    steady, still = steadied(hand.byte().numpy(), boxes, path[None] * 64)
    inner = np.s_[:, :, 6:-6, 6:-6]
    left, before = (
        np.abs(x[inner] - clip.numpy()[inner]).mean() for x in (steady.astype(float), hand.numpy())
    )
    assert left < 0.4 * before
    np.testing.assert_allclose(still, boxes - np.concatenate([path, path], -1) * 64, atol=1e-4)


def test_only_a_script_whose_camera_shakes_has_a_path():
    base = Script.sample(3, move="shake")
    assert np.abs(hand_path(base, 25, 12.5)).max() > 0.003
    for move in ("static", "orbit", "pan left", "zoom in"):
        assert not hand_path(Script.sample(3, move=move), 25, 12.5).any()


def test_tokens_say_the_sway_and_the_codec_puts_it_on(codecs):
    torch.manual_seed(1)
    before = LappedCodec(
        block_px=8, image_dim=52 + LOOK, video_dim=80 + LOOK, mouths=True, looks=True
    ).eval()
    before.begin_with(codecs[0])
    codec = LappedCodec(
        block_px=8, image_dim=SIZES.image_dim, video_dim=SIZES.video_dim, mouths=True, looks=True,
        sways=True,
    ).eval()  # fmt: skip
    codec.begin_with(before)  # with its networks
    clip = torch.from_numpy(smooth_pictures(9, 32, 5)).float()[None] / 127.5 - 1
    with torch.no_grad():
        image, video = codec.encode_image(clip[:, 0]), codec.encode_video(clip[:, 1:])
        old = before.encode_image(clip[:, 0]), before.encode_video(clip[:, 1:])
        assert torch.equal(image[..., :-SWAY], old[0]) and not image[..., -SWAY:].any()
        still = codec.decode(image, video, 4, 4)
        torch.testing.assert_close(still, before.decode(*old, 4, 4))
        sway = 3 * torch.from_numpy(sway_of(shaken(5)))
        for tokens in (image, video):
            tokens[..., -SWAY:] = sway
        out = codec.decode(image, video, 4, 4)
    torch.testing.assert_close(out, swayed(still, sway[None]))
    assert not torch.equal(out, still)


def test_a_codec_sways_only_what_it_also_says_who_is_seen_in():
    with pytest.raises(BadArgument, match="looks"):
        LappedCodec(mouths=True, sways=True)


def test_sizes_with_sway():
    assert SIZES.sways and SIZES.looks and SIZES.mouths and SIZES.alike == LOOK + SWAY
    assert (SIZES.shown("image"), SIZES.shown("video")) == (48, 64)
    with pytest.raises(ValueError, match="camera sways"):
        replace(SIZES, video_dim=80 + LOOK + SWAY - 1)
