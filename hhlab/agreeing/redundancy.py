"""Which metrics say the same? Pairs whose rank correlation is too high to count both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hhlab.agreeing.material import score_table
from hhlab.agreeing.statistics import spearman
from hhlab.errors import BadArgument

if TYPE_CHECKING:
    import pandas as pd

ABOVE = 0.9
FEWEST_CLIPS = 5


@dataclass(frozen=True, eq=False)
class Redundancy:
    """Spearman's rho between metrics over clips, and the pairs beyond a bound.

    Attributes
    ----------
    metrics : names
    rho : float64 (m, m), -1 to 1; over the clips that both could judge; nan below five of them
    n_clips : int64 (m, m) how many those are
    pairs : (metric, metric, rho) with |rho| > `above`, the closest first
    above : the bound
    """

    metrics: tuple[str, ...]
    rho: np.ndarray
    n_clips: np.ndarray
    pairs: tuple[tuple[str, str, float], ...]
    above: float = ABOVE

    def to_frame(self) -> pd.DataFrame:
        """The matrix, a row and a column per metric."""
        import pandas as pd

        return pd.DataFrame(self.rho, index=list(self.metrics), columns=list(self.metrics))


def redundancy(
    scores: pd.DataFrame,
    *,
    metrics: Sequence[str] | None = None,
    lower_is_better: Sequence[str] = (),
    above: float = ABOVE,
) -> Redundancy:
    """Find metrics that double each other.

    Parameters
    ----------
    scores, metrics, lower_is_better : as in :func:`hhlab.agreeing.agreement`
    above : |rho| beyond which a pair is told, 0 to 1

    Raises
    ------
    BadArgument : the table is not of that layout
    """
    if not 0 <= above <= 1:
        raise BadArgument("above", expected="0 to 1", found=repr(above))
    table, names = score_table(scores, metrics=metrics, lower_is_better=lower_is_better)
    values = table[list(names)].to_numpy(np.float64)
    finite = np.isfinite(values)
    rho = np.full((len(names), len(names)), np.nan)
    shared = finite.T.astype(np.int64) @ finite.astype(np.int64)
    for i in range(len(names)):
        for j in range(i, len(names)):
            both = finite[:, i] & finite[:, j]
            if both.sum() >= FEWEST_CLIPS:
                found = spearman(values[both, i], values[both, j], np.ones((1, int(both.sum()))))
                rho[i, j] = rho[j, i] = found[0]
    pairs = [(names[i], names[j], float(rho[i, j])) for i in range(len(names))
             for j in range(i + 1, len(names)) if abs(rho[i, j]) > above]  # fmt: skip
    return Redundancy(names, rho, shared, tuple(sorted(pairs, key=lambda p: -abs(p[2]))), above)
