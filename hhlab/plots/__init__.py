"""Plots: a DataFrame in, a plotly Figure out; nothing is read, written or measured here."""

from hhlab.plots.scores import comparison, timeline

__all__ = ["comparison", "timeline"]
