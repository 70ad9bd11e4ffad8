"""A study's report as a file: where it goes, that the study stays whole, and paper."""

from __future__ import annotations

import shutil

import pytest

from hhlab.cli import main
from hhlab.errors import PrinterMissing, PrintFailed
from hhlab.report.pdf import check_printer, print_pdf
from hhlab.study import Study, verify
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
