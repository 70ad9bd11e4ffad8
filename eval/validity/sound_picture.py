"""Is it seen when sound and visible events are apart, and ignored what does not matter?

Run as ``python -m eval.validity.sound_picture --data ../shared/data --out docs/validity``.

Things happen at known times in rendered scenes, before a wall and over real footage that moves;
sounds begin at these times, shifted by known amounts. Real clips without discrete events, and
sounds of other clips, show how often an offset is reported that nobody can know.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

import hhlab as hh
from eval.validity.sound_picture_scenes import KINDS, RATE, SECONDS, scene, sound, times_of
from eval.validity.temporal_footage import arguments, markdown, save
from hhlab.metrics.flow import FlowStream
from hhlab.metrics.sound_picture import EventCurve, SoundPicture, match
from hhlab.metrics.sound_picture_onsets import Onsets, onsets_of
from hhlab.types import Frame

SHIFTS_S = (-1.0, -0.5, -0.2, 0.0, 0.2, 0.5, 1.0)
SEEDS = range(6)
BEHIND = ("talk/vbm_01083.mp4", "talk/vbm_00000.mp4", "talk/lp_d20.mp4", "talk/vbm_419.mp4")
MOST_S = 6.0
FRAME_MS = 40.0
Curve = tuple[np.ndarray, np.ndarray]


class Seen:
    """What both metrics see of a scene: our curve, and the mean flow that AV-Align goes by."""

    def __init__(self, frames: np.ndarray, *, fps: float = 25.0) -> None:
        flow = FlowStream()
        curve, times, speeds = EventCurve(flow), [], []
        for k, rgb in enumerate(frames):
            frame = Frame(k, k / fps, rgb)
            curve.see(frame)
            step = flow.see(frame)
            if step is not None:
                times.append(frame.time_s)
                speeds.append(float(np.linalg.norm(step.flow_px, axis=-1).mean()))
        self.curve: Curve = curve.curve()
        self.speed: Curve = np.array(times), np.array(speeds)


def av_align(speed: Curve, onsets: Onsets, *, fps: float = 25.0) -> float:
    """AV-Align (Yariv et al. 2024): matched over all peaks, within a frame before and after."""
    times, values = speed
    inner = (values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])
    peaks = times[1:-1][inner]
    near = np.abs(peaks[:, None] - onsets.times_s) <= 1.5 / fps
    matched = int(near.any(axis=1).sum())
    both = len(peaks) + len(onsets.times_s) - matched
    return matched / both if both else 0.0


def judged(seen: Seen, samples: np.ndarray) -> tuple[SoundPicture, float]:
    """Our finding and AV-Align's for a scene and a sound."""
    onsets = onsets_of(samples, sample_rate=RATE)
    return match(*seen.curve, onsets, span_s=(0.0, SECONDS)), av_align(seen.speed, onsets)


def scenes(data) -> dict[tuple[str, str, int], Seen]:
    """Every scene by what is behind, what happens, and seed."""
    found = {}
    for kind, seed in product(KINDS, SEEDS):
        found["a wall", kind, seed] = Seen(scene(kind, times_of(seed), seed=seed))
    for number, name in enumerate(BEHIND):
        clip = hh.read_clip(data / name)
        behind = np.stack([f.rgb for f in clip.frames(end_s=2.0, max_side_px=192)])
        for kind in KINDS:
            frames = scene(kind, times_of(number), seed=number, behind=behind)
            found["real footage", kind, number] = Seen(frames)
    return found


def shifted(found: dict) -> pd.DataFrame:
    """Each scene with its sound at each shift."""
    rows = []
    for (behind, kind, seed), seen in found.items():
        for shift in SHIFTS_S:
            result, reference = judged(seen, sound(times_of(seed) + shift, seed=seed))
            rows.append({
                "study": "shift", "behind": behind, "kind": kind, "seed": seed,
                "shift_ms": 1000 * shift, "status": result.status, "offset_ms": result.offset_ms,
                "in_time": result.in_time, "av_align": reference,
            })  # fmt: skip
    return pd.DataFrame(rows)


def nuisances(found: dict) -> pd.DataFrame:
    """What must not matter: loudness, music, frame rate, size."""
    rows = []
    for kind, seed in product(KINDS, (0, 1, 2)):
        times = times_of(seed)
        seen = found["a wall", kind, seed]
        frames = scene(kind, times, seed=seed)
        half = frames[:, ::2, ::2].copy()
        variants = {
            "nothing": (seen, {}), "24 dB quieter": (seen, {"gain_db": -24.0}),
            "music 26 dB below": (seen, {"bed_db": -26.0}),
            "music 14 dB below": (seen, {"bed_db": -14.0}),
            "half the size": (Seen(half), {}),
            "every other frame": (Seen(frames[::2], fps=12.5), {}),
        }  # fmt: skip
        for name, (looked, how) in variants.items():
            for shift in (0.0, 0.5):
                result, _ = judged(looked, sound(times + shift, seed=seed, **how))
                rows.append({
                    "study": "nuisance", "nuisance": name, "kind": kind, "seed": seed,
                    "shift_ms": 1000 * shift, "status": result.status,
                    "offset_ms": result.offset_ms,
                })  # fmt: skip
    return pd.DataFrame(rows)


