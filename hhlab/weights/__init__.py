"""Network weights: one manifest, one cache, every file checked before it is opened.

>>> from hhlab import weights
>>> weights.path("yunet")            # a Path, or WeightsMissing naming the command to run
>>> weights.fetch("yunet")           # downloads just that file
"""

from hhlab.weights.manifest import Entry, entries, entry
from hhlab.weights.obtain import fetch, fetch_needed, helpful, path
from hhlab.weights.store import Check, cache_dir, is_here, verify

__all__ = ["Check", "Entry", "cache_dir", "entries", "entry", "fetch", "fetch_needed", "helpful",
           "is_here", "path", "verify"]  # fmt: skip
