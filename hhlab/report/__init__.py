"""What people look at: the page of one clip, the overview of many, the notebook's card.

The report of a study is in :mod:`hhlab.report.study`.
"""

from hhlab.report.card import card
from hhlab.report.frame import frame
from hhlab.report.overview import Entry, write_overview
from hhlab.report.page import render_page, write_page

__all__ = ["Entry", "card", "frame", "render_page", "write_overview", "write_page"]