def alarms(found: dict, data) -> pd.DataFrame:
    """Pictures with sounds that are not theirs, and real clips as they are."""
    real: dict[str, tuple[Curve, Onsets | None, float]] = {}
    for path in sorted([*data.glob("talk/*.mp4"), *data.glob("silent/*.mp4")]):
        clip, curve = hh.read_clip(path), EventCurve()
        for frame in clip.frames(end_s=MOST_S, max_side_px=384):
            curve.see(frame)
        onsets = None
        if clip.info.has_audio:
            audio = clip.audio(sample_rate=RATE, mono=True)
            heard = audio.mono[: int(MOST_S * RATE)]
            onsets = onsets_of(heard, sample_rate=RATE, start_s=audio.start_s)
        real[path.stem] = curve.curve(), onsets, min(MOST_S, clip.info.duration_s)
    rows = []

    def add(kind: str, name: str, result: SoundPicture) -> None:
        rows.append({"study": "alarm", "what": kind, "clip": name, "status": result.status,
                     "offset_ms": result.offset_ms, "events": len(result.events_s),
                     "reason": result.reason})  # fmt: skip

    for name, (curve, own, length_s) in real.items():
        for other, (_, onsets, other_s) in real.items():
            if onsets is None or (other == name) != (onsets is own):
                continue
            kind = "real clip, its own sound" if other == name else "real clip, another's sound"
            add(kind, f"{name} + {other}",
                match(*curve, onsets, span_s=(0.0, min(length_s, other_s))))  # fmt: skip
        for seed in SEEDS:
            onsets = onsets_of(sound(times_of(seed), seed=seed), sample_rate=RATE)
            add("real clip, blows that are not seen", f"{name} + {seed}",
                match(*curve, onsets, span_s=(0.0, min(length_s, SECONDS))))  # fmt: skip
    for (behind, kind, seed), seen in found.items():
        for other in SEEDS:
            if other != seed:
                result, _ = judged(seen, sound(times_of(other), seed=other))
                add("scene, another scene's sound", f"{behind} {kind} {seed} + {other}", result)
    return pd.DataFrame(rows)


def errors(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """How many offsets are given, and how far they are off."""
    rows = []
    for names, group in table.groupby(by, sort=False):
        told = group[group.status == "ok"]
        off = told.offset_ms - told.shift_ms
        rows.append(dict(zip(by, names, strict=True)) | {
            "sounds": len(group), "told": len(told), "median error, ms": off.median(),
            "largest, ms": off.abs().max(), "within 80 ms": (off.abs() <= 80).sum(),
        })  # fmt: skip
    return pd.DataFrame(rows)


def page(moved: pd.DataFrame, ignored: pd.DataFrame, false: pd.DataFrame) -> list[str]:
    """The page's paragraphs, of the three tables."""
    at = moved.pivot_table(index=["behind", "kind", "seed"], columns="shift_ms", values="av_align")
    half = pd.concat([at[500.0], at[-500.0]])
    aligned = pd.concat([at[0.0], at[0.0]])
    own = moved[moved.status == "ok"].pivot_table(
        index=["behind", "kind", "seed"], columns="shift_ms", values="offset_ms"
    )
    seen = sum(int(((own[s] - s).abs() <= 80).sum()) for s in (500.0, -500.0))
    given = sum(int(own[s].notna().sum()) for s in (500.0, -500.0))
    false_table = false.groupby("what", sort=False).agg(
        cases=("status", "size"), reported=("status", lambda s: int((s == "ok").sum()))
    ).reset_index()  # fmt: skip
    told = moved[moved.status == "ok"]
    right = int(((told.offset_ms - told.shift_ms).abs() <= 80).sum())
    return [
        "# Sound and picture beyond lips",
        f"{len(at)} scenes of {SECONDS:g} s at 25 frames a second in which a ball bounces, "
        "hands clap, a light flashes or a box lands at known times, 24 before a wall and 16 over "
        "real footage that moves; sounds shifted by up to a second. An event between two frames is "
        "seen in the later one, so that up to a frame (40 ms) of error is the frames' own. "
        "*Told*: the others are undetermined. At a shift of a whole second the offset lies at the "
        "edge of what is looked for, and sounds fall out of the clip. In all, "
        f"{len(told)} of {len(moved)} are told, {right} of them within 80 ms.",
        markdown(errors(moved, ["behind", "kind"]), 0),
        markdown(errors(moved, ["shift_ms"]), 0),
        "## A half-second shift, and AV-Align",
        f"Of {2 * len(at)} sounds shifted by half a second either way, an offset is told for "
        f"{given}, of which {seen} are right within 80 ms. AV-Align (matched over all peaks of "
        f"sound and of mean flow, within a frame), on the same scenes: {at[0.0].mean():.2f} on "
        f"average in sync and {half.mean():.2f} shifted by half a second; the sound in sync scores "
        f"higher in {int((aligned.to_numpy() > half.to_numpy()).sum())} of {len(half)}, and alike "
        f"in {int((aligned.to_numpy() == half.to_numpy()).sum())}.",
        "## What must not matter",
        markdown(errors(ignored, ["nuisance"]), 0),
        "## False alarms",
        "Offsets reported where nobody can know one: sounds of other clips or scenes. Real clips "
        "with their own sound show people who talk, a drawn princess and a ship: no blow is seen, "
        "and an offset would have to be near 0.",
        markdown(false_table, 0),
        "## Limits",
        "It takes three events or more that start, stop or turn round clearly, and sounds that "
        "begin clearly; steady noises, music and speech stay undetermined. Where events recur "
        "evenly, shifts by their period cannot be told apart, and the offset is undetermined. Real "
        "footage of blows with exact times was not at hand: over real footage the events are "
        "drawn.",
    ]  # fmt: skip


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    found = scenes(options.data)
    tables = shifted(found), nuisances(found), alarms(found, options.data)
    save(options.out, "sound_picture", page(*tables), pd.concat(tables))


if __name__ == "__main__":
    main()
