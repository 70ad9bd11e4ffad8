"""Lip-sync offset: how late the sound comes after the lips, in ms, and how that drifts."""

from hhlab.metrics.lip_sync.evidence import SHIFTS_MS, Estimator, Evidence, no_evidence
from hhlab.metrics.lip_sync.result import LipSyncOffset
from hhlab.metrics.lip_sync.solve import Traits, solve_offset

__all__ = [
    "SHIFTS_MS", "Estimator", "Evidence", "LipSyncOffset", "Traits", "no_evidence", "solve_offset",
]  # fmt: skip
