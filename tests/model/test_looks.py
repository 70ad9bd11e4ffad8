"""Who is seen is said once for a whole clip, read from pictures, and painted as it is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from hhlab.actors.dataset import read_shard
from hhlab.actors.script import Script
from hhlab.errors import BadArgument
from hhlab.model import HorsePipeline, HorseTransformer
from hhlab.model.config import LOOK
from hhlab.model.guidance import LOOKS_LED, MADE, guided_targets, targets
from hhlab.model.lapped import LappedCodec
from hhlab.model.looks import HALF, OVERPAINTED, LookReader, Looks, around, cooled, settled
from hhlab.model.sequence import Grid, make_layout
from hhlab.model.training.growing import grown, may_grow
from hhlab.model.training.imagining import BATCH, Imagined, imagine, imagine_to
from hhlab.model.training.latents import Latents, encode_shard
from hhlab.model.training.looking import Portraits, fit_painter, fit_reader
from hhlab.model.training.objective import loss_of, make_batch
from hhlab.model.training.tasks import Task
from hhlab.model.training.truth import GARMENTS, SAID, either_look, look_of, said_look
from hhlab.types import Shot
from tests.model.conftest import TINY, WORDS, smooth_pictures

SIZES = replace(TINY, image_dim=52 + LOOK, video_dim=80 + LOOK, moves=(4, 2, 64))
GRID = Grid(12, 12, 2, 0.32, 18, 0.04)  # of the renders


@pytest.fixture(scope="module")
def codec(codecs) -> LappedCodec:
    """The components of the small codec, and networks with weights drawn at random."""
    torch.manual_seed(3)
    out = LappedCodec(
        block_px=8, frames=4, image_dim=SIZES.image_dim, video_dim=SIZES.video_dim, mouths=True,
        looks=True,
    )  # fmt: skip
    out.begin_with(codecs[0])
    for end in (out.mouth_nets.drawer.end, out.look_nets.painter.end):
        torch.nn.init.normal_(end.weight, std=0.02)
    for name, part in out.look_nets.painter.named_modules():
        if name.endswith("told"):
            torch.nn.init.normal_(part.weight, std=0.1)
    return out.eval()


@pytest.fixture(scope="module")
def looking(codec, codecs) -> HorsePipeline:
    torch.manual_seed(0)
    model = HorseTransformer.of(SIZES)
    with torch.no_grad():
        for head in model.part.heads.values():
            head.weight.normal_(std=0.1)
    pipe = HorsePipeline(
        model, codec, codecs[1], FlowMatchEulerDiscreteScheduler(shift=5.0),
        FlowMatchEulerDiscreteScheduler(shift=2.5), words=WORDS, size_px=32, seconds=0.72,
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def encoded(looking, shard_path, codecs) -> Latents:
    """A shard as tokens, its prompts in the few words of the small model."""
    tokens = encode_shard(
        read_shard(shard_path), looking.picture_codec, codecs[1], fps=12.5, longest=60, seed=0,
        cells=2,
    )  # fmt: skip
    for name in ("words_a", "words_b"):
        tokens[name] = tokens[name] % len(WORDS)
    return Latents(tokens)


def clips() -> torch.Tensor:
    return torch.from_numpy(smooth_pictures(9, 32, 5)).float()[None] / 127.5 - 1


def test_all_tokens_of_a_clip_say_the_same_and_its_pictures_follow(codec):
    x = clips()
    with torch.no_grad():
        image, video = codec.encode_image(x[:, 0]), codec.encode_video(x[:, 1:])
        assert image.shape == (1, 16, 52 + LOOK) and video.shape == (1, 32, 80 + LOOK)
        assert (video[..., -LOOK:] == video[:, :1, -LOOK:]).all()
        once = codec.decode(image, video, 4, 4)
        other = video.clone()
        other[:, 5, -LOOK:] += 30.0  # one token disagrees: all pictures change alike
        twice = codec.decode(image, other, 4, 4)
    changed = (once - twice).abs().flatten(2).amax(-1)[0]
    assert (changed > 1e-5).all()


def test_the_components_and_mouths_are_those_of_the_codec_before(codec, codecs):
    before = LappedCodec(block_px=8, frames=4, image_dim=52, video_dim=80, mouths=True)
    before.begin_with(codecs[0])
    after = LappedCodec(
        block_px=8, frames=4, image_dim=SIZES.image_dim, video_dim=SIZES.video_dim, mouths=True,
        looks=True,
    )  # fmt: skip
    after.begin_with(before)
    x = clips()
    with torch.no_grad():
        old, new = before.eval().encode_video(x[:, 1:]), after.eval().encode_video(x[:, 1:])
    assert torch.equal(new[..., :80], old)


def test_looks_without_mouths_are_refused():
    with pytest.raises(BadArgument, match="mouths"):
        LappedCodec(looks=True)


def test_a_codec_with_looks_is_saved_whole(codec, tmp_path):
    codec.save_pretrained(tmp_path)
    again = LappedCodec.from_pretrained(tmp_path).eval()
    x = clips()
    with torch.no_grad():
        tokens = [(c.encode_image(x[:, 0]), c.encode_video(x[:, 1:])) for c in (codec, again)]
        torch.testing.assert_close(*tokens, rtol=1e-2, atol=1e-2)  # networks are kept in halves
        one, two = (c.decode(*tokens[0], 4, 4) for c in (codec, again))
    torch.testing.assert_close(one, two, rtol=0, atol=1e-2)


def test_what_can_only_be_one_or_the_other_is():
    """Traits of which there are but two values, as the world's scripts show them, and no others."""
    scripts = [Script.sample(seed) for seed in range(5000, 5060)]
    truth = torch.from_numpy(np.stack([said_look(s) for s in scripts]))
    either = either_look()
    assert {SAID[number] for number, _, _ in either} == {"glasses", "bald"}
    torch.testing.assert_close(settled(truth, either), truth, rtol=0, atol=1e-3)
    random = torch.Generator().manual_seed(0)
    said = truth + 0.9 * (2 * torch.rand(truth.shape, generator=random) - 1)
    found = settled(said, either)
    others = [k for k in range(LOOK) if k not in {number for number, _, _ in either}]
    assert torch.equal(found[:, others], said[:, others])
    for number, low, high in either:
        assert set(found[:, number].tolist()) == {np.float32(low), np.float32(high)}
        assert (found[:, number] - truth[:, number]).abs().max() < 1e-3
    assert settled(truth, ()) is not truth and torch.equal(settled(truth, ()), truth)


