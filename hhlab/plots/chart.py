"""A figure as a notebook shows it: no button that sends data away, no link to anybody's site."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import plotly.io as pio

QUIET = {
    "showSendToCloud": False, "displaylogo": False,
    "modeBarButtonsToRemove": ["sendDataToCloud", "lasso2d", "select2d"],
}  # fmt: skip
"""Configuration of plotly's bar of buttons."""


class Chart(go.Figure):
    """A plotly figure that is shown with :data:`QUIET`, wherever nothing else is asked for."""

    def show(self, *args: Any, **options: Any) -> None:
        super().show(*args, **{"config": QUIET, **options})

    def _ipython_display_(self) -> None:
        if pio.renderers.render_on_display and pio.renderers.default:
            self.show()
        else:
            print(repr(self))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **options: Any) -> dict:
        return super()._repr_mimebundle_(include, exclude, **{"config": QUIET, **options})
