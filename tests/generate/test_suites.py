"""The suites that ship: they read, they are large enough, and small and large models know them."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import yaml

from hhlab.actors.prompts import parse, words_of_language
from hhlab.actors.script import held_out
from hhlab.actors.vocabulary import is_sentence
from hhlab.errors import BadArgument, FileMissing
from hhlab.generate import material
from hhlab.generate.material import characters, named_files, read_suite, with_material
from hhlab.generate.suite import Suite
from hhlab.media import read_clip
from hhlab.model.words import encode, full_vocabulary

FOLDER = Path(__file__).resolve().parents[2] / "eval" / "suites"
SUITES = ("portraits", "references", "long-prompts", "motion", "editing", "texture-closeups",
          "sound")  # fmt: skip
TAGS = {
    "camera", "clothes", "dialogue", "editing", "identity", "instructions", "light", "lip_sync",
    "motion", "place", "references", "sound", "speech", "texture", "voice",
}  # fmt: skip
NEEDS = {"lip_sync": "words", "speech": "words", "dialogue": "words", "camera": "move",
         "light": "light", "place": "place", "voice": "voice"}  # fmt: skip
LONGEST = 80  # words and marks
VOCABULARY = full_vocabulary(words_of_language())


@pytest.fixture(scope="module", params=SUITES)
def suite(request, tmp_path_factory):
    """A suite as its reader gives it; stand-ins lie where characters would be rendered."""
    path = FOLDER / f"{request.param}.yaml"
    folder = tmp_path_factory.mktemp(request.param)
    for name in named_files(path):
        (folder / name).write_bytes(b"stand-in")
    return Suite.read(with_material(path, folder))


def test_is_large_enough_and_says_what_it_is(suite):
    assert len(suite.shots) >= 20
    assert suite.name in SUITES and len(suite.description) > 40


def test_every_word_is_known_to_the_shipped_model(suite):
    for shot in suite.shots:
        assert encode(shot.prompt, VOCABULARY, longest=LONGEST).unknown == (), shot.id


def test_what_a_tag_promises_stands_in_the_prompt(suite):
    for shot in suite.shots:
        named = parse(shot.prompt)
        assert shot.tags and set(shot.tags) <= TAGS, shot.id
        for tag in shot.tags:
            assert NEEDS.get(tag) is None or NEEDS[tag] in named, (shot.id, tag)
        if "words" in named:
            assert is_sentence(tuple(named["words"].split())), (shot.id, named["words"])


def test_prompts_are_different(suite):
    prompts = [(shot.prompt, shot.source) for shot in suite.shots]
    assert len(set(prompts)) == len(prompts)


def test_each_suite_shows_what_it_is_for(suite):
    named = [parse(shot.prompt) for shot in suite.shots]
    count = [len(shot.references) for shot in suite.shots]
    match suite.name:
        case "portraits" | "sound":
            assert all("words" in n for n in named)
        case "references":
            assert set(count) == {1, 2, 3, 4}
            shots_of = [shot.id.split("-")[0] for shot in suite.shots]
            assert min(shots_of.count(who) for who in shots_of) >= 4
        case "long-prompts":
            assert all({"move", "light", "words", "place"} <= set(n) for n in named)
            assert min(map(len, named)) >= 9
            assert min(len(shot.prompt.split()) for shot in suite.shots) >= 35
        case "motion":
            assert len({n["move"] for n in named}) == 9
        case "editing":
            assert all(shot.source for shot in suite.shots)
            kinds = {key for n in named for key in n}
            assert {"garment", "dye", "place", "light", "words", "voice"} <= kinds
        case "texture-closeups":
            assert {n.get("skin") for n in named} >= {"fair", "tan", "dark"}


@pytest.mark.parametrize("name", ["references", "editing"])
def test_characters_were_never_seen_in_training(name):
    people = characters(FOLDER / f"{name}.yaml")
    assert len(people) == 6
    assert all("actor" in held_out(script) for script in people.values())


def test_edits_change_the_clip_that_they_start_from():
    path = FOLDER / "editing.yaml"
    people = characters(path)
    for row in yaml.safe_load(path.read_text("utf-8"))["shots"]:
        before = people[row["source"].removesuffix(".mp4")].attributes()
        asked = {k: v for k, v in parse(row["prompt"]).items() if k != "person"}
        assert any(before[name] != value for name, value in asked.items()), row["id"]


# --- rendering on demand --------------------------------------------------------------------------
ANNA = "{seed: 4, person: woman, glasses: no, words: hello mama}"


def write(folder, text):
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suite")
    (folder / "own.png").write_bytes(b"mine")
    path = write(folder, f"characters: {{anna: {ANNA}}}\nshots:\n"
                 "- {id: a, prompt: A woman., references: [anna-1.png, own.png]}\n"
                 "- {id: b, prompt: Make the shirt red., source: anna.mp4}\n")  # fmt: skip
    target = folder / "run" / "material"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material, "CLIP_FPS", 5.0)  # fewer frames to draw
        return path, target, with_material(path, target, still_px=96, clip_px=96)


def test_pictures_and_clips_are_rendered_beside_the_suite(made):
    _, target, path = made
    first, second = Suite.read(path).shots
    assert path.parent == target
    assert cv2.imread(str(first.references[0])).shape == (96, 96, 3)
    assert first.references[1].read_bytes() == b"mine"
    info = read_clip(second.source).info
    assert info.duration_s == pytest.approx(2.0, abs=0.25) and info.has_audio
    assert '"glasses":"no"' in (target / "anna.json").read_text()


def test_what_is_there_is_kept(made):
    source, target, path = made
    before = {
        p.name: p.stat().st_mtime_ns for p in target.iterdir() if p.suffix in (".png", ".mp4")
    }
    assert with_material(source, target) == path
    assert before == {p.name: p.stat().st_mtime_ns for p in target.iterdir() if p.name in before}


def test_a_suite_without_characters_stays_where_it_is(tmp_path):
    path = write(tmp_path, "shots: [{id: a, prompt: A man.}]")
    assert with_material(path, tmp_path / "run") == path
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("characters: [anna]\nshots: []", BadArgument),
        ("characters: {anna: {person: woman}}\nshots: []", BadArgument),
        ("characters: {anna: {seed: -1}}\nshots: []", BadArgument),
        ("characters: {anna: {seed: true}}\nshots: []", BadArgument),
        ("characters: {anna: {seed: 1, nose: big}}\nshots: []", BadArgument),
        ("characters: {anna: {seed: 1, person: cat}}\nshots: []", BadArgument),
        ("characters: {../anna: {seed: 1}}\nshots: []", BadArgument),
        ("characters: {anna: {seed: 1}}\nshots: 3", BadArgument),
        ("characters: {anna: {seed: 1}}\nshots: [{id: a, references: [bob-1.png]}]", FileMissing),
        ("characters: {anna: {seed: 1}}\nshots: [{id: a, source: ../../etc}]", BadArgument),
        ("a: [", BadArgument),
    ],
)
def test_odd_suites_get_named_errors(tmp_path, text, error):
    with pytest.raises(error):
        with_material(write(tmp_path, text), tmp_path / "run")


def test_no_suite_at_all(tmp_path):
    with pytest.raises(FileMissing):
        with_material(tmp_path / "none.yaml", tmp_path)


def test_a_suite_with_characters_is_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    suite = tmp_path / "few.yaml"
    suite.write_text(
        "name: few\ncharacters:\n  anna: {seed: 4, person: woman}\n"
        "shots:\n  - id: park\n    prompt: The woman is in a park.\n    references: [anna-1.png]\n"
    )
    shot = read_suite(suite).shots[0]
    assert shot.references[0].is_file()
    assert not (tmp_path / "anna-1.png").exists()
