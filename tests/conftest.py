"""Fixtures shared by all tests. Real clips lie beside the checkout, and tests skip without them."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips, votes and ratings; skips where it is not present."""
    if not (SHARED / "SOURCES.md").is_file():
        pytest.skip("real clips (shared/data beside the checkout) are not present")
    return SHARED
