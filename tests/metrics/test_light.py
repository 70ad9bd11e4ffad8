"""Light: known lights on a drawn face come out again, and what cannot be seen is not told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hhlab as hh
from hhlab.errors import BadArgument
from hhlab.metrics.light import LightObserver
from hhlab.metrics.light_asked import asked_light
from hhlab.metrics.light_colour import (
    LUMINANCE,
    NEUTRAL_MIRED,
    TO_RGB,
    black_body_xy,
    gains_of_shift,
    linear,
    mired_shift,
    whites,
)
from hhlab.metrics.light_name import light_agrees, name_change, name_direction, name_warmth
from hhlab.metrics.light_shading import shading, triangles
from hhlab.types import Clip, Face, Frame

SIZE, RADII = 120, np.array([34.0, 44.0, 34.0])  # of an ellipsoid: half as deep as it is wide
MIDDLE = np.array([60.0, 60.0])
SKIN = np.array([0.36, 0.20, 0.13])


def head_mesh() -> np.ndarray:
    """478 points on the near half of the ellipsoid; eyes, forehead and chin are in their places."""
    rng = np.random.default_rng(4)
    flat = rng.uniform(-1, 1, (4000, 2))
    flat = flat[np.linalg.norm(flat, axis=1) < 0.93][:478]
    flat[[33, 263, 10, 152]] = [[-0.5, -0.25], [0.5, -0.25], [0.0, -0.9], [0.0, 0.9]]
    depth = -np.sqrt(1 - np.square(flat).sum(axis=1))
    return np.concatenate([flat, depth[:, None]], axis=1) * RADII + [*MIDDLE, 0]


def moved(right_px: float) -> np.ndarray:
    return MESH + np.array([right_px, 0, 0])


MESH = head_mesh()
BITS = triangles(MESH)


def lit(key=(0.0, 0.0, 1.0), *, strength=1.0, ambient=0.25, white=(1, 1, 1), level=1.0, beard=1.0):
    """A picture of the head in front of grey, uint8; `key` points to the light, y down."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    place = np.stack([x, y], axis=-1) - MIDDLE
    depth2 = 1 - np.square(place / RADII[:2]).sum(axis=-1)
    on = depth2 > 0
    z = np.sqrt(np.maximum(depth2, 0)) * RADII[2]
    normal = np.concatenate([place, z[..., None]], axis=-1) / np.square(RADII)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    key = np.array(key, float) / np.linalg.norm(key)
    light = ambient + strength * np.maximum(normal @ key, 0)
    albedo = np.where((place[..., 1:] > 15), SKIN * beard, SKIN)
    out = np.where(on[..., None], albedo * light[..., None], 0.18) * np.array(white) * level
    return np.rint(255 * encoded(out)).astype(np.uint8)


def encoded(light):
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def face(mesh=MESH, track_id=0):
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    return Face(np.float32([*low, *(high - low)]), np.zeros((5, 2), np.float32),
                mesh.astype(np.float32), 1.0, track_id)  # fmt: skip


def watched(pictures, faces=None, fps=5.0):
    observer = LightObserver()
    for index, rgb in enumerate(pictures):
        observer.see(Frame(index, index / fps, rgb), [face()] if faces is None else faces)
    return observer.result()


# --- direction ------------------------------------------------------------------------------------
def test_light_from_a_side_is_told_from_the_other_and_from_none():
    right, left, front = (shading(lit(key), MESH, BITS) for key in
                          ((1, 0, 0.3), (-1, 0, 0.3), (0, 0, 1)))  # fmt: skip
    assert right.balance_stops > 2 and left.balance_stops < -2
    assert abs(front.balance_stops) < 0.1
    assert right.balance_stops == pytest.approx(-left.balance_stops, abs=0.35)
    assert right.contrast_stops > 2 > front.contrast_stops


