"""From nothing to a pipeline's folder, and on after a stop, through the command line."""

from __future__ import annotations

import json

import pytest
import torch
import yaml

import hhlab as hh
from hhlab.actors.dataset import read_shard
from hhlab.cli import main
from hhlab.model import LappedCodec
from hhlab.model.config import LOOK, SWAY

SIZES = {
    "width": 32, "layers": 2, "edge_layers": 0, "heads": 2, "kv_heads": 2, "head_dim": 16,
    "mlp_width": 32, "text_dim": 16, "rope_pairs": [3, 2, 2, 1], "image_dim": 24,
    "video_dim": 24, "audio_dim": 24, "moves": [4, 4],
}  # fmt: skip
RECIPE = {
    "name": "tiny", "units": 2, "watched": 1, "steps": 2, "batch": 2, "save_every": 1,
    "sample_every": 2, "precision": "fp32", "model": SIZES,
}  # fmt: skip


@pytest.mark.slow
def test_a_model_and_its_variant_are_made_from_nothing(tmp_path, capsys):
    recipe, out = tmp_path / "tiny.yaml", tmp_path / "run"
    recipe.write_text(yaml.safe_dump(RECIPE))
    assert main(["train", "--config", str(recipe), "-o", str(out)]) == 0
    folder = capsys.readouterr().out.split()[-1]
    assert len((out / "tiny" / "log.jsonl").read_text().splitlines()) == 2
    assert list((out / "tiny").glob("samples-*.png"))
    clip = hh.load(folder).generate(hh.Shot("A woman in the park.", steps=1))
    assert clip.info.duration_s == pytest.approx(2.0) and clip.info.has_audio

    # the same command again would overwrite
    assert main(["train", "--config", str(recipe), "-o", str(out)]) != 0
    # with --resume it goes on, in a world that may have grown
    recipe.write_text(yaml.safe_dump(RECIPE | {"steps": 3, "relit": 1}))
    assert main(["train", "--config", str(recipe), "-o", str(out), "--resume"]) == 0
    assert "going on from step 2" in capsys.readouterr().out
    (relit,) = (out / "world" / "relit").glob("*.npz")
    before, after = read_shard(relit).scripts(0)
    assert before.light != after.light and before.edited(light=after.light) == after

    fast = {"name": "tiny-fast", "variant": "fast", "base": folder, "rank": 2, "steps": 1}
    smaller = {name: value for name, value in (RECIPE | fast).items() if name != "model"}
    recipe.write_text(yaml.safe_dump(smaller))  # a variant has the sizes of its base
    assert main(["train", "--config", str(recipe), "-o", str(out)]) == 0
    made = out / "tiny-fast" / "variant"
    assert json.loads((made / "variant.json").read_text())["steps"] == 4

    # a finished pipeline is where another run begins: a step of nothing changes nothing
    more = {"name": "more", "start": folder, "steps": 1, "muon_rate": 0.0, "adam_rate": 0.0}
    recipe.write_text(yaml.safe_dump(RECIPE | more))
    assert main(["train", "--config", str(recipe), "-o", str(out)]) == 0
    begun, ended = hh.load(folder).transformer, hh.load(out / "more" / "pipeline").transformer
    ended = dict(ended.named_parameters())
    assert all(torch.equal(p, ended[name]) for name, p in begun.named_parameters())
    recipe.write_text(yaml.safe_dump(RECIPE | more | {"name": "none", "start": str(tmp_path)}))
    assert main(["train", "--config", str(recipe), "-o", str(out)]) != 0
    assert "the folder of a pipeline" in capsys.readouterr().err

    # its tokens may hold more by then: how mouths are held, which the codec learns first
    (tmp_path / "talk" / "world").mkdir(parents=True)
    for split in ("train", "test"):
        (tmp_path / "talk" / "world" / split).symlink_to(out / "world" / split)
    holding = SIZES | {"image_dim": 28, "video_dim": 40, "moves": [4, 4, 24]}
    talk = RECIPE | more | {"name": "talk", "mouth_steps": 2, "model": holding}
    recipe.write_text(yaml.safe_dump(talk))
    assert main(["train", "--config", str(recipe), "-o", str(tmp_path / "talk")]) == 0
    talks, plain = hh.load(tmp_path / "talk" / "talk" / "pipeline"), hh.load(folder)
    assert talks.picture_codec.config.mouths and not plain.picture_codec.config.mouths
    assert torch.equal(talks.picture_codec.video_basis, plain.picture_codec.video_basis)
    clip = talks.generate(hh.Shot("A woman in the park.", steps=1))
    assert clip.info.duration_s == pytest.approx(2.0)
    # and who is seen, which the codec learns from what the model that it starts with makes
    (tmp_path / "look" / "world").mkdir(parents=True)
    for split in ("train", "test"):
        (tmp_path / "look" / "world" / split).symlink_to(out / "world" / split)
    seeing = holding | {"image_dim": 28 + LOOK, "video_dim": 40 + LOOK}
    begin = {"start": str(tmp_path / "talk" / "talk" / "pipeline"), "steps": 2}
    look = RECIPE | begin | {"name": "look", "mouth_steps": 2, "look_steps": 2, "model": seeing}
    recipe.write_text(yaml.safe_dump(look))
    assert main(["train", "--config", str(recipe), "-o", str(tmp_path / "look")]) == 0
    assert "made anew" in capsys.readouterr().out
    looks = hh.load(tmp_path / "look" / "look" / "pipeline")
    assert looks.picture_codec.look_nets.painter.end.weight.any()
    assert torch.equal(looks.picture_codec.video_basis, plain.picture_codec.video_basis)
    assert looks.generate(hh.Shot("A woman in the park.", steps=1)).info.has_audio
    recipe.write_text(yaml.safe_dump(look | {"steps": 3}))
    assert main(["train", "--config", str(recipe), "-o", str(tmp_path / "look"), "--resume"]) == 0
    assert "going on from step 2" in capsys.readouterr().out
    # and how the camera sways, with prompts of scripts that are not in the world
    (tmp_path / "sway" / "world").mkdir(parents=True)
    for split in ("train", "test"):
        (tmp_path / "sway" / "world" / split).symlink_to(out / "world" / split)
    swaying = seeing | {"image_dim": 28 + LOOK + SWAY, "video_dim": 40 + LOOK + SWAY}
    begin = {"start": str(tmp_path / "look" / "look" / "pipeline"), "steps": 2, "worded": 0.5}
    sway = RECIPE | begin | {"name": "sway", "mouth_steps": 2, "model": swaying}
    recipe.write_text(yaml.safe_dump(sway))
    assert main(["train", "--config", str(recipe), "-o", str(tmp_path / "sway")]) == 0
    assert "to read who is seen" not in capsys.readouterr().out  # it could already
    sways = hh.load(tmp_path / "sway" / "sway" / "pipeline")
    readers = (x.picture_codec.look_nets.reader.state_dict() for x in (looks, sways))
    assert all(torch.equal(a, b) for a, b in zip(*(r.values() for r in readers), strict=True))
    assert sways.generate(hh.Shot("A woman in the park.", steps=1)).info.has_audio
    recipe.write_text(yaml.safe_dump(sway | {"steps": 4}))
    assert main(["train", "--config", str(recipe), "-o", str(tmp_path / "sway"), "--resume"]) == 0
    assert "going on from step 2" in capsys.readouterr().out

    # a finished pipeline's codec may learn to draw faces and edits, and nothing else changes
    (tmp_path / "face" / "world").mkdir(parents=True)
    for split in ("train", "test"):
        (tmp_path / "face" / "world" / split).symlink_to(out / "world" / split)
    begin = {"start": str(tmp_path / "sway" / "sway" / "pipeline"), "steps": 0, "face_steps": 2}
    begin |= {"retouch_steps": 2, "relit": 1}
    recipe.write_text(yaml.safe_dump(RECIPE | begin | {"name": "face", "model": swaying}))
    assert main(["train", "--config", str(recipe), "-o", str(tmp_path / "face")]) == 0
    assert "to draw faces" in (told := capsys.readouterr().out) and "to paint" not in told
    faced = hh.load(tmp_path / "face" / "face" / "pipeline")
    assert faced.picture_codec.look_nets.face.end.weight.any()
    assert "to draw edits" in told and faced.picture_codec.look_nets.retoucher.end.weight.any()
    sways = hh.load(tmp_path / "sway" / "sway" / "pipeline")
    for part in ("transformer", "picture_codec"):
        before, after = (dict(getattr(x, part).named_parameters()) for x in (sways, faced))
        assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert main(["train", "--config", str(recipe), "-o", str(tmp_path / "face"), "--resume"]) == 0
    assert "teaching" not in capsys.readouterr().out  # it could already

    recipe.write_text(yaml.safe_dump(RECIPE | {"name": "none"}))  # of a world with mouths
    assert main(["train", "--config", str(recipe), "-o", str(tmp_path / "talk")]) != 0
    assert "codecs" in capsys.readouterr().err

    # but not on a world that other codecs encoded, nor with other sizes
    codec = LappedCodec.from_pretrained(out / "world" / "codecs" / "picture")
    codec.video_basis.neg_()
    codec.save_pretrained(out / "world" / "codecs" / "picture")
    wider = SIZES | {"width": 64}
    for other, word in (
        ({}, "codecs"),
        ({"model": wider}, "sizes"),
        ({"variant": "fast"}, "variant"),
    ):
        recipe.write_text(yaml.safe_dump(RECIPE | more | {"name": "none"} | other))
        assert main(["train", "--config", str(recipe), "-o", str(out)]) != 0
        assert word in capsys.readouterr().err
