"""The demo: a whole study from nothing, that goes on after Ctrl-C and never passes for people's."""

from __future__ import annotations

import pytest

from hhlab import demo
from hhlab.arena import fit
from hhlab.cli import EXIT_INTERRUPTED, main
from hhlab.errors import StudyMissing
from hhlab.study import Study
from tests.study.fakes import FakeContender, FakeInstrument

NAMES = ("foal", "rendered", "rendered, late sound", "rendered, waxy skin")


class Impatient(FakeContender):
    """Somebody presses Ctrl-C while it makes its n-th clip."""

    def __init__(self, name: str, after: int) -> None:
        super().__init__(name)
        self.after = after

    def generate(self, shot, **hooks):
        if len(self.calls) == self.after:
            self.after = -1
            raise KeyboardInterrupt
        return super().generate(shot, **hooks)


@pytest.fixture
def fakes(monkeypatch):
    """Contenders that draw at once and an instrument that needs no network."""
    made = {name: Impatient(name, 2 if name == NAMES[1] else -1) for name in NAMES}
    monkeypatch.setattr(demo, "contenders", lambda: made)
    monkeypatch.setattr("hhlab.study.study.Metrics", FakeInstrument)
    return made


def test_it_goes_on_after_ctrl_c_and_ends_with_a_report(fakes, tmp_path, capsys):
    assert main(["demo", "-o", str(tmp_path)]) == EXIT_INTERRUPTED
    assert not (tmp_path / "report.html").exists()
    assert main(["demo", "-o", str(tmp_path)]) == 0
    assert all(len(fake.calls) == len(demo.SUITE.shots) for fake in fakes.values())
    printed = capsys.readouterr().out
    assert "Simulated votes, of voters who are no people" in printed
    assert f"Report: {tmp_path / 'report.html'}" in printed
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The votes in this report are simulated." in text and text.count("<video") == 24

    (folder,) = tmp_path.glob("study-*")
    votes = Study.open(folder).votes()
    assert votes["simulated"].all() and votes["voter"].str.startswith("simulated: ").all()
    assert main(["demo", "-o", str(tmp_path)]) == 0
    assert len(Study.open(folder).votes()) == len(votes), "the same voters vote once"


def test_other_weights_begin_another_study(fakes, tmp_path, monkeypatch):
    opened = []

    def stop(folder, *_):
        opened.append(folder.name)
        raise StudyMissing(folder)

    monkeypatch.setattr(demo.Study, "open", stop)
    for digest in ("these", "these", "others"):
        monkeypatch.setattr(demo, "weights_digest", lambda what, now=digest: now)
        with pytest.raises(StudyMissing):
            demo.demo_study(tmp_path, quiet=True)
    assert opened[0] == opened[1] != opened[2]


def test_four_take_part_with_the_models_that_ship_first(monkeypatch):
    monkeypatch.setattr(demo, "shipped", lambda: {"foal": None, "foal-fast": None, "other": None})
    assert list(demo.contenders()) == ["foal", "foal-fast", "rendered", "rendered, late sound"]
    monkeypatch.setattr(demo, "shipped", dict)
    assert list(demo.contenders()) == ["rendered", "rendered, late sound", "rendered, waxy skin"]
    assert set(demo.contenders()) <= set(demo.QUALITY)


def test_simulated_voters_follow_what_is_written_down():
    votes = demo.simulated_votes(list(NAMES))
    assert votes.equals(demo.simulated_votes(list(NAMES)))
    assert votes["vote_id"].is_unique
    assert set(votes["prompt"]) == {shot.prompt for shot in demo.SUITE.shots}
    for place, question in enumerate(demo.QUESTIONS):
        score = fit(votes, dimension=question)
        wanted = [demo.QUALITY[name][place] for name in score.models]
        best, worst = (score.models[k] for k in (score.score.argmax(), score.score.argmin()))
        assert demo.QUALITY[best][place] >= max(wanted) - 20
        assert demo.QUALITY[worst][place] <= min(wanted) + 60