def test_half_a_pair_of_glasses_is_drawn_as_a_pair_or_none(codec, tmp_path):
    either = ((3, -1.0, 1.0),)
    settles = LappedCodec(
        block_px=8, frames=4, image_dim=SIZES.image_dim, video_dim=SIZES.video_dim, mouths=True,
        looks=True, either=either,
    )  # fmt: skip
    settles.begin_with(codec)
    settles.eval().save_pretrained(tmp_path)
    settles = LappedCodec.from_pretrained(tmp_path).eval()
    x = clips()

    def shown(net, value):
        image, video = net.encode_image(x[:, 0]), net.encode_video(x[:, 1:])
        image[..., -LOOK + 3] = video[..., -LOOK + 3] = value
        return net.decode(image, video, 4, 4)

    with torch.no_grad():
        assert torch.equal(shown(settles, 0.1), shown(settles, 1.0))
        assert torch.equal(shown(settles, -0.1), shown(settles, -4.0))
        assert not torch.equal(shown(settles, 0.1), shown(settles, -0.1))
        assert not torch.equal(shown(codec, 0.1), shown(codec, 1.0))
    with pytest.raises(BadArgument, match="either"):
        LappedCodec(mouths=True, looks=True, either=((LOOK, 0.0, 1.0),))
    with pytest.raises(BadArgument, match="either"):
        LappedCodec(mouths=True, either=either)


