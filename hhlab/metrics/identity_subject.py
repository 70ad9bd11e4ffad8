"""Whose face to follow: sampled faces in, the samples of one subject out, with a reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.metrics.encoders import unit
from hhlab.metrics.identity_calibration import Calibration
from hhlab.metrics.identity_statistics import own_anchor, robust_mean

# Faces narrower than this hold too little to tell people apart; from FULL_PX on they hold enough.
LEAST_PX = 24.0
FULL_PX = 80.0
# Beyond this yaw (see :func:`head_pose`) hardly half of the face is visible.
MOST_YAW = 0.8
TOGETHER = 2  # samples in which two faces are seen at once, from which on they are two people
# A face that much narrower than the subject's and seen that few times is a bystander, not its
# successor.
BYSTANDER, BRIEF = 0.4, 5


@dataclass(frozen=True)
class FaceSamples:
    """Every face at every sampled time, one row per face.

    Attributes
    ----------
    times_s : float64 (n,);  track_ids : int (n,);  embeddings : float32 (n, d)
    poses : float (n, 2) by :func:`head_pose`;  widths_px : float (n,)
    colours : float (n, k) by :func:`hhlab.metrics.identity_colour.skin_and_rest`, nan unknown
    """

    times_s: np.ndarray
    track_ids: np.ndarray
    embeddings: np.ndarray
    poses: np.ndarray
    widths_px: np.ndarray
    colours: np.ndarray

    def take(self, rows: np.ndarray) -> FaceSamples:
        return FaceSamples(self.times_s[rows], self.track_ids[rows], self.embeddings[rows],
                           self.poses[rows], self.widths_px[rows], self.colours[rows])  # fmt: skip


def head_pose(keypoints_px: np.ndarray) -> np.ndarray:
    """Yaw and pitch of the head from five key points, as unitless shifts of the nose.

    Parameters
    ----------
    keypoints_px : float (n, 5, 2) in the order of :class:`hhlab.types.Face`

    Returns
    -------
    float64 (n, 2): how far the nose tip lies to the side of the middle line and below the eyes, in
    units of the size of the face (mean of the distances eye to eye and eyes to mouth). About 0 and
    .55 for a frontal face; .5 of yaw is about 45 degrees. Roll and scale do not matter.
    """
    points = np.asarray(keypoints_px, dtype=np.float64)
    eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
    across = points[:, 1] - points[:, 0] + points[:, 4] - points[:, 3]
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    down = np.stack([-across[:, 1], across[:, 0]], axis=1)
    size = 0.5 * (
        np.linalg.norm(points[:, 1] - points[:, 0], axis=1) + np.linalg.norm(mouth - eyes, axis=1)
    )
    size = np.maximum(size, 1e-9)
    yaw = ((points[:, 2] - (eyes + mouth) / 2) * across).sum(axis=1) / size
    pitch = ((points[:, 2] - eyes) * down).sum(axis=1) / size
    return np.stack([yaw, pitch], axis=1)


def quality(poses: np.ndarray, widths_px: np.ndarray) -> np.ndarray:
    """Weight of each face in [0, 1] by size and turn; 0 where it can not be used."""
    large = np.clip(widths_px / FULL_PX, 0.2, 1.0)
    frontal = np.clip(1.3 - np.abs(poses[:, 0]) / MOST_YAW, 0.1, 1.0)
    usable = (widths_px >= LEAST_PX) & (np.abs(poses[:, 0]) <= MOST_YAW)
    return np.where(usable, large * frontal, 0.0)


def choose_subject(
    samples: FaceSamples,
    *,
    reference_embeddings: np.ndarray | None = None,
    calibration: Calibration | None = None,
) -> tuple[np.ndarray, str]:
    """Pick at most one face per sampled time: the subject, or whoever stands in its place.

    The main track is the one most like the references or, without any, the longest. Where it is
    not seen, another track may go on for it: a swapped face often gets a new number, and so does
    the same person after a cut. A person seen together with the main track is somebody else and
    never goes on for it, and neither does a much smaller face seen for less than a second. Of
    several, the one most like the anchor is taken.

    Returns
    -------
    Rows of `samples`, int (k,), in order of time, and a sentence saying who was chosen and why
    """
    tracks = np.unique(samples.track_ids)
    if not len(tracks):
        return np.zeros(0, dtype=int), "no face was found"
    weights = quality(samples.poses, samples.widths_px)
    vectors = unit(samples.embeddings)
    references = None
    if reference_embeddings is not None and len(reference_embeddings):
        references = unit(np.asarray(reference_embeddings, dtype=np.float32))
    rows_of = {int(k): np.nonzero(samples.track_ids == k)[0] for k in tracks}
    if references is None:
        main = max(rows_of, key=lambda k: (len(rows_of[k]), samples.widths_px[rows_of[k]].mean()))
        why = "the longest track" if len(tracks) > 1 else "the only face"
    else:
        likeness = {
            k: float(np.median((vectors[rows] @ references.T).max(axis=1)))
            for k, rows in rows_of.items()
            if len(rows) > 1 or len(tracks) == 1
        } or {k: float((vectors[rows] @ references.T).max()) for k, rows in rows_of.items()}
        main = max(likeness, key=lambda k: likeness[k])
        why = f"most like the reference (cosine {likeness[main]:.2f})"
    own = rows_of[main]
    anchor = references
    if anchor is None:
        steady = own[weights[own] > 0] if (weights[own] > 0).any() else own
        first = steady[own_anchor(samples.times_s[steady])]
        anchor = robust_mean(vectors[first])[None]
    main_times = set(samples.times_s[own].tolist())
    width = float(np.median(samples.widths_px[own]))
    joined, chosen = [], list(own)
    for track, rows in rows_of.items():
        if track == main:
            continue
        together = sum(time in main_times for time in samples.times_s[rows].tolist())
        alike = float(np.median((vectors[rows] @ anchor.T).max(axis=1)))
        same = calibration is not None and calibration.log_odds(np.array([1 - alike]))[0] > 0
        small = float(np.median(samples.widths_px[rows])) < BYSTANDER * width
        small &= len(rows) < BRIEF
        if together < TOGETHER and (same or not small):
            joined.append(track)
            chosen += [row for row in rows if samples.times_s[row] not in main_times]
    cosine = (vectors @ anchor.T).max(axis=1)
    chosen.sort(key=lambda row: (samples.times_s[row], -cosine[row]))
    times = samples.times_s[chosen]
    first_of_time = np.concatenate([[True], np.diff(times) > 1e-9])
    picked = np.array(chosen, dtype=int)[first_of_time]
    joined = [track for track in joined if (samples.track_ids[picked] == track).any()]
    text = f"face {main}, {why}"
    if len(tracks) > 1:
        text += f" of {len(tracks)}"
    if joined:
        text += "; where it is missing: face " + ", ".join(str(track) for track in joined)
    return picked, text
