"""Rooms whose names are loaded late: what a module holds is not hidden by the module."""

from __future__ import annotations

import subprocess
import sys


def test_a_name_is_what_it_says_even_where_its_module_is_called_the_same():
    code = """
import hhlab.blind
hhlab.blind.Entry  # loads the module hhlab.blind.prepare
from hhlab.blind.stand_ins import QUALITY  # loads another beforehand
print(callable(hhlab.blind.prepare), callable(hhlab.blind.stand_ins), len(QUALITY) > 0)
from hhlab.blind.prepare import Entry
print(Entry is hhlab.blind.Entry)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True"] * 4
