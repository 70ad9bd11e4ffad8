"""One secret link per rater."""

from __future__ import annotations

import pytest

from hhlab.blind.raters import rater_of, tokens
from hhlab.errors import BadArgument


def test_links_stay_and_are_told_apart(tmp_path):
    first = tokens(tmp_path, ["anna", "ben"])
    assert tokens(tmp_path, ["ben", "cy"])["anna"] == first["anna"]
    assert len(set(tokens(tmp_path).values())) == 3 and all(len(t) >= 20 for t in first.values())
    assert rater_of(tmp_path, first["ben"]) == "ben"
    for wrong in ("", "anna", first["ben"][:-1], first["ben"] + "x"):
        assert rater_of(tmp_path, wrong) is None
    assert (tmp_path / "raters.json").stat().st_mode & 0o077 == 0


def test_a_broken_list_is_named(tmp_path):
    (tmp_path / "raters.json").write_text("[1]")
    with pytest.raises(BadArgument):
        tokens(tmp_path)
