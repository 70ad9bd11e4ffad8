"""The subject among several people, and the sentence that says which it is."""

from __future__ import annotations

import numpy as np

from hhlab.faces import choose_track
from hhlab.types import FaceTrack


def track(track_id: int, *, n: int, x: float, size: float = 50, start_s: float = 0.0) -> FaceTrack:
    return FaceTrack(
        track_id=track_id,
        times_s=start_s + np.arange(n) / 25,
        frame_indices=np.arange(n),
        boxes_px=np.tile(np.float32([x, 10, size, size]), (n, 1)),
        keypoints_px=np.zeros((n, 5, 2), np.float32),
        landmarks_px=np.full((n, 478, 3), np.nan, np.float32),
        scores=np.ones(n, np.float32),
    )


def test_nobody():
    assert choose_track([]) == (None, "no face was found")


def test_the_only_face():
    chosen, which = choose_track([track(3, n=26, x=275)], width_px=600)
    assert chosen.track_id == 3
    assert which == "face 1 of 1: the only face, 0.0-1.0 s, middle of the picture"


def test_the_longest_track_is_the_subject_in_whatever_order_they_come():
    people = [track(0, n=20, x=500, size=200), track(1, n=126, x=10), track(2, n=30, x=300)]
    for order in (people, people[::-1]):
        chosen, which = choose_track(order, width_px=600)
        assert chosen.track_id == 1
        assert which == "face 2 of 3: the longest track, 0.0-5.0 s, left of the picture"


def test_of_two_as_long_the_larger_face_is_the_subject():
    chosen, _ = choose_track([track(0, n=20, x=0, size=40), track(1, n=20, x=300, size=80)])
    assert chosen.track_id == 1


def test_a_reference_decides_against_length():
    people = [track(0, n=200, x=0), track(1, n=20, x=500, start_s=3), track(2, n=20, x=250)]
    looks = {
        0: np.array([[1.0, 0, 0], [0.9, 0.1, 0]]),
        # Mostly like the reference, with one bad look that must not decide.
        1: 7 * np.array([[0, 1.0, 0.1], [0, 1, 0], [1.0, 0, 0]]),
        2: np.empty((0, 3)),
    }
    chosen, which = choose_track(people, reference_embeddings=np.array([[0, 2.0, 0], [0, 0, 1.0]]),
                                 embeddings=looks, width_px=600)  # fmt: skip
    assert chosen.track_id == 1
    assert which == (
        "face 2 of 3: most like the reference (cosine 1.00), 3.0-3.8 s, right of the picture"
    )


def test_without_any_embedding_the_longest_track_stands_in():
    people = [track(0, n=2, x=0), track(1, n=20, x=500)]
    chosen, which = choose_track(people, reference_embeddings=np.eye(3), embeddings={})
    assert chosen.track_id == 1 and "longest" in which
