"""What one sees and clicks in a notebook: the blind pair, and players that keep in step.

>>> hh.widgets.BlindPair(study, ledger="votes.db", voter="anna")

Names are loaded when first used. Nothing here imports torch.
"""

from __future__ import annotations

from hhlab.lazy import lazy

_HOME = {
    "BlindPair": "pair",
    "live_leaderboard": "standing",
    "Compare": "compare",
    "PromptLab": "prompt_lab",
}

__getattr__, __dir__, __all__ = lazy(__name__, _HOME)
