"""Plots: a DataFrame or a result in, a plotly Figure out; nothing is written or measured here."""

from hhlab.plots.agreement import agreement, learning_curve, redundancy
from hhlab.plots.arena import by_category, history, leaderboard, win_matrix
from hhlab.plots.scores import comparison, timeline

__all__ = ["agreement", "by_category", "comparison", "history", "leaderboard", "learning_curve",
           "redundancy", "timeline", "win_matrix"]  # fmt: skip