@settings(max_examples=12, deadline=None)
@given(st.floats(-60, 60), st.floats(0.15, 0.6), st.floats(0.3, 1.0))
def test_a_mirrored_picture_has_the_mirrored_light(azimuth, ambient, level):
    angle = np.radians(azimuth)
    picture = lit((np.sin(angle), -0.3, np.cos(angle)), ambient=ambient, level=level)
    mirrored = MESH * [-1, 1, 1] + [SIZE, 0, 0]
    mirrored[[33, 263]] = mirrored[[263, 33]]
    there = shading(picture, MESH, BITS)
    back = shading(np.ascontiguousarray(picture[:, ::-1]), mirrored, triangles(mirrored))
    assert back.balance_stops == pytest.approx(-there.balance_stops, abs=0.2)


def test_the_side_does_not_depend_on_skin_beard_level_or_colour_of_the_light():
    key = (0.8, -0.3, 0.5)
    base = shading(lit(key), MESH, BITS).balance_stops
    for change in ({"level": 0.4}, {"white": (1.3, 1, 0.6)}, {"beard": 0.4}):
        assert shading(lit(key, **change), MESH, BITS).balance_stops == pytest.approx(base, abs=0.2)


def test_light_from_above_and_below():
    above, below = (shading(lit((0, y, 0.4)), MESH, BITS).upper_stops for y in (-1, 1))
    assert above > 1.5 and below < -1.5


def test_a_face_too_small_or_half_outside_is_not_read():
    small = MESH * 0.2
    assert shading(lit()[:30, :30], small, BITS) is None
    assert shading(lit(), moved(100), BITS) is None
    assert shading(lit(), np.full((478, 3), np.nan), BITS) is None


# --- colour ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("illuminant", "kelvin"), [("A", 2856), ("D50", 5003), ("D55", 5503),
                                                    ("D65", 6504), ("D75", 7504)])  # fmt: skip
def test_standard_illuminants_have_their_temperature(illuminant, kelvin):
    """Tristimulus values of scikit-image, colour temperatures of the CIE."""
    from skimage.color import xyz_tristimulus_values

    red, _, blue = np.array(xyz_tristimulus_values(illuminant=illuminant, observer="2")) @ TO_RGB.T
    assert float(mired_shift(np.log2(red / blue))) == pytest.approx(
        1e6 / kelvin - NEUTRAL_MIRED, abs=3
    )


def test_black_bodies_lie_where_the_cie_has_them():
    assert black_body_xy(1e6 / 2856)[0] == pytest.approx([0.4476, 0.4074], abs=2e-3)
    assert abs(NEUTRAL_MIRED - 1e6 / 6504) < 1.5
    with pytest.raises(BadArgument):
        black_body_xy(1000.0)


@given(st.floats(-80, 250))
def test_gains_make_a_white_so_much_warmer(mired):
    gains = gains_of_shift(mired)
    assert gains @ LUMINANCE == pytest.approx(1)
    assert float(mired_shift(np.log2(gains[0] / gains[2]))) == pytest.approx(mired, abs=0.5)


def test_linear_light_is_srgb():
    assert linear(np.array([0, 255, 188])) == pytest.approx([0, 1, 0.5029], abs=1e-3)


def test_whites_of_a_grey_picture_are_the_light():
    rng = np.random.default_rng(0)
    grey = rng.uniform(0.02, 0.4, (12, 16, 1)).repeat(6, axis=0).repeat(6, axis=1)
    found = whites(np.rint(255 * encoded(grey * [1.5, 1.0, 0.75])).astype(np.uint8))
    assert found[:, 1] == pytest.approx([1.0, 1.0], abs=0.05)
    assert np.isnan(whites(np.zeros((20, 20, 3), np.uint8))).all()


# --- a clip ---------------------------------------------------------------------------------------
def test_a_clip_in_warm_light_reads_so_many_mired_warmer():
    shift = 40.0
    neutral, warm = (watched([lit(white=gains_of_shift(m))] * 5) for m in (0, shift))
    assert warm.warmth_mired - neutral.warmth_mired == pytest.approx(shift, abs=8)
    assert warm.level_stops == pytest.approx(neutral.level_stops, abs=0.25)


