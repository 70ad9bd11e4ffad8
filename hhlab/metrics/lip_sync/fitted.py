"""Numbers of the lip-sync metric that were fitted to clips: see docs/validity/lip_sync.md."""

from __future__ import annotations

# By estimator: gain and level of ``nats per second = gain * (score - level)``.
CALIBRATIONS: dict[str, tuple[float, float]] = {
    # Fitted on cuts of talking clips under their own and under other clips' sound.
    "articulation": (0.7, -0.75),
    "lr_asd": (1.0, 0.1),
    # Not fitted, since no weights were at hand: a gain of 0 keeps it out of the offset and the
    # confidence. Its LSE-D and LSE-C are reported beside them.
    "syncnet": (0.0, 0.0),
}
# How likely it is, before looking, that a face and a sound belong together.
PRIOR_IN_SYNC = 0.5
CONFIDENCE_NEEDED = 0.8
