"""A figure as a notebook shows it: no button that sends data away, no link to anybody's site, and
colours that follow the notebook's theme."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import plotly.io as pio

from hhlab.plots.theme import themed

QUIET = {
    "showSendToCloud": False, "displaylogo": False,
    "modeBarButtonsToRemove": ["sendDataToCloud", "lasso2d", "select2d"],
}  # fmt: skip
"""Configuration of plotly's bar of buttons."""
IN_NOTEBOOKS = frozenset({"plotly_mimetype", "jupyterlab", "notebook", "notebook_connected"})
"""Plotly's names for showing a figure inside a notebook's page."""


class Chart(go.Figure):
    """A plotly figure that is shown with :data:`QUIET`, wherever nothing else is asked for.

    Inside a notebook it follows the notebook's theme; written to a file, or shown in a window of
    its own, it is dark on white.
    """

    def show(self, renderer: str | None = None, **options: Any) -> None:
        pio.show(self._drawn(renderer), renderer=renderer, **{"config": QUIET, **options})

    def _ipython_display_(self) -> None:
        if pio.renderers.render_on_display and pio.renderers.default:
            self.show()
        else:
            print(repr(self))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **options: Any) -> dict:
        drawn = self._drawn(None)
        return drawn._repr_mimebundle_(include, exclude, **{"config": QUIET, **options})

    def _drawn(self, renderer: str | None) -> go.Figure:
        names = (renderer or pio.renderers.default or "").split("+")
        return themed(self) if IN_NOTEBOOKS.intersection(names) else go.Figure(self)
