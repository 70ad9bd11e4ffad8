"""Several people in a clip: which one is the subject, and how to say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hhlab.types import FaceTrack


def choose_track(
    tracks: Sequence[FaceTrack],
    *,
    reference_embeddings: np.ndarray | None = None,
    embeddings: Mapping[int, np.ndarray] | None = None,
    width_px: int | None = None,
) -> tuple[FaceTrack | None, str]:
    """Choose the subject and say which it is.

    Parameters
    ----------
    reference_embeddings : float (r, d) of the reference images; with them the track that is most
        like them is chosen, else the one seen in the most frames
    embeddings : by track id, float (n, d) of some of each track's faces
    width_px : width of the picture, to say where in it the face is

    Returns
    -------
    The track, or None where there is none, and a sentence such as
    "face 2 of 3: the longest track, 0.0-5.0 s, left of the picture".
    """
    if not tracks:
        return None, "no face was found"
    ordered = sorted(tracks, key=lambda track: track.track_id)
    why = "the longest track" if len(tracks) > 1 else "the only face"
    chosen = max(ordered, key=lambda track: (len(track), _area(track)))
    if reference_embeddings is not None and len(reference_embeddings) and embeddings:
        likeness = {
            track.track_id: _likeness(embeddings[track.track_id], reference_embeddings)
            for track in ordered if len(embeddings.get(track.track_id, ()))
        }  # fmt: skip
        if likeness:
            best = max(likeness, key=lambda track_id: likeness[track_id])
            chosen = next(track for track in ordered if track.track_id == best)
            why = f"most like the reference (cosine {likeness[best]:.2f})"
    return chosen, say_which(chosen, ordered, why=why, width_px=width_px)


def say_which(
    chosen: FaceTrack, tracks: Sequence[FaceTrack], *, why: str, width_px: int | None = None
) -> str:
    """A sentence such as "face 2 of 3: `why`, 0.0-5.0 s, left of the picture"."""
    place = f", {_place(chosen, width_px)}" if width_px else ""
    span = f"{chosen.times_s[0]:.1f}-{chosen.times_s[-1]:.1f} s"
    return f"{face_name(chosen, tracks)}: {why}, {span}{place}"


def face_name(chosen: FaceTrack, tracks: Sequence[FaceTrack]) -> str:
    """A face as people are told of it: "face 2 of 3", counted from 1 in the order of track ids."""
    number = 1 + sorted(track.track_id for track in tracks).index(chosen.track_id)
    return f"face {number} of {len(tracks)}"


def _area(track: FaceTrack) -> float:
    return float(np.median(track.boxes_px[:, 2:].prod(axis=1)))


def _likeness(faces: np.ndarray, references: np.ndarray) -> float:
    """Median over a track's faces of the cosine to the nearest reference."""
    faces, references = np.atleast_2d(faces), np.atleast_2d(references)
    faces = faces / np.maximum(np.linalg.norm(faces, axis=1, keepdims=True), 1e-12)
    references = references / np.maximum(np.linalg.norm(references, axis=1, keepdims=True), 1e-12)
    return float(np.median((faces @ references.T).max(axis=1)))


def _place(track: FaceTrack, width_px: int) -> str:
    centre = float(np.median(track.boxes_px[:, 0] + track.boxes_px[:, 2] / 2)) / width_px
    if centre < 0.4:
        return "left of the picture"
    return "right of the picture" if centre > 0.6 else "middle of the picture"
