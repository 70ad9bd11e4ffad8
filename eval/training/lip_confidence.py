"""Learn how far to trust an articulation fit, from cuts of real clips with right and wrong sound.

    python -m eval.training.lip_confidence --data ../shared/data

A logistic regression on four traits of the fit; "right" means within 80 ms. Right and wrong trials
are weighted two to one. Run after `eval.training.lip_match`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.optimize import minimize

from eval.training.lip_trials import talkers, trials
from hhlab.metrics.lip_sync import articulation_sound as heard
from hhlab.metrics.lip_sync.articulation import trait_vector
from hhlab.metrics.lip_sync.solve import solve_offset

RIGHT_TO_WRONG = 2.0
PENALTY = 0.02


def examine(data: Path, weights: Path, cache: Path | None, seed: int):
    """Traits (n, 5), whether right (n,), and clip names (n,), over all trials that give a fit."""
    rows, right, names = [], [], []
    for trial in trials(talkers(data, cache=cache, weights=weights), seed=seed):
        evidence = trial.estimator.evidence(trial.track, trial.audio)
        seen = []

        def note(traits, seen=seen):
            seen.append(traits)
            return 1.0

        result = solve_offset(evidence, confidence_of=note, draws=60)
        if seen:
            rows.append(trait_vector(seen[0]))
            right.append(abs(result.offset_ms - trial.truth_ms) <= 80)
            names.append(trial.clip)
    return np.array(rows), np.array(right), np.array(names)


def fit_trust(x: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Penalised logistic regression, float64 (5,): intercept first."""
    mean, spread = x.mean(axis=0), x.std(axis=0)
    z = (x - mean) / spread
    weight = np.where(right, RIGHT_TO_WRONG / right.sum(), 1 / (~right).sum())
    weight /= weight.sum()

    def loss(b):
        logits = b[0] + z @ b[1:]
        cost = np.logaddexp(0, np.where(right, -logits, logits))
        return (weight * cost).sum() + PENALTY * (b[1:] ** 2).sum()

    b = minimize(loss, np.zeros(z.shape[1] + 1)).x
    slopes = b[1:] / spread
    return np.concatenate([[b[0] - slopes @ mean], slopes])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--weights", type=Path, default=heard.default_path())
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    x, right, names = examine(options.data, options.weights, options.cache, options.seed)
    held_out = np.empty(len(right))
    for name in np.unique(names):
        mine = names == name
        trust = fit_trust(x[~mine], right[~mine])
        held_out[mine] = 1 / (1 + np.exp(-(trust[0] + x[mine] @ trust[1:])))
    print(f"{right.sum()} right, {(~right).sum()} wrong; each clip judged by the others:")
    for needed in (0.5, 0.6, 0.7, 0.8, 0.9):
        sure = held_out >= needed
        print(f"  confidence {needed}: {sure[right].mean():.3f} of the right ones pass, "
              f"{sure[~right].mean():.3f} of the wrong ones")  # fmt: skip
    arrays = load_file(options.weights)
    arrays["trust"] = fit_trust(x, right).astype(np.float32)
    print("trust", arrays["trust"].round(3).tolist())
    save_file(arrays, options.weights)


if __name__ == "__main__":
    main()
