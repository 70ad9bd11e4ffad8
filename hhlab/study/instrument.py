"""What measures the clips of a study: hhlab's own metrics, unless another instrument is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hhlab.generate.suite import SuiteShot
from hhlab.scores import Scores

if TYPE_CHECKING:
    from hhlab.toolbox import Toolbox


class Instrument(Protocol):
    """Measures clips by metrics that have names and versions."""

    def versions(self) -> Mapping[str, str]:
        """Every metric that it knows, and the version of its definition."""
        ...

    def measure(self, clip: Path, metrics: Sequence[str], *, shot: SuiteShot) -> Scores:
        """Measure a clip that was made for a shot: one score per metric, in one pass."""
        ...


class Metrics:
    """hhlab's own metrics: a clip is decoded once for all of them.

    The shot's reference pictures say whose face is meant, and its prompt what was asked.
    """

    def __init__(self, toolbox: Toolbox | None = None) -> None:
        self.toolbox = toolbox

    def versions(self) -> Mapping[str, str]:
        """See :class:`Instrument`."""
        from hhlab.tasks import METRICS

        return {kind.name: kind.version for kind in METRICS}

    def measure(self, clip: Path, metrics: Sequence[str], *, shot: SuiteShot) -> Scores:
        """See :class:`Instrument`; raises what :func:`hhlab.measure` raises."""
        from hhlab.measuring import measure

        # No metric looks at the seed, which is the take's and not the shot's.
        return measure(clip, metrics, shot=shot.shot(seed=0), toolbox=self.toolbox)
