"""One clip through all metrics: whom they look at, and that one that breaks costs no other."""

from __future__ import annotations

import re

import numpy as np
import pytest

import hhlab as hh
from hhlab.errors import BadArgument, FileMissing, NotMedia, WeightsMissing
from hhlab.metrics.encoders import OpenClipEncoder
from hhlab.metrics.lip_sync.evidence import no_evidence
from hhlab.toolbox import Toolbox
from hhlab.types import Audio, Clip, FaceTrack

FPS = 25.0


class NoFaces(Toolbox):
    """A toolbox that must not be asked for anything that has to do with faces."""

    def _never(self, *args, **kwargs):
        raise AssertionError("no face network is needed here")

    detector = landmarks = face_encoder = property(_never)
    tracker = faces_of_picture = _never


class Broken(Toolbox):
    """A toolbox whose tracker breaks at the fifth frame, or at the end."""

    def __init__(self, error: BaseException, *, at_end: bool = False) -> None:
        super().__init__()
        self._error, self._at_end, self._count = error, at_end, 0

    def tracker(self, croppers=None):
        return self

    def see(self, frame):
        self._count += 1
        if self._count >= 5 and not self._at_end:
            raise self._error
        return []

    def tracks(self):
        raise self._error


@pytest.fixture(scope="module")
def noise() -> Clip:
    rng = np.random.default_rng(3)
    pictures = rng.integers(40, 200, (12, 16, 3)).repeat(8, axis=0).repeat(8, axis=1)
    frames = np.stack([np.roll(pictures, k // 2, axis=1) for k in range(20)]).astype(np.uint8)
    return Clip.from_arrays(frames, fps=FPS)


# --- one that breaks costs no other ------------------------------------------------------------
@pytest.mark.parametrize("at_end", [False, True])
def test_a_broken_tracker_costs_only_what_needs_faces(noise, at_end):
    toolbox = Broken(ZeroDivisionError("no room"), at_end=at_end)
    scores = hh.measure(noise, ["texture", "flicker", "motion"], toolbox=toolbox)
    assert_only_the_frame_is_judged(scores["texture"], "ZeroDivisionError: no room")
    alone = hh.measure(noise, ["flicker", "motion"])
    for name, headline in (("flicker", "flicker"), ("motion", alone["motion"].measures[0].name)):
        assert scores[name].status == alone[name].status
        np.testing.assert_equal(scores[name][headline].value, alone[name][headline].value)
    assert scores["flicker"].status == "ok"


def assert_only_the_frame_is_judged(texture, reason: str) -> None:
    assert texture.status == "ok" and texture.subject == "whole frame"
    assert f"The face was not measured: faces could not be looked for ({reason}" in texture.sentence
    assert np.isfinite(texture["unnatural_frame"].value)
    face = texture["unnatural_face"]
    assert face.status == "undetermined" and reason in face.reason


class NoTracker(Broken):
    """A toolbox that cannot even make a tracker."""

    def tracker(self, croppers=None):
        raise self._error


@pytest.mark.parametrize("toolbox", [Broken, NoTracker])
def test_texture_does_without_faces_where_their_weights_are_missing(noise, toolbox):
    missing = WeightsMissing("yunet", expected="weights", found="none: run `hhlab weights fetch`")
    scores = hh.measure(noise, ["texture", "flicker"], toolbox=toolbox(missing))
    assert_only_the_frame_is_judged(scores["texture"], "WeightsMissing: 'yunet'")
    assert "hhlab weights fetch" in scores["texture"].sentence
    assert scores["flicker"].status == "ok"


def test_a_tracker_that_cannot_be_made_fails_only_who_needs_it(noise):
    toolbox = NoTracker(ZeroDivisionError("no room"))
    scores = hh.measure(noise, ["identity", "texture"], toolbox=toolbox)
    assert scores["identity"].status == "failed" and "no room" in scores["identity"].reason
    assert_only_the_frame_is_judged(scores["texture"], "ZeroDivisionError: no room")


@pytest.mark.parametrize("error", [WeightsMissing("sface"), KeyboardInterrupt()])
@pytest.mark.parametrize("toolbox", [Broken, NoTracker])
def test_missing_weights_and_ctrl_c_stop_a_call_that_needs_faces(noise, error, toolbox):
    with pytest.raises(type(error)):
        hh.measure(noise, ["identity", "texture"], toolbox=toolbox(error))


def test_a_reference_without_a_face_costs_only_identity(noise, needed_weights):
    grey = np.full((96, 96, 3), 128, np.uint8)
    scores = hh.measure(noise, ["identity", "flicker", "texture"], references=[grey])
    assert scores["identity"].status == "failed"
    assert "BadArgument" in scores["identity"].reason and "picture 1" in scores["identity"].reason
    assert scores["flicker"].status == "ok"
    assert scores["texture"].status == "ok"
    assert scores["texture"].subject.startswith("whole frame (not by the reference: ")


def test_a_reference_that_cannot_be_read_is_an_error_of_the_call(noise, tmp_path):
    with pytest.raises(FileMissing):
        hh.measure(noise, ["flicker"], references=[tmp_path / "no.png"])
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(NotMedia):
        hh.measure(noise, ["flicker"], references=[tmp_path / "text.png"])
    with pytest.raises(BadArgument, match="references"):
        hh.measure(noise, ["flicker"], references=[np.zeros((4, 4), np.uint8)])


def test_flicker_of_an_animated_picture_is_measured(noise, tmp_path):
    image = pytest.importorskip("PIL.Image")
    pictures = [image.fromarray(frame.rgb) for frame in noise.frames()]
    path = tmp_path / "moving.webp"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40, lossless=True)
    try:
        clip = hh.read_clip(path)
    except hh.HhlabError as error:
        pytest.skip(f"animated WebP is not read here: {error}")
    score = hh.measure(clip, ["flicker"])["flicker"]
    assert score.status == "ok", score.reason


# --- whom they look at -------------------------------------------------------------------------
class Spy:
    """A lip-sync estimator that notes whom it is shown and knows nothing."""

    name = "articulation"

    def __init__(self) -> None:
        self.shown: list[FaceTrack] = []

    def evidence(self, track, audio, *, shifts_ms):
        self.shown.append(track)
        return no_evidence(
            "a spy", track_id=track.track_id, estimator=self.name, shifts_ms=shifts_ms
        )


@pytest.fixture(scope="module")
def two_people(shared_data, needed_weights):
    """Two people side by side for 3 s, with the left one's voice; and a picture of each."""
    import cv2

    halves, portraits = [], []
    for name in ("ls1", "vretalk_4"):
        clip = hh.read_clip(shared_data / "talk" / f"{name}.mp4")
        pictures = [frame.rgb for frame in clip.frames(fps=FPS, end_s=3.0)]
        height, width = pictures[0].shape[:2]
        least = min(height, width)
        top, left = (height - least) // 3, (width - least) // 2
        cuts = [picture[top : top + least, left : left + least] for picture in pictures]
        portraits.append(cuts[-1])
        cuts = [cv2.resize(cut, (300, 300), interpolation=cv2.INTER_AREA) for cut in cuts]
        halves.append(np.stack(cuts))
    sound = hh.read_clip(shared_data / "talk" / "ls1.mp4").audio(sample_rate=16000, mono=True)
    sound = Audio(sound.samples[:, :48000], 16000, sound.start_s)
    return Clip.from_arrays(np.concatenate(halves, axis=2), fps=FPS, audio=sound), portraits


@pytest.mark.weights
def test_the_reference_decides_for_every_metric(two_people):
    clip, portraits = two_people
    oiliness = []
    for portrait, place in zip(portraits, ("left", "right"), strict=True):
        spy = Spy()
        scores = hh.measure(clip, ["lip_sync", "texture", "identity"], references=[portrait],
                            toolbox=Toolbox(sync_estimators=[spy]))  # fmt: skip
        which = re.compile(
            rf"face [12] of 2: most like the reference \(cosine 0\.\d\d\), 0\.0-3\.0 s, "
            rf"{place} of the picture"
        )
        assert which.fullmatch(scores["lip_sync"].subject)
        assert scores["texture"].subject == (f"{scores['lip_sync'].subject}; and the whole frame")
        (track,) = spy.shown
        assert (track.boxes_px[:, 0] < 250).all() == (place == "left")
        assert scores["identity"]["drift"].value < 0.3
        oiliness.append(scores["texture"]["oiliness_face"].value)
    assert oiliness[0] != oiliness[1]


@pytest.mark.weights
def test_without_a_reference_it_says_which_of_several_was_taken(two_people):
    clip, _ = two_people
    spy = Spy()
    scores = hh.measure(clip, ["texture", "lip_sync"], toolbox=Toolbox(sync_estimators=[spy]))
    assert re.fullmatch(
        r"face [12] of 2: seen large enough most often, 0\.0-3\.0 s, (left|right) of the picture; "
        r"and the whole frame", scores["texture"].subject,
    )  # fmt: skip
    assert len(spy.shown) == 2
    assert all("looks" not in track.crops for track in spy.shown), "cut for nothing"


# --- what has no face --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("box_px", "subject"), [(None, "whole frame"), ((8, 8, 20, 20), "box [8, 8, 20, 20]")]
)
def test_what_has_no_face_is_judged_without_any_face_network(noise, tiny_clip, box_px, subject):
    encoder = OpenClipEncoder(tiny_clip[0], pretrained=tiny_clip[1])
    toolbox = NoFaces(identity_encoder=encoder, identity_box_px=box_px)
    first = next(iter(noise.frames())).rgb
    scores = hh.measure(noise, ["identity", "flicker"], toolbox=toolbox, references=[first])
    score = scores["identity"]
    assert score.status != "failed", score.reason
    assert score.encoder == encoder.name and score.subject == subject
    assert np.isfinite(score["drift"].value)


def test_a_box_outside_the_picture_or_for_faces_is_named(noise, tiny_clip):
    encoder = OpenClipEncoder(tiny_clip[0], pretrained=tiny_clip[1])
    toolbox = NoFaces(identity_encoder=encoder, identity_box_px=(5000, 0, 9, 9))
    score = hh.measure(noise, ["identity"], toolbox=toolbox)["identity"]
    assert score.status == "failed" and "box" in score.reason
    for wrong in ((0, 0, 0, 5), (-1, 0, 5, 5), (1, 2, 3)):
        with pytest.raises(BadArgument, match="width"):
            Toolbox(identity_encoder=encoder, identity_box_px=wrong)
    with pytest.raises(BadArgument, match="faces"):
        Toolbox(identity_box_px=(0, 0, 5, 5))


def test_a_clip_without_sound_needs_no_faces_for_lip_sync(noise):
    score = hh.measure(noise, ["lip_sync"], toolbox=NoFaces())["lip_sync"]
    assert score.status == "undetermined" and score.reason == "the clip has no sound"


# --- what was asked ----------------------------------------------------------------------------
@pytest.fixture
def asked(monkeypatch) -> list:
    """A metric that only keeps what it may know of the shot, in place of all others."""
    from hhlab import measuring
    from hhlab.tasks import MetricKind
    from hhlab.types import undetermined

    seen = []

    def start(context):
        seen.append((context.prompt, context.shot, len(context.references)))
        return undetermined("nosy", "1", "never")

    monkeypatch.setattr(measuring, "METRICS", (MetricKind("nosy", "1", "", start),))
    return seen


def test_metrics_know_what_was_asked(noise, asked):
    face = np.zeros((8, 8, 3), np.uint8)
    shot = hh.Shot(" A dog barks. ", references=(face, face))
    hh.measure(noise, ["nosy"], shot=shot)
    hh.measure(noise, ["nosy"], shot="A dog barks.", references=[face])
    hh.measure(noise, ["nosy"], shot=shot, references=[face])
    hh.measure(noise, ["nosy"])
    assert [(prompt, count) for prompt, _, count in asked] == [
        ("A dog barks.", 2), ("A dog barks.", 1), ("A dog barks.", 1), ("", 0)
    ]  # fmt: skip
    assert asked[0][1] is shot and asked[3][1] is None
    with pytest.raises(BadArgument, match="a Shot or a prompt"):
        hh.measure(noise, ["nosy"], shot=7)


def test_a_study_tells_its_metrics_what_was_asked(small_clips, asked):
    from hhlab.generate.suite import SuiteShot
    from hhlab.study.instrument import Metrics

    Metrics().measure(small_clips[0], ["nosy"], shot=SuiteShot("one", "A cat.", seconds=1.0))
    ((prompt, shot, _),) = asked
    assert prompt == "A cat." and shot.label == "one" and shot.seconds == 1.0
