"""Instruction following in the pass over a clip, beside the other metrics and by itself."""

import numpy as np
import pytest

import hhlab as hh
from hhlab.instructing import clauses_of, is_small_world, small_world
from hhlab.metrics.instruction.clause import Clause
from hhlab.toolbox import Toolbox
from hhlab.types import Clip, Shot
from tests.metrics.scenes import pan


class Blind(Toolbox):
    """Looks for no faces, so that no network is loaded."""

    def tracker(self, croppers=None):
        raise RuntimeError("no faces here")


def measured(frames, shot, metrics=("instruction",)):
    return hh.measure(clip_of(frames), list(metrics), shot=shot, toolbox=Blind())


def clip_of(frames, fps=25.0):
    return Clip.from_arrays(frames, fps=fps)


def rows(score):
    return {row["kind"]: row for row in score.parameters["clauses"]}


def test_length_and_cuts_are_checked_by_themselves():
    frames = np.concatenate([pan(25, seed=1), 255 - pan(25, seed=2) // 3])
    shot = Shot("One continuous take.", seconds=2.0)
    score = measured(frames, shot)["instruction"]
    found = rows(score)
    assert found["duration"]["agrees"] == "yes"
    assert found["cuts"]["agrees"] == "no" and found["cuts"]["found"] == "1 at 1.00 s"
    assert score["followed"].value == 0.5 and score["checkable"].value == 1


def test_without_a_prompt_there_is_nothing_to_follow():
    score = measured(pan(5), None)["instruction"]
    assert score.status == "undetermined" and "no prompt" in score.reason


def test_what_nobody_sees_is_said_to_be_so():
    shot = Shot("A tiger jumps for 1 second.")
    score = measured(pan(25), shot)["instruction"]
    assert rows(score)["other"]["reason"] == "no instrument sees this"
    assert 0 < score["checkable"].value < 1


def test_the_camera_looks_at_each_frame_once_for_both_metrics(monkeypatch):
    from hhlab.metrics import camera

    seen = []
    see = camera.CameraObserver.see

    def counted(self, frame, faces=()):
        seen.append(frame.index)
        return see(self, frame, faces)

    monkeypatch.setattr(camera.CameraObserver, "see", counted)
    asked = "The camera pans right."
    scores = measured(pan(30, speed_px=3), asked, ["camera", "instruction"])
    assert sorted(seen) == list(range(30))
    found = rows(scores["instruction"])["camera"]
    if scores["camera"].status == "ok":
        assert found["found"].startswith(scores["camera"].parameters["move"])
    else:
        assert found["reason"] == scores["camera"].reason


def test_an_instrument_that_breaks_leaves_its_clause_undetermined(monkeypatch):
    from hhlab.metrics import camera

    def broken(self, frame, faces=()):
        raise RuntimeError("no film")

    monkeypatch.setattr(camera.CameraObserver, "see", broken)
    shot = Shot("The camera pans left.", seconds=1.0)
    score = measured(pan(25), shot)["instruction"]
    assert rows(score)["camera"]["agrees"] == "undetermined"
    assert "no film" in rows(score)["camera"]["reason"]
    assert rows(score)["duration"]["agrees"] == "yes"


def test_the_length_of_the_shot_is_a_clause_unless_the_prompt_has_one():
    assert [c.kind for c in clauses_of(Shot("A man.", seconds=4))] == ["person", "duration"]
    (_, length) = clauses_of(Shot("A man for 8 seconds.", seconds=4))
    assert length.asked == "8"


# --- the small world -----------------------------------------------------------------------------
SEEN = {"person": "man", "dye": "red", "place": "grey studio", "move": "zoom in", "light": "warm",
        "garment": "shirt"}  # fmt: skip
SURE = dict.fromkeys(SEEN, 0.99)


@pytest.mark.parametrize(
    ("kind", "asked", "agrees"),
    [
        ("person", "man", "yes"), ("person", "woman", "no"), ("clothes colour", "red", "yes"),
        ("background colour", "grey", "yes"), ("background colour", "blue", "no"),
        ("place", "library", "no"), ("camera", "dolly in", "yes"), ("camera", "static", "no"),
        ("light", "warm", "yes"), ("light", "dim", "no"),
    ],
)  # fmt: skip
def test_the_read_out_answers_for_its_world(kind, asked, agrees):
    found = small_world(SEEN, SURE)(Clause(kind, asked, asked, 0, 0))
    assert found.agrees == agrees and found.instrument == "read-out"


@pytest.mark.parametrize(
    ("kind", "asked"),
    [("garment", "coat"), ("person", "boy"), ("clothes colour", "orange"), ("place", "beach"),
     ("other", "jumps"), ("words", "hello"), ("light", "hard")],
)  # fmt: skip
def test_the_read_out_says_nothing_of_other_worlds(kind, asked):
    assert small_world(SEEN, SURE)(Clause(kind, asked, asked, 0, 0)) is None


def test_a_read_out_that_is_not_sure_does_not_say():
    found = small_world(SEEN, dict.fromkeys(SEEN, 0.4))(Clause("person", "woman", "", 0, 0))
    assert found.agrees == "undetermined" and found.reason


def test_only_small_square_short_clips_are_of_the_small_world():
    small = np.zeros((25, 96, 96, 3), np.uint8)
    assert is_small_world(clip_of(small, 12.5).info)
    assert not is_small_world(clip_of(np.zeros((25, 96, 128, 3), np.uint8), 12.5).info)
    assert not is_small_world(clip_of(np.zeros((25, 480, 480, 3), np.uint8), 12.5).info)
    assert not is_small_world(clip_of(small, 2.0).info)


@pytest.mark.slow
def test_open_clip_answers_by_texts_and_pictures(tmp_path):
    """The way through a real tower, of random weights: an answer with its alternatives."""
    import json

    import open_clip
    import torch
    from safetensors.torch import save_file

    from hhlab.metrics.encoders import OpenClipEncoder
    from hhlab.toolbox import Toolbox

    tower = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    config = {"embed_dim": 16, "vision_cfg": tower, "text_cfg": text}
    (tmp_path / "ViT-words-for-tests.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path)
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-words-for-tests")
    save_file({k: v.contiguous().clone() for k, v in model.state_dict().items()},
              tmp_path / "words.safetensors")  # fmt: skip
    encoder = OpenClipEncoder("ViT-words-for-tests", pretrained=str(tmp_path / "words.safetensors"))
    both = encoder.embed_texts(["a park", "a kitchen"])
    assert both.shape == (2, 16)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, rtol=1e-5)
    toolbox = Toolbox(identity_encoder=encoder)
    score = hh.measure(clip_of(pan(25)), ["instruction"], shot="A park.", toolbox=toolbox)
    place = score["instruction"].parameters["clauses"][0]
    assert place["instrument"] == encoder.name and 0 <= place["confidence"] <= 1
