"""Fit the map from heard to seen lip movement on real clips, each clip's own lag left free.

    python -m eval.training.lip_match --data ../shared/data

Clips that pass for synchronous are off by up to a tenth of a second, so their lags cannot be taken
to be zero. They are found together with the map: starting from a map written by hand (lips that are
heard to open are seen to open; lips that are heard to close are seen to close), each clip's lag is
where the map of the *other* clips fits it best, and the map is fitted anew at these lags, until
nothing changes. What is left undetermined by this, the lag common to all clips, stays where the
hand-written map put it: the lips are seen to meet when the sound of /p b m/ stops.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from eval.training.clips import TALKING, track_and_sound
from hhlab.metrics.lip_sync import articulation_sound as heard
from hhlab.metrics.lip_sync.articulation import Match, Movement, at_times, heard_movement
from hhlab.metrics.lip_sync.articulation import seen_movement as seen_of
from hhlab.metrics.lip_sync.articulation_picture import FEATURES, watch
from hhlab.types import Audio, FaceTrack

RIDGE = 0.1
SHRINK = 0.1  # towards errors of equal variance in all directions
LAGS_MS = np.arange(-800.0, 800.1, 10.0)
BY_HAND = {
    ("opening", "aperture"): 0.4, ("opening", "area"): 0.4, ("opening", "height"): 0.3,
    ("closure", "aperture"): -0.4, ("closure", "area"): -0.3, ("closure", "height"): -0.4,
    ("jaw", "jaw"): 0.4, ("jaw", "lower_lip"): 0.4, ("width", "width"): 0.3,
    ("rounding", "width"): -0.2, ("rounding", "protrusion"): 0.2,
}  # fmt: skip
Pair = tuple[Movement, Movement]


def movements(track: FaceTrack, audio: Audio, net: heard.ArticulationNet) -> Pair:
    """Seen and heard movement of one clip."""
    return seen_of(watch(track)), heard_movement(heard.listen(audio, net))


def by_hand() -> Match:
    """The map to start from; movements to movements and speeds to speeds."""
    channels, features = len(heard.CHANNELS), len(FEATURES)
    weight = np.zeros((2 * channels, 2 * features))
    for (channel, feature), value in BY_HAND.items():
        row, column = heard.CHANNELS.index(channel), FEATURES.index(feature)
        weight[row, column] = weight[row + channels, column + features] = value
    return Match(weight, np.eye(2 * features))


def fit_match(pairs: list[Pair], lags_ms: list[float]) -> Match:
    """Ridge regression of seen on heard at the given lags; every clip counts the same."""
    inputs = outputs = both = 0.0
    for (seen, expected), lag_ms in zip(pairs, lags_ms, strict=True):
        x = at_times(expected, seen.times_s + lag_ms / 1000)
        known = np.isfinite(x[:, 0])
        x, v = x[known], seen.values[known]
        share = 1 / known.sum() / len(pairs)
        inputs, outputs, both = (
            inputs + share * x.T @ x,
            outputs + share * v.T @ v,
            (both + share * x.T @ v),
        )
    weight = np.linalg.solve(inputs + RIDGE * np.eye(len(inputs)), both)
    error = outputs - both.T @ weight - weight.T @ both + weight.T @ inputs @ weight
    error += SHRINK * np.eye(len(error)) * np.trace(error) / len(error)
    power, axes = np.linalg.eigh(np.linalg.inv(error))
    return Match(weight, axes * np.sqrt(power))


def best_lag_ms(pair: Pair, match: Match) -> float:
    """Where the whole clip fits best, refined by a parabola."""
    seen, expected = pair
    v = seen.values @ match.whiten
    foretold = Movement(expected.times_s, expected.values @ match.weight @ match.whiten, v[:, 0])
    curve = []
    for lag_ms in LAGS_MS:
        p = at_times(foretold, seen.times_s + lag_ms / 1000)
        curve.append(np.nanmean(np.einsum("nk,nk->n", v - 0.5 * p, p)))
    top = int(np.clip(np.argmax(curve), 1, len(curve) - 2))
    left, middle, right = curve[top - 1 : top + 2]
    bend = left - 2 * middle + right
    return float(LAGS_MS[top] + 10 * (0.5 * (left - right) / bend if bend < 0 else 0))


def settle(pairs: list[Pair], *, rounds: int = 12) -> tuple[Match, list[float]]:
    """Fit map and lags in turns; a clip's lag never comes from a map that has seen the clip."""
    lags = [best_lag_ms(pair, by_hand()) for pair in pairs]
    for _ in range(rounds):
        new = []
        for k, pair in enumerate(pairs):
            others = [j for j in range(len(pairs)) if j != k]
            match = fit_match([pairs[j] for j in others], [lags[j] for j in others])
            new.append(best_lag_ms(pair, match))
        settled = np.abs(np.subtract(new, lags)).max() < 1
        lags = new
        if settled:
            break
    return fit_match(pairs, lags), lags


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument(
        "--weights", type=Path, default=Path("data/weights/articulation.safetensors")
    )
    options = parser.parse_args()
    net = heard.load(options.weights)
    pairs = [
        movements(*track_and_sound(options.data / "talk" / f"{name}.mp4", options.cache), net)
        for name in TALKING
    ]
    match, lags = settle(pairs)
    for name, lag_ms in zip(TALKING, lags, strict=True):
        print(f"{name}: {lag_ms:+.0f} ms")
    arrays = dict(net.arrays)
    arrays["match.weight"] = match.weight.astype(np.float32)
    arrays["match.whiten"] = match.whiten.astype(np.float32)
    save_file(arrays, options.weights)


if __name__ == "__main__":
    main()
