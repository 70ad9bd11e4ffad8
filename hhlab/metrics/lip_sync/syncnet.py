"""SyncNet: distance of mouth and sound embeddings, with LSE-D and LSE-C, where its weights are.

Chung and Zisserman, "Out of time: automated lip sync in the wild", ACCV workshops 2016. Five
frames of a face at 25 fps (224x224) and the 20 MFCC rows that sound meanwhile each become 1,024
numbers; the nearer, the better in sync. LSE-D and LSE-C as in Prajwal et al., "A lip sync expert is
all you need", ACM MM 2020: the least over shifts of the mean distance, and the median less the
least. A shift is judged only by windows whose sound exists: where others fill up with silence,
short clips come out biased.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from hhlab.errors import WeightsError
from hhlab.metrics.lip_sync.crops import CROP_NAME, steady_crops
from hhlab.metrics.lip_sync.evidence import Evidence, no_evidence
from hhlab.metrics.lip_sync.features import SAMPLE_RATE, at_16_khz, mfcc
from hhlab.types import Audio, FaceTrack

NAME = "syncnet"
FPS, FRAMES, ROWS = 25.0, 5, 20
SIZE_PX = 224
FRAME_SHIFTS = 15
ROWS_PER_S = 100
# SyncNet was trained on the whole of a detector's box with a margin: .9 fits in what is kept.
SEEN_SIDE = 0.9


def _conv(inside: int, outside: int, kernel, stride=1, padding=0, dims: int = 2) -> list[nn.Module]:
    conv, norm = (nn.Conv2d, nn.BatchNorm2d) if dims == 2 else (nn.Conv3d, nn.BatchNorm3d)
    return [conv(inside, outside, kernel, stride, padding), norm(outside), nn.ReLU()]


def _head(inside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inside, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024)
    )


class SyncNet(nn.Module):
    """The two-stream network; names of its arrays are those of the published weights."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_conv(1, 64, 3, 1, 1), nn.MaxPool2d(1, 1),
            *_conv(64, 192, 3, 1, 1), nn.MaxPool2d(3, (1, 2)),
            *_conv(192, 384, 3, 1, 1), *_conv(384, 256, 3, 1, 1), *_conv(256, 256, 3, 1, 1),
            nn.MaxPool2d(3, 2), *_conv(256, 512, (5, 4)),
        )  # fmt: skip
        self.netcnnlip = nn.Sequential(
            *_conv(3, 96, (5, 7, 7), (1, 2, 2), dims=3), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_conv(96, 256, (1, 5, 5), (1, 2, 2), (0, 1, 1), dims=3),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_conv(256, 256, (1, 3, 3), 1, (0, 1, 1), dims=3),
            *_conv(256, 256, (1, 3, 3), 1, (0, 1, 1), dims=3),
            *_conv(256, 256, (1, 3, 3), 1, (0, 1, 1), dims=3),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)), *_conv(256, 512, (1, 6, 6), dims=3),
        )  # fmt: skip
        self.netfcaud, self.netfclip = _head(512), _head(512)

    @torch.inference_mode()
    def hear(self, rows: Tensor) -> Tensor:
        """float32 (n, 1024) of MFCCs float32 (n, 1, 13, 20)."""
        return self.netfcaud(self.netcnnaud(rows).flatten(1))

    @torch.inference_mode()
    def see(self, frames: Tensor) -> Tensor:
        """float32 (n, 1024) of frames float32 (n, 3, 5, 224, 224), 0 to 255, BGR."""
        return self.netfclip(self.netcnnlip(frames).flatten(1))


def load_network(state: Mapping[str, Tensor]) -> SyncNet:
    """A network with published weights; raises :class:`WeightsError` where they do not fit."""
    network = SyncNet()
    wanted = network.state_dict()
    for name, array in wanted.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in state or state[name].shape != array.shape:
            found = "none" if name not in state else str(tuple(state[name].shape))
            raise WeightsError(f"syncnet {name}", expected=str(tuple(array.shape)), found=found)
    network.load_state_dict({name: state.get(name, wanted[name]) for name in wanted})
    return network.eval()


@dataclass(frozen=True)
class SyncNetScores:
    """What papers quote: `lse_d` (lower = better), `lse_c` (higher = better), and the offset."""

    lse_d: float
    lse_c: float
    offset_frames: int


