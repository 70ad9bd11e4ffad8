"""A linear read-out of synchrony from the embeddings of an active-speaker network.

The network's own verdict ("this face speaks") is slow to change and hardly depends on a shift of
100 ms. Its embeddings before the two senses meet know more: canonical correlation analysis
(Hotelling, "Relations between two sets of variates", Biometrika 28, 1936), ridge-regularised and
fitted on clips in sync, finds the directions in which what is seen and what is heard move
together. Their correlation, frame by frame, is the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Sound embeddings (100 Hz) at these rows around a frame's own are joined: 40 ms before and after.
CONTEXT_ROWS = (-4, 0, 4)


@dataclass(frozen=True)
class SyncHead:
    """Directions of common movement.

    Attributes
    ----------
    picture : float32 (d, k) projection of a frame's picture embedding
    sound : float32 (d * len(CONTEXT_ROWS), k) projection of its sound embedding in context
    strength : float32 (k,) canonical correlations, used as weights
    """

    picture: np.ndarray
    sound: np.ndarray
    strength: np.ndarray

    def agreement(self, seen: np.ndarray, heard: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """How well each frame goes with each row of sound, float32 (t, n); about 0 by chance.

        Both sides are brought to zero mean and unit variance over the clip, so that neither a
        face's looks nor a voice's colour matters, only their movement.

        Parameters
        ----------
        seen : (t, d) picture embeddings;  heard : (n, d) sound embeddings at 100 Hz
        counts : bool (n,) rows of sound to take mean and variance over (speech)
        """
        x = seen @ self.picture
        y = in_context(heard) @ self.sound
        x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-6)
        base = y[counts] if counts.sum() >= 50 else y
        y = (y - base.mean(axis=0)) / (base.std(axis=0) + 1e-6)
        return ((x * self.strength) @ y.T / self.strength.sum()).astype(np.float32)

    def save(self, path: Path) -> None:
        np.savez(path, picture=self.picture, sound=self.sound, strength=self.strength)

    @classmethod
    def load(cls, path: Path | None = None) -> SyncHead:
        """Read a head; by default the one that comes with the package."""
        with np.load(path or Path(__file__).with_name("sync_head.npz")) as arrays:
            return cls(arrays["picture"], arrays["sound"], arrays["strength"])


def in_context(heard: np.ndarray) -> np.ndarray:
    """Rows joined with their neighbours at CONTEXT_ROWS, (n, 3 d); the ends are repeated."""
    rows = np.arange(len(heard))
    return np.concatenate(
        [heard[np.clip(rows + step, 0, len(heard) - 1)] for step in CONTEXT_ROWS], axis=1
    )


def fit_head(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], *, directions: int, ridge: float
) -> SyncHead:
    """Fit by ridge-regularised canonical correlation analysis.

    Parameters
    ----------
    pairs : per clip, picture embeddings (t, d) and the sound embeddings in context (t, 3 d) that
        belong to the same frames; each clip's mean is taken out
    directions : how many to keep
    ridge : added to each covariance's diagonal, relative to its mean
    """
    x = np.concatenate([a - a.mean(axis=0) for a, _ in pairs]).astype(float)
    y = np.concatenate([b - b.mean(axis=0) for _, b in pairs]).astype(float)
    # Units that hardly ever move must not be blown up.
    scale_x, scale_y = x.std(axis=0) + 0.02, y.std(axis=0) + 0.02
    x, y = x / scale_x, y / scale_y
    whiten_x, whiten_y = _whitener(x, ridge), _whitener(y, ridge)
    left, strength, right = np.linalg.svd(whiten_x.T @ (x.T @ y / len(x)) @ whiten_y)
    return SyncHead(
        (whiten_x @ left[:, :directions] / scale_x[:, None]).astype(np.float32),
        (whiten_y @ right[:directions].T / scale_y[:, None]).astype(np.float32),
        strength[:directions].astype(np.float32),
    )


def _whitener(x: np.ndarray, ridge: float) -> np.ndarray:
    """Matrix w with ``w.T @ cov @ w = 1`` for the regularised covariance of the rows of x."""
    cov = x.T @ x / len(x)
    cov += ridge * np.trace(cov) / len(cov) * np.eye(len(cov))
    return np.linalg.inv(np.linalg.cholesky(cov)).T
