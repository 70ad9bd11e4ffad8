"""Whom identity drift looks at, and the colour of the skin under changing light."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hhlab.metrics.encoders import unit
from hhlab.metrics.identity_calibration import SFACE
from hhlab.metrics.identity_colour import (
    COLOURS,
    SKIN_PATCHES,
    colour_drift,
    skin_and_rest,
    skin_changes,
)
from hhlab.metrics.identity_observer import drift_of_samples
from hhlab.metrics.identity_subject import FaceSamples, choose_subject, head_pose, quality

PEOPLE = unit(np.linalg.qr(np.random.default_rng(0).standard_normal((32, 32)))[0])
TIMES = np.arange(20) / 5.0


def cast(*roles: tuple, scenes=None, scatter: float = 0.0) -> FaceSamples:
    """Roles are (track id, person, times, width[, x of the centre]): all in one table of samples.

    `scenes` gives the number of the background at each time; default: it cannot be seen.
    """
    roles = [role if len(role) == 5 else (*role, 200.0) for role in roles]
    centres = np.concatenate([np.tile([r[4], 200.0], (len(r[2]), 1)) for r in roles])
    roles = [role[:4] for role in roles]
    times = np.concatenate([t for _, _, t, _ in roles])
    ids = np.concatenate([np.full(len(t), k) for k, _, t, _ in roles])
    vectors = np.concatenate([np.tile(PEOPLE[p], (len(t), 1)) for _, p, t, _ in roles])
    widths = np.concatenate([np.full(len(t), w) for _, _, t, w in roles])
    order = np.argsort(times, kind="stable")
    count = len(times)
    rng = np.random.default_rng(3)
    vectors = unit(vectors + scatter * rng.standard_normal(vectors.shape) / np.sqrt(32))
    colours = np.full((count, COLOURS), np.nan)
    if scenes is not None:
        for row, time in enumerate(times):
            noise = 0.03 * rng.standard_normal(COLOURS)
            colours[row] = np.random.default_rng(scenes(time)).normal(size=COLOURS) + noise
    samples = FaceSamples(times, ids, vectors.astype(np.float32), np.zeros((count, 2)), widths,
                          centres, colours)  # fmt: skip
    return samples.take(order)


def choose(samples: FaceSamples, **options):
    subject = choose_subject(samples, calibration=SFACE, **options)
    return samples.track_ids[subject.rows].tolist(), subject.text


def test_the_longest_track_is_the_subject_and_it_says_so():
    tracks, text = choose(cast((0, 0, TIMES[:8], 100), (1, 1, TIMES, 100)))
    assert set(tracks) == {1}
    assert "face 2" in text
    assert "longest" in text


def test_a_reference_overrides_length():
    samples = cast((0, 0, TIMES[:8], 100), (1, 1, TIMES, 100))
    tracks, text = choose(samples, reference_embeddings=PEOPLE[:1])
    assert set(tracks) == {0}
    assert "reference" in text


def test_a_swapped_face_is_followed_though_its_track_is_new():
    tracks, text = choose(cast((0, 0, TIMES[:12], 100), (1, 1, TIMES[12:], 100)))
    assert tracks == [0] * 12 + [1] * 8
    assert "face 2" in text


def test_a_cut_to_a_wide_shot_of_somebody_else_is_not_followed():
    tracks, text = choose(cast((0, 0, TIMES[:12], 200), (1, 1, TIMES[12:], 30)))
    assert tracks == [0] * 12
    assert "another person is shown at 2.4 s" in text


def test_the_same_person_after_a_cut_is_followed_even_when_small():
    tracks, _ = choose(cast((0, 0, TIMES[:12], 100), (1, 0, TIMES[14:], 30)))
    assert tracks == [0] * 12 + [1] * 6


def test_somebody_else_in_the_picture_does_not_stand_in_for_the_subject():
    samples = cast((0, 0, TIMES[:12], 100), (1, 1, TIMES[5:], 110), (2, 2, TIMES[12:15], 20))
    tracks, _ = choose(samples, reference_embeddings=PEOPLE[:1])
    assert tracks == [0] * 12


def test_of_two_faces_that_could_be_it_the_more_alike_is_taken():
    samples = cast((0, 0, TIMES[:10], 100), (1, 1, TIMES[10:], 100), (2, 0, TIMES[10:], 100))
    tracks, _ = choose(samples)
    assert tracks == [0] * 10 + [2] * 10


# --- other people in the film --------------------------------------------------------------------
LONG = np.arange(60) / 5.0
FACE_ENCODER = SimpleNamespace(name="sface", sees="face")


def during(*spans: tuple[float, float]) -> np.ndarray:
    numbers = [np.arange(round(5 * start), round(5 * end)) for start, end in spans]
    return LONG[np.concatenate(numbers)]


def measured(*roles, **options):
    samples = cast(*roles, scatter=0.3, **options)
    return drift_of_samples(samples, LONG, encoder=FACE_ENCODER)


@pytest.mark.parametrize("x", [200.0, 600.0])
def test_somebody_else_first_is_not_whom_the_subject_is_measured_against(x):
    result = measured((0, 0, during((0, 2)), 100, x), (1, 1, during((2, 12)), 100))
    assert result.status == "ok"
    assert len(result.switches_s) == 0
    assert result.drift < 0.1
    assert result.coverage == pytest.approx(10 / 12)
    assert result.anchor == "its own first second, from 2.0 s on"
    sentence = result.to_score().sentence
    assert "stays the same person" in sentence
    assert "Another person is shown at 0.0 s" in sentence


@pytest.mark.parametrize("x", [200.0, 600.0])
@pytest.mark.parametrize("same_track", [True, False])
def test_shot_and_reverse_shot_are_no_switches(x, same_track):
    """Also where both faces are in the middle of the picture, and every shot has its own track."""
    mine, theirs = [(0, 4), (6, 9)], [(4, 6), (9, 12)]
    ids = (0, 0, 1, 1) if same_track else (0, 2, 1, 3)
    result = measured(
        *((ids[n], 0, during(span), 100) for n, span in enumerate(mine)),
        *((ids[2 + n], 1, during(span), 110, x) for n, span in enumerate(theirs)),
        scenes=lambda t: int(4 - 1e-6 <= t < 6 - 1e-6 or t > 9 - 1e-6),
    )
    assert len(result.switches_s) == 0
    assert result.drift < 0.1
    assert result.coverage == pytest.approx(7 / 12)
    assert "Another person is shown at 4.0 s, 9.0 s" in result.to_score().sentence


def test_a_cut_before_another_background_to_another_face_at_the_same_place_is_no_switch():
    result = measured((0, 0, during((0, 8)), 100), (1, 1, during((8, 12)), 100),
                      scenes=lambda t: int(t > 8 - 1e-6))  # fmt: skip
    assert len(result.switches_s) == 0
    assert result.drift < 0.1
    assert result.coverage == pytest.approx(8 / 12)


@pytest.mark.parametrize("at", [5.0, 6.0, 7.0])
@pytest.mark.parametrize("seen", [True, False])
def test_another_face_at_the_same_place_is_a_switch_though_its_track_is_new(at, seen):
    result = measured((0, 0, during((0, at)), 100), (1, 1, during((at, 12)), 110, 215.0),
                      scenes=(lambda t: 0) if seen else None)  # fmt: skip
    assert len(result.switches_s) == 1
    assert abs(result.switches_s[0] - at) <= 0.3
    assert result.drift_worst > 0.9
    assert result.drift == pytest.approx(1 - at / 12, abs=0.1)
    assert result.coverage == 1.0


def test_an_early_swap_in_what_is_surely_one_shot_is_a_switch():
    result = measured((0, 0, during((0, 2)), 100), (1, 1, during((2, 12)), 100),
                      scenes=lambda t: 0)  # fmt: skip
    np.testing.assert_allclose(result.switches_s, [2.0], atol=0.3)


def test_a_swap_within_one_track_of_equal_halves_is_a_switch():
    samples = cast((0, 0, during((0, 6)), 100), (0, 1, during((6, 12)), 100), scatter=0.3)
    result = drift_of_samples(samples, LONG, encoder=FACE_ENCODER)
    np.testing.assert_allclose(result.switches_s, [6.0], atol=0.3)
    assert result.drift == pytest.approx(0.5, abs=0.1)


def test_a_place_taken_for_a_while_in_the_same_shot_counts_as_out_of_sight():
    result = measured((0, 0, during((0, 4), (7, 12)), 100), (1, 1, during((4, 7)), 100),
                      scenes=lambda t: 0)  # fmt: skip
    assert len(result.switches_s) == 0
    assert result.drift > 0.2
    assert not result.left_out.any()
    assert "Another person is shown at 4.0 s" in result.to_score().sentence


@pytest.mark.parametrize("gap", [0.0, 1.0])
def test_a_subject_that_leaves_others_behind_is_out_of_sight(gap):
    stays = (1, 1, during((1, 12)), 90, 600.0)
    comes = (1, 1, during((8 + gap, 12)), 90, 600.0)
    result = measured((0, 0, during((0, 8)), 100), comes if gap else stays)
    if not gap:  # the one who stays is the longest, so say who is meant
        samples = cast((0, 0, during((0, 8)), 100), stays, scatter=0.3)
        pictures = SimpleNamespace(embeddings=PEOPLE[:1], poses=np.zeros((1, 2)))
        result = drift_of_samples(samples, LONG, encoder=FACE_ENCODER, references=pictures)
    assert not result.left_out.any()
    assert result.drift > 0.3
    assert result.coverage == pytest.approx(8 / 12)


def test_a_subject_hardly_shown_is_undetermined_and_says_who_was():
    shots = [(k, k, during((k, k + 1)), 100, 400.0 * (k % 2)) for k in range(12)]
    result = measured(*shots)
    assert result.status == "undetermined"
    assert "Another person is shown" in result.to_score().sentence


def test_no_face_no_subject():
    subject = choose_subject(cast((0, 0, TIMES[:0], 1)))
    assert len(subject.rows) == 0
    assert "no face" in subject.text


def test_pose_and_quality_from_key_points():
    face = np.array([[30, 40], [70, 40], [50, 62], [36, 80], [64, 80.0]])
    turned = face + np.array([[0, 0], [0, 0], [16, 0], [0, 0], [0, 0]])
    angle = np.deg2rad(25)
    roll = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    poses = head_pose(np.stack([face, turned, 3 * face @ roll.T]))
    assert poses[0, 0] == pytest.approx(0, abs=1e-9)
    assert poses[1, 0] == pytest.approx(0.4)
    np.testing.assert_allclose(poses[2], poses[0], atol=1e-9)
    weights = quality(np.array([[0, 0.5], [0.6, 0.5], [0.95, 0.5], [0, 0.5]]),
                      np.array([120.0, 120, 120, 15]))  # fmt: skip
    assert weights[0] == 1.0
    assert 0 < weights[1] < 1
    assert weights[2] == weights[3] == 0


# --- colour --------------------------------------------------------------------------------------
BOX = np.array([120, 60, 80, 110.0])


def mesh() -> np.ndarray:
    """A mesh whose skin patches lie on the forehead and the cheeks of BOX."""
    points = np.full((478, 3), 160.0)
    rng = np.random.default_rng(1)
    for patch, (x, y) in zip(SKIN_PATCHES, ((160, 78), (140, 118), (180, 118)), strict=True):
        angles = np.linspace(0, 2 * np.pi, len(patch), endpoint=False)
        points[list(patch), 0] = x + 11 * np.cos(angles)
        points[list(patch), 1] = y + 11 * np.sin(angles)
    points[:, 2] = rng.normal(size=478)
    return points


def scene(skin=(170, 120, 100), *, light=(1, 1, 1), shift: int = 0, seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rest = rng.integers(40, 150, (12, 16, 3)).repeat(20, axis=0).repeat(20, axis=1).astype(float)
    picture = np.roll(rest, shift, axis=1)
    x, y, w, h = BOX.astype(int)
    picture[y : y + h, x : x + w] = skin
    return np.clip(picture * np.array(light), 0, 255).astype(np.uint8)


def change(picture: np.ndarray) -> float:
    first = skin_and_rest(scene(), mesh(), BOX)[None]
    return float(skin_changes(skin_and_rest(picture, mesh(), BOX)[None], first)[0])


def test_another_light_on_everything_is_not_recolouring():
    assert change(scene(light=(0.6, 0.6, 0.6))) < 0.05
    assert change(scene(light=(1.2, 1.0, 0.7))) < 0.05
    assert change(scene(light=(0.75, 1.0, 1.25))) < 0.05


def test_more_contrast_is_not_recolouring():
    stretched = 255 * (scene() / 255.0) ** 1.5
    assert change(stretched.astype(np.uint8)) < 0.15


def test_another_background_is_not_recolouring():
    assert change(scene(shift=57)) < 0.05
    assert change(scene(seed=11)) < 0.05


def test_another_skin_is_recolouring_under_any_light_and_background():
    green = (130, 150, 100)
    assert change(scene(green)) > 0.5
    assert change(scene(green, light=(0.7, 0.7, 0.7))) > 0.5
    assert change(scene(green, shift=57)) > 0.3
    assert colour_drift(np.array([change(scene(green))]))[0] > 0.2


def test_colour_that_cannot_be_known_is_unknown():
    assert np.isnan(skin_and_rest(scene(), None, BOX)).all()
    black = skin_and_rest(np.zeros((240, 320, 3), np.uint8), mesh(), BOX)
    assert np.isnan(black).all()
    assert colour_drift(np.array([np.nan]))[0] == 0
