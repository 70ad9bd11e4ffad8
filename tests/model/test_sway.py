"""A camera's sway is said in numbers for a whole clip, and put on when the clip is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hhlab.actors.camera import Camera, shoot
from hhlab.actors.dataset import read_shard, render_units
from hhlab.actors.script import Script
from hhlab.actors.take import take
from hhlab.errors import BadArgument
from hhlab.model import HorseTransformer
from hhlab.model.config import LOOK, SWAY
from hhlab.model.guidance import MADE, guided_targets, targets
from hhlab.model.lapped import LappedCodec
from hhlab.model.sequence import Grid, make_layout
from hhlab.model.sway import LEAST_PX, moved, path_of, sway_of, swayed
from hhlab.model.training.growing import grown, may_grow
from hhlab.model.training.latents import Latents, encode_shard
from hhlab.model.training.looking import Portraits, differ_in
from hhlab.model.training.objective import make_batch
from hhlab.model.training.tasks import Task
from hhlab.model.training.truth import hand_path, said_look, steadied
from tests.model.conftest import TINY, smooth_pictures

SIZES = replace(
    TINY, image_dim=52 + LOOK + SWAY, video_dim=80 + LOOK + SWAY, moves=(4, 2, 64)
)  # fmt: skip


GRID = Grid(12, 12, 2, 0.32, 18, 0.04)  # of renders of nine pictures


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
    far = path_of(sway[None], 9).square().sum(2).mean().sqrt() * 48
    faint = sway * 0.9 * LEAST_PX / far
    out = swayed(clip.expand(3, -1, -1, -1, -1), torch.stack([sway, 0 * sway, faint]))
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


def test_the_path_is_how_far_a_render_moves():
    base = Script.sample(3, move="shake")
    steady = replace(base, move="static")
    hand, tripod = (
        take(s, size_px=96, fps=12.5, seconds=0.72).truth.landmarks_px["upper_lip_outer"]
        for s in (base, steady)
    )
    away = hand - tripod
    path = hand_path(base, len(away), 12.5) * 96
    np.testing.assert_allclose(away - away[:1], path, atol=0.05)
    assert np.abs(path).max() > 0.5


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    """One unit: both clips shake, and differ in the garment alone."""
    (path,) = render_units(
        tmp_path_factory.mktemp("sway"), 1, workers=1, seed=11, fps=12.5, seconds=0.72
    )
    shard = read_shard(path)
    one, other = shard.scripts(0)
    assert one.move == other.move == "shake" and differ_in(one, other) == {"garment"}
    return path, shard


def swaying(codecs) -> LappedCodec:
    torch.manual_seed(1)
    codec = LappedCodec(
        block_px=8, image_dim=SIZES.image_dim, video_dim=SIZES.video_dim, mouths=True, looks=True,
        sways=True,
    ).eval()  # fmt: skip
    codec.begin_with(codecs[0])
    return codec


def encoded(codecs, shard) -> Latents:
    return Latents(
        encode_shard(shard, swaying(codecs), codecs[1], fps=12.5, longest=60, seed=0, cells=2)
    )


def test_training_tokens_are_those_of_a_steady_camera(codecs, shard):
    shard, script = shard[1], shard[1].scripts(0)[0]
    data, codec = encoded(codecs, shard), swaying(codecs)
    path = hand_path(script, 9, 12.5)
    assert data.alike == LOOK + SWAY
    true = data.tensors["alike_a"][0].float().numpy()
    np.testing.assert_allclose(true[:LOOK], said_look(script), atol=2e-3)
    np.testing.assert_allclose(true[LOOK:], sway_of(path), atol=2e-2)
    assert not data.tensors["camera_a"].any()
    shaky = torch.from_numpy(shard.video_a).float() / 127.5 - 1
    still = moved(shaky, -96 * torch.from_numpy(path)[None])
    with torch.no_grad():
        wanted = codec.encode_plain_video(still[:, 1:])
    found = data.tensors["video_a"][..., :64].float()
    assert (found - wanted).abs().mean() < 0.02 * wanted.abs().mean()


def test_what_is_made_says_what_is_true_and_what_is_given_what_was_read(codecs, shard):
    data = encoded(codecs, shard[1])

    def clean(task: Task):
        draw = torch.Generator().manual_seed(0)
        batch = make_batch(data, torch.tensor([0]), GRID, draw, picture_shift=5.0,
                           sound_shift=2.5, task=task)  # fmt: skip
        return batch, {n: x[..., -LOOK - SWAY :] for n, x in batch.clean.items() if n != "audio"}

    true = data.tensors["alike_a"][0].float()
    read = data.tensors["image_a"][0, 0, -LOOK - SWAY :].float()
    assert not torch.equal(true, read) and not read[LOOK:].any() and true[LOOK:].any()
    _, said = clean(Task())
    assert (said["image"] == true).all() and (said["video"] == true).all()
    _, said = clean(Task(first_frame=True))
    assert (said["image"] == read).all() and (said["video"] == true).all()
    _, said = clean(Task(picture_given=True))
    assert (said["image"] == read).all() and not said["video"][..., LOOK:].any()
    batch, said = clean(Task(source=True))
    target = said["video"][:, batch.layout.where("video", "target")]
    assert (target[..., :LOOK] == true[:LOOK]).all() and not target[..., LOOK:].any()
    other = data.tensors["video_b"][0, :, -LOOK - SWAY :].float()
    assert torch.equal(said["video"][0, batch.layout.where("video", "source")], other)


def test_clips_that_differ_in_the_garment_alone_are_known_to_the_painter(codecs, shard):
    path, shard = shard
    pool = Portraits([path])
    assert pool.other.tolist() == [1, 0]
    assert np.array_equal(pool.pictures[pool.other[0]], shard.video_b[0])
    assert set(pool.dressed(8, np.random.default_rng(0))) == {0, 1}
    pool.other[:] = -1
    assert not len(pool.dressed(8, np.random.default_rng(0)))


def test_sway_is_not_led_by_guidance(codecs):
    torch.manual_seed(0)
    model = HorseTransformer.of(SIZES).carry_with(swaying(codecs))
    with torch.no_grad():
        for head in model.part.heads.values():
            head.weight.normal_(std=0.1)
    layout = make_layout(Grid(4, 4, 1, 0.32, 4, 0.04), text_tokens=4)
    dims = SIZES.image_dim, SIZES.video_dim, SIZES.audio_dim
    tokens = {n: torch.randn(1, k, d) for n, k, d in zip(MADE, layout.sizes[1:], dims, strict=True)}
    text, levels = torch.tensor([[3, 4, 2, 0]]), torch.full((1, 3), 0.6)
    with torch.no_grad():
        plain = targets(model, text, tokens, levels, layout)
        led = guided_targets(model, text, 0 * text, tokens, levels, layout, 4.0)
    for name in ("image", "video"):
        torch.testing.assert_close(led[name][..., -SWAY:], plain[name][..., -SWAY:])
        assert (led[name] - plain[name])[..., -SWAY - LOOK : -SWAY].abs().max() > 1e-3


def test_a_model_that_says_who_is_seen_grows_to_say_how_the_camera_sways():
    old = replace(SIZES, image_dim=52 + LOOK, video_dim=80 + LOOK)
    assert may_grow(old, SIZES) and not may_grow(SIZES, old)
    model = HorseTransformer.of(old)
    head = grown(model, SIZES).part.heads["video"].weight
    assert torch.equal(head[:-SWAY], model.part.heads["video"].weight) and not head[-SWAY:].any()


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
        video[..., -SWAY:] = sway  # a first picture that is given says nothing of it
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


@pytest.mark.parametrize("source", [False, True])
def test_which_way_a_camera_sways_is_taken_from_the_noise_as_far_as_it_is_believed(codecs, source):
    torch.manual_seed(0)
    model = HorseTransformer.of(SIZES).carry_with(swaying(codecs))
    layout = make_layout(Grid(4, 4, 1, 0.32, 4, 0.04), text_tokens=4, source=source)
    dims = SIZES.image_dim, SIZES.video_dim, SIZES.audio_dim
    tokens = [torch.randn(1, k, d) for k, d in zip(layout.sizes[1:], dims, strict=True)]
    rest = torch.tensor([[3, 4, 2, 0]]), *tokens, torch.full((1, 3), 0.6), layout
    with torch.no_grad():
        fresh = model(*rest)
        model.part.believe.bias.fill_(1.5)
        out = model(*rest)
    assert not fresh.video[..., -SWAY:].any()
    assert torch.allclose(out.video[..., -SWAY:], 1.5 * tokens[1][..., -SWAY:])
    assert torch.equal(out.video[..., :-SWAY], fresh.video[..., :-SWAY])
    assert torch.equal(out.image, fresh.image)
