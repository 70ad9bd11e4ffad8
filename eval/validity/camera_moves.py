"""Clips whose camera move is known: windows that move over tripod clips, and rendered actors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

import hhlab as hh
from hhlab.actors.camera import MOVES
from hhlab.actors.script import Script
from hhlab.actors.take import DressingRoom, take
from hhlab.damage.codec import recompress
from hhlab.metrics.camera import CameraObserver
from hhlab.metrics.camera_asked import camera_agrees
from hhlab.metrics.camera_result import CameraMotion
from hhlab.toolbox import shared_toolbox
from hhlab.types import Clip, Face, Frame, shrink

TRIPOD = ("talk/ls1.mp4", "talk/ls2.mp4", "talk/vbm_00000.mp4")
ACTORS = (
    (21, "library", 256), (22, "room", 320), (23, "park", 256), (24, "office", 256),
    (51, "yellow studio", 192), (52, "green studio", 192),
)  # fmt: skip
"""Seed, place and size; the last two were not looked at when thresholds were chosen."""
SECONDS, SIDE_PX, WINDOW = 2.0, 480, 0.85
DOSES: dict[str, tuple[float, ...]] = {
    "pan right": (1, 2, 4, 8, 16), "tilt up": (2, 8), "zoom in": (2, 5, 10, 25),
    "roll right": (2, 4, 8), "shake": (0.2, 0.7, 1.5),
}  # fmt: skip
"""Per move its doses: percent of the picture's longer side, percent of growth, degrees, and root
mean square in percent of the longer side."""


@dataclass(frozen=True)
class Watched:
    """A frame and the faces in it."""

    frame: Frame
    faces: list[Face]


def watch(clip: Clip, *, seconds: float | None = None, side_px: int = SIDE_PX) -> list[Watched]:
    """The frames that the camera metric takes, with their faces."""
    tracker, out = shared_toolbox().tracker({}), []
    for frame in clip.frames(max_side_px=side_px, end_s=seconds):
        out.append(Watched(frame, tracker.see(frame)))
    return out


@lru_cache(maxsize=len(TRIPOD))
def _base(path: Path) -> tuple[Watched, ...]:
    return tuple(watch(hh.read_clip(path), seconds=SECONDS))


def shown(rows: Sequence[Watched], focal: tuple[float, float] | None = None) -> CameraMotion:
    """What the metric finds in these frames."""
    observer = CameraObserver(focal)
    for row in rows:
        observer.see(row.frame, row.faces)
    return observer.result()


def moved(rows: Sequence[Watched], move: str, dose: float, *, seed: int) -> Iterator[Watched]:
    """The same frames through a window that moves as a camera would, faces with it."""
    height, width = rows[0].frame.rgb.shape[:2]
    size = round(WINDOW * width), round(WINDOW * height)
    longer = max(size)
    part = np.linspace(-0.5, 0.5, len(rows))
    rng = np.random.default_rng(seed)
    # A hand's shaking: half a second's wandering, no net way.
    noise = cv2.blur(rng.standard_normal((len(rows), 1, 2)), (1, 3))[:, 0]
    noise = noise / np.sqrt(np.square(noise).sum(axis=1).mean()) if move == "shake" else noise
    for row, at, wobble in zip(rows, part, noise, strict=True):
        x = y = turn = 0.0
        scale = 1.0
        if move == "pan right":
            x = dose / 100 * longer * at
        elif move == "tilt up":
            y = -dose / 100 * longer * at
        elif move == "zoom in":
            scale = (1 + dose / 100) ** at
        elif move == "roll right":
            turn = dose * at
        elif move == "shake":
            x, y = dose / 100 * longer * wobble
        centre = np.array([width / 2 + x, height / 2 + y])
        # OpenCV's angles turn the picture's content the other way than the camera.
        matrix = cv2.getRotationMatrix2D(tuple(centre), turn, scale)
        matrix[:, 2] += np.array(size) / 2 - centre
        rgb = cv2.warpAffine(row.frame.rgb, matrix, size, flags=cv2.INTER_LINEAR,
                             borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        faces = [_moved_face(face, matrix) for face in row.faces]
        yield Watched(Frame(row.frame.index, row.frame.time_s, rgb), faces)


def _moved_face(face: Face, matrix: np.ndarray) -> Face:
    x, y, w, h = face.box_px
    corners = np.array([[x, y], [x + w, y], [x, y + h], [x + w, y + h]]) @ matrix[:, :2].T
    corners += matrix[:, 2]
    low, high = corners.min(axis=0), corners.max(axis=0)
    return replace(face, box_px=np.float32([*low, *(high - low)]), landmarks_px=None)


def tripod(data: Path) -> pd.DataFrame:
    """Known moves over clips from a tripod: found, how much, and whether the interval holds it."""
    rows = []
    for name in TRIPOD:
        base = _base(data / name)[::2]
        doses = [(move, dose) for move, each in DOSES.items() for dose in each]
        for number, (move, dose) in enumerate([("static", 0.0), *doses]):
            found = shown(list(moved(base, move, dose, seed=number)))
            amounts = {
                "static": (0.0, np.nan), "pan right": (found.pan_percent, 100 * found.doubt[0]),
                "tilt up": (found.tilt_percent, 100 * found.doubt[1]),
                "zoom in": (100 * (found.zoom_factor - 1),
                            100 * found.zoom_factor * found.doubt[2]),
                "roll right": (found.roll_deg, found.doubt[3]),
                "shake": (found.shake_percent, np.nan),
            }  # fmt: skip
            amount, doubt = amounts[move]
            rows.append({"clip": name, "move": move, "dose": dose,
                         "found": found.move.name if found.move else "undetermined",
                         "amount": amount, "doubt": doubt})  # fmt: skip
        print(name, flush=True)
    return pd.DataFrame(rows)


def nuisances(data: Path) -> pd.DataFrame:
    """The tripod clips under what is no camera move."""
    rows = []
    rng = np.random.default_rng(0)
    for name in TRIPOD:
        base = _base(data / name)
        frames = np.stack([row.frame.rgb for row in base])
        clip = Clip.from_arrays(frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2],
                                fps=25)  # fmt: skip
        coded = np.stack([f.rgb for f in recompress(clip, crf=38).frames()])
        flicker = 1 + 0.1 * (-1.0) ** (np.arange(len(frames)) // 2)
        changed = {
            "as it is": frames, "H.264 at crf 38": coded,
            "brightness flickers by 10%": np.clip(
                frames * flicker[:, None, None, None], 0, 255).astype(np.uint8),
            "grain, sigma 8": np.clip(
                frames + rng.normal(0, 8, frames.shape), 0, 255).astype(np.uint8),
            "a third of the size": np.stack(
                [shrink(f, max(frames.shape[1:3]) // 3) for f in frames]),
        }  # fmt: skip
        for what, pictures in changed.items():
            scale = pictures.shape[1] / frames.shape[1]
            found = shown([
                Watched(Frame(row.frame.index, row.frame.time_s, rgb),
                        [replace(face, box_px=face.box_px * scale) for face in row.faces])
                for row, rgb in zip(base, pictures, strict=True)
            ])  # fmt: skip
            rows.append({"clip": name, "nuisance": what,
                         "found": found.move.name if found.move else "undetermined",
                         "pan, %": found.pan_percent, "tilt, %": found.tilt_percent,
                         "zoom": found.zoom_factor})  # fmt: skip
    return pd.DataFrame(rows)


def rendered() -> pd.DataFrame:
    """Every move of the small world, by its name."""
    rows = []
    for seed, place, size_px in ACTORS:
        script = Script.sample(seed, place=place, light="soft")
        room = DressingRoom(script.actor, size_px)
        for move in MOVES:
            clip = take(replace(script, move=move), size_px=size_px, room=room).clip
            found = shown(watch(clip))
            name = found.move.name if found.move else "undetermined"
            also = found.move.also if found.move else ()
            right = camera_agrees(name, move, also=also) if found.move else float("nan")
            rows.append({"asked": move, "actor": seed, "place": script.place, "found": name,
                         "also": ", ".join(also) or found.reason, "as asked": right})  # fmt: skip
        print("actor", seed, place, flush=True)
    return pd.DataFrame(rows)
