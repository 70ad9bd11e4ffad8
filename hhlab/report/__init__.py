"""What people look at: the page of one clip, the overview of many, the notebook's card."""

from hhlab.report.card import card
from hhlab.report.overview import Entry, write_overview
from hhlab.report.page import render_page, write_page

__all__ = ["Entry", "card", "render_page", "write_overview", "write_page"]
