"""Contenders, prices and suites are data: complete, dated, sourced; and what is shown of them."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

import pytest

import hhlab as hh
from hhlab import cli
from hhlab.errors import BadArgument, FileMissing, NotOffered, PackageMissing, UnknownModel
from hhlab.generate import contenders as data
from hhlab.generate.backoff import Patience
from hhlab.generate.contenders import contender, contenders
from hhlab.generate.prices import clip_usd, price_of, prices
from hhlab.generate.suite import Suite

SUITES = Path(__file__).resolve().parents[2] / "eval" / "suites"
GOOD = {
    "label": "X", "maker": "Y", "family": "modelstudio", "models": {"edit": "x-edit"},
    "limits": {"seconds": [1, 2], "default_seconds": 1}, "licence": None, "facts": [],
}  # fmt: skip


# --- contenders --------------------------------------------------------------------------------
def test_everyone_whom_one_hears_of_is_listed_as_what_it_is():
    assert {"happyhorse-1.1", "happyhorse-1.0", "veo-3.1", "ltx-2", "wan-2.2-ti2v-5b", "foal",
            "foal-fast", "sora-2", "seedance-2.0"} <= set(contenders())  # fmt: skip
    assert contender("sora-2").offered == "discontinued"
    assert "24 September 2026" in contender("sora-2").note
    assert contender("seedance-2.0").offered == "suspended"
    one = contender("happyhorse-1.1")
    ids = {"happyhorse-1.1-t2v", "happyhorse-1.1-i2v", "happyhorse-1.1-r2v"}
    assert set(one.models.values()) == ids | {"happyhorse-1.0-video-edit"}
    assert one.limits.seconds == (3, 15) and one.limits.references == 9


@pytest.mark.parametrize("name", contenders())
def test_every_fact_has_a_source_and_a_date(name):
    one = contender(name)
    assert one.facts and one.status()[0] and one.status()[1]
    for fact in one.facts:
        assert fact.says and fact.source and re.fullmatch(r"20\d\d-\d\d-\d\d", fact.date)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"label": None, "lable": "X"}, "lable"), ({"offered": "maybe"}, "discontinued"),
        ({"models": {"dance": "x"}}, "text-to-video"), ({"limits": None}, "limits"),
        ({"limits": {"seconds": [1]}}, "complete"), ({"facts": [{"says": "so"}]}, "complete"),
        ({"limits": {"seconds": [1, 2], "default_seconds": 1, "colour": 3}}, "colour"),
    ],
)  # fmt: skip
def test_a_row_with_a_mistake_in_it_is_refused_by_name(change, says):
    assert data.read("x", GOOD).modes == {"edit"}
    with pytest.raises(BadArgument, match=r"'x'.*" + says):
        data.read("x", {**GOOD, **change})


def test_what_cannot_be_had_says_why_and_what_to_do(monkeypatch, tmp_path):
    with pytest.raises(UnknownModel, match=r"happyhorse-1\.1.*sora-2"):
        hh.load("happyhorse-9")
    for name, says in (("sora-2", "24 September 2026"), ("seedance-2.0", "suspended")):
        with pytest.raises(NotOffered, match=says):
            hh.load(name)
    monkeypatch.setattr(data.importlib.util, "find_spec", lambda name: None)
    assert contender("happyhorse-1.1").status() == ("package missing", "pip install 'hhlab[api]'")
    with pytest.raises(PackageMissing, match=r"hhlab\[api\]"):
        hh.load("happyhorse-1.1")
    with pytest.raises(BadArgument, match="patience"):
        hh.load("happyhorse-1.1", patiense=3)


def test_the_table_says_all_of_it(capsys, monkeypatch):
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    assert cli.main(["contenders"]) == 0
    text = capsys.readouterr().out
    for words in ("happyhorse-1.1", "key missing: export DASHSCOPE_API_KEY", "references, edit",
                  "3 to 15 s", "0.154 USD a second at 720p", "less 40% at launch (2026-06-22",
                  "discontinued: app closed 26 April 2026", "Apache-2.0"):  # fmt: skip
        assert words in text, words
    assert cli.main(["contenders", "--json"]) == 0
    rows = {row["contender"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["happyhorse-1.1"]["status"] == "key missing" and rows["sora-2"]["facts"]
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-x")
    assert contender("happyhorse-1.1").status()[0] == "ready"


def test_every_model_that_ships_is_listed_alike(capsys):
    from hhlab.generate.shipped import shipped

    assert set(shipped()) <= set(contenders())
    assert cli.main(["contenders"]) == 0
    blocks = {text.split()[0]: text for text in capsys.readouterr().out.split("\n\n")}
    for name in shipped():
        assert f"status   ready: hh.load('{name}')" in blocks[name]
    ours = [one.name for one in contenders().values() if one.family == "shipped"]
    assert set(ours) == set(shipped())
    assert all("price    runs here" in blocks[name] for name in ours)
    assert clip_usd("foal-no-sync", mode="edit", size_px=(96, 96), seconds=2) == 0


# --- prices ------------------------------------------------------------------------------------
def test_every_price_is_dated_and_about_a_contender():
    for price in prices():
        assert price.contender in contenders() and price.sold_by and price.source
        assert isinstance(price.date, datetime.date) and price.per_second >= 0


def test_list_price_and_launch_discount_are_apart():
    price = price_of("happyhorse-1.1", mode="text-to-video", size_px=(1280, 720), currency="CNY")
    assert price.per_second == 0.9 and price.launch_discount == 0.4
    during, after = datetime.date(2026, 6, 30), datetime.date(2026, 7, 7)
    assert price.on(during) == pytest.approx(0.54) and price.on(after) == 0.9


def test_a_clip_costs_what_its_size_length_and_mode_cost():
    def usd(size, seconds, mode="text-to-video", **more):
        return clip_usd("happyhorse-1.0", mode=mode, size_px=size, seconds=seconds, **more)

    assert usd((1280, 720), 5) == pytest.approx(0.77)
    assert usd((1080, 1920), 5) == pytest.approx(1.32)
    assert usd((1000, 1000), 5) == pytest.approx(1.32), "between two sizes it is the larger's price"
    assert usd((3840, 2160), 5) is None
    assert usd((1280, 720), 5, "edit", source_seconds=5) == pytest.approx(1.54)
    assert clip_usd("sora-2", mode="text-to-video", size_px=(1, 1), seconds=5) is None


# --- suites ------------------------------------------------------------------------------------
def test_the_small_suite_can_be_asked_of_the_shipped_and_of_a_commercial_model():
    from hhlab.generate.protocol import check_shot

    suite = Suite.read(SUITES / "portraits-small.yaml")
    assert suite.name == "portraits-small" and suite.description
    for one in suite.shots:
        assert one.tags and one.shot(seed=3).label == one.id
        for name in ("foal", "happyhorse-1.1"):
            who = contender(name)
            check_shot(one.shot(seed=0), name=name, modes=who.modes, limits=who.limits)


def write(tmp_path, text):
    path = tmp_path / "s.yaml"
    path.write_text(text)
    return path


def test_a_suite_may_be_a_bare_list(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    suite = Suite.read(write(tmp_path, """
- id: one
  prompt: >
    two
    words
  size: 1280x720
  seconds: 4
  references: [a.png]
