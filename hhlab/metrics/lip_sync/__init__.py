"""Lip-sync offset: how late the sound comes after the lips, in ms, and how that drifts.

>>> from hhlab.metrics import lip_sync
>>> estimators = lip_sync.load()                # and LR-ASD, SyncNet where their weights are
>>> result = lip_sync.lip_sync(tracks, audio, estimators)
>>> result.offset_ms, result.drift_ms_per_s, result.confidence, result.status
"""

from hhlab.metrics.lip_sync.belief import judge_offset
from hhlab.metrics.lip_sync.evidence import SHIFTS_MS, Estimator, Evidence, no_evidence
from hhlab.metrics.lip_sync.load import CROPPERS, WEIGHTS, load
from hhlab.metrics.lip_sync.result import METRIC, VERSION, LipSyncOffset
from hhlab.metrics.lip_sync.speaker import lip_sync

__all__ = [
    "CROPPERS", "METRIC", "SHIFTS_MS", "VERSION", "WEIGHTS", "Estimator", "Evidence",
    "LipSyncOffset", "judge_offset", "lip_sync", "load", "no_evidence",
]  # fmt: skip
