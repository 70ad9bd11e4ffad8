"""The benchmark of large studies fills one that can be opened, and counts every clip once."""

from __future__ import annotations

from eval.benchmarks import open_study
from hhlab.study import Study, verify


def test_what_is_filled_is_a_study_with_every_clip_and_number(tmp_path):
    parts = list(open_study.fill(tmp_path / "s", clips=23, metrics=2))
    assert sum(clips for clips, _ in parts) == 23
    assert all(took.busy_s > 0 and took.clock_s > 0 for _, took in parts)
    assert verify(tmp_path / "s") == []
    study = Study.open(tmp_path / "s", instrument=open_study.Metrics(2))
    made = study.outcomes().query("status == 'made'")
    assert len(made) == 23 and len(study.scores()) == 23 * 2 * open_study.NUMBERS
