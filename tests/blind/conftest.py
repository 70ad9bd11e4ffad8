"""A small material and an empty ledger."""

from __future__ import annotations

import pytest

from hhlab.arena.ledger import Ledger
from tests.blind.makers import fake_material


@pytest.fixture
def material(tmp_path):
    return fake_material(tmp_path / "clips")


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "votes.db") as one:
        yield one