"""))  # fmt: skip
    assert suite.name == "s" and suite.shots[0].prompt == "two words"
    shot = suite.shots[0].shot(seed=5)
    assert (shot.size_px, shot.seconds, shot.seed) == ((1280, 720), 4, 5)
    assert shot.references == (tmp_path / "a.png",)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("shots: 3", BadArgument, "a list"), ("[]", BadArgument, "at least one"),
        ("[", BadArgument, "YAML"),
        ("- {id: A b, prompt: x}", BadArgument, "a-z"), ("- {id: a}", BadArgument, "a prompt"),
        ("- {id: a, prompt: x, colour: red}", BadArgument, "a: .*colour|colour"),
        ("- {id: a, prompt: x}\n- {id: a, prompt: y}", BadArgument, "a twice"),
        ("- {id: a, prompt: x, size: big}", BadArgument, "WIDTHxHEIGHT"),
        ("- {id: a, prompt: x, seconds: -1}", BadArgument, "seconds"),
        ("- {id: a, prompt: x, references: [no.png]}", FileMissing, r"no\.png"),
        ("{shots: [{id: a, prompt: x}], shoots: 1}", BadArgument, "shoots"),
    ],
)  # fmt: skip
def test_a_suite_with_a_mistake_in_it_is_refused_by_name(tmp_path, text, error, says):
    with pytest.raises(error, match=says):
        Suite.read(write(tmp_path, text))


def test_a_suite_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileMissing, match="nothing there"):
        Suite.read(tmp_path / "no.yaml")


# --- the command line --------------------------------------------------------------------------
SMALL = str(SUITES / "portraits-small.yaml")


def test_cost_before_anything_is_spent(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("HHLAB_PAID", str(tmp_path))
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)  # no key is needed to ask
    asked = ["cost", "--suite", SMALL, "--contenders", "happyhorse-1.1", "sora-2", "--seeds", "2"]
    assert cli.main(asked) == 0
    text = capsys.readouterr().out
    assert "9.24" in text and "60 to 300 s (published)" in text and "24 September 2026" in text
    assert cli.main([*asked, "--max-cost", "5"]) == 3
    assert "stops after 6 of 12 clips" in capsys.readouterr().out
    assert cli.main([*asked, "--json"]) == 0
    plans = json.loads(capsys.readouterr().out)
    assert plans[0]["usd"] == pytest.approx(9.24) and plans[1]["usd_each"] == []
    assert not list(tmp_path.iterdir())


def test_time_is_measured_where_clips_have_been_made(capsys, tmp_path, monkeypatch):
    from hhlab.generate.journal import Journal

    monkeypatch.setenv("HHLAB_PAID", str(tmp_path))
    with Journal(tmp_path).turn() as turn:
        for number in range(3):
            turn.add("sending", str(number), at_s=1.0, contender="happyhorse-1.1", usd=1.0)
            turn.add("done", str(number), at_s=2.0, task="t", took_s=70.0 + number)
    assert cli.main(["cost", "--suite", SMALL, "--contenders", "happyhorse-1.1"]) == 0
    assert "70 to 72 s (measured, 3 clips)" in capsys.readouterr().out


def test_a_suite_is_made_with_one_command_and_stops_at_the_limit(
    capsys, studio, tmp_path, monkeypatch
):
    monkeypatch.setattr(Patience, "poll_wait_s", lambda *_: 0.001)
    text = "- {id: b, prompt: words that are refused}\n- {id: a, prompt: one}\n- {id: c, prompt: x}"
    asked = ["generate", "--suite", str(write(tmp_path, text)), "--contenders", "happyhorse-1.1",
             "--endpoint", studio.endpoint, "-o", str(tmp_path / "out")]  # fmt: skip
    assert cli.main([*asked, "--max-cost", "1"]) == 3
    text = capsys.readouterr().out
    assert "1 of 3 clips" in text and "b, seed 0: ContentRefused" in text
    assert "c, seed 0: BudgetExhausted" in text
    assert cli.main(asked) == 3
    assert "2 of 3 clips" in capsys.readouterr().out and studio.paid().total() == 2
    made = hh.load(f"clips:{tmp_path / 'out' / 'happyhorse-1.1'}")
    assert made.generate(hh.Shot("one", label="a")).provenance["price_usd"] == pytest.approx(0.77)


@pytest.mark.parametrize(
    "wrong",
    [["cost", "--suite", SMALL], ["cost", "--suite", SMALL, "--contenders", "moon"],
     ["cost", "--suite", "no.yaml", "--contenders", "foal"], ["generate", "--suite", SMALL],
     ["cost", "--suite", SMALL, "--contenders", "foal", "--seeds", "0"]],
)  # fmt: skip
def test_wrong_commands_are_errors_in_one_line(wrong, capsys):
    assert cli.main(wrong) == 1
    said = capsys.readouterr().err
    assert said.startswith("hhlab: ") and said.count("\n") == 1
