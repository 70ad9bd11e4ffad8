"""A study's report as a file: where it goes, that the study stays whole, and paper."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

import hhlab as hh
from hhlab.cli import main
from hhlab.errors import BadArgument, PrinterMissing, PrintFailed, TooFew
from hhlab.report.pdf import check_printer, print_pdf
from hhlab.report.study.agreeing import agreement_part
from hhlab.study import Study, verify
from hhlab.study.report import dossier
from tests.study.fakes import FakeContender, FakeInstrument, suite


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "june"
    made = Study.open(folder, suite("one", "two"), [FakeContender("anna"), FakeContender("bert")],
                      instrument=FakeInstrument(), gates=[])  # fmt: skip
    made.run()
    return made


def test_the_command_writes_it_into_the_study_which_stays_whole(study, capsys):
    assert main(["report", str(study.folder)]) == 0
    path = study.folder / "report.html"
    assert str(path) in capsys.readouterr().out
    assert "cannot be told apart" in path.read_text(encoding="utf-8")
    assert verify(study.folder) == []


def test_it_can_go_elsewhere_and_be_small(study, tmp_path):
    assert main(["report", str(study.folder), "-o", str(tmp_path / "r.html"),
                 "--most-mb", "0"]) == 0  # fmt: skip
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<video" not in text and len(text) < 100_000
    assert main(["report", str(study.folder), "--most-mb", "-1"]) == 1


def test_a_name_of_another_kind_of_file_is_refused_and_nothing_written(study, tmp_path, capsys):
    for name in ("r.pdf", "r.txt"):
        assert main(["report", str(study.folder), "-o", str(tmp_path / name)]) == 1
        said = capsys.readouterr().err
        assert f"{name}': expected a name that ends in .html; --pdf" in said and name[1:] in said
    with pytest.raises(BadArgument, match=r"r\.html.*ends in \.pdf"):
        study.report(tmp_path / "r.html", pdf=tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_no_study_is_a_named_error(tmp_path, capsys):
    assert main(["report", str(tmp_path / "nowhere")]) == 1
    assert "StudyMissing" in capsys.readouterr().err


def test_the_digest_tells_states_apart(study, tmp_path):
    copy = shutil.copytree(study.folder, tmp_path / "copy")
    same = Study.open(copy)
    assert same.digest() == study.digest()
    same.add_votes(_one_vote())
    assert same.digest() != study.digest()


def _one_vote():
    import pandas as pd

    return pd.DataFrame([{"model_a": "anna", "model_b": "bert", "winner": "a", "voter": "v"}])


def _many_votes(names=("anna", "bert"), prompts=("one", "two")):
    import pandas as pd

    rows = [{"model_a": names[k % 2], "model_b": names[1 - k % 2], "winner": "a" if k % 3 else "b",
             "voter": f"v{k}", "prompt": prompts[k % len(prompts)]} for k in range(12)]  # fmt: skip
    return pd.DataFrame(rows)


def test_agreement_is_what_the_report_shows(tmp_path):
    prompts = ("one", "two", "three", "four")
    made = Study.open(tmp_path / "s", suite(*prompts), [FakeContender("a"), FakeContender("b")], 2,
                      instrument=FakeInstrument(), gates=[])  # fmt: skip
    made.run()
    with pytest.raises(TooFew, match="nobody has voted"):
        made.agreement()
    made.add_votes(_many_votes(("a", "b"), prompts))
    found = made.agreement()
    row = found["grey.grey"]
    assert row.n_pairs == 12 and found.n_judgements == 12 and found.n_unmatched == 0
    value = made.scores().query("measure == 'grey' and seed == 0")
    value = value.set_index(["contender", "shot"])["value"]
    shots = {prompt: f"shot-{k}" for k, prompt in enumerate(prompts)}
    right = [
        (value[v.model_a, shots[v.prompt]] < value[v.model_b, shots[v.prompt]]) == (v.winner == "a")
        for v in made.votes().itertuples()
    ]
    assert row.accuracy == pytest.approx(sum(right) / 12)  # of grey, lower is better
    (shown,) = [one for one in agreement_part(dossier(made)).rows if one.title == "Grey"]
    assert (shown.accuracy, shown.verdict) == (row.accuracy, row.verdict)


def test_votes_of_a_study_go_into_fits_as_they_are(tmp_path):
    import pandas as pd

    made = Study.open(tmp_path / "s", suite("one", "two"),
                      [FakeContender("anna"), FakeContender("bert")],
                      instrument=FakeInstrument(), gates=[])  # fmt: skip
    made.add_votes(_many_votes())
    assert hh.arena.fit(made.votes()).score.tolist() == made.ratings().score.tolist()
    table = pd.DataFrame({"prompt": ["one", "one", "two", "two"], "model": ["anna", "bert"] * 2,
                          "metric": [1.0, 0.0, 1.0, 0.0]})  # fmt: skip
    assert hh.agreement(table, made.votes(), draws=20)["metric"].n_pairs == 12
    assert "weight" not in made.votes()
    made.add_votes(_one_vote().assign(weight=3.0))
    assert sorted(set(made.votes()["weight"])) == [1.0, 3.0]
    assert hh.arena.fit(made.votes()).votes.sum() == 2 * 13


def test_ready_clips_have_no_time_of_making(tmp_path):
    class Ready(FakeContender):
        def generate(self, shot, **how):
            clip = super().generate(shot, **how)
            return replace(clip, provenance=dict(clip.provenance) | {"took_s": None})

    made = Study.open(tmp_path / "s", suite("one", "two"), [Ready("ready"), FakeContender("anna")],
                      instrument=FakeInstrument(), gates=[])  # fmt: skip
    made.run()
    took = made.costs().set_index("contender")[["took_s", "took_s_per_usable_s"]]
    assert took.loc["ready"].isna().all() and took.loc["anna"].notna().all()
    # As hhlab once kept it: how long the file took to read.
    with made._store.writing():
        for outcome in made._store.outcomes().values():
            if outcome.contender == "ready":
                made._store.keep_outcome(replace(outcome, took_s=0.01))
    again = Study.open(tmp_path / "s", instrument=FakeInstrument())
    assert again.outcomes().query("contender == 'ready'")["took_s"].isna().all()


def test_a_missing_browser_is_told_before_any_work_with_what_to_install(study, monkeypatch, capsys):
    monkeypatch.delenv("HHLAB_CHROMIUM", raising=False)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("hhlab.report.study.render", lambda *_, **__: pytest.fail("worked first"))
    with pytest.raises(PrinterMissing, match="apt-get install chromium"):
        check_printer()
    assert main(["report", str(study.folder), "--pdf"]) == 1
    assert "PrinterMissing" in capsys.readouterr().err


def test_a_browser_that_prints_nothing_is_named(monkeypatch, tmp_path):
    broken = tmp_path / "browser"
    broken.write_text("#!/bin/sh\necho no display >&2\nexit 7\n")
    broken.chmod(0o755)
    monkeypatch.setenv("HHLAB_CHROMIUM", str(broken))
    with pytest.raises(PrintFailed, match="status 7, no display"):
        print_pdf("<p>hello", tmp_path / "out.pdf")
    assert not (tmp_path / "out.pdf").exists()
    monkeypatch.setenv("HHLAB_CHROMIUM", str(tmp_path / "nothing"))
    with pytest.raises(PrinterMissing):
        check_printer()


@pytest.mark.slow
def test_it_prints(study, tmp_path):
    try:
        check_printer()
    except PrinterMissing as missing:
        pytest.skip(str(missing))
    study.report(tmp_path / "r.html", pdf=True)
    data = (tmp_path / "r.pdf").read_bytes()
    assert data.startswith(b"%PDF-") and data.count(b"/Type /Page\n") >= 2
