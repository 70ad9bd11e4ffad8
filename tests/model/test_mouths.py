"""Mouths are found, cut out, put back, and drawn as tokens say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler

import hhlab as hh
from hhlab.actors.dataset import read_shard, render_units
from hhlab.errors import BadArgument
from hhlab.model import HorsePipeline, HorseTransformer
from hhlab.model.lapped import LappedCodec
from hhlab.model.mouths import CROP_PX, SEEN, SHAPES, USUAL_PX, Mouths, cut, nearness, put_back
from hhlab.model.sequence import Grid, make_layout
from hhlab.model.training.mouthing import Pool, fit_mouths
from hhlab.model.training.plan import MOUTH_MEAN, MOUTH_SPREAD
from hhlab.model.ways_out import copied
from hhlab.types import Shot
from tests.model.conftest import TINY, WORDS, smooth_pictures


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


def test_tokens_near_the_mouth_are_heard(codec):
    x = clips()
    with torch.no_grad():
        image, video = codec.encode_image(x[:, 0]), codec.encode_video(x[:, 1:])
        before = codec.decode(image, video, 4, 4)
        where = codec.mouth_nets.finder(before[0, 1:5].permute(0, 3, 1, 2))
        place = nearness(where, 16, 32, 32).mean(0)
        assert place.sum() == pytest.approx(1, abs=1e-5)
        changed = []
        for block in (int(place.argmax()), int(place.argmin())):
            other = video.clone()
            other[:, block, 64:] += 2.0  # of the first group
            changed.append((codec.decode(image, other, 4, 4) - before).abs().max())
    assert changed[0] > 100 * changed[1]


def test_nearness_is_that_of_the_blocks_middles():
    near = nearness(torch.tensor([[24.0, 8.0, 20.0]]), 12, 48, 64).view(3, 4)
    assert near.argmax() == 1  # blocks of 16: first row, second column
    assert near[0, 0] == pytest.approx(float(near[0, 2])) and near[0, 0] > near[1, 0]


def test_the_components_are_those_of_the_codec_without_mouths(codec, codecs):
    x = clips()
    with torch.no_grad():
        assert torch.equal(codec.encode_image(x[:, 0])[..., :48], codecs[0].encode_image(x[:, 0]))
        plain = codec.encode_plain_video(x[:, 1:])
        assert torch.equal(plain, codecs[0].encode_video(x[:, 1:]))


def test_a_codec_with_mouths_is_saved_whole(codec, tmp_path):
    codec.mouth_nets.finder.look[0][1].running_mean.normal_()
    codec.save_pretrained(tmp_path / "once")
    again = LappedCodec.from_pretrained(tmp_path / "once").eval()
    again.save_pretrained(tmp_path / "twice")
    third = LappedCodec.from_pretrained(tmp_path / "twice").eval()
    x = clips()
    with torch.no_grad():
        tokens = [(c.encode_image(x[:, 0]), c.encode_video(x[:, 1:])) for c in (codec, again)]
        torch.testing.assert_close(*tokens, rtol=1e-2, atol=1e-2)  # networks are kept in halves
        one, two, three = (c.decode(*tokens[0], 4, 4) for c in (codec, again, third))
        torch.testing.assert_close(one, two, rtol=0, atol=1e-2)
        assert torch.equal(two, three)  # and lose nothing more


class Always(torch.nn.Module):
    """Answers the same, whatever it is given."""

    def __init__(self, answer: torch.Tensor) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        """The answer."""
        return self.answer


def test_a_mouth_is_found_where_its_chance_is_in_any_size():
    nets, seen = Mouths().eval(), torch.zeros(1, SEEN, 16, 48)
    seen[0, 0, 9, 33] = 1.0
    nets.finder.look = Always(seen)
    with torch.no_grad():
        nets.finder.chance.weight.zero_()[0, 0] = 100.0
        nets.finder.wide.weight.zero_()
        nets.finder.wide.bias.zero_()
        found = nets.finder(torch.rand(1, 3, 64, 192))
    assert torch.allclose(found, torch.tensor([[4 * 33 + 2.0, 4 * 9 + 2.0, USUAL_PX]]))


def test_places_of_mouths_are_the_middles_of_their_boxes(tmp_path):
    (path,) = render_units(tmp_path, 1, workers=1, seed=4, fps=5.0, seconds=0.8)
    pool, shard = Pool([path]), read_shard(path)
    assert pool.pictures.shape[:2] == pool.where.shape[:2] == (2, 4)
    x0, y0, x1, y1 = shard.mouth_box[0, 1, 2]
    assert np.allclose(pool.where[1, 2], [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0])
    told = pool.shapes * MOUTH_SPREAD + MOUTH_MEAN
    assert np.allclose(told[0], shard.mouth[0, 0], atol=1e-6)
    pictures, where, shapes = pool.draw(3, 2, np.random.default_rng(1))
    assert pictures.shape == (3, 2, 96, 96, 3) and pictures.abs().max() <= 1
    assert where.shape == (3, 2, 3) and shapes.shape == (3, 2, 4)


def test_mouths_are_learnt(codecs, monkeypatch):
    """Bright bars whose height is how far a mouth is open, at places drawn at random."""
    random = np.random.default_rng(0)
    pool = Pool.__new__(Pool)
    pool.where = np.tile(random.uniform(18, 46, (64, 1, 3)), (1, 5, 1)).astype(np.float32)
    pool.where[..., 2] = 20
    pool.shapes = random.normal(size=(64, 5, 4)).astype(np.float32)
    y, x = np.mgrid[:64, :64]
    wide = np.abs(x - pool.where[..., 0, None, None]) < 8
    high = np.abs(y - pool.where[..., 1, None, None]) < 3 + pool.shapes[..., 0, None, None]
    pool.pictures = np.repeat(60 + 120 * (wide & high)[..., None], 3, -1).astype(np.uint8)
    monkeypatch.setattr("hhlab.model.training.mouthing.Pool", lambda shards: pool)
    monkeypatch.setattr("hhlab.model.training.mouthing.GROUPS", 4)
    codec = LappedCodec(block_px=8, frames=4, image_dim=48 + 4, video_dim=64 + 16, mouths=True)
    codec.begin_with(codecs[0])
    told: list[str] = []
    fit_mouths([], codec, steps=40, say=told.append)
    assert not codec.training or not codec.mouth_nets.training
    assert not any(p.requires_grad for p in codec.parameters())
    found = codec.mouth_nets.finder(torch.from_numpy(pool.pictures[:, 0]).permute(0, 3, 1, 2)
                                    .float() / 127.5 - 1)  # fmt: skip
    missed = (found[:, :2] - torch.from_numpy(pool.where[:, 0, :2])).square().mean().sqrt()
    assert missed < 0.6 * pool.where[:, 0, :2].std()
    with pytest.raises(BadArgument):
        fit_mouths([], codec, steps=0)


@pytest.fixture(scope="module")
def talking(codec, codecs) -> HorsePipeline:
    torch.manual_seed(0)
    model = HorseTransformer.of(replace(TINY, image_dim=52, video_dim=80, moves=(4, 2, 64)))
    with torch.no_grad():
        for head in model.part.heads.values():
            head.weight.normal_(std=0.1)
    pipe = HorsePipeline(
        model, codec, codecs[1], FlowMatchEulerDiscreteScheduler(shift=5.0),
        FlowMatchEulerDiscreteScheduler(shift=2.5), words=WORDS, size_px=32, seconds=0.72,
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    return pipe


def test_clips_with_mouths_are_made_in_every_mode(talking):
    source = talking.generate(Shot("a man.", seed=3, steps=2))
    still = smooth_pictures(1, 32, 7)[0]
    for more in (
        {"first_frame": still}, {"references": [still, still]}, {"source": source},
        {"sound": source.audio(sample_rate=16_000)}, {"picture": source},
        {"size_px": (64, 48)}, {"seconds": 1.0},
    ):  # fmt: skip
        clip = talking.generate(Shot("a woman.", seed=1, steps=2, **more))
        wide, high = more.get("size_px", (32, 32))
        frames = [frame.rgb for frame in clip.frames()]
        assert frames[0].shape == (high, wide, 3), more
    one, two = talking.generate([Shot("a man.", seed=3, steps=2), Shot("a woman.", steps=2)])
    again, first = ([f.rgb for f in c.frames()] for c in (one, source))
    assert np.abs(np.array(again, int) - np.array(first, int)).max() <= 2
    assert len(list(two.frames())) == 9


def test_what_is_edited_takes_its_pictures_from_the_source_and_not_how_the_mouth_is_held():
    layout = make_layout(Grid(2, 2, 1, 0.32, 4, 0.04), text_tokens=2, source=True)
    count = layout.sizes[2]
    guess = torch.randn(1, count, 13)
    guess[..., -1] = 50.0  # all is to be taken over
    tokens = torch.randn(1, count, 12)
    out = copied("video", guess, tokens, layout, 8, 1)
    to, of = layout.where("video", "target"), layout.where("video", "source")
    assert torch.allclose(out[:, to, :8], tokens[:, of, :8])
    assert torch.equal(out[:, to, 8:], guess[:, to, 8:12])


@pytest.mark.parametrize("sizes", [{"moves": (4, 2, 60)}, {"moves": (4, 2, 90)},
                                   {"moves": (4, 2, 64), "image_dim": 4}])  # fmt: skip
def test_sizes_with_half_a_mouth_are_refused(sizes):
    with pytest.raises(ValueError, match="moves"):
        replace(TINY, **{"image_dim": 52, "video_dim": 80} | sizes)


def test_a_pipeline_loaded_in_half_precision_keeps_its_codecs_exact(talking, tmp_path):
    talking.save_pretrained(tmp_path / "talking")
    half = hh.load(tmp_path / "talking", dtype="bfloat16")
    assert half.transformer.dtype == torch.bfloat16
    assert {p.dtype for p in half.picture_codec.parameters()} == {torch.float32}
    assert half.picture_codec.image_mean.dtype == torch.float32
    assert len(list(half.generate(Shot("a man.", steps=1)).frames())) == 9
    plain = DiffusionPipeline.from_pretrained(tmp_path / "talking", torch_dtype=torch.bfloat16)
    assert plain.transformer.dtype == torch.bfloat16
    assert plain.picture_codec.image_mean.dtype == torch.float32
    assert plain("a man.", num_inference_steps=1).frames.shape[1] == 9