def distances(
    seen: np.ndarray, heard: np.ndarray, *, shifts: int = FRAME_SHIFTS, lead_frames: int = 0
) -> np.ndarray:
    """Euclidean distance of each picture to the sound `k - shifts` frames later, float (t, s).

    nan where that sound does not exist. `seen` (t, d) and `heard` (n, d) are one row a frame;
    sound row i belongs to picture i - lead_frames.
    """
    at = np.arange(len(seen))[:, None] + lead_frames + np.arange(-shifts, shifts + 1)[None]
    there = (at >= 0) & (at < len(heard))
    far = np.linalg.norm(seen[:, None] - heard[at.clip(0, len(heard) - 1)], axis=2)
    return np.where(there, far, np.nan)


def summarise(far: np.ndarray) -> SyncNetScores:
    """LSE-D, LSE-C and the offset in frames (+ = sound late) of distances (t, 2 * shifts + 1)."""
    known = np.isfinite(far)
    count = known.sum(axis=0)
    mean = np.where(known, far, 0).sum(axis=0) / np.maximum(count, 1)
    mean[count < max(1, 0.2 * len(far))] = np.nan
    best = int(np.nanargmin(mean))
    return SyncNetScores(
        float(mean[best]), float(np.nanmedian(mean) - mean[best]), best - far.shape[1] // 2
    )


@dataclass(frozen=True)
class SyncNetEstimator:
    """Evidence from SyncNet (an :class:`~hhlab.metrics.lip_sync.Estimator`)."""

    network: SyncNet
    name: str = NAME

    def evidence(self, track: FaceTrack, audio: Audio, *, shifts_ms: np.ndarray) -> Evidence:
        """How much nearer than on average over shifts; interpolated between frames."""
        about = {"track_id": track.track_id, "estimator": self.name, "shifts_ms": shifts_ms}
        if CROP_NAME not in track.crops:
            return no_evidence("no pictures of the face were kept", **about)
        runs = zip(*steady_crops(track, seen_side=SEEN_SIDE), strict=True)
        runs = [run for run in runs if len(run[0]) >= 2 * FRAMES]
        sound = at_16_khz(audio)
        if not runs or len(sound) < SAMPLE_RATE:
            return no_evidence("less than a second of face or sound", **about)
        times, scores, distant = [], [], []
        for ticks, crops in runs:
            lead = round(((ticks[0] - audio.start_s) % (1 / FPS)) * SAMPLE_RATE)
            heard = self.hear(sound[lead:])
            first = round((ticks[0] - audio.start_s - lead / SAMPLE_RATE) * FPS)
            far = distances(self.see(crops), heard, lead_frames=first)
            frames_ms = np.arange(-FRAME_SHIFTS, FRAME_SHIFTS + 1) * 1000 / FPS
            distant.append(far)
            nearer = np.nanmean(far, axis=1, keepdims=True) - far
            scores += [np.interp(shifts_ms, frames_ms, row, np.nan, np.nan) for row in nearer]
            times += list(ticks[: len(far)] + (FRAMES - 1) / 2 / FPS)
        quoted = summarise(np.concatenate(distant))
        return Evidence(
            np.array(times), FRAMES / FPS, np.asarray(shifts_ms, float), np.array(scores),
            np.ones(len(times)), track.track_id, self.name,
            lse_d=quoted.lse_d, lse_c=quoted.lse_c,
        )  # fmt: skip

    def hear(self, sound: np.ndarray) -> np.ndarray:
        """Embeddings (n, 1024), one a frame at 25 fps, of sound at 16 kHz."""
        rows = mfcc(sound)
        step = int(ROWS_PER_S / FPS)
        windows = np.lib.stride_tricks.sliding_window_view(rows, ROWS, axis=0)[::step]
        return self._batched(self.network.hear, windows[:, None])

    def see(self, crops: np.ndarray) -> np.ndarray:
        """Embeddings (t - 4, 1024) of crops uint8 (t, h, w)."""
        large = np.stack([cv2.resize(crop, (SIZE_PX, SIZE_PX)) for crop in crops])
        windows = np.lib.stride_tricks.sliding_window_view(large, FRAMES, axis=0)
        windows = windows.transpose(0, 3, 1, 2)[:, None]
        return self._batched(lambda part: self.network.see(part.expand(-1, 3, -1, -1, -1)), windows)

    def _batched(self, run, windows: np.ndarray, size: int = 32) -> np.ndarray:
        parts = [
            run(torch.from_numpy(np.ascontiguousarray(windows[i : i + size], np.float32))).numpy()
            for i in range(0, len(windows), size)
        ]
        return np.concatenate(parts)
