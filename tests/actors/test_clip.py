"""Rendered clips: repeatable, in sync by construction, and their truth is what the pixels show."""

import numpy as np
import pytest

from hhlab.actors import Actor, Camera, Clothes, Scene, background, render_clip, stage
from hhlab.actors.camera import Shot, shoot
from hhlab.actors.clip import landmarks
from hhlab.actors.light import light_of
from hhlab.actors.performance import Performance, perform
from hhlab.actors.pose import Pose
from hhlab.errors import BadArgument
from tests.actors.conftest import PLAIN

SMALL = {"size_px": 128, "fps": 8.0, "seconds": 0.75, "scene": PLAIN}


@pytest.fixture(scope="module")
def pairs():
    a, b = Actor.sample(1), Actor.sample(2)
    return {
        "a": render_clip(a, "Hello", seed=5, **SMALL),
        "again": render_clip(a, "Hello", seed=5, **SMALL),
        "b": render_clip(b, "Hello", seed=5, **SMALL),
        "two workers": render_clip(a, "Hello", seed=5, workers=2, **SMALL),
    }


def pixels(made):
    return np.stack([frame.rgb for frame in made.clip.frames()]).astype(int)


def test_same_arguments_same_pixels_and_sound(pairs):
    assert (pixels(pairs["a"]) == pixels(pairs["again"])).all()
    np.testing.assert_array_equal(
        pairs["a"].clip.audio().samples, pairs["again"].clip.audio().samples
    )


def test_another_actor_looks_different(pairs):
    assert np.abs(pixels(pairs["a"]) - pixels(pairs["b"])).mean() > 5


def test_workers_draw_the_same_pixels(pairs):
    assert (pixels(pairs["two workers"]) == pixels(pairs["a"])).all()


def test_sound_is_as_long_as_the_picture(talk):
    audio = talk.clip.audio()
    assert audio.duration_s == pytest.approx(talk.clip.info.duration_s, abs=1e-3)
    assert np.abs(audio.samples).max() > 0.05
    first = talk.truth.phonemes[0].start_s
    silent = audio.samples[:, : int((first - 0.02) * audio.sample_rate)]
    assert np.abs(silent).max() < 1e-3


def test_lips_are_shut_in_the_middle_of_m_b_p(talk):
    truth = talk.truth
    checked = 0
    for phoneme in truth.phonemes:
        if not phoneme.is_bilabial:
            continue
        closed = phoneme.release_s if np.isfinite(phoneme.release_s) else phoneme.end_s
        inside = (truth.times_s >= phoneme.start_s) & (truth.times_s < closed - 0.01)
        assert (truth.aperture_px[inside] < 0.7).all(), phoneme
        checked += int(inside.sum())
    assert checked > 0
    assert truth.aperture_px.max() > 4


@pytest.mark.parametrize("opening", [0.35, 0.7, 1.0])
def test_true_aperture_is_what_the_picture_shows(opening):
    """Between the red of the lips, down the middle of the face, lies the opening."""
    actor = Actor.sample(11, lip_red=1.0, beard=0, moustache=0, glasses=0, skin_tone=0.2, age=0.2)
    size = 512
    built = stage.build(actor, Clothes(), size)
    scene = background.draw_background("studio", 1, size, size)
    pose = Pose(mouth=np.array([opening, 0.5, 0.0, opening]))
    picture = stage.draw(built, scene, pose, Shot(), light_of("soft"), size, size).astype(float)
    view = stage.view_of(Shot(), size, size)
    points = landmarks(built.animator, pose, view)
    column = round(points["upper_lip_inner"][0])
    top = int(points["upper_lip_outer"][1]) + 1
    bottom = int(points["lower_lip_outer"][1])
    strip = picture[top:bottom, column - 1 : column + 2].mean(1)
    is_lip = (strip[:, 0] > 1.55 * strip[:, 1]) & (strip[:, 0] > 75)
    inside = np.flatnonzero(~is_lip[2:-2])
    true_px = points["lower_lip_inner"][1] - points["upper_lip_inner"][1]
    assert abs((inside[-1] - inside[0] + 1) - true_px) < 2.5
    assert abs((top + 2 + inside[0]) - points["upper_lip_inner"][1]) < 2.5


def test_camera_moves_are_seen():
    t = np.linspace(0, 2, 9)
    x = {move: [shot.x for shot in shoot(Camera(move), t, 1)] for move in ("pan left", "pan right")}
    assert x["pan left"][-1] > 0.05 > x["pan left"][0] and x["pan right"][-1] < -0.05
    zoom = [shot.zoom for shot in shoot(Camera("zoom in"), t, 1)]
    assert zoom[-1] > 1.1 > zoom[0]
    assert all(shot == Shot() for shot in shoot(Camera("static"), t, 1))


def test_performance_is_a_function_of_time():
    slow, fast = np.arange(20) / 10, np.arange(80) / 40
    mouths = np.zeros((80, 4))
    a = perform(Performance(), mouths[:20], slow, np.zeros(20), 3)
    b = perform(Performance(), mouths, fast, np.zeros(80), 3)
    for one, other in zip(a[:18], b[::4], strict=False):
        assert one.yaw == pytest.approx(other.yaw) and one.blink == pytest.approx(other.blink)


def test_people_blink_and_look_about():
    t = np.arange(500) / 25
    poses = perform(Performance(), np.zeros((500, 4)), t, np.zeros(500), 8)
    blinks = np.array([pose.blink for pose in poses])
    starts = ((blinks[1:] > 0.5) & (blinks[:-1] <= 0.5)).sum()
    assert 2 <= starts <= 20 and blinks.max() <= 1.0
    assert np.ptp([pose.gaze[0] for pose in poses]) > 0.2


def test_wide_pictures_and_seconds(pairs):
    made = render_clip(
        Actor.sample(1), "Hi", seed=1, size_px=(160, 96), fps=5, seconds=0.4, scene=PLAIN
    )
    assert pixels(made).shape == (2, 96, 160, 3)


@pytest.mark.parametrize(
    "wrong",
    [{"size_px": 40}, {"size_px": 5000}, {"fps": 0}, {"scene": Scene(background="moon")}],
)  # fmt: skip
def test_impossible_wishes_are_refused(wrong):
    with pytest.raises(BadArgument):
        render_clip(Actor.sample(1), "Hi", seed=1, **{**SMALL, **wrong})


def test_unknown_clothes_and_camera_are_refused():
    for make in (lambda: Clothes("toga"), lambda: Clothes("crew", "plaid"), lambda: Camera("fly")):
        with pytest.raises(BadArgument):
            make()
