"""The chart, the lips and the lights obey their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.actors import Actor
from hhlab.actors.chart import chart, normals
from hhlab.actors.face import layout
from hhlab.actors.light import LIGHTS, Light, display, light_of, shade
from hhlab.actors.mouth import APERTURE, lips_of
from hhlab.actors.pose import Pose
from hhlab.errors import BadArgument


def test_chart_and_back():
    grid = chart(128)
    rows, columns = np.mgrid[40:90:7, 40:90:7]
    places = grid.of_points(3.0 * grid.directions[rows, columns].astype(np.float64))
    np.testing.assert_allclose(places[..., 0], columns, atol=0.02)
    np.testing.assert_allclose(places[..., 1], rows, atol=0.02)


def test_normals_of_a_sphere_point_outwards():
    d = chart(128).directions
    found = np.stack(normals(*np.moveaxis(2.0 * d, -1, 0)), -1)
    assert np.abs(found - d)[30:98, 30:98].max() < 0.02


@given(
    st.integers(0, 500),
    st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(-0.3, 0.9),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_lips_enclose_exactly_the_opening(seed, opening, width, rounding, smile):
    lips = lips_of(layout(Actor.sample(seed)), np.array([opening, width, rounding, 0.5]), smile)
    x = np.linspace(-lips.half, lips.half, 41)
    top, bottom = lips.inner(x)
    outer_top, outer_bottom = lips.outer(x)
    assert (bottom - top >= -1e-9).all()
    assert (outer_top <= top + 1e-9).all() and (outer_bottom >= bottom - 1e-9).all()
    assert (bottom - top)[20] == pytest.approx(opening * APERTURE, abs=1e-9)


def test_rounding_narrows_and_spreading_widens_the_mouth():
    t = layout(Actor.sample(1))
    rest, oo, ee = (lips_of(t, np.array(m), 0.0).half for m in (
        [0.2, 0.5, 0.0, 0.1], [0.2, 0.1, 0.95, 0.1], [0.2, 0.9, 0.0, 0.1]))  # fmt: skip
    assert oo < 0.75 * rest and ee > 1.1 * rest


def test_rotation_is_rigid_and_positive_yaw_turns_right():
    pose = Pose(yaw=0.3, pitch=-0.2, roll=0.1)
    np.testing.assert_allclose(pose.rotation @ pose.rotation.T, np.eye(3), atol=1e-12)
    nose = Pose(yaw=0.3).to_camera(np.array([0.0, 0.3, 1.0]))
    assert nose[0] > 0.2
    assert Pose(pitch=0.3).to_camera(np.array([0.0, 0.0, 1.0]))[1] > 0.2


def test_light_reaches_what_faces_it():
    grey = [np.full(2, 0.3, np.float32)] * 3
    normal = [np.array([-1.0, 1.0], np.float32), np.zeros(2, np.float32), np.zeros(2, np.float32)]
    left = Light(azimuth=-80, elevation=0, softness=0.2)
    red, _, _ = shade(grey, np.zeros(2, np.float32), normal, 1.0, left)
    assert red[0] > 3 * red[1]
    warm, _, cold = shade(grey, np.zeros(2, np.float32), normal, 1.0, light_of("warm"))
    assert warm[1] > cold[1]


def test_lights_change_only_when_they_should():
    assert LIGHTS["soft"].at(3.0) == LIGHTS["soft"]
    moving = LIGHTS["changing"]
    assert moving.at(1.25).azimuth > 40 and moving.at(3.75).azimuth < -40
    with pytest.raises(BadArgument):
        light_of("disco")


def test_display_is_monotonic_and_bounded():
    values = display(np.linspace(0, 5, 400, dtype=np.float32))
    assert (np.diff(values) >= 0).all() and values[0] == 0 and values[-1] == 255
