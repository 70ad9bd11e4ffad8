"""Mouths are found, cut out, put back, and drawn as tokens say."""

from __future__ import annotations

import pytest
import torch

from hhlab.model.lapped import LappedCodec
from hhlab.model.mouths import CROP_PX, SHAPES, Mouths, cut, put_back
from tests.model.conftest import smooth_pictures


@pytest.fixture(scope="module")
def codec(codecs) -> LappedCodec:
    """The components of the small codec, and mouths' networks with weights drawn at random."""
    torch.manual_seed(3)
    out = LappedCodec(block_px=8, frames=4, image_dim=48 + 4, video_dim=64 + 16, mouths=True)
    out.begin_with(codecs[0])
    for end in (out.mouth_nets.drawer.end, out.mouth_nets.clearer.end):
        torch.nn.init.normal_(end.weight, std=0.02)
    return out.eval()


def clips() -> torch.Tensor:
    return torch.from_numpy(smooth_pictures(9, 32, 5)).float()[None] / 127.5 - 1


def test_what_is_cut_out_and_put_back_is_where_it_was():
    pictures = torch.from_numpy(smooth_pictures(2, 96, 1)).permute(0, 3, 1, 2).float() / 127.5 - 1
    where = torch.tensor([[40.0, 50.0, 20.0], [52.5, 61.0, 14.0]])
    back = put_back(cut(pictures, where), where, 96, 96)
    for picture, found, (x, y, wide) in zip(pictures, back, where.tolist(), strict=True):
        inner = int(0.8 * wide) - 4
        box = slice(int(y) - inner, int(y) + inner), slice(int(x) - inner, int(x) + inner)
        assert (picture[:, *box] - found[:, *box]).abs().max() < 0.05
        outer = int(0.8 * wide) + 2
        assert not found[:, : int(y) - outer].any() and not found[..., int(x) + outer :].any()


def test_a_crop_is_as_wide_as_the_mouth_asks():
    column = torch.arange(96.0).expand(1, 3, 96, 96)
    crop = cut(column, torch.tensor([[48.0, 48.0, 20.0]]))
    assert crop.shape == (1, 3, CROP_PX, CROP_PX)
    step = crop[0, 0, 0].diff()
    assert torch.allclose(step, torch.ones(CROP_PX - 1), atol=1e-3)  # 20 px * 1.6 = 32


def test_tokens_say_how_the_mouth_is_held_and_are_drawn_so(codec):
    x = clips()
    with torch.no_grad():
        image, video = codec.encode_image(x[:, 0]), codec.encode_video(x[:, 1:])
        assert image.shape == (1, 16, 52) and video.shape == (1, 32, 80)
        held = video[0, :16, 64:]
        assert (held == held[:1]).all()  # the same in every token of a group
        once = codec.decode(image, video, 4, 4)
        other = video.clone()
        other[:, :16, 64 + SHAPES : 64 + 2 * SHAPES] += 2.0  # the group's second picture
        twice = codec.decode(image, other, 4, 4)
    changed = (once - twice).abs().flatten(2).amax(-1)[0] > 1e-4
    assert changed.tolist() == [t == 2 for t in range(9)]


def test_tokens_mean_what_they_say_on_average(codec):
    x = clips()
    with torch.no_grad():
        image, video = codec.encode_image(x[:, 0]), codec.encode_video(x[:, 1:])
        uneven = video.clone().view(1, 2, 16, 80)
        away = torch.randn(1, 2, 16, 16)
        uneven[..., 64:] += away - away.mean(2, keepdim=True)
        same = codec.decode(image, uneven.view_as(video), 4, 4)
        assert torch.allclose(same, codec.decode(image, video, 4, 4), atol=1e-4)


def test_the_components_are_those_of_the_codec_without_mouths(codec, codecs):
    x = clips()
    with torch.no_grad():
        assert torch.equal(codec.encode_image(x[:, 0])[..., :48], codecs[0].encode_image(x[:, 0]))
        plain = codec.encode_plain_video(x[:, 1:])
        assert torch.equal(plain, codecs[0].encode_video(x[:, 1:]))


def test_a_codec_with_mouths_is_saved_whole(codec, tmp_path):
    codec.save_pretrained(tmp_path)
    again = LappedCodec.from_pretrained(tmp_path).eval()
    x = clips()
    with torch.no_grad():
        assert torch.equal(again.encode_video(x[:, 1:]), codec.encode_video(x[:, 1:]))


def test_mouths_may_be_sought_in_any_size():
    nets = Mouths().eval()
    with torch.no_grad():
        found = nets.finder(torch.rand(2, 3, 64, 192))
    assert found.shape == (2, 3)
    assert ((found[:, 0] > 0) & (found[:, 0] < 192) & (found[:, 1] < 64)).all()
