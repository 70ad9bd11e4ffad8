"""The command line as a user meets it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
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


def test_nothing_but_bad_files_still_prints_each_reason(tmp_path, capsys):
    (tmp_path / "empty.mp4").touch()
    names = [str(tmp_path / "no.mp4"), str(tmp_path / "empty.mp4"), str(tmp_path)]
    status = main(["measure", *names, "-o", str(tmp_path / "out"), "--metrics", "flicker"])
    printed = capsys.readouterr().out
    assert status == EXIT_SOME_FAILED
    assert all(kind in printed for kind in ("FileMissing", "FileEmpty", "NotAFile"))
    assert "index.html" in printed


def test_a_metric_that_fails_shows_in_the_exit_status(small_clips, tmp_path, monkeypatch, capsys):
    def fail(*_args, **_options):
        raise ZeroDivisionError("no room")

    monkeypatch.setattr("hhlab.metrics.flicker.FlickerObserver.result", fail)
    arguments = ["measure", str(small_clips[0]), "-o", str(tmp_path), "--metrics", "flicker"]
    assert main(arguments) == EXIT_SOME_FAILED
    assert "no room" in capsys.readouterr().out


def test_results_cannot_go_into_a_file(small_clips, tmp_path, capsys):
    (tmp_path / "file").write_text("precious")
    for place in ("file", "file/below"):
        out = str(tmp_path / place)
        arguments = ["measure", str(small_clips[0]), "-o", out, "--metrics", "flicker"]
        assert main(arguments) == EXIT_ERROR
        error = capsys.readouterr().err
        assert error.startswith("hhlab: BadArgument: 'out'") and out in error
    assert (tmp_path / "file").read_text() == "precious"


def test_a_reference_that_is_no_picture_is_named(small_clips, tmp_path, capsys):
    (tmp_path / "text.jpg").write_text("a letter")
    arguments = ["measure", str(small_clips[0]), "-o", str(tmp_path / "out"), "--references",
                 str(tmp_path / "text.jpg")]  # fmt: skip
    assert main(arguments) == EXIT_ERROR
    error = capsys.readouterr().err
    assert "NotMedia" in error and "text.jpg" in error and "b'a letter'" in error


def test_an_unknown_metric_names_the_known_ones(tmp_path, capsys):
    assert main(["measure", "x.mp4", "-o", str(tmp_path), "--metrics", "beauty"]) == EXIT_ERROR
    assert "identity" in capsys.readouterr().err


def test_ctrl_c_says_that_work_is_kept(small_clips, tmp_path, capsys, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("hhlab.batch.measure", interrupt)
    status = main(["measure", str(small_clips[0]), "-o", str(tmp_path), "--metrics", "flicker"])
    assert status == EXIT_INTERRUPTED and "goes on" in capsys.readouterr().err


def test_clips_may_follow_references_after_two_dashes(small_clips, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((32, 32, 3), 90, np.uint8))
    status = main(["measure", "--metrics", "flicker", "-o", str(tmp_path / "out"), "--references",
                   str(tmp_path / "a.png"), "--", str(small_clips[0])])  # fmt: skip
    assert status == 0 and "steady.mp4" in capsys.readouterr().out


def test_identity_of_what_has_no_face_in_a_box(small_clips, tmp_path, capsys, monkeypatch):
    class Encoder:
        sees, input_px, name = "picture", 16, "mean colour"

        def __init__(self, architecture, *, pretrained):
            assert (architecture, pretrained) == ("ViT-B-32", "a:b/tiny.safetensors")

        def embed(self, crops):
            colours = np.asarray(crops, np.float32).mean(axis=(1, 2))
            return colours / np.linalg.norm(colours, axis=1, keepdims=True)

    monkeypatch.setattr("hhlab.metrics.encoders.OpenClipEncoder", Encoder)
    monkeypatch.setattr("hhlab.toolbox.Toolbox.detector", property(lambda self: pytest.fail()))
    status = main([
        "measure", str(small_clips[0]), "-o", str(tmp_path), "--metrics", "identity", "--csv",
        "--encoder", "ViT-B-32:a:b/tiny.safetensors", "--box", "4", "6", "40", "50",
    ])  # fmt: skip
    assert status == 0, capsys.readouterr()
    table = pd.read_csv(tmp_path / "scores.csv")
    assert set(table["encoder"]) == {"mean colour"}
    assert set(table["subject"]) == {"box [4, 6, 40, 50]"}


@pytest.mark.parametrize(
    ("options", "word"),
    [(["--box", "0", "0", "8", "8"], "--encoder"), (["--encoder", "ViT-B-32"], "NAME:PRETRAINED"),
     (["--encoder", "no-such:tag"], "architecture")],
)  # fmt: skip
def test_half_an_encoder_is_named(small_clips, tmp_path, capsys, options, word):
    arguments = ["measure", str(small_clips[0]), "-o", str(tmp_path), *options]
    assert main(arguments) == EXIT_ERROR
    assert word in capsys.readouterr().err


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
