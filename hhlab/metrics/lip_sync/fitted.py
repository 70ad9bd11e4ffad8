"""Numbers of the lip-sync metric that were fitted to real clips (see eval/validity/lip_sync_fit.py).

Every clip's own numbers were checked with that clip left out.
"""

from __future__ import annotations

# By estimator: gain and level of ``nats per second = gain * (score - level)``.
CALIBRATIONS: dict[str, tuple[float, float]] = {
    "lr_asd": (4.0, 0.14),
    "articulation": (0.5, 0.5),
    "syncnet": (1.0, 0.0),
}
# How likely it is, before looking, that a face and a sound belong together.
PRIOR_IN_SYNC = 0.5
CONFIDENCE_NEEDED = 0.8
