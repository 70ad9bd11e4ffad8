"""Whose face to follow: sampled faces in, the samples of one subject out, with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hhlab.metrics.encoders import unit
from hhlab.metrics.identity_calibration import Calibration
from hhlab.metrics.identity_statistics import ANCHOR_S, own_anchor, robust_mean
from hhlab.metrics.identity_takeover import TOGETHER, in_the_same_shot, shown_instead, takes_over

# Faces narrower than this hold too little to tell people apart; from FULL_PX on they hold enough.
LEAST_PX = 24.0
FULL_PX = 80.0
# Beyond this yaw (see :func:`head_pose`) hardly half of the face is visible.
MOST_YAW = 0.8
# A face that much narrower than the subject's and seen that few times is a bystander, not somebody
# to whom a film has cut.
BYSTANDER, BRIEF = 0.4, 5


@dataclass(frozen=True)
class FaceSamples:
    """Every face at every sampled time, one row per face.

    Attributes
    ----------
    times_s : float64 (n,);  track_ids : int (n,);  embeddings : float32 (n, d)
    poses : float (n, 2) by :func:`head_pose`;  widths_px : float (n,);  centres_px : float (n, 2)
    colours : float (n, k) by :func:`hhlab.metrics.identity_colour.skin_and_rest`, nan unknown
    """

    times_s: np.ndarray
    track_ids: np.ndarray
    embeddings: np.ndarray
    poses: np.ndarray
    widths_px: np.ndarray
    centres_px: np.ndarray
    colours: np.ndarray

    def take(self, rows: np.ndarray) -> FaceSamples:
        return FaceSamples(self.times_s[rows], self.track_ids[rows], self.embeddings[rows],
                           self.poses[rows], self.widths_px[rows], self.centres_px[rows],
                           self.colours[rows])  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """Whom to follow.

    Attributes
    ----------
    rows : int (k,), of the samples, in order of time, at most one for each time
    others_s : float (o,), when another person begins to be shown in its stead
    elsewhere_s : float (e,), the sampled times at which a film has cut to another person
    text : a sentence saying who was chosen and why
    """

    rows: np.ndarray
    others_s: np.ndarray
    elsewhere_s: np.ndarray
    text: str


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
) -> Subject:
    """Pick at most one face per sampled time: the subject, or whoever takes over in its very place.

    The main track is the one most like the references or, without any, the longest (or one more
    than half as long in whose place that begins). Where it is not seen, tracks of the same person
    by the calibration go on for it; of several, the one most like the anchor. So does a track of
    anyone who takes over in its place for good (:func:`takes_over`): a swapped face often gets a
    new number. A person seen together with the main track is somebody else and never goes on for
    it; neither is anyone to whom the film cuts, or who is gone again when the subject is back.
    """
    none = np.zeros(0)
    if not len(samples.times_s):
        return Subject(none.astype(int), none, none, "no face was found")
    weights = quality(samples.poses, samples.widths_px)
    vectors = unit(samples.embeddings)
    references = None
    if reference_embeddings is not None and len(reference_embeddings):
        references = unit(np.asarray(reference_embeddings, dtype=np.float32))
    rows_of = {int(k): np.nonzero(samples.track_ids == k)[0] for k in np.unique(samples.track_ids)}

    def same(rows: np.ndarray, anchor: np.ndarray) -> bool:
        far = 1 - float(np.median((vectors[rows] @ anchor.T).max(axis=1)))
        return calibration is not None and calibration.log_odds(np.array([far]))[0] > 0

    main, why = _main_track(samples, vectors, rows_of, references, same)
    own = rows_of[main]
    steady = own[weights[own] > 0] if (weights[own] > 0).any() else own
    anchor_rows = steady[own_anchor(samples.times_s[steady])]
    anchor = robust_mean(vectors[anchor_rows])[None] if references is None else references

    main_times = samples.times_s[own]
    beside = {k: int(np.isin(samples.times_s[r], main_times).sum()) for k, r in rows_of.items()}
    apart = {k: r for k, r in rows_of.items() if k != main and beside[k] < TOGETHER}
    joined = [k for k, rows in apart.items() if same(rows, anchor)]
    others = {k: rows for k, rows in apart.items() if k not in joined}
    chain = np.sort(np.concatenate([own, *(rows_of[k] for k in joined)]))
    succeeding = _successors(samples, chain, others, same, vectors)
    chosen = np.concatenate([own, *(rows_of[k] for k in joined + succeeding)])
    chosen = chosen[(samples.track_ids[chosen] == main)
                    | ~np.isin(samples.times_s[chosen], main_times)]  # fmt: skip
    cosine = (vectors @ anchor.T).max(axis=1)
    chosen = chosen[np.lexsort([-cosine[chosen], samples.times_s[chosen]])]
    picked = chosen[np.concatenate([[True], np.diff(samples.times_s[chosen]) > 1e-9])]

    width = float(np.median(samples.widths_px[own]))
    small = [k for k, rows in rows_of.items() if len(rows) < BRIEF
             and float(np.median(samples.widths_px[rows])) < BYSTANDER * width]  # fmt: skip
    relevant = samples.take(np.nonzero(~np.isin(samples.track_ids, small)
                                       | np.isin(np.arange(len(weights)), picked))[0])  # fmt: skip
    at = np.nonzero(np.isin(relevant.times_s, samples.times_s[picked]))[0]
    at = at[np.isin(relevant.track_ids[at], np.unique(samples.track_ids[picked]))]
    others_s, elsewhere_s = shown_instead(relevant, at, least_px=LEAST_PX)

    text = f"face {main + 1}, {why}"
    if len(rows_of) > 1:
        text += f" of {len(rows_of)}"
    shown = [k for k in sorted(joined + succeeding) if (samples.track_ids[picked] == k).any()]
    if shown:
        text += "; where it is missing: face " + ", ".join(str(track + 1) for track in shown)
    if len(others_s):
        text += "; another person is shown at " + moments(others_s)
    return Subject(picked, others_s, elsewhere_s, text)


def moments(times_s: np.ndarray) -> str:
    """The first few of some times, for reading."""
    return ", ".join(f"{t:.1f} s" for t in times_s[:5]) + (" ..." if len(times_s) > 5 else "")


def _main_track(
    samples: FaceSamples,
    vectors: np.ndarray,
    rows_of: dict[int, np.ndarray],
    references: np.ndarray | None,
    same: Callable[[np.ndarray, np.ndarray], bool],
) -> tuple[int, str]:
    """The track to follow, and why that one."""
    if references is not None:
        likeness = {
            k: float(np.median((vectors[rows] @ references.T).max(axis=1)))
            for k, rows in rows_of.items()
            if len(rows) > 1 or len(rows_of) == 1
        } or {k: float((vectors[rows] @ references.T).max()) for k, rows in rows_of.items()}
        main = max(likeness, key=lambda k: likeness[k])
        return main, f"most like the reference (cosine {likeness[main]:.2f})"
    main = max(rows_of, key=lambda k: (len(rows_of[k]), samples.widths_px[rows_of[k]].mean()))
    longest = len(rows_of[main])
    # A swap before the middle leaves the new face's track the longer one: then the clip is still
    # to be measured against the face it began with, unless the new one was there even before.
    look = robust_mean(vectors[rows_of[main]])[None]
    like_main = [rows for k, rows in rows_of.items() if k != main and same(rows, look)]
    while earlier := [
        k for k, rows in rows_of.items()
        if k != main and 2 * len(rows) > longest and takes_over(samples, rows, rows_of[main])
        and not any(before[0] < rows[0] for before in like_main)
    ]:  # fmt: skip
        main = earlier[0]
    if len(rows_of) == 1:
        return main, "the only face"
    first_look = len(rows_of[main]) == longest
    return main, "the longest track" if first_look else "in whose place the longest track goes on"


def _successors(
    samples: FaceSamples,
    chain: np.ndarray,
    others: dict[int, np.ndarray],
    same: Callable[[np.ndarray, np.ndarray], bool],
    vectors: np.ndarray,
) -> list[int]:
    """Tracks of another look that go on for the subject, rows `chain` in order of time.

    Each takes over in the place of the last, or is like the last second of it. What ended where the
    subject begins belongs to it only where that is certainly one shot: else it is whoever a film
    showed first.
    """
    found: list[int] = []
    left = dict(others)
    while left:
        tail = chain[samples.times_s[chain] > samples.times_s[chain[-1]] - ANCHOR_S]
        tail_look = robust_mean(vectors[tail])[None]
        for track, rows in left.items():
            look = robust_mean(vectors[rows])[None]
            after = samples.times_s[rows[0]] > samples.times_s[chain[-1]]
            # Whom the film has shown before, it has cut to again.
            known = any(other != track and same(shown, look) for other, shown in left.items()
                        if samples.times_s[shown[0]] < samples.times_s[chain[-1]])  # fmt: skip
            if after and (
                same(rows, tail_look) or (takes_over(samples, chain, rows) and not known)
            ):
                chain = np.concatenate([chain, rows])
                break
            if takes_over(samples, rows, chain) and in_the_same_shot(samples, rows[-1], chain[0]):
                chain = np.concatenate([rows, chain])
                break
        else:
            break
        found.append(track)
        del left[track]
    return found
