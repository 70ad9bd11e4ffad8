"""How exactly is the camera's motion found, and is it called by its right name?

Run as ``python -m eval.validity.camera --data ../shared/data --out docs/validity``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

import hhlab as hh
from eval.validity.temporal_footage import arguments, markdown, save
from hhlab.actors.camera import MOVES
from hhlab.actors.script import Script
from hhlab.actors.take import DressingRoom, take
from hhlab.metrics.camera import CameraMotion, CameraObserver
from hhlab.metrics.camera_name import as_asked
from hhlab.metrics.camera_pose import angle_deg, camera_matrix

ACTOR_SEEDS = (11, 12)
TALK_FRAMES = 60


def truth(path: Path) -> tuple[np.ndarray, tuple[float, float]]:
    """World-to-camera matrices (t, 3, 4), and focal lengths as shares of width and height."""
    rows = [line.split() for line in path.read_text().splitlines()[1:]]
    numbers = np.array(rows, dtype=np.float64)
    return numbers[:, 7:].reshape(-1, 3, 4), (numbers[0, 1], numbers[0, 2])


def by_sift(frames: list, focal: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The usual way: SIFT, ratio test, essential matrix, pose; rotations and directions a step."""
    sift, matcher = cv2.SIFT_create(2000), cv2.BFMatcher()
    height, width = frames[0].rgb.shape[:2]
    camera = camera_matrix(width, height, focal)
    found = [sift.detectAndCompute(cv2.cvtColor(f.rgb, cv2.COLOR_RGB2GRAY), None) for f in frames]
    rotations, directions = [], []
    for (ka, da), (kb, db) in pairwise(found):
        pairs = [m for m, n in matcher.knnMatch(da, db, k=2) if m.distance < 0.75 * n.distance]
        a, b = (np.float64([k[i].pt for k, i in zip([keys] * len(pairs), at, strict=True)])
                for keys, at in ((ka, [m.queryIdx for m in pairs]),
                                 (kb, [m.trainIdx for m in pairs])))  # fmt: skip
        a, b = ((p - camera[:2, 2]) / np.array(focal) for p in (a, b))
        essential, mask = cv2.findEssentialMat(a, b, np.eye(3), method=cv2.RANSAC, prob=0.999,
                                               threshold=1 / focal[0])  # fmt: skip
        _, rotation, direction, _ = cv2.recoverPose(essential, a, b, np.eye(3), mask=mask)
        rotations.append(rotation)
        directions.append(direction.ravel())
    return np.array(rotations), np.array(directions)


def steps_of(found: CameraMotion) -> tuple[np.ndarray, np.ndarray]:
    """Rotations and directions of single steps."""
    before = np.concatenate([np.eye(3)[None], found.rotations[:-1]])
    return found.rotations @ before.transpose(0, 2, 1), found.directions


def errors(rotations: np.ndarray, directions: np.ndarray, poses: np.ndarray) -> dict[str, float]:
    """Mean rotation error of single steps and against the first frame; direction's median."""
    turn = poses[1:, :, :3] @ poses[:-1, :, :3].transpose(0, 2, 1)
    shift = poses[1:, :, 3] - (turn @ poses[:-1, :, 3:])[..., 0]
    shift /= np.linalg.norm(shift, axis=1, keepdims=True)
    whole, each, way, mine = [], [], [], np.eye(3)
    for k, (rotation, direction) in enumerate(zip(rotations, directions, strict=True)):
        mine = rotation @ mine
        whole.append(angle_deg(mine.T @ poses[k + 1, :, :3] @ poses[0, :, :3].T))
        each.append(angle_deg(rotation.T @ turn[k]))
        if np.isfinite(direction).all():
            way.append(np.degrees(np.arccos(np.clip(direction @ shift[k], -1, 1))))
    return {"from first, °": float(np.mean(whole)), "step, °": float(np.mean(each)),
            "direction, °": float(np.median(way)) if way else float("nan"),
            "without direction": len(rotations) - len(way)}  # fmt: skip


def watched(frames: list, focal: tuple[float, float] | None = None) -> CameraMotion:
    observer = CameraObserver(focal)
    for frame in frames:
        observer.see(frame)
    return observer.result()


def timed(do: Callable[[], object]) -> tuple[object, float]:
    start = time.process_time()
    found = do()
    return found, time.process_time() - start


