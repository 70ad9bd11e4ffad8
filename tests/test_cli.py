"""The command line as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hhlab.cli import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_SOME_FAILED, main, printable


def test_measure_prints_a_table_and_where_the_report_is(small_clips, tmp_path, capsys):
    status = main(["measure", str(small_clips[1]), "-o", str(tmp_path), "--metrics", "flicker"])
    printed = capsys.readouterr().out
    assert status == 0
    assert "flickering.mp4" in printed and "Flicker" in printed
    report = next(line for line in printed.splitlines() if line.startswith("Report:"))
    assert "<video" in Path(report.split(maxsplit=1)[1]).read_text()


def test_metrics_may_be_given_with_commas(small_clips, tmp_path, capsys):
    main(["measure", str(small_clips[0]), "-o", str(tmp_path), "--metrics", "flicker,motion"])
    printed = capsys.readouterr().out
    assert "Flicker" in printed and "Motion" in printed


def test_a_bad_file_shows_in_the_table_and_in_the_exit_status(small_clips, tmp_path, capsys):
    status = main(["measure", str(small_clips[0]), str(tmp_path / "no.mp4"), "-o",
                   str(tmp_path / "out"), "--metrics", "flicker"])  # fmt: skip
    assert status == EXIT_SOME_FAILED
    assert "FileMissing" in capsys.readouterr().out


def test_an_unknown_metric_names_the_known_ones(tmp_path, capsys):
    assert main(["measure", "x.mp4", "-o", str(tmp_path), "--metrics", "beauty"]) == EXIT_ERROR
    assert "identity" in capsys.readouterr().err


def test_ctrl_c_says_that_work_is_kept(small_clips, tmp_path, capsys, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("hhlab.batch.measure", interrupt)
    status = main(["measure", str(small_clips[0]), "-o", str(tmp_path), "--metrics", "flicker"])
    assert status == EXIT_INTERRUPTED and "goes on" in capsys.readouterr().err


def test_names_cannot_steer_the_terminal():
    assert printable("a\x1b[31mb\rc\n") == "a\\x1b[31mb\\rc\n"


def test_weights_list_names_licences(capsys):
    assert main(["weights", "list"]) == 0
    printed = capsys.readouterr().out
    assert "yunet" in printed and "MIT" in printed and "non-commercial" in printed


@pytest.mark.parametrize("arguments", [[], ["measure"], ["weights"], ["nonsense"]])
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
