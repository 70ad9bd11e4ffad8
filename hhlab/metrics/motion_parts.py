"""What of a flow the camera made, and what things made by themselves.

The camera's part is one shift, turn and growth of the picture that most of it follows, found by
iteratively reweighted least squares with Tukey's biweight (Beaton and Tukey 1974). Where less than
half of the picture follows any one, near and far things move differently or a person fills the
picture, and the parts cannot be told from each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EVERY_PX = 8
ROUNDS = 8
NEAR_PX = 0.5
"""Flow that differs from the camera's by less than this, or by a tenth of it, follows it."""
LEAST_FOLLOWS = 0.5


@dataclass(frozen=True)
class Parts:
    """A flow on a coarse grid, taken apart; pixels a step.

    Attributes
    ----------
    camera_px : float64 (rows, columns, 2), what the camera alone would do at each point
    rest_px : float64 (rows, columns, 2), what is left
    follows : 0 to 1, share of the points that the camera's part explains
    """

    camera_px: np.ndarray
    rest_px: np.ndarray
    follows: float

    @property
    def known(self) -> bool:
        """Whether the camera's part can be told from the rest."""
        return self.follows >= LEAST_FOLLOWS


def parts_of(flow_px: np.ndarray) -> Parts:
    """Take a flow float32 (h, w, 2), x and y, apart."""
    height, width = flow_px.shape[:2]
    rows = np.arange(min(EVERY_PX // 2, height - 1), height, EVERY_PX)
    columns = np.arange(min(EVERY_PX // 2, width - 1), width, EVERY_PX)
    flow = flow_px[np.ix_(rows, columns)].reshape(-1, 2).astype(np.float64)
    y, x = (g.ravel() for g in np.meshgrid(rows - height / 2, columns - width / 2, indexing="ij"))
    one, none = np.ones_like(x), np.zeros_like(x)
    # (shift right, shift down, growth, turn), for all x and then for all y
    basis = np.concatenate([np.stack([one, none, x, -y], -1), np.stack([none, one, y, x], -1)])
    wanted = np.concatenate([flow[:, 0], flow[:, 1]])
    found = np.array([*np.median(flow, axis=0), 0.0, 0.0])
    for _ in range(ROUNDS):
        left = np.linalg.norm((wanted - basis @ found).reshape(2, -1), axis=0)
        scale = max(4.685 * float(np.median(left)) / 0.6745, NEAR_PX)
        weight = np.tile(np.square(np.clip(1 - np.square(left / scale), 0, None)), 2)
        weighted = basis * weight[:, None]
        # a little is added, so that a grid of one row or column can be solved too
        found = np.linalg.solve(weighted.T @ basis + 1e-6 * np.eye(4), weighted.T @ wanted)
    camera = (basis @ found).reshape(2, -1).T
    rest = flow - camera
    near = np.linalg.norm(rest, axis=1) <= np.maximum(NEAR_PX, 0.1 * np.linalg.norm(camera, axis=1))
    shape = (len(rows), len(columns), 2)
    return Parts(camera.reshape(shape), rest.reshape(shape), float(near.mean()))