def test_what_is_painted_counts_more_and_the_face_on_top_less(codec):
    """Of a painter and a face network that add the same everywhere, whatever they see."""
    looks, x = codec.look_nets, torch.zeros(2, 3, 32, 32)
    said, held = torch.zeros(2, LOOK), torch.zeros(2, 4)
    where = torch.tensor([[16.0, 20.0, 8.0]]).expand(2, 3)

    class Adds(torch.nn.Module):
        def forward(self, *seen):
            return torch.full((2, 3, 32, 32), 0.25)

        added = forward

    both = Looks(Adds())
    both.painter = Adds()
    assert looks.face is None
    torch.testing.assert_close(both.over(x, said, held, where), x + 0.25 * (OVERPAINTED + 1))
    both.face = None
    torch.testing.assert_close(both.over(x, said, held, where), x + 0.25 * OVERPAINTED)
    assert OVERPAINTED > 1


def test_what_is_painted_leaves_the_tint_of_the_light_and_keeps_small_colours():
    """Of a painter that reddens everything, and makes one small spot blue."""
    x = torch.zeros(1, 3, 96, 96)
    spot = torch.zeros(1, 3, 96, 96)
    spot[:, 2, 46:50, 46:50] = 0.4

    class Reddens(torch.nn.Module):
        def forward(self, *seen):
            return torch.tensor([0.3, 0.0, 0.0])[None, :, None, None] + spot

    painting = Looks()
    painting.painter = Reddens()
    added = painting.over(
        x, torch.zeros(1, LOOK), torch.zeros(1, 4), torch.tensor([[48.0, 60.0, 20.0]])
    )
    away = added[..., :16]
    torch.testing.assert_close(away, torch.full_like(away, 0.1 * OVERPAINTED))  # as bright, no red
    blue, red = added[0, 2, 46:50, 46:50].mean(), added[0, 0, 46:50, 46:50].mean()
    assert 0.8 * 0.4 < (blue - red) / OVERPAINTED <= 0.4