def real(data: Path) -> pd.DataFrame:
    """Every clip with true poses, by each method."""
    rows = []
    for path in sorted((data / "camera").glob("*.mp4")):
        poses, shares = truth(path.with_suffix(".txt"))
        frames = list(hh.read_clip(path).frames())
        height, width = frames[0].rgb.shape[:2]
        focal = (shares[0] * width, shares[1] * height)
        still = np.repeat(np.eye(3)[None], len(poses) - 1, axis=0), np.full((len(poses) - 1, 3),
                                                                            np.nan)  # fmt: skip
        mine, mine_s = timed(lambda frames=frames, focal=focal: watched(frames, focal))
        usual, usual_s = timed(lambda frames=frames, focal=focal: by_sift(frames, focal))
        guess = watched(frames)
        for method, found, took_s in (
            ("hhlab", steps_of(mine), mine_s), ("SIFT + essential matrix", usual, usual_s),
            ("hhlab, lens unknown", steps_of(guess), np.nan), ("no motion", still, np.nan),
        ):  # fmt: skip
            rows.append({"clip": path.stem, "method": method} | errors(*found, poses)
                        | {"frames/s": len(frames) / took_s, "name": mine.move.name})  # fmt: skip
        print(path.stem, flush=True)
    return pd.DataFrame(rows)


def rendered() -> pd.DataFrame:
    """Every move of the small world, by its name."""
    rows = []
    for seed in ACTOR_SEEDS:
        script = Script.sample(seed, place="library" if seed % 2 else "room", light="soft")
        room = DressingRoom(script.actor, 160)
        for move in MOVES:
            asked = Script.sample(seed, place=script.place, light="soft", move=move)
            clip = take(asked, size_px=160, room=room).clip
            found = watched(list(clip.frames()))
            name = found.move.name if found.move else "undetermined"
            also = ", ".join(found.move.also) if found.move else found.reason
            right = as_asked(found.move, move) if found.move else float("nan")
            rows.append({"asked": move, "actor": seed, "found": name, "also": also,
                         "as asked": right})  # fmt: skip
        print("actor", seed, flush=True)
    return pd.DataFrame(rows)


def talking(data: Path) -> pd.DataFrame:
    """What real people who talk before a camera that hardly moves are said to be filmed with."""
    rows = []
    for path in sorted((data / "talk").glob("*.mp4")):
        frames = []
        for frame in hh.read_clip(path).frames(max_side_px=480):
            frames.append(frame)
            if len(frames) == TALK_FRAMES:
                break
        found = watched(frames)
        rows.append({"clip": path.name, "found": found.move.name if found.move else "undetermined",
                     "strength": found.move.strength if found.move else np.nan,
                     "pan, %": found.pan_percent, "tilt, %": found.tilt_percent,
                     "zoom": found.zoom_factor})  # fmt: skip
    return pd.DataFrame(rows)


def main() -> None:
    options = arguments(__doc__.split("\n", maxsplit=1)[0])
    cv2.setNumThreads(1)
    poses, actors, people = real(options.data), rendered(), talking(options.data)
    numbers = ["from first, °", "step, °", "direction, °", "without direction", "frames/s"]
    means = poses.groupby("method", sort=False)[numbers].mean().reset_index()
    mine = poses[poses.method == "hhlab"][["clip", *numbers[:4], "name"]]
    known = actors[actors["as asked"].notna()]
    n_clips = len(set(poses["clip"]))
    text = [
        "# Camera",
        "## Real camera moves with true poses",
        f"{n_clips} clips of RealEstate10K, 16 frames each, about a quarter of a "
        "second apart. Rotation is compared from the first frame on (errors add up) and step by "
        "step; the direction of translation step by step, median. *SIFT + essential matrix* is the "
        "usual way, run here on the same frames with the same true focal lengths; *lens unknown* "
        "assumes a common one. Frames a second are of processor time on one core, decoding "
        "excluded, on a machine that was busy with other work. Means over clips:",
        markdown(means),
        "Each clip, by hhlab with the true focal length, and what the move was called:",
        markdown(mine),
        "## Rendered actors, moves by name",
        f"{len(actors)} clips of two seconds, each of {actors.asked.nunique()} moves. A pan and a "
        "truck, a tilt and a pedestal move, a zoom and a dolly count as one (the small world's "
        f"camera moves near things more). As asked, mean over those named: "
        f"{known['as asked'].mean():.2f} of 1; undetermined: {len(actors) - len(known)}.",
        markdown(actors),
        "## People who talk",
        "The first frames of real clips in which somebody talks and the camera hardly moves; all "
        "that is not static here is a false alarm or the hand that held the camera.",
        markdown(people),
        "## Limits",
        "Angles are only as good as the focal length: with an assumed one they are off by its "
        "ratio to the true one. Where few corners lie on one side of the picture, as in front of "
        "bare walls, turning and moving sideways can be told apart badly, and errors add up over "
        "the shot. A person who fills the picture and moves as a whole looks like a camera that "
        "moves. Growth of the picture by a lens and by going nearer differ only where near and "
        "far things are seen. An orbit is told by the middle of the picture staying while its "
        "sides go by, which needs something to see there.",
    ]  # fmt: skip
    tables = [part.assign(study=name) for name, part in
              (("poses", poses), ("actors", actors), ("talk", people))]  # fmt: skip
    save(options.out, "camera", text, pd.concat(tables))


if __name__ == "__main__":
    main()
