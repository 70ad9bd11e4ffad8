"""Network weights: one manifest, one cache, every file checked before it is opened.

>>> from hhlab import weights
>>> weights.path("yunet")            # a Path, or WeightsMissing naming the command to run
>>> weights.fetch("yunet")           # downloads just that file
"""

from hhlab.weights.fetch import Check, cache_dir, fetch, fetch_needed, path, verify
from hhlab.weights.manifest import Entry, entries, entry

__all__ = ["Check", "Entry", "cache_dir", "entries", "entry", "fetch", "fetch_needed", "path",
           "verify"]  # fmt: skip
