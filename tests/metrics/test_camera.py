"""Camera: exact poses come out again, moves get their names, and what cannot be told is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hhlab as hh
from hhlab.errors import BadArgument
from hhlab.metrics.camera import CameraObserver
from hhlab.metrics.camera_follow import gain_between, look
from hhlab.metrics.camera_name import name_move
from hhlab.metrics.camera_pose import angle_deg, camera_matrix, pose_between
from hhlab.metrics.camera_step import picture_motion, still_edges
from hhlab.types import Clip, Face, Frame
from tests.metrics.scenes import shown, texture

HEIGHT, WIDTH = 120, 192
FOCAL = 150.0
CAMERA = camera_matrix(WIDTH, HEIGHT, (FOCAL, FOCAL))
WIDE = texture(2 * HEIGHT, 2 * WIDTH, seed=0)


def rotation(*degrees: float) -> np.ndarray:
    return cv2.Rodrigues(np.radians(np.array(degrees, dtype=np.float64)))[0]


def filmed(turns) -> np.ndarray:
    """A picture far away as a turning camera sees it; `turns` are (pitch, yaw, roll) degrees."""
    out, centre = [], camera_matrix(2 * WIDTH, 2 * HEIGHT, (FOCAL, FOCAL))
    for turn in turns:
        seen = CAMERA @ rotation(*turn) @ np.linalg.inv(centre)
        out.append(cv2.warpPerspective(WIDE, seen, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC,
                                       borderMode=cv2.BORDER_REFLECT))  # fmt: skip
    return np.stack(out)


def grown(factors) -> np.ndarray:
    out = []
    for factor in factors:
        matrix = np.float32([[factor, 0, WIDTH * (1 - 2 * factor) / 2],
                             [0, factor, HEIGHT * (1 - 2 * factor) / 2]])  # fmt: skip
        out.append(cv2.warpAffine(WIDE, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC))
    return np.stack(out)


def watched(frames, focal=(FOCAL, FOCAL), fps=10.0):
    return shown(frames, CameraObserver(focal), fps=fps)


EVEN = np.linspace(0, 1, 13)[:, None]
SHAKE = np.random.default_rng(2).normal(0, 1, (13, 1))


@pytest.mark.parametrize(
    ("turns", "name"),
    [
        (EVEN * [0, -12, 0], "pan right"), (EVEN * [0, 12, 0], "pan left"),
        (EVEN * [-9, 0, 0], "tilt up"), (EVEN * [9, 0, 0], "tilt down"),
        (EVEN * [0, 0, -12], "roll right"), (EVEN * [0, 0, 12], "roll left"),
        (EVEN * [0, 0, 0], "static"), (SHAKE * [0.4, 0.6, 0], "shake"),
    ],
)  # fmt: skip
def test_a_turning_camera_is_called_by_its_move_and_its_angle_is_right(turns, name):
    found = watched(filmed(turns))
    assert found.move.name == name
    assert found.move.also == ()
    wanted = [angle_deg(rotation(*turn) @ rotation(*turns[0]).T) for turn in turns[1:]]
    measured = [angle_deg(r) for r in found.rotations]
    assert measured == pytest.approx(wanted, abs=0.25)
    assert np.isnan(found.directions).all()  # nothing is near enough to tell


@pytest.mark.parametrize(("factors", "name"), [(np.linspace(1, 1.3, 13), "zoom in"),
                                               (np.linspace(1.3, 1, 13), "zoom out")])  # fmt: skip
def test_a_zoom_and_how_far(factors, name):
    found = watched(grown(factors))
    assert found.move.name == name
    assert found.zoom_factor == pytest.approx(factors[-1] / factors[0], rel=0.01)


def cloud(seed=0, n=120):
    rng = np.random.default_rng(seed)
    return rng.uniform([-2, -1.5, 3], [2, 1.5, 9], (n, 3))


def projected(points):
    return (points[:, :2] / points[:, 2:] * FOCAL + [WIDTH / 2, HEIGHT / 2]).astype(np.float32)


@pytest.mark.parametrize(
    ("shift", "turn_deg", "way_deg"),
    [((0, 0, -0.4), 0.4, 4), ((0.3, 0, 0), 0.5, 4), ((0.5, 0.2, 0.7), 1.6, 9)],
)
def test_poses_come_out_in_spite_of_things_that_move(shift, turn_deg, way_deg):
    """A quarter of the corners goes anywhere, the rest is exact within a third of a pixel."""
    shift, turn = np.array(shift), rotation(1.0, -2.0, 0.5)
    off, way = [], []
    for seed in range(1, 9):
        points, rng = cloud(seed), np.random.default_rng(seed)
        a = projected(points) + rng.normal(0, 0.2, (len(points), 2)).astype(np.float32)
        b = projected(points @ turn.T + shift)
        b[:30] += rng.uniform(-15, 15, (30, 2)).astype(np.float32)
        pose = pose_between(a, b, CAMERA)
        off.append(angle_deg(pose.rotation.T @ turn))
        way.append(between_deg(pose.direction, shift))
    assert np.mean(off) < turn_deg and np.mean(way) < way_deg


def between_deg(one, other) -> float:
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_whichever_way_the_camera_goes_exact_corners_give_its_exact_pose(seed):
    rng = np.random.default_rng(seed)
    turn, shift = rotation(*rng.uniform(-3, 3, 3)), rng.normal(0, 1, 3)
    shift *= 0.5 / np.linalg.norm(shift)
    points = cloud(seed)
    pose = pose_between(projected(points), projected(points @ turn.T + shift), CAMERA)
    assert angle_deg(pose.rotation.T @ turn) < 0.05
    assert between_deg(pose.direction, shift) < 0.5


def test_without_parallax_there_is_no_direction():
    points, turn = cloud(), rotation(2.0, 3.0, -1.0)
    pose = pose_between(projected(points), projected(points @ turn.T), CAMERA)
    assert np.isnan(pose.direction).all()
    assert angle_deg(pose.rotation.T @ turn) < 0.05
    assert pose_between(projected(points)[:8], projected(points)[:8], CAMERA) is None


def test_the_assumed_lens_scales_angles_and_not_the_name():
    frames = filmed(EVEN * [0, -12, 0])
    right, guessed = watched(frames), watched(frames, focal=(2 * FOCAL, 2 * FOCAL))
    assert right.move.name == guessed.move.name == "pan right"
    assert guessed.rotation_deg == pytest.approx(right.rotation_deg / 2, rel=0.1)


# --- names ----------------------------------------------------------------------------------------
def steps(n=20, **each):
    names = ("x", "y", "growth", "turn")
    return np.tile([each.get(name, 0.0) for name in names], (n, 1))


def named(table, explained=1.0, middle=np.nan, sides=np.nan):
    return name_move(table, step_s=0.1, explained=explained, middle=middle, sides=sides)


def test_parallax_makes_a_truck_of_a_pan_and_a_dolly_of_a_zoom():
    assert named(steps(x=-0.01)).name == "pan right"
    assert named(steps(x=-0.01), explained=0.4).name == "truck right"
    assert named(steps(growth=0.02), explained=0.4).name == "dolly in"


def test_sides_that_go_by_while_the_middle_stays_are_an_orbit():
    assert named(steps(x=-0.01), middle=-0.2, sides=-0.2).name == "pan right"
    assert named(steps(x=-0.01), middle=0.01, sides=-0.2).name == "orbit"


def test_to_and_fro_is_no_pan():
    there = np.concatenate([steps(10, x=0.01), steps(10, x=-0.01)])
    assert "pan" not in named(there).name


def test_two_moves_are_both_told_the_stronger_first():
    found = named(steps(x=-0.01, growth=0.02))
    assert found.name == "zoom in" and found.also == ("pan right",)


# --- people --------------------------------------------------------------------------------------
def with_person(background: np.ndarray, shifts_px, *, width: int) -> tuple[np.ndarray, list[Face]]:
    """Somebody richly dressed, who moves as a whole, before each of the pictures; and the faces."""
    body = texture(HEIGHT, width, seed=9)
    head = width // 3
    out, faces = background.copy(), []
    for picture, shift in zip(out, shifts_px, strict=True):
        left = (WIDTH - width) // 2 + round(shift)
        picture[60:, left : left + width] = body[60:]
        picture[25:60, left + head : left + 2 * head] = body[25:60, head : 2 * head]
        box = np.float32([left + 1.1 * head, 30, 0.8 * head, 30])
        faces.append(Face(box, np.zeros((5, 2), np.float32), None, 1.0, 0))
    return out, faces


def seen_with(frames, faces, fps=10.0):
    observer = CameraObserver()
    for index, (rgb, face) in enumerate(zip(frames, faces, strict=True)):
        observer.see(Frame(index, index / fps, rgb), [face])
    return observer.result()


def test_a_person_who_fills_the_picture_is_not_the_camera():
    still = filmed(EVEN * [0, 0, 0])
    frames, faces = with_person(still, 3.0 * np.arange(13), width=110)
    found = seen_with(frames, faces)
    assert found.move.name == "static" and found.rotation_deg < 0.5
    assert abs(found.pan_percent) < 0.5


def test_the_camera_is_told_behind_a_person_who_stays_or_goes_the_other_way():
    panned = filmed(EVEN * [0, -8, 0])
    for shifts in (np.zeros(13), 1.5 * np.arange(13)):
        frames, faces = with_person(panned, shifts, width=80)
        found = seen_with(frames, faces)
        assert "right" in found.move.name or found.move.name == "orbit"
        plain = watched(panned)
        assert found.pan_percent == pytest.approx(plain.pan_percent, rel=0.1)


def test_who_stays_in_the_middle_while_all_goes_by_is_orbited():
    frames, faces = with_person(filmed(EVEN * [0, -8, 0]), np.zeros(13), width=80)
    assert seen_with(frames, faces).move.name == "orbit"


def test_a_face_that_hides_everything_leaves_the_camera_undetermined():
    frames = filmed(EVEN * [0, -8, 0])
    box = np.float32([20, 10, 150, 100])
    face = Face(box, np.zeros((5, 2), np.float32), None, 1.0, 0)
    score = seen_with(frames, [face] * 13).to_score("The camera pans right.")
    assert score.status == "undetermined" and "behind the people" in score.reason
    assert score.parameters["asked"] == ["pan right"]


def test_something_without_a_face_that_moves_before_still_edges_is_not_the_camera():
    still = filmed(EVEN * [0, 0, 0])
    frames, _ = with_person(still, 3.0 * np.arange(13), width=90)
    found = watched(frames)
    assert found.move.name == "static" and abs(found.pan_percent) < 0.5


def test_still_edges_need_two_sides():
    rng = np.random.default_rng(0)
    a = rng.uniform([0, 0], [WIDTH, HEIGHT], (200, 2)).astype(np.float32)
    moved = a + np.float32([4, 0])
    logo = np.where(((a[:, 0] < 40) & (a[:, 1] < 25))[:, None], a, moved)
    assert still_edges(a, logo, WIDTH, HEIGHT)[1] == 0
    inner = np.abs(a[:, 0] - WIDTH / 2) < 40
    person = np.where(inner[:, None], moved, a)
    assert still_edges(a, person, WIDTH, HEIGHT)[1] > 0.8
    assert picture_motion(a, person, WIDTH, HEIGHT).motion == pytest.approx(np.zeros(4), abs=1e-6)


def test_a_few_corners_name_a_move_and_leave_its_angle_open():
    places = [(15, 12), (60, 10), (110, 14), (175, 12), (20, 60), (170, 64), (14, 105), (90, 100)]
    frames = np.full((13, HEIGHT, WIDTH, 3), 100, np.uint8)
    for k, picture in enumerate(frames):
        for x, y in places:
            picture[y - 2 : y + 1, x - k - 2 : x - k + 1] = 220
    score = watched(cv2.GaussianBlur(frames.reshape(-1, WIDTH, 3), (0, 0), 1.0).reshape(
        frames.shape)).to_score()  # fmt: skip
    assert score.parameters["move"] == "pan right"
    assert score["pan"].value == pytest.approx(100 * 12 / WIDTH, abs=0.5)
    assert score["rotation"].status == "undetermined" and score.series == ()


def test_what_is_out_of_focus_is_followed_in_a_smaller_picture():
    frames = np.stack([cv2.GaussianBlur(cv2.resize(f, None, fx=2, fy=2), (0, 0), 5)
                       for f in filmed(EVEN * [0, -8, 0])])  # fmt: skip
    assert len(look(cv2.cvtColor(frames[0], cv2.COLOR_RGB2GRAY)).soft) > 8
    assert watched(frames).move.name == "pan right"


def test_brightness_that_jumps_does_not_hide_the_move():
    frames = filmed(EVEN * [0, -12, 0])
    dimmed = frames.copy()
    dimmed[1::2] = np.rint(0.6 * frames[1::2]).astype(np.uint8)
    plain, found = watched(frames), watched(dimmed)
    assert found.move.name == "pan right"
    assert found.pan_percent == pytest.approx(plain.pan_percent, rel=0.03)


def test_gain_is_what_the_picture_was_multiplied_by_and_a_move_is_none():
    picture = cv2.cvtColor(WIDE, cv2.COLOR_RGB2GRAY)
    assert gain_between(picture, np.rint(0.8 * picture).astype(np.uint8)) == pytest.approx(
        0.8, abs=0.01
    )
    assert gain_between(picture, np.roll(picture, 40, axis=1)) == pytest.approx(1, abs=0.05)
    assert gain_between(np.zeros_like(picture), picture) == 1


def test_doubt_is_that_of_least_squares():
    rng = np.random.default_rng(3)
    a = rng.uniform([20, 10], [WIDTH, HEIGHT], (40, 2))
    x, y = (a - [WIDTH / 2, HEIGHT / 2]).T
    one, none = np.ones(40), np.zeros(40)
    rows = np.concatenate([np.stack([one, none, x, -y], 1), np.stack([none, one, y, x], 1)])
    wanted = np.diag(np.linalg.inv(rows.T @ rows)) * 0.25**2  # exact corners: what is least
    found = picture_motion(np.float32(a), np.float32(a), WIDTH, HEIGHT).variance
    scale = [WIDTH**-2, WIDTH**-2, 1, np.degrees(1) ** 2]
    assert found == pytest.approx(wanted * scale, rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.02, 0.02), st.floats(-0.03, 0.03), st.floats(-2, 2), st.integers(0, 9))
def test_motion_and_its_doubt(shift, growth, turn, seed):
    rng = np.random.default_rng(seed)
    a = rng.uniform([0, 0], [WIDTH, HEIGHT], (80, 2))
    centre, angle = np.array([WIDTH / 2, HEIGHT / 2]), np.radians(turn)
    spin = np.exp(growth) * np.array([[np.cos(angle), -np.sin(angle)],
                                      [np.sin(angle), np.cos(angle)]])  # fmt: skip
    b = (a - centre) @ spin.T + centre + [shift * WIDTH, 0] + rng.normal(0, 0.25, a.shape)
    found = picture_motion(np.float32(a), np.float32(b), WIDTH, HEIGHT)
    off = np.abs(found.motion - [shift, 0, growth, turn])
    assert (off < 5 * np.sqrt(found.variance)).all() and found.explained > 0.8


def test_what_was_asked_is_answered():
    found = watched(filmed(EVEN * [0, -12, 0]))
    score = found.to_score("A man in a park. The camera pans to the right.")
    assert score["as_asked"].value == 1 and score.sentence.endswith(
        "asked was pan right: as asked."
    )
    assert found.to_score("The camera zooms in.")["as_asked"].value == 0
    assert found.to_score("A man.").measures[0].name == "pan"
    assert score["pan"].low < score["pan"].value < score["pan"].high


# --- what cannot be told --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("frames", "fps", "why"),
    [
        (filmed(np.zeros((3, 3))), 10, "too few to tell"),
        (filmed(np.zeros((8, 3))), 1, "frames a second"),
        (filmed(np.zeros((8, 3)))[:, :9, :20], 10, "too little that could be followed"),
        (np.full((12, HEIGHT, WIDTH, 3), 90, np.uint8), 10, "too little that could be followed"),
        (np.random.default_rng(0).integers(0, 255, (12, HEIGHT, WIDTH, 3), dtype=np.uint8), 10,
         ""),
    ],
    ids=["few", "slow", "tiny", "blank", "noise"],
)  # fmt: skip
def test_undetermined_with_a_reason(frames, fps, why):
    score = watched(frames, fps=fps).to_score()
    assert score.status == "undetermined" and why in score.reason and score.reason


def test_of_two_shots_the_longer_is_told():
    short, long = filmed(EVEN[:6] * [0, 12, 0]), 255 - filmed(EVEN * [-9, 0, 0])[:, :, ::-1]
    found = watched(np.concatenate([short, long]))
    assert found.move.name == "tilt up" and found.n_cuts == 1


def test_score_is_complete_and_measured_by_name():
    clip = Clip.from_arrays(filmed(EVEN * [0, -12, 0]), fps=10)
    score = hh.measure(clip, ["camera"])["camera"]
    assert score.status == "ok" and "pan right" in score.sentence
    assert score.parameters["move"] == "pan right" and "assumed" in score.parameters["focal"]
    assert score["pan"].value > 10 and score["rotation"].unit == "°"
    assert score.series[0].name == "yaw" and score.series[0].values[-1] > 3
    with pytest.raises(BadArgument):
        CameraObserver((0.0, 1.0))


def test_real_camera_moves(shared_data):
    """RealEstate10K: far nearer to the true poses than a camera that is said to stand still."""
    from eval.validity.camera import errors, steps_of, truth

    path = shared_data / "camera/0f68374b76390082.mp4"
    poses, shares = truth(path.with_suffix(".txt"))
    clip = hh.read_clip(path)
    observer = CameraObserver((shares[0] * clip.info.width_px, shares[1] * clip.info.height_px))
    for frame in clip.frames():
        observer.see(frame)
    found = errors(*steps_of(observer.result()), poses)
    assert found["from first, °"] < 1.0 and found["direction, °"] < 5.0
    steps = steps_of(observer.result())
    with pytest.raises(ValueError, match="steps between"):
        errors(steps[0][:-1], steps[1][:-1], poses)
