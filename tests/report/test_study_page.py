"""The report of a study: complete, self-contained, safe, and honest about what it rests on."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from hhlab.report.study import AskedGate, render
from hhlab.report.study.agreeing import agreement_part
from hhlab.study import Gate, Study
from hhlab.study.report import dossier
from tests.study.fakes import REFUSED, FakeContender, FakeInstrument, suite

HARM = "<script>alert('x')</script>\"'&"
VOID = {"br", "meta", "img", "link", "col", "hr", "input"}


class Page(HTMLParser):
    """Tags with attributes, text outside scripts and styles, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text, self.open, self.wrong = "", [], []
        self.feed(text)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text += f" {data}"

    def all(self, name: str) -> list[dict]:
        return [attributes for tag, attributes in self.tags if tag == name]


def votes_by(names, prompts, *, better, count=40, voters=("ann", "ben")):
    """Votes that mostly prefer one contender."""
    rng = np.random.default_rng(0)
    rows = []
    for k in range(count):
        left, right = rng.permutation(names)[:2]
        winner = "tie" if k % 8 == 7 else "a" if left == better or k % 5 == 4 else "b"
        if better not in (left, right):
            winner = "tie"
        rows.append({"model_a": left, "model_b": right, "winner": winner, "voter": voters[k % 2],
                     "prompt": prompts[k % len(prompts)], "vote_id": str(k),
                     "category": HARM if k % 2 else "people"})  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two contenders, one of a name made to do harm, four shots; one of them refused to both."""
    prompts = ("one", f"two {HARM}", "three", f"{REFUSED} {HARM}")
    asked = replace(suite(*prompts), name=HARM, description=HARM)
    made = Study.open(
        tmp_path_factory.mktemp("report") / "s", asked,
        [FakeContender("anna"), FakeContender(HARM)], 1,
        instrument=FakeInstrument(breaks_on=HARM),
        gates=[Gate("grey", "grey", at_most=100.0, why=HARM)],
    )  # fmt: skip
    made.run()
    return made


@pytest.fixture(scope="module")
def material(study):
    return dossier(study)


@pytest.fixture(scope="module")
def page(material):
    return render(material, today="2026-11-21")


def with_votes(material, *, simulated: bool, **how):
    prompts = [shot.prompt for shot in material.shots[:3]]
    names = list(material.contenders)
    frame = votes_by(names, prompts, better="anna", **how)
    return replace(material, votes=frame.assign(dimension="overall", simulated=simulated))


def test_every_tag_is_closed_and_every_part_is_there(page):
    seen = Page(page)
    assert not seen.wrong and not seen.open
    ids = [attributes.get("id") for attributes in seen.all("section")]
    assert ids == ["verdict", "leaderboard", "numbers", "cost", "clips", "worst", "agreement",
                   "missing", "method"]  # fmt: skip
    links = [attributes["href"] for attributes in seen.all("a")]
    assert links == [f"#{name}" for name in ids]


def test_nothing_is_loaded_from_anywhere(page):
    seen = Page(page)
    for tag, attributes in seen.tags:
        for name in ("src", "href", "poster", "action"):
            assert attributes.get(name, "data:").startswith(("data:", "#")), tag
    assert not re.search(r"url\(|@import|https?:", page)
    policy = next(a["content"] for a in seen.all("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert re.fullmatch(r"script-src 'sha256-[\w+/=]+'", policy.rpartition("; ")[2])


def test_nothing_from_outside_becomes_markup(material):
    hostile = with_votes(material, simulated=False, voters=(HARM, "ben"))
    hostile = replace(hostile, made_with={HARM: HARM}, digest=HARM,
                      history=({"at": HARM, "what": HARM, "hhlab": HARM},))  # fmt: skip
    text = render(hostile)
    assert "<script>alert" not in text and text.count("<script") == 1
    seen = Page(text)
    assert not seen.wrong
    assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes)
    assert seen.text.count(HARM.replace("\"'&", "")) >= 8  # it is shown, as text


def test_the_script_is_the_one_that_the_policy_allows(page):
    import base64
    import hashlib

    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


def test_pictures_have_words_and_tables_have_headers(page):
    seen = Page(page)
    assert all(attributes.get("alt") for attributes in seen.all("img"))
    assert all(attributes.get("aria-label") for attributes in seen.all("video"))
    assert all(attributes.get("scope") in ("col", "row") for attributes in seen.all("th"))
    assert seen.all("html") == [{"lang": "en"}] and len(seen.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch(r"h\d", tag)]
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_clips_play_side_by_side_with_a_still_each(page):
    seen = Page(page)
    assert len(seen.all("video")) == 6  # three shots that both contenders made
    assert all(a["src"].startswith("data:video/mp4;base64,") for a in seen.all("video"))
    assert "6 clips play here" in seen.text
    assert seen.text.count("not made") == 2


def test_a_small_budget_leaves_players_out_and_then_pictures_and_says_so(
    material, page, monkeypatch
):
    monkeypatch.setattr("hhlab.report.study.gallery.STILL_SHARE", 0.9)
    seen = Page(page)
    clips = page.partition('id="clips"')[2].partition('id="worst"')[0]
    stills = sum(len(a["src"]) for a in Page(clips).all("img"))
    players = sum(len(a["src"]) for a in seen.all("video"))
    few = render(material, most_bytes=stills + players // 2)
    assert 0 < few.count("<video") < 6 and "· still" in few
    assert len(re.findall(r" · (?:not )?usable", Page(few).text)) == 6
    none = render(material, most_bytes=10)
    assert "<video" not in none and "4 of 4 shots are left out" in none
    assert len(none) < len(few) < len(page)


def test_what_was_not_measured_is_told_with_its_reason(page):
    text = Page(page).text
    assert "the clip itself failed" in text and "a prompt that it likes" in text
    assert re.search(r"Shade failed broken", text)
    assert "2 of 8 clips could not be made" in text


def test_without_votes_the_order_is_by_measurement_and_that_is_said(page):
    text = Page(page).text
    assert "By what was measured" in text and "By blind votes" not in text
    assert "There is no leaderboard by votes: nobody has voted." in text
    assert "That cannot be said: nobody has voted." in text
    assert "simulated" not in text


def test_simulated_votes_are_called_so_wherever_votes_are(material):
    page = render(with_votes(material, simulated=True))
    text = Page(page).text
    assert "The votes in this report are simulated." in text
    assert "By simulated votes" in text and "By blind votes" not in text
    assert "says nothing about people" in text
    for part in re.split("<section", page)[1:]:
        words = Page(part.partition(">")[2]).text.lower()
        assert "simulated" in words or "votes" not in words.replace("metrics and votes agree", "")
    people = Page(render(with_votes(material, simulated=False))).text
    assert "By blind votes" in people and "simulated" not in people


def test_people_come_before_simulated_voters(material):
    mixed = with_votes(material, simulated=False)
    fake = mixed.votes.assign(simulated=True, winner="b", vote_id=lambda t: "s" + t["vote_id"])
    mixed = replace(mixed, votes=pd.concat([mixed.votes, fake], ignore_index=True))
    text = Page(render(mixed)).text
    assert "40 simulated votes are in the study too and are left out" in text
    assert f"anna is ahead of {HARM} in blind votes, beyond doubt." in text


def test_few_votes_are_no_leaderboard(material):
    few = with_votes(material, simulated=False, count=6)
    text = Page(render(few)).text
    assert "6 votes are too few" in text and "By blind votes" not in text


def test_agreement_follows_the_votes(material):
    scores = material.scores[material.scores["metric"] == "grey"]
    value = scores[scores["is_headline"]].set_index(["contender", "shot"])["value"]
    names = list(material.contenders)
    rows = [
        {"model_a": names[k % 2], "model_b": names[1 - k % 2], "prompt": shot.prompt,
         "voter": "ann", "dimension": "overall", "simulated": False, "vote_id": f"{shot.id}{k}",
         "winner": "a" if value[names[k % 2], shot.id] < value[names[1 - k % 2], shot.id] else "b"}
        for shot in material.shots[:3] for k in range(4)
    ]  # fmt: skip
    found = {row.title: row for row in
             agreement_part(replace(material, votes=pd.DataFrame(rows))).rows}  # fmt: skip
    assert found["Grey"].accuracy == 1.0 and found["Grey"].verdict == "agrees"  # lower is better
    turned = pd.DataFrame(rows).replace({"winner": {"a": "b", "b": "a"}})
    (worst,) = [row for row in agreement_part(replace(material, votes=turned)).rows
                if row.title == "Grey"]  # fmt: skip
    assert worst.accuracy == 0.0 and worst.verdict == "contradicts"
    by_id = pd.DataFrame(rows).replace({"prompt": {s.prompt: s.id for s in material.shots}})
    assert agreement_part(replace(material, votes=by_id)).rows[0].accuracy == 1.0


def test_usable_clips_say_when_a_gate_could_not_tell(material):
    gates = (AskedGate("shade", "shade", at_least=0.0, why="always true"),)
    outcomes = material.outcomes.assign(usable=material.outcomes["status"] == "made", why_not="")
    clips = material.clips.assign(usable=True, why_not="")
    costs = material.costs.assign(usable=3, open=0)
    text = Page(render(replace(material, gates=gates, outcomes=outcomes, clips=clips,
                               costs=costs))).text  # fmt: skip
    # "shade" broke on one shot, so that one usable clip of each contender was not judged by it.
    assert "2 of 6 usable clips pass although some gate could not tell" in text


def test_one_contender_and_no_clip_are_no_error(tmp_path):
    alone = Study.open(tmp_path / "a", suite("one"), [FakeContender("anna")],
                       instrument=FakeInstrument(), gates=[])  # fmt: skip
    text = Page(render(dossier(alone))).text
    assert "No clip has been made yet" in text and "not asked for yet" in text
    alone.run()
    text = Page(render(dossier(alone))).text
    assert "anna stands alone" in text


def test_the_same_study_gives_the_same_page(material, page):
    assert render(material, today="2026-11-21") == page
