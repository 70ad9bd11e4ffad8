"""Every hostile file, through the whole tool: a named error or a measured row, never a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from hhlab import errors
from hhlab.batch import measure_many
from hhlab.measuring import DEFAULT_METRICS
from tests.hostile import make_hostile_files


@pytest.fixture(scope="module")
def run(tmp_path_factory, needed_weights):
    """One run over all hostile files, with every metric: files, outcomes by path, table, folder."""
    folder = tmp_path_factory.mktemp("hostile")
    files = make_hostile_files(folder)
    seen = {}
    table = measure_many(
        [file.path for file in files], DEFAULT_METRICS, out=folder / "out",
        on_clip=lambda outcome: seen.__setitem__(outcome.path, outcome),
    )  # fmt: skip
    return files, seen, table, folder / "out"


pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_there_are_at_least_thirty(run):
    assert len(run[0]) >= 30


def test_each_file_is_measured_or_has_a_named_error(run):
    files, seen, _, _ = run
    wrong = []
    for file in files:
        outcome = seen[Path(file.path)]
        found = outcome.reason.split(":")[0] or "measurable"
        if file.expect == "Truncated" and outcome.scores and outcome.info.notes:
            continue  # what was left of it has been measured, and the row says that it broke off
        if found not in file.expect.split("|"):
            wrong.append(f"{file.name}: expected {file.expect}, found {found}")
    assert not wrong, "\n".join(wrong)


def test_every_error_is_one_of_ours(run):
    for outcome in run[1].values():
        if outcome.reason:
            assert issubclass(getattr(errors, outcome.reason.split(":")[0]), errors.HhlabError)


def test_no_metric_breaks(run):
    broken = [
        f"{path.name}: {score.metric}: {score.reason}"
        for path, outcome in run[1].items()
        for score in outcome.scores
        if score.status == "failed"
    ]
    assert not broken, "\n".join(broken)


def test_what_cannot_be_told_has_a_reason_and_no_number(run):
    table = run[2]
    unsure = table[table["status"] != "ok"]
    assert len(unsure) and (unsure["reason"].str.len() > 0).all()
    assert unsure["value"].isna().all()
    assert table.loc[table["status"] == "ok", "value"].notna().all()


def test_every_measured_file_has_a_page_without_foreign_markup(run):
    for outcome in run[1].values():
        if not outcome.reason:
            text = (outcome.folder / "page.html").read_text("utf-8")
            assert "<img src=x" not in text and text.count("<script") == 1