def test_a_painter_knows_where_the_face_is():
    seen = around(torch.tensor([[48.0, 60.0, 20.0]]), 96, 96)
    assert seen.shape == (1, 3, 96 // HALF, 96 // HALF)
    right, down, near = seen[0]
    assert right[0, 24] == pytest.approx(0.05) and down[30, 0] == pytest.approx(0.05)
    row, column = divmod(int(near.argmax()), 96 // HALF)
    assert abs(column - 24) <= 1 and abs(row - 18) <= 1  # 24 px above the mouth


def test_clips_with_looks_are_made_in_every_mode(looking):
    source = looking.generate(Shot("a man.", seed=3, steps=2))
    still = smooth_pictures(1, 32, 7)[0]
    for more in (
        {"first_frame": still}, {"references": [still, still]}, {"source": source},
        {"sound": source.audio(sample_rate=16_000)}, {"picture": source},
        {"size_px": (64, 48)}, {"seconds": 1.0},
    ):  # fmt: skip
        clip = looking.generate(Shot("a woman.", seed=1, steps=2, **more))
        wide, high = more.get("size_px", (32, 32))
        assert next(iter(clip.frames())).rgb.shape == (high, wide, 3), more
    one, _ = looking.generate([Shot("a man.", seed=3, steps=2), Shot("a woman.", steps=2)])
    again, first = ([f.rgb for f in c.frames()] for c in (one, source))
    assert np.abs(np.array(again, int) - np.array(first, int)).max() <= 2


def test_who_is_seen_has_one_noise_in_all_tokens(looking, encoded):
    layout = make_layout(looking.grid, text_tokens=8)
    draws = [torch.Generator().manual_seed(k) for k in range(2)]
    start = looking._start(layout, [{}, {}], draws, 0.25, torch.device("cpu"))
    first = start["image"][:, :1, -LOOK:]
    assert not torch.equal(first[0], first[1]) and 0.5 < first.std() < 2  # it is not cooled
    for name in ("image", "video"):
        assert (start[name][..., -LOOK:] == first).all()
        assert start[name][..., :-LOOK].std() < 0.4
    data = encoded
    assert data.alike == LOOK
    batch = make_batch(data, torch.arange(4), GRID, torch.Generator().manual_seed(0),
                       picture_shift=5.0, sound_shift=2.5, task=Task())  # fmt: skip
    for name in ("image", "video"):
        said = batch.noise[name][..., -LOOK:]
        assert (said == batch.noise["image"][:, :1, -LOOK:]).all()
        assert batch.noise[name][..., :-LOOK].std(1).min() > 0


def test_clips_of_a_batch_are_painted_as_they_are_alone(codec):
    x = torch.cat([clips(), clips().flip(3), 0.5 * clips()])
    with torch.no_grad():
        image, video = codec.encode_image(x[:, 0]), codec.encode_video(x[:, 1:])
        together = codec.decode(image, video, 4, 4)
        alone = [codec.decode(image[k : k + 1], video[k : k + 1], 4, 4) for k in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-3, atol=1e-4)


def test_what_was_made_anew_leaves_training_as_it_was(looking, encoded):
    """Layouts are kept: what imagines must not leave tensors there that cannot be learnt from."""
    data, draw = encoded, torch.Generator().manual_seed(0)
    imagine(looking, data, GRID, seed=3)
    model = HorseTransformer.of(SIZES).carry_with(looking.picture_codec)
    for moment in (False, True):
        batch = make_batch(
            data, torch.arange(2), GRID, draw, picture_shift=5.0, sound_shift=2.5,
            task=Task(sound_given=True, groups=2, moment=moment),
        )  # fmt: skip
        loss, _ = loss_of(model, batch)
        loss.backward()
    assert model.part.heads["video"].weight.grad[-LOOK:].abs().sum() > 0


def test_less_temperature_leaves_looks_their_noise():
    noise = torch.randn(2, 5, SIZES.video_dim, generator=torch.Generator().manual_seed(0))
    cool = cooled(noise, 0.25, LOOK)
    assert torch.equal(cool[..., -LOOK:], noise[..., -LOOK:])
    assert torch.equal(cool[..., :-LOOK], 0.25 * noise[..., :-LOOK])
    assert torch.equal(cooled(noise, 0.25, 0), 0.25 * noise)


@pytest.mark.parametrize(
    ("references", "source", "level", "moving"),
    [(0, False, 0.98, 1.0), (2, False, 0.98, 1.0), (0, False, 0.6, 0.0), (2, False, 0.6, 0.0),
     (0, True, 0.98, 1.0), (0, True, 0.6, 1.0)],
)  # fmt: skip
def test_who_is_seen_is_led_further_and_what_moves_not_to_the_end(
    looking, references, source, level, moving
):
    layout = make_layout(
        Grid(2, 2, 1, 0.32, 4, 0.04), text_tokens=4, references=references, source=source
    )
    levels, video = torch.full((1, 3), level), layout.where("video", "target")
    tokens = {
        name: torch.randn(1, count, dim)
        for name, count, dim in zip(
            MADE, layout.sizes[1:], (SIZES.image_dim, SIZES.video_dim, SIZES.audio_dim), strict=True
        )
    }
    text = torch.tensor([[3, 4, 2, 0]])

    def at(scale: float) -> torch.Tensor:
        empty = torch.zeros_like(text)
        model = looking.transformer
        return guided_targets(model, text, empty, tokens, levels, layout, scale)["video"]

    with torch.no_grad():
        one, two = at(1.0), at(2.0)
        plain = targets(looking.transformer, text, tokens, levels, layout)["video"]
        bare = layout.without("reference")
        alone = tokens | {"image": tokens["image"][:, layout.where("image", "reference").stop :]}
        away = targets(looking.transformer, torch.zeros_like(text), alone, levels, bare)["video"]
    assert plain.shape[1] == video.stop - video.start
    torch.testing.assert_close(one, plain, rtol=1e-4, atol=1e-5)
    led = torch.full((SIZES.video_dim,), moving)
    led[64:-LOOK], led[-LOOK:] = 0.0, LOOKS_LED  # mouths follow the sound, and are not led
    torch.testing.assert_close(two, plain + led * (plain - away), rtol=1e-3, atol=1e-4)


def test_a_model_with_mouths_grows_to_say_who_is_seen():
    old = replace(TINY, image_dim=52, video_dim=80, moves=(4, 2, 64))
    assert may_grow(old, SIZES) and not may_grow(SIZES, old)
    assert (old.looks, SIZES.looks, SIZES.mouths) == (False, True, True)
    assert SIZES.shown("image") == old.shown("image") == 48
    model = HorseTransformer.of(old)
    more = grown(model, SIZES)
    head = more.part.heads["video"].weight
    assert torch.equal(head[:80], model.part.heads["video"].weight) and not head[80:].any()


def test_looks_are_the_actors_traits_and_what_is_worn(shard_path):
    script = read_shard(shard_path).scripts(0)[0]
    look = look_of(script)
    assert look.shape == (LOOK,) and len(SAID) + len(GARMENTS) == LOOK
    assert look[SAID.index("glasses")] == script.actor["glasses"]
    assert look[len(SAID) :].sum() == 1 and look[len(SAID) + GARMENTS.index(script.garment)] == 1


def test_a_reader_and_a_painter_are_taught(codecs, looking, shard_path, encoded, tmp_path):
    pool = Portraits([shard_path])
    assert pool.looks.shape == (16, LOOK) and pool.sitters.shape == (8, LOOK)
    row, shard = 2 * 3 + 1, read_shard(shard_path)  # the edited clip of the fourth unit
    assert np.array_equal(pool.pictures[pool.clip_of(0, row)], shard.video_b[3])
    torch.manual_seed(0)
    reader, told = LookReader(), []
    fit_reader(pool, reader, steps=60, say=told.append)
    x = torch.from_numpy(pool.pictures[:, 4]).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        missed = (reader(x) - torch.from_numpy(pool.looks)).square().mean()
    assert missed < 0.8 * np.square(pool.looks).mean()
    with pytest.raises(BadArgument):
        fit_reader(pool, reader, steps=0)
    file = tmp_path / "0.safetensors"
    imagine_to(file, looking, encoded, GRID, seed=0)
    made = file.stat().st_mtime_ns
    assert imagine_to(file, None, None).stat().st_mtime_ns == made  # it is there, and kept
    imagined = Imagined([file])
    assert imagined.parts[0]["rows"].shape == (1, BATCH)
    for part, clip, at in imagined.draw(4, codecs[0], pool, np.random.default_rng(0)):
        assert part.shape[1] == at.shape[1] and part.shape[2:] == (96, 96, 3)
        assert at.max() < 9 and clip[0] < 16
    codec = LappedCodec(
        block_px=8, frames=4, image_dim=SIZES.image_dim, video_dim=SIZES.video_dim, mouths=True,
        looks=True,
    )  # fmt: skip
    codec.begin_with(codecs[0])
    fit_painter(pool, codec, imagined, steps=3, say=told.append)
    assert codec.look_nets.painter.end.weight.any()
    assert not any(p.requires_grad for p in codec.parameters())
    with pytest.raises(BadArgument):
        fit_painter(pool, codecs[0], None, steps=3)


def test_clips_are_made_anew_the_same_each_time(looking, encoded):
    made, again = (imagine(looking, encoded, GRID, seed=1) for _ in range(2))
    assert made["rows"].shape == (1, BATCH) and made["video"].shape[2:] == (288, SIZES.video_dim)
    assert sorted(made["rows"][0].tolist()) == list(range(16))
    assert torch.equal(made["video"], again["video"]) and made["video"].isfinite().all()
