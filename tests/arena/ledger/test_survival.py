"""Eight processes vote at once and are killed at random: every acknowledged vote is there once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hhlab.arena.ledger import Ledger
from tests.arena.ledger import voting_booth

WORKERS = 8


def survive(place: str, folder: Path, *, votes_each: int, kills: int) -> None:
    booth = subprocess.run(
        [sys.executable, voting_booth.__file__, place, folder, str(WORKERS), str(votes_each),
         str(kills), "11"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert booth.returncode == 0, booth.stdout + booth.stderr
    acknowledged = [
        line.strip() for worker in range(WORKERS)
        for line in (folder / f"{worker}.txt").read_text().splitlines()
    ]  # fmt: skip
    assert len(acknowledged) == len(set(acknowledged)) == WORKERS * votes_each
    with Ledger.open(place, create=False) as ledger:
        recorded = [event.subject for event in ledger.events() if event.kind == "voted"]
        assert sorted(recorded) == sorted(acknowledged)
        table = ledger.to_frame()
        health = ledger.doctor()
        writers = len({event.writer for event in ledger.events()})
    assert health.ok, health.findings[:5]
    for name, outcome in zip(table.vote_id, table.winner, strict=True):
        worker, k = map(int, name.split("-"))
        assert outcome == voting_booth.outcome_of(worker, k)
    assert int(booth.stdout.split()[0]) == kills
    assert WORKERS < writers <= WORKERS + kills


@pytest.mark.skipif(sys.platform == "win32", reason="forks and kills")
def test_no_vote_is_lost_or_doubled_when_voters_are_killed(place, tmp_path):
    survive(place, tmp_path, votes_each=40, kills=4)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks and kills")
def test_no_vote_of_twenty_thousand_is_lost_or_doubled(place, tmp_path):
    survive(place, tmp_path, votes_each=2500, kills=30)
