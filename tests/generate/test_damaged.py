"""Folders of weights that are not whole: the file is named, with what is wrong with it."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

import hhlab as hh
from hhlab import cli
from hhlab.errors import BadArgument, FileMissing, UnknownModel, WeightsDamaged
from hhlab.model import variant as variants
from hhlab.model.training.run import opened

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(pipe, tmp_path):
    """A whole model, tiny."""
    pipe.save_pretrained(tmp_path / "foal")
    return tmp_path / "foal"


def test_a_whole_one_is_loaded(folder):
    assert hh.load(folder).name == "foal"


@pytest.mark.parametrize(
    ("file", "harm", "error", "says"),
    [(f"transformer/{WEIGHTS}", "cut", WeightsDamaged, "a whole safetensors file"),
     (f"sound_codec/{WEIGHTS}", "lost", FileMissing, "nothing there"),
     ("picture_codec/config.json", "cut", WeightsDamaged, "JSON"),
     ("picture_codec/config.json", "[]", WeightsDamaged, "a JSON object"),
     ("scheduler/scheduler_config.json", "lost", FileMissing, "nothing there"),
     ("model_index.json", "cut", WeightsDamaged, "JSON, as save_pretrained writes it"),
     ("model_index.json", "\x80", WeightsDamaged, "JSON"),
     ("model_index.json", "[]", UnknownModel, "a pipeline's index")],
)  # fmt: skip
def test_what_is_not_whole_is_named(folder, capsys, tmp_path, file, harm, error, says):
    place = folder / file
    data = place.read_bytes()
    place.unlink()
    if harm != "lost":
        place.write_bytes(data[: len(data) // 2] if harm == "cut" else harm.encode("latin-1"))
    with pytest.raises(error, match=f"{place}.*expected.*found"):
        hh.load(folder)
    asked = ["generate", "she", "--model", str(folder), "-o", str(tmp_path / "clip.mp4")]
    assert cli.main(asked) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"hhlab: {error.__name__}: ") and says in said


def test_a_clip_is_not_written_under_the_name_of_something_else(folder, tmp_path, capsys):
    asked = ["generate", "a man", "--model", str(folder), "--steps", "1", "-o"]
    for name, says in (("n.txt", "a name that ends in .mp4, found .txt"), ("", "found a folder")):
        assert cli.main([*asked, str(tmp_path / name)]) == 1
        said = capsys.readouterr().err
        assert says in said and said.count("\n") == 1
    assert not (tmp_path / "n.txt").exists()
    assert cli.main([*asked, str(tmp_path / "n.mp4")]) == 0
    assert (tmp_path / "n.mp4").stat().st_size


def test_an_error_is_not_preceded_by_an_empty_bar(folder, tmp_path, capsys):
    asked = ["generate", "", "--model", str(folder), "-o", str(tmp_path / "n.mp4")]
    assert cli.main(asked) == 1
    said = capsys.readouterr().err
    assert "expected some words" in said and "step/s" not in said


def test_parts_that_do_not_belong_together_are_named(folder):
    config = folder / "transformer" / "config.json"
    said = json.loads(config.read_text())
    config.write_text(json.dumps({**said, "text_dim": 2 * said["text_dim"]}))
    with pytest.raises(WeightsDamaged, match=r"foal'.*parts that belong together"):
        hh.load(folder)


def test_weights_that_lack_a_matrix_are_named(folder):
    file = folder / "transformer" / WEIGHTS
    stored = load_file(file)
    stored.pop("part.norm.audio.weight")
    save_file(stored, file, metadata={"format": "pt"})
    with pytest.raises(WeightsDamaged, match=r"foal'.*part\.norm\.audio\.weight.*found none"):
        hh.load(folder)
    with pytest.raises(BadArgument, match=r"start.*part\.norm\.audio\.weight"):
        opened("start", str(folder))


def test_a_variant_without_its_differences_is_named(folder):
    own = folder.parent / "quick"
    stored = {"blocks.0.up": torch.zeros(4, 1)}
    variants.save(own, variants.Variant("foal", 4, 1.0), stored)
    deltas = own / variants.TENSORS
    deltas.write_bytes(deltas.read_bytes()[:-1])
    with pytest.raises(WeightsDamaged, match=rf"{deltas}.*a whole safetensors file"):
        hh.load(own)
    deltas.unlink()
    with pytest.raises(FileMissing, match=str(deltas)):
        hh.load(own)


def test_settings_that_are_not_to_be_had_are_named(folder):
    for setting, says in (({"dtype": "nn"}, "'dtype'.*bfloat16.*'nn'"),
                          ({"device": "moon"}, "'device'.*cpu.*moon")):  # fmt: skip
        with pytest.raises(BadArgument, match=says):
            hh.load(folder, **setting)
