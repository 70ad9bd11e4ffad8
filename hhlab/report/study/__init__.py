"""The report of a study: for somebody who has to decide, and was not there.

A :class:`Dossier` holds all that it is made from; :func:`render` makes one HTML page of it.
``hhlab.Study.report`` does both, and writes the file.
"""

from hhlab.report.study.build import MOST_BYTES, render
from hhlab.report.study.dossier import AskedGate, AskedShot, Dossier

__all__ = ["MOST_BYTES", "AskedGate", "AskedShot", "Dossier", "render"]
