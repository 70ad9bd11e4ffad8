"""What an actor does while talking: head, blinks, gaze, brows, smile and breath over time.

Everything is a function of time in seconds and a seed, so the same performance can be shown at any
frame rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.actors.pose import Pose

BLINK_DOWN_S, BLINK_UP_S = 0.085, 0.17


def _wander(
    rng: np.random.Generator, times_s: np.ndarray, low_hz: float, high_hz: float
) -> np.ndarray:
    """A smooth random path of standard deviation about 1: four sines of random rate and phase."""
    rates = rng.uniform(low_hz, high_hz, 4)
    phases = rng.uniform(0, 2 * np.pi, 4)
    return np.sin(2 * np.pi * times_s[:, None] * rates + phases).sum(1) / np.sqrt(2)


def _events(rng: np.random.Generator, end_s: float, mean_s: float, least_s: float) -> list[float]:
    """Times of events at random intervals of at least `least_s`."""
    found, at = [], float(rng.uniform(0.2, mean_s))
    while at < end_s:
        found.append(at)
        at += least_s + float(rng.exponential(mean_s - least_s))
    return found


@dataclass(frozen=True)
class Performance:
    """How lively the actor is; all of it scaled by one number each."""

    movement: float = 1.0  # of the head
    turn_deg: float = 0.0  # a lasting turn of the head to the right of the picture
    nod_deg: float = 0.0
    expression: float = 0.5  # smiles and brows


def perform(
    how: Performance, mouths: np.ndarray, times_s: np.ndarray, energy: np.ndarray, seed: int
) -> list[Pose]:
    """Poses at `times_s`, float64 (t,).

    Parameters
    ----------
    mouths : float (t, 4), opening, width, rounding, jaw at each time
    energy : float (t,), loudness of the speech in [0, 1]: the head beats time to it
    """
    rng = np.random.default_rng([seed, 0xAC7])
    t = np.asarray(times_s, dtype=np.float64)
    m = how.movement
    yaw = how.turn_deg + m * (5.5 * _wander(rng, t, 0.07, 0.35) + 1.2 * _wander(rng, t, 0.4, 0.9))
    pitch = how.nod_deg + m * (2.6 * _wander(rng, t, 0.1, 0.4) + 2.2 * (energy - 0.3))
    roll = m * (2.4 * _wander(rng, t, 0.07, 0.3))
    sway = m * 0.045 * _wander(rng, t, 0.05, 0.25)
    bob = m * (0.018 * _wander(rng, t, 0.1, 0.4) + 0.012 * np.sin(2 * np.pi * 0.27 * t))
    end = float(t[-1]) + 1.0 if len(t) else 1.0
    blink = np.zeros_like(t)
    for at in _events(rng, end, 3.0, 0.7):
        down = np.clip((t - at) / BLINK_DOWN_S, 0, 1)
        up = np.clip((t - at - BLINK_DOWN_S - 0.03) / BLINK_UP_S, 0, 1)
        blink = np.maximum(blink, np.sin(down * np.pi / 2) * (1 - up * up * (3 - 2 * up)))
    gaze = np.zeros((len(t), 2))
    for at in _events(rng, end, 1.6, 0.35):
        target = rng.normal(0, [0.22, 0.14])
        part = np.clip((t - at) / 0.05, 0, 1)[:, None]
        gaze = gaze + (target - gaze) * part
    # eyes hold the viewer while the head turns
    gaze[:, 0] -= np.deg2rad(yaw) * 1.6
    gaze[:, 1] -= np.deg2rad(pitch) * 1.3
    gaze = np.clip(gaze, -0.9, 0.9)
    e = how.expression
    smile = e * (0.35 + 0.45 * _wander(rng, t, 0.05, 0.2))
    brow = e * 0.55 * _wander(rng, t, 0.1, 0.5)
    for at in _events(rng, end, 2.2, 0.8):
        brow = brow + e * 0.8 * np.exp(-(((t - at) / 0.22) ** 2))
    brow, smile = np.clip(brow, -0.6, 1.0), np.clip(smile, -0.3, 0.9)
    squint = np.clip(smile, 0, 1) * 0.5
    # what the mouth must do for the sound comes before the smile
    smile = smile * (1 - 0.5 * np.clip(mouths[:, 2], 0, 1))
    return [
        Pose(
            yaw=float(np.deg2rad(yaw[i])), pitch=float(np.deg2rad(pitch[i])),
            roll=float(np.deg2rad(roll[i])), shift=(float(sway[i]), float(bob[i])),
            mouth=mouths[i], smile=float(smile[i]), blink=float(blink[i]),
            squint=float(squint[i]), brow=float(brow[i]),
            gaze=(float(gaze[i, 0]), float(gaze[i, 1])),
        )
        for i in range(len(t))
    ]  # fmt: skip
