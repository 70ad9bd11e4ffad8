"""Edited clips are drawn anew out of their sources, and how a network learns to."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import hhlab as hh
from hhlab.actors.dataset import read_shard, render_units
from hhlab.actors.script import Script
from hhlab.actors.take import take
from hhlab.errors import BadArgument
from hhlab.generate import shipped
from hhlab.model.broad import broad
from hhlab.model.config import CLIP, LOOK, MOUTH, SWAY, WORN
from hhlab.model.edges import drawn_over
from hhlab.model.inputs import Given
from hhlab.model.lapped import LappedCodec
from hhlab.model.looks import LookReader
from hhlab.model.mouths import Mouths, Reader, cut
from hhlab.model.retouch import Retoucher, believed, edited, told, with_words
from hhlab.model.training.looking import Portraits
from hhlab.model.training.retouching import Edits, edit, edits_of, fit_retoucher, remade
from hhlab.model.training.taught import same_values
from hhlab.model.training.truth import GARMENTS, SAID
from tests.model.conftest import LOOKING, smooth_pictures


def floats(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures)).float() / 127.5 - 1


def far(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().mean())


@pytest.fixture(scope="module")
def drawing(plain) -> LappedCodec:
    torch.manual_seed(4)
    out = LappedCodec(**LOOKING, retouches=True)
    out.begin_with(plain)
    return out.eval()


def as_pictures(pictures: np.ndarray) -> torch.Tensor:
    return floats(pictures).permute(0, 3, 1, 2).contiguous()


@pytest.fixture(scope="module")
def lights() -> dict[str, np.ndarray]:
    """Renders of one take in two lights, uint8 (25, 96, 96, 3)."""
    script = replace(Script.sample(11), move="static", light="soft")
    out = {}
    for light in ("soft", "right"):
        made = take(script.edited(light=light), size_px=96, fps=12.5, seconds=2.0)
        out[light] = np.stack([frame.rgb for frame in made.clip.frames()])
    return out


def test_a_fresh_network_takes_half_of_each_and_hears_numbers_once_it_has_learnt():
    torch.manual_seed(0)
    net = Retoucher().eval()
    made, source = (2 * torch.rand(2, 3, 32, 48) - 1 for _ in range(2))
    looks, shapes = torch.randn(2, LOOK), torch.randn(2, MOUTH)
    where = torch.tensor([[20.0, 18.0, 10.0]]).expand(2, 3)
    with torch.no_grad():
        both = net(made, source, looks, shapes, where)
        torch.testing.assert_close(both, (made + source) / 2)
        torch.nn.init.normal_(net.end.weight, std=0.05)
        for layer in (*net.before, *net.inner, *net.after):
            torch.nn.init.normal_(layer.told.weight, std=0.1)
        drawn = net(made, source, looks, shapes, where)
        assert drawn.shape == made.shape and drawn.isfinite().all()
        for other in (
            (-looks, shapes, where), (looks, -shapes, where), (looks, shapes, where + 8)
        ):  # fmt: skip
            assert not torch.allclose(drawn, net(made, source, *other))


def test_the_last_numbers_of_who_is_seen_are_the_garments():
    assert len(GARMENTS) == WORN and len(SAID) + WORN == LOOK


def test_tokens_say_what_a_retoucher_is_told_picture_by_picture(drawing):
    pictures = floats(smooth_pictures(9, 96, seed=2))
    image = drawing.encode_image(pictures[:1])
    video = drawing.encode_video(pictures[None, 1:])
    at = 80 - 4 * MOUTH  # where the mouths of a group's pictures are said
    for group in range(2):
        for picture in range(4):
            tokens = video[:, group * 144 : (group + 1) * 144]
            tokens[..., at + picture * MOUTH : at + (picture + 1) * MOUTH] = 4.0 * group + picture
    image[..., 52 - MOUTH : 52] = -1.0
    looks, shapes, where = told(drawing, pictures.permute(0, 3, 1, 2), image, video)
    assert looks.shape == (9, LOOK) and where.shape == (9, 3)
    wanted = torch.arange(-1.0, 8.0)[:, None].expand(-1, MOUTH)
    torch.testing.assert_close(shapes, wanted, rtol=0, atol=1e-4)


def test_a_codec_without_it_draws_along_edges_and_with_it_out_of_the_source(plain, drawing):
    made, source = (floats(smooth_pictures(5, 96, seed=k)) for k in (2, 3))
    tokens = plain.encode_image(made[:1]), plain.encode_video(made[None, 1:])
    with torch.no_grad():
        along = edited(plain, made, source, *tokens)
        drawn = edited(drawing, made, source, *tokens)
    assert along.shape == made.shape and far(along, made) < far(along, source)
    torch.testing.assert_close(along, drawn_over(made, source, plain.mouth_nets))
    both = (made + source) / 2  # which is what a fresh network draws, and a head is believed
    assert far(drawn, both) < far(along, both)


def test_what_is_drawn_is_believed_in_heads_and_where_it_agrees_with_what_was_made():
    where = torch.tensor([[48.0, 60.0, 20.0]])
    made = torch.zeros(1, 3, 96, 96)
    other = made.clone()
    other[..., 80:, :] = 0.5  # a garment that stayed, and should not have
    other[..., 34:38, 46:50] = 0.5  # something in the middle of a face
    share = believed(made, other, where, dressed=False)[0, 0]
    assert share.shape == (96, 96) and share.min() >= 0 and share.max() <= 1
    assert share[86:].max() == 0 and share[36, 48] == 1 and share[10, 5] == 1
    fine = made.clone()
    fine[..., ::2, ::2] = 0.05  # a detail
    assert believed(made, fine, where, dressed=False).min() == 1
    dressed = believed(made, fine, where, dressed=True)[0, 0]
    assert dressed[90:].max() == 0 and dressed[:40].min() == 1


def test_a_mouth_is_taken_from_what_was_made_only_if_the_source_says_other_words():
    torch.manual_seed(0)
    mouths = Mouths(clear=False).eval()
    drawn, along, source = (torch.rand(3, 3, 96, 96) for _ in range(3))
    where = torch.tensor([48.0, 60.0, 20.0]).expand(3, 3)
    with torch.no_grad():
        held = mouths.reader(cut(source, where))
        same = with_words(mouths, drawn, along, source, held, where)
        other = with_words(mouths, drawn, along, source, held + 1, where)
    assert torch.equal(same, drawn)
    changed = (other - drawn).abs().sum(1) > 0
    assert (
        changed[:, 56:64, 44:52].any() and not changed[:, :40].any() and not changed[:, 80:].any()
    )
    wanted = cut(along, mouths.finder(along))[:, :, 14:18, 14:18]
    torch.testing.assert_close(cut(other, where)[:, :, 14:18, 14:18], wanted, atol=0.05, rtol=0)


def test_broad_colours_are_those_that_were_made(drawing):
    tint = torch.tensor([0.2, 0.0, -0.3])[None, :, None, None].expand(2, 3, 48, 64)
    torch.testing.assert_close(broad(tint), tint)
    fine = torch.zeros(1, 1, 48, 64)
    fine[..., ::2, ::2] = 1.0
    assert (broad(fine) - 0.25).abs().max() < 1e-5
    # a source of another tint keeps its own in no place that is not small
    source = floats(smooth_pictures(5, 96, seed=3))
    made = source * 0.5 + torch.tensor([0.2, 0.0, -0.3])
    tokens = drawing.encode_image(made[:1]), drawing.encode_video(made[None, 1:])
    with torch.no_grad():
        drawn = edited(drawing, made, source, *tokens)
    assert far(drawn.mean((1, 2)), made.mean((1, 2))) < 0.2 * far(
        source.mean((1, 2)), made.mean((1, 2))
    )


def test_it_is_kept_with_its_codec_concerns_no_token_and_needs_looks(plain, drawing, tmp_path):
    drawing = deepcopy(drawing)
    with torch.no_grad():
        for value in drawing.look_nets.retoucher.parameters():
            value.add_(0.01)
    drawing.save_pretrained(tmp_path)
    there = LappedCodec.from_pretrained(tmp_path)
    assert there.config.retouches and not there.look_nets.retoucher.training
    kept = drawing.look_nets.retoucher.state_dict()
    for name, value in there.look_nets.retoucher.state_dict().items():
        torch.testing.assert_close(value.float(), kept[name].float(), rtol=1e-3, atol=1e-5)
    assert same_values(there, plain) and same_values(plain, there)
    begun = LappedCodec(**LOOKING)  # one that does not draw edits may begin with one that does
    begun.begin_with(there)
    assert same_values(begun, plain)
    with pytest.raises(BadArgument, match="looks"):
        LappedCodec(retouches=True, mouths=True)


def test_learning_comes_nearer_to_what_edits_should_be(lights, monkeypatch):
    soft, right = lights["soft"][:4], lights["right"][:4]
    blurred = right.reshape(4, 12, 8, 12, 8, 3).mean((2, 4)).repeat(8, 1).repeat(8, 2)
    edits = Edits(
        blurred.astype(np.uint8)[None], soft[None], right[None], torch.zeros(1, 4, LOOK),
        torch.zeros(1, 4, MOUTH), torch.tensor([48.0, 62.0, 20.0]).expand(1, 4, 3),
    )  # fmt: skip
    torch.manual_seed(0)
    net, heard = Retoucher(), []
    looks, mouths = LookReader().eval(), Reader().eval()
    monkeypatch.setattr("hhlab.model.training.retouching.BATCH", 4)
    fit_retoucher([edits], net, looks, mouths, steps=25, bf16=False, say=heard.append)
    x = [as_pictures(p) for p in (edits.made[0], soft, right)]
    with torch.no_grad():
        drawn = net(*x[:2], *(y[0] for y in (edits.looks, edits.shapes, edits.where)))
    assert far(drawn, x[2]) < 0.8 * min(far(x[0], x[2]), far(x[1], x[2]))
    assert "25 of 25" in heard[-1] and not any(p.requires_grad for p in net.parameters())
    with pytest.raises(BadArgument, match="retouch_steps"):
        fit_retoucher([edits], net, looks, mouths, steps=0)


def test_pairs_to_learn_from_are_a_unit_of_which_each_clip_becomes_the_other(tmp_path):
    if shipped().get("foal") is None:
        pytest.skip("no foal in this copy")
    foal = hh.load("foal")
    (path,) = render_units(
        tmp_path, 1, seed=5, workers=1, size_px=CLIP.size_px, fps=CLIP.fps, seconds=CLIP.seconds,
        split="train",
    )  # fmt: skip
    shard = read_shard(path)
    foal.default_steps = 1
    file = tmp_path / "made.safetensors"
    save_file(edit(foal, [0, 1], shard, seed=0), file)
    edits = edits_of([path], [file], foal.picture_codec)
    assert len(edits) == 2 and edits.made.shape == edits.sources.shape == (2, 25, 96, 96, 3)
    sides = shard.video_a[0], shard.video_b[0]
    for side in range(2):
        np.testing.assert_array_equal(edits.sources[side], sides[side])
        np.testing.assert_array_equal(edits.wanted[side], sides[1 - side])
    assert edits.shapes.shape == (2, 25, MOUTH) and edits.where.shape == (2, 25, 3)


def test_clips_made_anew_teach_what_the_other_clip_of_their_unit_becomes(drawing, shard_path):
    pool = Portraits([shard_path])
    clips, at = np.array([2, 13]), np.array([[3, 4], [5, 6]])  # units 2, its a, and 5, its b

    class Made:
        """Pictures of two clips, as they are."""

        def shown(self, shard, codec, pool):
            yield floats(pool.pictures[clips[:, None], at]), clips, at

    (edits,) = remade(pool, drawing, Made())
    assert edits.made.shape == (4, 1, 96, 96, 3)
    np.testing.assert_array_equal(edits.wanted[:, 0], pool.pictures[[2, 2, 13, 13], [3, 4, 5, 6]])
    np.testing.assert_array_equal(edits.sources[:, 0], pool.pictures[[10, 10, 5, 5], [3, 4, 5, 6]])
    assert torch.equal(
        edits.shapes[:, 0], torch.from_numpy(pool.shapes[[2, 2, 13, 13], [3, 4, 5, 6]])
    )
    swaying = LOOKING | {"image_dim": 52 + LOOK + SWAY, "video_dim": 80 + LOOK + SWAY}
    swaying = LappedCodec(**swaying, sways=True, retouches=True).eval()
    pool.shaky[:] = np.arange(len(pool.shaky)) == 2
    (edits,) = remade(pool, swaying, Made())
    assert len(edits) == 2  # a hand's clip stands still where it was made anew
    pool.shaky[:] = True
    assert remade(pool, swaying, Made()) == []


def test_each_clip_is_drawn_out_of_its_own_source_and_a_given_picture_stays(lights):
    if "foal-fast" not in shipped():
        pytest.skip("no foal-fast in this copy")
    pipe = hh.load("foal-fast")
    sources = lights["soft"], np.ascontiguousarray(lights["right"][:, :, ::-1])

    def made(numbers, first=None, kind="np"):
        given = [Given(source=sources[n], first_frame=(first or {}).get(n)) for n in numbers]
        return pipe(
            ["the scene is now in a park"] * len(numbers), given=given, num_inference_steps=1,
            guidance_scale=1.0, output_type=kind,
            generator=[torch.Generator().manual_seed(n) for n in numbers],
        ).frames  # fmt: skip

    both = made([0, 1])
    for n in range(2):
        off = np.abs(both[n].astype(int) - made([n])[0]).mean()
        other = np.abs(both[n].astype(int) - both[1 - n]).mean()
        assert off < 0.1 * other
    first = {1: sources[1][0]}
    tokens = made([1], first=first, kind="latent")
    with torch.no_grad():
        plain = pipe.picture_codec.decode(tokens["image"], tokens["video"], 6, 6)[0].clamp(-1, 1)
    shown = floats(made([1], first=first)[0])
    assert (shown[0] - plain[0]).abs().max() < 0.01
    assert far(shown[1:], plain[1:]) > 0.01


def test_foal_fast_draws_a_face_in_another_light_nearer_to_its_render_than_along_its_edges(lights):
    if "foal-fast" not in shipped():
        pytest.skip("no foal-fast in this copy")
    pipe = hh.load("foal-fast")
    codec = pipe.picture_codec
    made = pipe(
        "now use hard light from the right", given=Given(source=lights["soft"]),
        num_inference_steps=pipe.default_steps, guidance_scale=pipe.default_guidance,
        generator=torch.Generator().manual_seed(0), output_type="latent",
    ).frames  # fmt: skip
    source, wanted = floats(lights["soft"]), floats(lights["right"])
    with torch.no_grad():
        shown = codec.decode(made["image"], made["video"], 6, 6)[0]
        along = drawn_over(shown, source, codec.mouth_nets)
        drawn = edited(codec, shown, source, made["image"], made["video"])
    assert far(drawn, wanted) < 0.95 * min(far(along, wanted), far(source, wanted))
    steps = [float(x.diff(dim=2).abs().mean()) for x in (along, drawn, wanted)]
    assert abs(steps[1] - steps[2]) < abs(steps[0] - steps[2])  # as sharp as a render
