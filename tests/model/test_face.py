"""Faces that are cut out, drawn anew and put back, and how a network learns to."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hhlab.actors.dataset import read_shard
from hhlab.errors import BadArgument
from hhlab.model.config import LOOK, MOUTH, SWAY
from hhlab.model.face import FACE_PX, FACE_SHARE, Face, cut_faces, put_faces
from hhlab.model.lapped import LappedCodec
from hhlab.model.mouths import CROP_PX, Reader, cut
from hhlab.model.training.facing import (
    Critic,
    Faces,
    Lesson,
    critic_missed,
    faces_of,
    fit_face,
    mouth_in,
)
from hhlab.model.training.imagining import Imagined
from hhlab.model.training.looking import Portraits
from hhlab.model.training.taught import same_values
from tests.model.conftest import LOOKING, smooth_pictures

WIDE = FACE_PX / FACE_SHARE  # a mouth's width at which a crop has the picture's own pixels


def floats(count: int) -> torch.Tensor:
    return torch.from_numpy(smooth_pictures(count, 96, seed=2)).float() / 127.5 - 1


@pytest.fixture(scope="module")
def drawing(plain) -> LappedCodec:
    """The same codec, with a network for faces whose weights are drawn at random."""
    out = LappedCodec(**LOOKING, faces=True)
    out.begin_with(plain)
    torch.manual_seed(4)
    face = out.look_nets.face
    torch.nn.init.normal_(face.end.weight, std=0.05)
    for layer in (*face.before, *face.inner, *face.after):
        torch.nn.init.normal_(layer.told.weight, std=0.1)
    return out.eval()


def test_a_face_lies_around_and_above_its_mouth_and_goes_back_where_it_was():
    pictures = floats(2).permute(0, 3, 1, 2)
    where = torch.tensor([[48.0, 62.0, WIDE], [40.5, 58.25, WIDE]])
    crops = cut_faces(pictures, where)
    assert crops.shape == (2, 3, FACE_PX, FACE_PX)
    torch.testing.assert_close(crops[0], pictures[0, :, 15:79, 16:80])
    # the mouth's own crop is a part of it
    torch.testing.assert_close(mouth_in(crops), cut(pictures, where), atol=1e-4, rtol=0)
    assert mouth_in(crops).shape[-1] == CROP_PX
    back = put_faces(crops, where, 96, 96)
    torch.testing.assert_close(back[0, :, 23:71, 24:72], pictures[0, :, 23:71, 24:72])
    assert not back[0, :, :15].any() and not back[0, :, :, 80:].any()


def test_a_codec_that_draws_faces_says_nothing_else_and_changes_faces_alone(plain, drawing):
    pictures = floats(5)[None]
    tokens = plain.encode_image(pictures[:, 0]), plain.encode_video(pictures[:, 1:])
    again = drawing.encode_image(pictures[:, 0]), drawing.encode_video(pictures[:, 1:])
    assert all(torch.equal(a, b) for a, b in zip(tokens, again, strict=True))
    with torch.no_grad():
        before, after = (c.decode(*tokens, 12, 12)[0] for c in (plain, drawing))
        seen = plain.plain("video", tokens[1], 12, 12)[0].permute(0, 3, 1, 2)
        where = plain.mouth_nets.finder(seen.contiguous())
    changed = (before - after).abs().sum(-1)[1:]
    far = put_faces(torch.ones(4, 1, FACE_PX, FACE_PX), where, 96, 96)[:, 0] == 0
    assert changed.max() > 0.01
    assert far.any() and not changed[far].any()


def test_who_is_seen_and_how_the_mouth_is_held_change_what_is_drawn(drawing):
    face, crops = drawing.look_nets.face, torch.zeros(1, 3, FACE_PX, FACE_PX)
    torch.manual_seed(0)
    looks, shapes = torch.randn(1, LOOK), torch.randn(1, MOUTH)
    with torch.no_grad():
        drawn = face(crops, looks, shapes)
        assert not torch.allclose(drawn, face(crops, -looks, shapes))
        assert not torch.allclose(drawn, face(crops, looks, -shapes))
        # what is said beyond all measure is heard as the most there is
        loud = face(crops, 100 * looks.sign(), shapes)
        assert torch.equal(loud, face(crops, 3 * looks.sign(), shapes))


def test_a_codec_that_draws_faces_is_kept_in_half_precision_and_needs_looks(drawing, tmp_path):
    drawing.save_pretrained(tmp_path)
    there = LappedCodec.from_pretrained(tmp_path)
    assert there.config.faces
    for (name, a), b in zip(drawing.state_dict().items(), there.state_dict().values(), strict=True):
        assert a.dtype == b.dtype, name
        torch.testing.assert_close(a.float(), b.float(), rtol=1e-3, atol=1e-6)
    once, size = there.state_dict(), (tmp_path / "diffusion_pytorch_model.safetensors").stat()
    numbers = sum(x.numel() for x in once.values())
    assert size.st_size < 2.4 * numbers
    there.save_pretrained(tmp_path)
    twice = LappedCodec.from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(once[name], twice[name]) for name in once)
    with pytest.raises(BadArgument, match="looks"):
        LappedCodec(faces=True, mouths=True)


def test_a_codec_of_before_is_read_and_grows_to_draw_faces(plain, drawing, tmp_path):
    plain.save_pretrained(tmp_path)
    config, weights = tmp_path / "config.json", tmp_path / "diffusion_pytorch_model.safetensors"
    note = json.loads(config.read_text())
    assert note.pop("faces") is False
    config.write_text(json.dumps(note))
    save_file(plain.state_dict(), weights)  # as it was stored then, in full precision
    before = LappedCodec.from_pretrained(tmp_path)
    assert not before.config.faces and same_values(before, plain)
    exact = before.state_dict()
    assert all(torch.equal(value, exact[name]) for name, value in plain.state_dict().items())
    # stored again it is exact to halves, and still the same codec
    before.save_pretrained(tmp_path / "again")
    assert same_values(LappedCodec.from_pretrained(tmp_path / "again"), plain)
    # how faces are drawn concerns no token, what is read does
    assert same_values(drawing, plain) and same_values(plain, drawing)
    again = LappedCodec(**LOOKING, faces=True)
    again.begin_with(drawing)
    assert torch.equal(again.look_nets.face.end.weight, drawing.look_nets.face.end.weight)
    again.look_nets.reader.body[-1].bias.data += 0.1
    assert not same_values(again, drawing)
    bare = LappedCodec(**LOOKING)
    bare.begin_with(drawing)
    assert bare.look_nets.face is None and same_values(bare, drawing)


def test_what_was_made_anew_lies_beside_the_render_of_the_same_moment(codecs, shard_path):
    pool, codec = Portraits([shard_path]), codecs[0]
    clips = np.array([1, 9, 4])
    x = torch.from_numpy(pool.pictures[clips]).float() / 127.5 - 1
    rows = np.where(clips < 8, 2 * clips, 2 * (clips - 8) + 1)  # 2 x unit + side
    assert (pool.clip_of(0, rows) == clips).all()
    imagined = Imagined([])
    begins = codec.encode_image(x[:, 0]), codec.components("video", x[:, 1:5])
    begins = begins[0], torch.cat([begins[1], codec.components("video", x[:, 5:9])], 1)
    imagined.parts = [
        {"rows": torch.from_numpy(rows)[None], "first": torch.tensor([first]),
         "image": begins[0][None], "video": begins[1][None]}
        for first in (-1, 0)
    ]  # fmt: skip
    pool.clip_of = lambda shard, row: clips
    for part, wanted in ((0, list(range(9))), (1, list(range(1, 9)))):
        shown = list(imagined.shown(part, codec, pool))
        assert [t for _, _, at in shown for t in at[0]] == wanted
        for pictures, which, at in shown:
            true = torch.from_numpy(pool.pictures[which[:, None], at]).float() / 127.5 - 1
            missed = (pictures - true).abs().mean()
            other = (pictures - true.roll(1, 0)).abs().mean()
            assert missed < 0.5 * other


def test_a_camera_in_a_hand_teaches_no_faces_that_stand_still(drawing, shard_path):
    pool = Portraits([shard_path])
    scripts = [s for side in range(2) for s in side_of(shard_path, side)]
    assert pool.shaky.tolist() == [s.move == "shake" for s in scripts]

    class Made:
        """Pictures of two clips, as they are."""

        parts = (None,)

        def shown(self, shard, codec, pool):
            clips, at = np.array([2, 5]), np.array([[3, 4], [3, 4]])
            yield torch.from_numpy(pool.pictures[clips[:, None], at]).float() / 127.5 - 1, clips, at

    pool.shaky = np.arange(16) == 5
    assert len(faces_of(pool, drawing, Made(), plain_count=0, seed=0)) == 4
    dims = {"image_dim": 52 + LOOK + SWAY, "video_dim": 80 + LOOK + SWAY}
    swaying = LappedCodec(**LOOKING | dims, sways=True, faces=True).eval()
    found = faces_of(pool, swaying, Made(), plain_count=0, seed=0)
    assert len(found) == 2
    assert torch.equal(found.looks[0], torch.from_numpy(pool.looks[2]))


def side_of(path, side: int) -> list:
    shard = read_shard(path)
    return [shard.scripts(k)[side] for k in range(len(shard))]


def taught(faces: Faces, steps: int) -> Face:
    torch.manual_seed(1)
    face = Face()
    fit_face(faces, face, Reader().eval().requires_grad_(False), steps=steps, say=lambda s: None)
    return face


def test_a_network_learns_to_draw_the_face_that_is_said(drawing, shard_path):
    pool = Portraits([shard_path])
    faces = faces_of(pool, drawing, None, plain_count=64, seed=0)
    assert len(faces) and faces.blurs.shape == faces.crops.shape == (len(faces), 3, 64, 64)
    # what was blurred is lighter or darker by what is said: nothing else tells by how much
    said = faces.looks[:, :1, None, None] * 0.3
    faces = replace(faces, crops=(faces.blurs + said).half())
    face = taught(faces, 40)
    assert not face.training and not any(p.requires_grad for p in face.parameters())
    with torch.no_grad():
        some = slice(0, 24)
        drawn = faces.blurs[some] + face(
            faces.blurs[some].float(), faces.looks[some], faces.shapes[some]
        )
    missed = (drawn - faces.crops[some].float()).abs().mean()
    assert missed < 0.7 * said[some].abs().mean()
    with pytest.raises(BadArgument):
        taught(faces, 0)


def test_a_critic_learns_whether_a_render_is_what_is_said_of_it():
    torch.manual_seed(0)
    shapes = torch.randn(24, MOUTH)
    crops = 0.1 * torch.randn(24, 3, FACE_PX, FACE_PX) + shapes[:, :1, None, None].sign()
    critic, counts = Critic(), torch.ones(16, 16)
    optimiser = torch.optim.AdamW(critic.parameters(), lr=2e-3)
    lesson = Lesson(crops, torch.zeros(24, LOOK), shapes, torch.zeros_like(crops))
    for _ in range(40):
        missed = critic_missed(critic, lesson, counts, torch.randperm(24), who=False)
        optimiser.zero_grad()
        missed.backward()
        optimiser.step()
    with torch.no_grad():
        right, wrong = (critic(crops, lesson.looks, s)[0].mean() for s in (shapes, -shapes))
        blank = critic(lesson.drawn, lesson.looks, shapes)[0].mean()
    assert right > wrong + 0.5 and right > blank + 0.5
    assert np.isfinite(float(missed.detach()))


def test_a_codec_is_stored_under_the_names_that_a_pipeline_asks_for(drawing, tmp_path):
    drawing.save_pretrained(save_directory=tmp_path, variant="fp16")
    assert (tmp_path / "diffusion_pytorch_model.fp16.safetensors").is_file()
    assert "variant" in inspect.signature(drawing.save_pretrained).parameters  # it looks at that
