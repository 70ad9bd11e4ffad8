"""Clips in known light: rendered actors, and real clips whose light is changed by known amounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

import hhlab as hh
from hhlab.actors.light import Light
from hhlab.actors.looks import LIGHTING
from hhlab.actors.script import ATTRIBUTES, Script
from hhlab.actors.take import DressingRoom, take
from hhlab.damage.codec import recompress
from hhlab.metrics.light import LightFound, LightObserver
from hhlab.metrics.light_colour import LUMINANCE, gains_of_shift, linear, mired_shift
from hhlab.toolbox import shared_toolbox
from hhlab.types import Clip, Face, Frame

ACTOR_SEEDS, ACTOR_PX, ACTOR_FPS = tuple(range(101, 113)), 128, 2.5
FPS, SECONDS, SIDE_PX = 5.0, 2.0, 384
MIREDS, STOPS, SIDES = (-60, -30, 30, 60, 100), (-2.0, -1.0, -0.5, 0.5), (-3, -1.5, 1.5, 3)
Rows = list[tuple[Frame, list[Face]]]


def watch(clip: Clip, *, fps: float | None = None, seconds: float | None = None) -> Rows:
    """Frames with their faces."""
    tracker = shared_toolbox().tracker({})
    frames = clip.frames(fps=fps, end_s=seconds, max_side_px=SIDE_PX)
    return [(frame, tracker.see(frame)) for frame in frames]


def shown(rows: Rows) -> LightFound:
    observer = LightObserver()
    for frame, faces in rows:
        observer.see(frame, faces)
    return observer.result()


def on_white(light: Light, seconds: float = SECONDS) -> tuple[float, float, float]:
    """How warm (mired) and how strong (stops) a light is on a white wall that faces the camera.

    At the middle look of the clip; and by how many stops it grows from the first look to the last.
    From the numbers that the renderer is given, without rendering anything.
    """

    def seen(time_s: float) -> np.ndarray:
        now = light.at(time_s)
        return now.key * max(now.direction[2], 0.0) + now.ambient

    last_s = seconds - 1 / ACTOR_FPS
    middle, ends = seen(last_s / 2), [seen(t) @ LUMINANCE for t in (0.0, last_s)]
    return (float(mired_shift(np.log2(middle[0] / middle[2]))),
            float(np.log2(middle @ LUMINANCE)), float(np.log2(ends[1] / ends[0])))  # fmt: skip


def actors() -> pd.DataFrame:
    """Every light of the small world, on people that were not looked at before."""
    rows = []
    for seed in ACTOR_SEEDS:
        script = Script.sample(seed, move="static")
        room = DressingRoom(script.actor, ACTOR_PX)
        for light in ATTRIBUTES["light"]:
            warmth, level, grows = on_white(LIGHTING[light])
            clip = take(replace(script, light=light), size_px=ACTOR_PX, fps=ACTOR_FPS, room=room)
            found = shown(watch(clip.clip))
            rows.append({
                "light": light, "actor": seed, "skin": script.skin, "place": script.place,
                "balance, stops": found.balance_stops,
                "level change, stops": found.level_change_stops,
                "warmth, mired": found.warmth_mired, "level, stops": found.level_stops,
                "contrast, stops": found.contrast_stops, "azimuth": LIGHTING[light].azimuth,
                "true warmth": warmth, "true level": level, "true change": grows, **found.found,
            })  # fmt: skip
        print("actor", seed, script.skin, script.place, flush=True)
    return pd.DataFrame(rows)


def _lit(rgb: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """A picture with its linear light multiplied, uint8."""
    light = np.clip(linear(rgb) * gain, 0, 1)
    shown_ = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * shown_).astype(np.uint8)


def _sided(frame: Frame, faces: Sequence[Face], stops: float) -> np.ndarray:
    """Light that falls off across the face by `stops` from its right edge to its left."""
    if not faces:
        return frame.rgb
    x, _, w, _ = max(faces, key=lambda face: float(face.box_px[2])).box_px
    across = np.clip((np.arange(frame.rgb.shape[1]) - x) / max(float(w), 1.0), 0, 1) - 0.5
    return _lit(frame.rgb, (2.0 ** (stops * across))[None, :, None])


def real(data: Path) -> pd.DataFrame:
    """Real clips of people under known changes of light, and under what is no change of light."""
    out = []
    paths = sorted([*(data / "talk").glob("*.mp4"), *(data / "silent").glob("lp*.mp4")])
    for path in paths:
        rows = watch(hh.read_clip(path), fps=FPS, seconds=SECONDS)
        if not np.mean([bool(faces) for _, faces in rows]) > 0.9:
            continue
        base = shown(rows)
        grow = np.linspace(0, 1, len(rows))

        def add(kind, dose, changed, *, path=path, base=base):
            found = shown(changed)
            out.append({
                "clip": path.name, "change": kind, "dose": dose,
                "warmth": found.warmth_mired - base.warmth_mired,
                "level": found.level_stops - base.level_stops,
                "balance": found.balance_stops - base.balance_stops,
                "level change": found.level_change_stops - base.level_change_stops,
                "warmth change": found.warmth_change_mired - base.warmth_change_mired,
                "words": sum(found.found[name] != base.found[name] for name in found.found),
            })  # fmt: skip

        def each(change, *, rows=rows):
            return [(replace(frame, rgb=change(frame, faces, k)), faces)
                    for k, (frame, faces) in enumerate(rows)]  # fmt: skip

        for mired in MIREDS:
            gains = gains_of_shift(mired)
            add("warmer, mired", mired, each(lambda f, _, k, gains=gains: _lit(f.rgb, gains)))
        for stops in STOPS:
            gain = np.array(2.0**stops)
            add("lighter, stops", stops, each(lambda f, _, k, gain=gain: _lit(f.rgb, gain)))
        for stops in SIDES:
            add("from the right, stops", stops,
                each(lambda f, faces, k, stops=stops: _sided(f, faces, stops)))  # fmt: skip
        for stops in (-1.5, -0.7):
            add(
                "grows lighter, stops",
                stops,
                each(lambda f, _, k, s=stops, g=grow: _lit(f.rgb, np.array(2.0 ** (s * g[k])))),
            )
        for mired in (-40, 40):
            add(
                "grows warmer, mired",
                mired,
                each(lambda f, _, k, m=mired, g=grow: _lit(f.rgb, gains_of_shift(m * g[k]))),
            )
        frames = np.stack([frame.rgb for frame, _ in rows])
        even = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]
        coded = [f.rgb for f in recompress(Clip.from_arrays(even, fps=FPS), crf=38).frames()]
        add("H.264 at crf 38", 0, each(lambda f, _, k, coded=coded: coded[k]))
        rng = np.random.default_rng(0)
        add(
            "grain, sigma 8",
            0,
            each(
                lambda f, _, k, rng=rng: np.clip(
                    f.rgb + rng.normal(0, 8, f.rgb.shape), 0, 255
                ).astype(np.uint8)
            ),
        )
        add("blur, sigma 2 px", 0,
            each(lambda f, _, k: cv2.GaussianBlur(f.rgb, (0, 0), 2)))  # fmt: skip
        half = [(replace(f, rgb=cv2.resize(f.rgb, None, fx=0.5, fy=0.5,
                                           interpolation=cv2.INTER_AREA)),
                 [replace(one, box_px=one.box_px / 2, landmarks_px=None
                          if one.landmarks_px is None else one.landmarks_px / 2) for one in faces])
                for f, faces in rows]  # fmt: skip
        add("half the size", 0, half)
        for name, colour in (("red", (190, 60, 60)), ("green", (60, 150, 70)),
                             ("blue", (60, 80, 180))):  # fmt: skip
            add(f"wall behind painted {name}", 0,
                each(lambda f, faces, k, c=colour: _painted(f, faces, c)))  # fmt: skip
        print(path.name, flush=True)
    return pd.DataFrame(out)


def _painted(frame: Frame, faces: Sequence[Face], colour: tuple[int, int, int]) -> np.ndarray:
    """All that is not near a face or below it mixed half and half with a colour."""
    from hhlab.metrics.camera_follow import people

    beside = ~people(faces, frame.rgb.shape[:2], (1.0, 1.0))
    out = frame.rgb.copy()
    out[beside] = (0.5 * out[beside] + 0.5 * np.array(colour)).astype(np.uint8)
    return out