def test_light_that_fades_changes_by_so_many_stops():
    found = watched([lit(level=level) for level in 2.0 ** -np.linspace(0, 1.5, 10)])
    assert found.found["change"] == "fading"
    assert found.level_change_stops == pytest.approx(-1.33, abs=0.12)  # first and last fifth
    back = watched([lit(level=level) for level in 2.0 ** -np.linspace(1.5, 0, 10)])
    assert back.found["change"] == "brightening"


def test_light_that_moves_warms_or_flickers():
    angles = np.radians(np.linspace(-70, 70, 10))
    assert watched([lit((np.sin(a), 0, np.cos(a))) for a in angles]).found["change"] == "moving"
    warming = [lit(white=gains_of_shift(m)) for m in np.linspace(0, 40, 10)]
    assert watched(warming).found["change"] == "warming"
    assert (
        watched([lit(level=1 - 0.4 * (k % 2)) for k in range(12)]).found["change"] == "flickering"
    )
    assert watched([lit()] * 10).found["change"] == "steady"


def test_what_was_asked_is_answered_and_told():
    found = watched([lit((1, -0.2, 0.3), ambient=0.1)] * 5)
    score = found.to_score("A man lit from the right in hard light. The light fades.")
    assert score["as_asked"].value == pytest.approx(2 / 3)
    assert "direction right: there" in score.sentence and "fading: not there" in score.sentence
    assert score["balance"].low > 1.5 and score["balance"].unit == "stops"
    assert score.parameters["found"]["direction"] == "right"
    assert found.to_score("A man.").measures[0].name == "warmth"


def test_without_a_face_the_side_is_undetermined_and_warmth_is_doubtful():
    score = watched([lit()] * 5, faces=[]).to_score("Light from the left.")
    assert score["balance"].status == "undetermined" and "face" in score["balance"].reason
    assert score["as_asked"].status == "undetermined"
    assert score["warmth"].high - score["warmth"].low > 80
    assert score.parameters["found"]["direction"] is None and score.subject == "whole frame"


def test_too_few_looks_are_undetermined():
    score = watched([lit()] * 2).to_score()
    assert score.status == "undetermined" and "too few" in score.reason


def test_the_face_asked_for_is_judged():
    observer = LightObserver()
    for index in range(6):
        rgb = np.concatenate([lit((-1, 0, 0.3)), lit(), lit((1, 0, 0.3))], axis=1)
        observer.see(Frame(index, index / 5, rgb), [face(), face(moved(240), 7)])
    assert observer.result(track_id=0).found["direction"] == "left"
    assert observer.result(track_id=7).found["direction"] == "right"


def test_measured_by_name_without_faces():
    clip = Clip.from_arrays(np.stack([lit()] * 10), fps=10)
    score = hh.measure(clip, ["light"], shot=hh.Shot("Warm light."))["light"]
    assert score.status == "ok" and score.version == "1" and "asked" in score.parameters


# --- words ----------------------------------------------------------------------------------------
def test_what_lies_on_the_border_gets_no_name():
    assert name_warmth(40, 10) == "warm" and name_warmth(-40, 10) == "cool"
    assert name_warmth(0, 10) == "neutral" and name_warmth(15, 10) is None
    assert name_warmth(40, 60) is None and name_warmth(float("nan"), 1) is None
    assert name_direction(-3, 0.5, 1.0) == "left" and name_direction(1.5, 0.5, 1.0) is None
    assert name_direction(0.2, 0.2, 3.0) == "above" and name_direction(0.2, 0.2, 0.5) == "front"


def test_light_from_behind_is_only_contradicted_by_a_side():
    (asked,) = asked_light("She is backlit.")
    assert light_agrees({"direction": "front"}, asked.about, asked.value) is None
    assert light_agrees({"direction": "left"}, asked.about, asked.value) is False
    assert light_agrees({"direction": None}, "direction", "left") is None
    assert light_agrees({"warmth": "warm"}, "warmth", "warm") is True


def test_nothing_known_is_no_change():
    nothing = np.full(6, np.nan)
    assert name_change(nothing, nothing, nothing) is None
