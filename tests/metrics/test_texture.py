"""Texture: each axis sees its own damage, ignores the rest, and says when it cannot tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.damage import texture as damage
from hhlab.errors import BadArray
from hhlab.metrics.texture import (
    TextureArtifacts,
    TextureObserver,
    oiliness,
    over_sharpening,
    unnatural,
)  # fmt: skip
from hhlab.metrics.texture.calibration import scaled
from hhlab.metrics.texture.filters import (
    BAND_NOISE_GAIN,
    bands,
    gaussian,
    noise_sigma,
    to_luma,
)  # fmt: skip
from hhlab.metrics.texture.oiliness import surface_highlights
from hhlab.metrics.texture.over_sharpening import edge_features, spectral_slope
from hhlab.metrics.texture.regions import Region
from hhlab.metrics.texture.unnatural import detail_features
from hhlab.types import Face, Frame

AXES = {"oiliness": oiliness, "over_sharpening": over_sharpening, "unnatural": unnatural}
OWN = {"oiliness": damage.sheen, "over_sharpening": damage.unsharp, "unnatural": damage.wax}


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """Textured coloured surfaces with soft edges and shading, uint8 (240, 320, 3)."""
    random = np.random.default_rng(11)
    height, width = 240, 320
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.full((height, width, 3), (120, 105, 90), np.float32)
    for _ in range(14):
        cx, cy = random.uniform(0, width), random.uniform(0, height)
        radius = random.uniform(20, 60)
        colour = random.uniform(30, 190, 3).astype(np.float32)
        shade = 1 + 0.15 * (x - cx) / radius
        inside = (x - cx) ** 2 + (y - cy) ** 2 < radius**2
        picture[inside] = (colour * shade[..., None])[inside]
    detail = random.standard_normal((height, width)).astype(np.float32)
    # Detail of all sizes, as in nature: each octave about as strong.
    texture = sum(g / g.std() for g in (gaussian(detail, s) for s in (0.7, 1.4, 2.8, 5.6)))
    picture = gaussian(picture * (1 + 0.03 * texture[..., None]), 0.6)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("axis", AXES)
def test_each_axis_rises_with_its_own_damage(axis, scene):
    values = [AXES[axis](OWN[axis](scene, dose)) for dose in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert np.all(np.diff(values) > 0)
    assert values[-1] - values[0] > 0.15


@pytest.mark.parametrize("axis", AXES)
def test_each_axis_hardly_rises_with_the_others_and_with_noise(axis, scene):
    clean = AXES[axis](scene)
    own = AXES[axis](OWN[axis](scene, 1.0)) - clean
    others = [apply(scene, 1.0) for name, apply in OWN.items() if name != axis]
    others.append(damage.noise(scene, 1.0, seed=2))
    for other in others:
        assert AXES[axis](other) - clean < 0.25 * own


def test_boiling_is_seen_in_a_still_scene_and_noise_is_not_boiling(scene):
    still = unnatural(scene, scene)
    boiled = [damage.boil(scene, 1.0, index=i, seed=3) for i in (0, 1)]
    noisy = [damage.noise(scene, 1.0, seed=i) for i in (0, 1)]
    assert unnatural(*boiled) > still + 0.5
    assert unnatural(*noisy) < still + 0.2


def test_detail_that_moves_along_does_not_boil(scene):
    moved = [np.ascontiguousarray(scene[:, s : s + 300]) for s in (0, 3)]
    assert unnatural(*moved) < unnatural(moved[0]) + 0.2


@pytest.mark.parametrize("axis", AXES)
def test_mirror_and_quarter_turn_change_little(axis, scene):
    clean, damaged = (AXES[axis](OWN[axis](scene, dose)) for dose in (0.0, 1.0))
    for turned in (scene[:, ::-1], np.rot90(scene)):
        assert abs(AXES[axis](np.ascontiguousarray(turned)) - clean) < 0.15 * (damaged - clean)


@pytest.mark.parametrize(
    "rgb",
    [np.zeros((200, 200, 3), np.uint8), np.full((200, 200, 3), 137, np.uint8),
     np.full((200, 200, 3), 255, np.uint8), np.zeros((1, 1, 3), np.uint8),
     np.full((3, 3, 3), 90, np.uint8), np.full((2000, 40, 3), 90, np.uint8)],
    ids=["black", "flat", "white", "1x1", "3x3", "40 px wide"],
)  # fmt: skip
def test_pictures_that_tell_nothing_are_undetermined_with_a_reason(rgb):
    assert all(np.isnan(axis(rgb)) for axis in AXES.values())
    observer = TextureObserver()
    for index in range(10):
        observer.see(Frame(index, index / 25, rgb), [])
    result = observer.result()
    assert result.status == "undetermined" and result.reason
    score = result.to_score()
    assert all(m.reason for m in score.measures if m.status == "undetermined")
    assert score.sentence.startswith("Undetermined")


@given(
    st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**31),
    st.sampled_from(["random", "binary", "gradient", "one pixel"]),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_any_picture_gives_a_finite_value_of_at_least_zero_or_nan(height, width, seed, kind):
    random = np.random.default_rng(seed)
    rgb = np.zeros((height, width, 3), np.uint8)
    if kind == "random":
        rgb = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    elif kind == "binary":
        rgb = (255 * random.integers(0, 2, (height, width, 1)).repeat(3, axis=2)).astype(np.uint8)
    elif kind == "gradient":
        rgb[:] = np.linspace(0, 255, width)[None, :, None]
    else:
        rgb[height // 2, width // 2] = 255
    mesh = random.uniform(-20, 110, (478, 3)).astype(np.float32)
    face = Face(np.zeros(4, np.float32), np.zeros((5, 2), np.float32), mesh, 1.0)
    for value in (oiliness(rgb), over_sharpening(rgb), unnatural(rgb, rgb),
                  oiliness(rgb, face=face), unnatural(rgb, rgb, face=face)):  # fmt: skip
        assert np.isnan(value) or (np.isfinite(value) and value >= 0)


def test_other_arrays_are_refused():
    with pytest.raises(BadArray):
        oiliness(np.zeros((100, 100, 3), np.float32))
    with pytest.raises(BadArray):
        over_sharpening(np.zeros((100, 100), np.uint8))


# --- the parts ---------------------------------------------------------------------------------
def test_noise_estimate_is_right_on_flat_and_blind_to_slopes():
    random = np.random.default_rng(0)
    slope = np.linspace(0, 200, 300, dtype=np.float32)[None].repeat(300, axis=0)
    assert noise_sigma(slope) < 0.01
    noisy = slope + 7 * random.standard_normal(slope.shape).astype(np.float32)
    assert noise_sigma(noisy) == pytest.approx(7.0, rel=0.03)


def test_bands_add_up_and_their_noise_gain_is_as_stated():
    random = np.random.default_rng(0)
    white = random.standard_normal((400, 400)).astype(np.float32)
    parts = bands(white)
    assert np.allclose(bands(white, count=5)[4], gaussian(white, 5.6) - gaussian(white, 11.2))
    assert np.allclose(sum(parts), white - gaussian(white, 5.6), atol=1e-4)
    assert [p.std() for p in parts] == pytest.approx(BAND_NOISE_GAIN, rel=0.05)


def test_overshoot_of_a_known_halo_is_measured():
    step = np.full((120, 120), 60.0, np.float32)
    step[:, 60:] = 160.0
    plain = gaussian(step, 1.0)
    haloed = plain + 1.5 * (plain - gaussian(plain, 2.0))
    assert abs(edge_features(plain)["overshoot"]) < 0.02
    # The same, worked out on one row.
    row = haloed[60] - 110.0
    peak = 60 + int(np.argmax(row[60:66]))
    expected = 2 * (row[peak] - row[peak + 2 : peak + 6].mean()) / (2 * row[62:65].mean())
    assert edge_features(haloed)["overshoot"] == pytest.approx(expected, abs=0.05)


def test_small_highlights_reach_the_top_of_the_bulge_and_shading_does_not():
    y, x = np.mgrid[0:160, 0:160].astype(np.float32)
    shaded = np.repeat((80 + 0.4 * x)[..., None], 3, axis=2)
    spots = sum(
        np.exp(-((x - 30 * i) ** 2 + (y - 30 * j) ** 2) / 32) for i in (1, 3, 4) for j in (1, 2, 4)
    )
    (_, plain), (_, glossy) = (
        surface_highlights((shaded + height * spots[..., None]).astype(np.uint8))
        for height in (0, 40)
    )
    assert plain < 0.01
    assert glossy > plain + 0.01


def test_coverage_is_the_share_of_surface_that_holds_detail():
    random = np.random.default_rng(4)
    picture = np.full((240, 320), 120.0, np.float32)
    coarse = gaussian(random.standard_normal((240, 320)).astype(np.float32), 4.0)
    picture[:, :80] += (8 * coarse / coarse.std())[:, :80]
    everywhere = np.ones(picture.shape, bool)
    region = Region(np.zeros((240, 320, 3), np.uint8), picture, everywhere, everywhere, everywhere,
                    320.0, 320.0, ((0, 240, 0, 320),))  # fmt: skip
    found = detail_features(region)
    for name in ("coverage_3", "coverage_4"):
        assert np.exp(found[name]) - 0.02 == pytest.approx(0.25, abs=0.06)


def test_spectral_slope_of_a_known_spectrum():
    random = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256))
    frequency[0, 0] = 1.0
    for exponent in (-2.0, -3.0):
        spectrum = np.fft.rfft2(random.standard_normal((256, 256))) * frequency ** (exponent / 2)
        picture = np.fft.irfft2(spectrum).astype(np.float32)
        assert spectral_slope(1000 * picture) == pytest.approx(exponent, abs=0.15)


def test_scale_is_monotone_and_passes_through_its_landmarks():
    z = np.linspace(-3, 8, 500)
    values = np.array([scaled(v) for v in z])
    assert np.all(np.diff(values) > 0) and values[0] < 1e-3
    assert scaled(1.0) == pytest.approx(1.0, abs=0.01)
    assert np.isnan(scaled(float("nan")))


# --- over time ---------------------------------------------------------------------------------
def observe(frames, fps=25.0, faces=()) -> TextureArtifacts:
    observer = TextureObserver()
    for index, rgb in enumerate(frames):
        observer.see(Frame(index, index / fps, rgb), faces)
    return observer.result()


def test_series_show_when_the_damage_happens(scene):
    frames = [damage.unsharp(scene, 1.5 if 25 <= i < 50 else 0.0) for i in range(75)]
    result = observe(frames)
    during = (result.frame_times_s >= 1.0) & (result.frame_times_s < 1.96)
    line = result.series["over_sharpening_frame"]
    assert line[during].min() > line[~during].max() + 0.3
    moments = [m for m in result.to_score().moments if m.series == "over_sharpening_frame"]
    assert moments and 1.0 <= moments[0].time_s < 2.0


def test_about_two_samples_a_second_whatever_the_frame_rate(scene):
    for fps in (8.0, 25.0, 30.0, 60.0):
        result = observe([scene] * int(2 * fps), fps=fps)
        assert 4 <= len(result.frame_times_s) <= 5
        assert np.all(np.diff(result.frame_times_s) > 0)


def test_face_is_undetermined_with_a_reason_and_frame_still_measured(scene):
    score = observe([scene] * 30).to_score()
    assert score.status == "ok"
    assert score["oiliness_face"].status == "undetermined"
    assert score["oiliness_face"].reason == "no face was found"
    assert score["oiliness_frame"].status == "ok"
    assert -6 < score["spectral_slope_frame"].value < 0
    mesh = np.random.default_rng(0).uniform(50, 70, (478, 3)).astype(np.float32)
    tiny = Face(np.zeros(4, np.float32), np.zeros((5, 2), np.float32), mesh, 1.0, 4)
    score = observe([scene] * 30, faces=[tiny]).to_score()
    assert "px wide" in score["oiliness_face"].reason
    assert score["face_coverage"].value == 0.0


def test_one_of_several_faces_may_be_asked_for(talker):
    observer = TextureObserver()
    for frame, found in talker:
        other = replace(found[0], track_id=7)
        waxed = damage.wax(frame.rgb, 1.0, landmarks_px=found[0].landmarks_px)
        # Face 7, waxed, is seen in the first second, face 3 afterwards.
        early = frame.time_s < 0.9
        observer.see(Frame(frame.index, frame.time_s, waxed if early else frame.rgb),
                     [other] if early else [replace(found[0], track_id=3)])  # fmt: skip
    both, asked, absent = (observer.result(track_id=k) for k in (None, 7, 99))
    assert both.subject.endswith(", seen large enough most often of 2, and the whole frame")
    assert asked.subject == "face 8 and the whole frame"
    assert asked.unnatural_face > observer.result(track_id=3).unnatural_face + 0.1
    assert np.isnan(absent.oiliness_face) and absent.face_reason
    assert absent.oiliness_frame == both.oiliness_frame


def test_no_frames_at_all_is_undetermined():
    result = TextureObserver().result()
    assert result.status == "undetermined" and result.reason == "no frame was seen"


def test_size_may_change_within_a_clip(scene):
    frames = [scene if i % 2 else np.ascontiguousarray(scene[:200, :240]) for i in range(20)]
    assert observe(frames).status == "ok"


def test_big_frames_are_measured_in_tiles_and_agree(scene):
    big = np.tile(scene, (5, 6, 1))
    assert max(big.shape) > 768
    for axis in ("over_sharpening", "unnatural"):
        values = [AXES[axis](OWN[axis](big, dose)) for dose in (0.0, 1.0)]
        assert values[1] > values[0] + 0.1


def test_luma_weights_sum_to_one():
    assert to_luma(np.full((4, 4, 3), 200, np.uint8)) == pytest.approx(200, abs=1e-3)


# --- real faces --------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def talker(shared_data):
    """A face of 250 px, the frames that are looked at within 1.6 s, and the faces found."""
    from hhlab import faces
    from hhlab.errors import WeightsMissing
    from hhlab.media import read_clip

    try:
        tracker = faces.load_tracker()
    except WeightsMissing as missing:
        pytest.skip(str(missing))
    path = shared_data / "talk" / "st_aoc.mp4"
    pairs = [(f, tracker.see(f)) for f in read_clip(path).frames(end_s=1.6)]
    # The observer looks at two frames a second and at the one after each; at 25 fps:
    looked_at = {0, 1, 13, 14, 25, 26, 38, 39}
    return [pair for pair in pairs if pair[0].index in looked_at]


def measure(talker, apply=None) -> TextureArtifacts:
    observer = TextureObserver()
    for frame, found in talker:
        rgb = frame.rgb
        if apply is not None and found:
            rgb = apply(rgb, found[0].landmarks_px, frame.index)
        observer.see(Frame(frame.index, frame.time_s, rgb), found)
    return observer.result()


def test_a_real_clean_face_is_determined_and_has_intervals(talker):
    score = measure(talker).to_score()
    assert score.status == "ok" and score["face_coverage"].value == 1.0
    for axis in ("oiliness", "over_sharpening", "unnatural"):
        for region in ("face", "frame"):
            here = score[f"{axis}_{region}"]
            assert here.low <= here.value <= here.high


@pytest.mark.parametrize(
    ("axis", "apply"),
    [("oiliness", lambda rgb, mesh, i: damage.sheen(rgb, 1.0, landmarks_px=mesh)),
     ("over_sharpening", lambda rgb, mesh, i: damage.unsharp(rgb, 1.0)),
     ("unnatural", lambda rgb, mesh, i: damage.wax(rgb, 1.0, landmarks_px=mesh)),
     ("unnatural", lambda rgb, mesh, i: damage.boil(rgb, 1.5, index=i, seed=1))],
    ids=["sheen", "unsharp", "wax", "boil"],
)  # fmt: skip
def test_damage_to_a_real_face_raises_its_own_axis_most(talker, axis, apply):
    clean, damaged = measure(talker), measure(talker, apply)
    rise = {
        name: getattr(damaged, f"{name}_face") - getattr(clean, f"{name}_face") for name in AXES
    }
    assert rise[axis] > 0.15
    assert all(rise[name] < 0.35 * rise[axis] for name in AXES if name != axis)
