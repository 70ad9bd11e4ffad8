"""A study of a contender that is paid: each clip once, and no more than allowed."""

from __future__ import annotations

import pytest

from hhlab.generate.backoff import Patience
from hhlab.study import Study, verify
from tests.generate.fake_modelstudio import KEY, Fake
from tests.study.fakes import FakeInstrument, suite

QUICK = Patience(first_s=0.01, poll_s=0.005, longest_poll_s=0.01, settle_s=0.1)


@pytest.fixture
def service(small_clips, monkeypatch):
    """A service on this machine that counts what it would charge."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    fake = Fake(small_clips[0].read_bytes())
    yield fake
    fake.close()


def begin(folder):
    return Study.open(folder, suite("one", "two", "three"), ["happyhorse-1.1"],
                      instrument=FakeInstrument(), gates=[])  # fmt: skip


def test_paid_clips_are_paid_once_and_the_limit_holds(service, tmp_path):
    study = begin(tmp_path / "s")
    how = {"endpoint": service.endpoint, "patience": QUICK, "workers": 2}
    price = 0.0
    done = study.run(max_cost_usd=0.01, **how)
    assert not service.tasks and not done.is_complete
    errors = study.outcomes()
    assert set(errors["error"]) == {"BudgetExhausted"}
    assert "not begun" in errors["reason"].iloc[-1]
    assert study.run(**how).is_complete
    assert len(service.tasks) == 3 and max(service.paid().values()) == 1
    costs = study.costs().iloc[0]
    price = study.outcomes()["usd"].iloc[0]
    assert price > 0 and costs["usd"] == pytest.approx(3 * price)
    assert study.progress().usd == pytest.approx(3 * price)
    assert verify(tmp_path / "s") == []
    assert begin(tmp_path / "s").run(**how).is_complete and len(service.tasks) == 3


def test_what_was_paid_and_not_kept_is_not_paid_again(service, tmp_path):
    """As when the process dies between the download and the study's record."""
    study = begin(tmp_path / "s")
    how = {"endpoint": service.endpoint, "patience": QUICK}
    study.run(**how)
    for kind in ("outcomes", "clips"):
        for file in (tmp_path / "s" / kind).iterdir():
            file.unlink()
    manifest = tmp_path / "s" / "manifest.jsonl"
    kept = [
        x for x in manifest.read_text().splitlines() if '"outcomes' not in x and "clips/" not in x
    ]
    manifest.write_text("\n".join(kept) + "\n")
    assert begin(tmp_path / "s").run(**how).is_complete
    assert len(service.tasks) == 3
    (tmp_path / "s" / "paid" / "paid.jsonl").unlink()
    assert {found.fault for found in verify(tmp_path / "s")} == {"paid"}
