"""A talking clip with its exact truth: what is said when, and where the mouth is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from hhlab.actors import background, stage
from hhlab.actors.animate import Animator
from hhlab.actors.camera import shoot
from hhlab.actors.identity import Actor
from hhlab.actors.light import light_of
from hhlab.actors.performance import perform
from hhlab.actors.pose import Pose, View
from hhlab.actors.scene import Scene, voice_of
from hhlab.actors.visemes import mouth_track
from hhlab.actors.voice import Phoneme, Speech, speak
from hhlab.errors import BadArgument
from hhlab.types import Audio, Clip

LEAD_S = 0.20  # silence before the first word
TAIL_S = 0.35


@dataclass(frozen=True)
class Truth:
    """What is exactly known about a rendered clip.

    Attributes
    ----------
    offset_ms, drift_ms_per_s : of the sound against the picture; + means the sound comes late
    times_s : float64 (t,), when each frame is shown
    phonemes : with times on the clip's clock, as the *picture* articulates them
    mouth : float64 (t, 4), opening, width, rounding, jaw, each in [0, 1]
    aperture_px : float64 (t,), distance between the inner edges of the lips, in the picture
    pose_deg : float64 (t, 3), yaw, pitch, roll of the head towards the camera
    blink : float64 (t,), 0 open, 1 shut
    landmarks_px : by name, float64 (t, 2), pixel centres at whole numbers; "right" is the
        person's own right
    """

    offset_ms: float
    drift_ms_per_s: float
    times_s: np.ndarray
    phonemes: tuple[Phoneme, ...]
    mouth: np.ndarray
    aperture_px: np.ndarray
    pose_deg: np.ndarray
    blink: np.ndarray
    landmarks_px: dict[str, np.ndarray]
    text: str = ""


@dataclass(frozen=True)
class TalkingClip:
    """A clip, and what is true of it."""

    clip: Clip
    truth: Truth


def render_clip(
    actor: Actor,
    text: str,
    *,
    seed: int,
    size_px: int | tuple[int, int] = 384,
    fps: float = 25.0,
    seconds: float | None = None,
    scene: Scene | None = None,
    workers: int = 1,
    speech: Speech | None = None,
    built: stage.Built | None = None,
) -> TalkingClip:
    """Render an actor who says `text`, in sync (offset 0 ms), with its truth.

    Parameters
    ----------
    seed : of the performance and the background; the same arguments give the same pixels
    size_px : side of a square picture, or (width, height); 96 to 1080
    seconds : length; by default as long as the words take. A shorter clip cuts the words off, a
        longer one ends in silence
    scene : place, clothes, camera, light, liveliness; drawn from `seed` if not given
    workers : threads that draw frames; the pixels do not depend on it
    speech : what is heard, if `text` has been spoken already
    built : the actor in the scene's clothes, if built already for this size; one worker draws in
        its tables
    """
    width, height = (size_px, size_px) if isinstance(size_px, int) else size_px
    if not min(width, height) >= 96 or max(width, height) > 1080:
        raise BadArgument("size_px", expected="96 to 1080", found=f"{width}x{height}")
    if not 1 <= fps <= 120:
        raise BadArgument("fps", expected="1 to 120", found=str(fps))
    scene = scene or Scene.sample(seed)
    speech = speech or speak(text, **voice_of(actor))
    duration_s = speech.duration_s + LEAD_S + TAIL_S if seconds is None else float(seconds)
    track = mouth_track(speech, fps=fps, start_s=LEAD_S, duration_s=duration_s)
    times = track.times_s
    mouths = np.stack([track.opening, track.width, track.rounding, track.jaw], -1)
    mouths = mouths.astype(np.float64)
    poses = perform(scene.performance, mouths, times, _energy(speech, times), seed)
    shots, light = shoot(scene.camera, times, seed), light_of(scene.light)
    built = built or stage.build(actor, scene.clothes, min(width, height))
    place = background.draw_background(scene.background, seed, width, height)
    frames = np.empty((len(times), height, width, 3), np.uint8)
    marks: list[dict[str, np.ndarray]] = [{} for _ in times]

    def draw(which: range) -> None:
        # An animator draws in tables of its own: each thread needs one.
        on = built if workers == 1 else replace(built, animator=Animator(built.head))
        for i in which:
            now = light.at(float(times[i]))
            frames[i] = stage.draw(on, place, poses[i], shots[i], now, width, height)
            turned = replace(poses[i], yaw=poses[i].yaw + shots[i].orbit)
            marks[i] = landmarks(on.animator, turned, stage.view_of(shots[i], width, height))

    portions = [range(first, len(times), workers) for first in range(workers)]
    if workers == 1:
        draw(portions[0])
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(draw, portions))
    places = {name: np.array([mark[name] for mark in marks]) for name in marks[0]}
    gap = places["upper_lip_inner"] - places["lower_lip_inner"]
    truth = Truth(
        offset_ms=0.0, drift_ms_per_s=0.0,
        times_s=times,
        phonemes=tuple(_later(phoneme, LEAD_S) for phoneme in speech.phonemes),
        mouth=mouths, aperture_px=np.linalg.norm(gap, axis=1),
        pose_deg=np.rad2deg(
            [[p.yaw + s.orbit, p.pitch, p.roll] for p, s in zip(poses, shots, strict=True)]
        ),
        blink=np.array([p.blink for p in poses]), landmarks_px=places, text=text,
    )  # fmt: skip
    audio = _audio(speech, len(times) / fps)
    clip = Clip.from_arrays(
        frames, fps=fps, audio=audio, name=actor.name,
        provenance={"actor": actor.describe(), "seed": seed, "text": text},
    )  # fmt: skip
    return TalkingClip(clip, truth)


def landmarks(animator: Animator, pose: Pose, view: View) -> dict[str, np.ndarray]:
    """Where known points of the face lie in the picture, px, whole numbers at pixel centres."""
    t, lips = animator.head.layout, animator.lips(pose)
    zero = np.zeros(1)
    (top,), (bottom,) = lips.inner(zero)
    (outer_top,), (outer_bottom,) = lips.outer(zero)
    corner_y = lips.middle_y - lips.corner
    places = {
        "right_eye": (-t.eye_x, t.eye_y), "left_eye": (t.eye_x, t.eye_y),
        "nose_tip": (0.0, t.nose_y - 0.10),
        "right_mouth": (-lips.half, corner_y), "left_mouth": (lips.half, corner_y),
        "upper_lip_inner": (0.0, top), "lower_lip_inner": (0.0, bottom),
        "upper_lip_outer": (0.0, outer_top), "lower_lip_outer": (0.0, outer_bottom),
    }  # fmt: skip
    points = animator.surface_points(np.array(list(places.values())))
    pixels = view.project(pose.to_camera(points)) - 0.5
    return dict(zip(places, pixels, strict=True))


def _later(phoneme: Phoneme, by_s: float) -> Phoneme:
    return replace(
        phoneme, start_s=phoneme.start_s + by_s, end_s=phoneme.end_s + by_s,
        release_s=phoneme.release_s + by_s,
    )  # fmt: skip


def _energy(speech: Speech, times_s: np.ndarray) -> np.ndarray:
    """Loudness at each time, smoothed over a syllable, in [0, 1]."""
    rate = speech.sample_rate
    count, wide = len(speech.samples), rate // 5
    total = np.concatenate([[0.0], np.cumsum(speech.samples.astype(np.float64) ** 2)])
    last = np.minimum(np.arange(count) + (wide + 1) // 2, count)
    first = np.maximum(np.arange(count) - wide // 2, 0)
    loud = np.sqrt((total[last] - total[first]) / wide)
    at = np.interp(times_s - LEAD_S, np.arange(len(loud)) / rate, loud, left=0, right=0)
    return at / (loud.max() + 1e-9)


def _audio(speech: Speech, duration_s: float) -> Audio:
    """The speech on the clip's clock, exactly as long as the picture."""
    total = round(duration_s * speech.sample_rate)
    out = np.zeros((1, total), np.float32)
    first = round(LEAD_S * speech.sample_rate)
    room = max(0, min(total - first, len(speech.samples)))
    out[0, first : first + room] = speech.samples[:room]
    return Audio(out, speech.sample_rate)
