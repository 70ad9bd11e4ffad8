"""The read-out as a recogniser for :mod:`hhlab.metrics.speech`, where it knows what it hears."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hhlab.actors.vocabulary import VOCABULARY
from hhlab.metrics.speech import SAMPLE_RATE, Heard
from hhlab.types import ClipInfo

LARGEST_PX, LONGEST_S = 128, 2.5


class SmallWorldListener:
    """Makes out the forty words of the small world, and no others."""

    name = "the small world's read-out"

    def hear(self, samples: np.ndarray) -> Heard:
        """The words in samples float32 (n,) of SAMPLE_RATE."""
        from hhlab.readout import recognise

        words = recognise(samples, sample_rate=SAMPLE_RATE)
        return Heard(words.sentence, words.confidence, False, self.name)


def listener_for(info: ClipInfo, asked: Sequence[str]) -> SmallWorldListener | None:
    """The read-out for a clip of the small world that was asked for its words; else None.

    A clip is taken for one of the small world by its size and length, which nobody else makes.
    """
    small = max(info.width_px, info.height_px) <= LARGEST_PX and info.duration_s <= LONGEST_S
    known = bool(asked) and all(word in VOCABULARY for word in asked)
    return SmallWorldListener() if small and known else None
