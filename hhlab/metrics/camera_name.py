"""Names for camera moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST = {"sideways": 0.03, "upwards": 0.03, "zoom": 0.04, "roll": 3.0, "shake": 0.0035}
"""What counts as a move over a shot: shift as a share of the picture's longer side, logarithm of
the growth, degrees, and root mean square of the unsteadiness as a share of the longer side."""
STEADY = 0.5
"""Share of the way that must lead one way: a camera that goes and comes back has not panned."""
MOVED_SHARE = 0.6
"""Below this share of corners that one shift, turn and growth of the picture explain, near and far
things move differently: the camera itself moved."""
ORBIT_SHARE = 0.3
SMOOTH_S = 0.6
_NAMES = {"sideways": (("pan", "truck"), ("right", "left")),
          "upwards": (("tilt", "pedestal"), ("up", "down")),
          "zoom": (("zoom", "dolly"), ("in", "out")),
          "roll": (("roll", "roll"), ("right", "left"))}  # fmt: skip


@dataclass(frozen=True)
class Move:
    """What a camera did over a shot.

    Attributes
    ----------
    name : "static", "pan left", "truck right", "tilt up", "pedestal down", "zoom in", "dolly out",
        "roll left", "orbit" or "shake"; the strongest where there are several
    also : names of others that are at least half as plain
    strength : how many times what counts as a move
    unsteady : root mean square of the unsteadiness, share of the longer side
    """

    name: str
    also: tuple[str, ...]
    strength: float
    unsteady: float


def name_move(
    steps: np.ndarray, *, step_s: float, explained: float, middle: float, sides: float
) -> Move:
    """Name a move.

    Parameters
    ----------
    steps : float64 (n, 4), per step: shift of the picture right and down as a share of its longer
        side, logarithm of its growth, degrees it turns clockwise
    step_s : seconds a step
    explained : 0 to 1, share of the corners that these steps explain, median over steps
    middle, sides : how far the middle of the picture and its two sides have shifted to the right,
        as a share of the longer side; nan where there was nothing to follow
    """
    path = np.concatenate([np.zeros((1, 4)), np.cumsum(steps, axis=0)])
    smooth = _smooth(path, max(1, round(SMOOTH_S / step_s)))
    net, way = smooth[-1] - smooth[0], np.abs(np.diff(smooth, axis=0)).sum(axis=0)
    steady = np.abs(net) >= STEADY * way
    # The picture goes left when the camera turns right, down when it turns up, and so on.
    signed = net * np.array([-1, 1, 1, -1])
    unsteady = path[:, :2] - smooth[:, :2]
    strength = {
        name: float(abs(amount)) / LEAST[name] if ok else 0.0
        for name, amount, ok in zip(_NAMES, signed, steady, strict=True)
    }
    moved = explained < MOVED_SHARE
    names = {
        key: f"{kinds[moved]} {ways[0] if amount > 0 else ways[1]}"
        for (key, (kinds, ways)), amount in zip(_NAMES.items(), signed, strict=True)
    }
    shaken = float(np.sqrt(np.square(unsteady).sum(axis=1).mean()))
    strength["shake"] = shaken / LEAST["shake"]
    names["shake"] = "shake"
    if abs(sides) >= LEAST["sideways"] and middle / sides < ORBIT_SHARE:
        strength["orbit"], names["orbit"] = abs(sides - middle) / LEAST["sideways"], "orbit"
        strength["sideways"] = 0.0
    found = sorted(((s, names[k]) for k, s in strength.items() if s >= 1), reverse=True)
    if not found:
        return Move("static", (), max(strength.values()), shaken)
    most = found[0][0]
    return Move(found[0][1], tuple(n for s, n in found[1:] if s >= most / 2), most, shaken)


def _smooth(path: np.ndarray, window: int) -> np.ndarray:
    """Moving average over `window` steps; the ends go on as straight lines."""
    half = min(window // 2, (len(path) - 1) // 2)
    if half == 0:
        return path
    before, after = 2 * path[0] - path[half:0:-1], 2 * path[-1] - path[-2 : -half - 2 : -1]
    longer = np.concatenate([before, path, after])
    total = np.cumsum(np.concatenate([np.zeros((1, path.shape[1])), longer]), axis=0)
    return (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)
