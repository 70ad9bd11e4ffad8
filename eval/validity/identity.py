"""Validity of identity drift: known damage and nuisances on real talking faces.

    python -m eval.validity.identity --data ../shared/data --out docs/validity

Every clip is looked at five times a second for four seconds, through the same tracker, encoder and
observer that `hhlab measure` uses. Writes identity.md, identity.csv and two pictures.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.validity.identity_nuisances import FPS, NUISANCES, ramp
from eval.validity.identity_page import save, write_page
from hhlab import faces
from hhlab.damage import identity as damage
from hhlab.media import read_clip
from hhlab.metrics.encoders import SFaceEncoder, load_face_encoder, unit
from hhlab.metrics.identity import IdentityDrift
from hhlab.metrics.identity_observer import IdentityObserver, References
from hhlab.types import Frame

SECONDS, SIDE_PX = 4.0, 640
DOSES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
RAMP_DOSES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
# Shares of the clip between which a morphing face vanishes: end, middle, a moment, beginning.
VANISHED = ((0.65, 1.0), (0.4, 0.7), (0.6, 0.65), (0.0, 0.1), (0.0, 0.3))


@dataclass(frozen=True)
class Subject:
    """One clip at 5 frames a second with its face: frames, landmarks, embeddings of the windows."""

    name: str
    frames: np.ndarray
    landmarks: np.ndarray


class Bench:
    """Runs the metric on arrays as the command line would on a file."""

    def __init__(self) -> None:
        self.encoder: SFaceEncoder = load_face_encoder()
        self.detector, self.mesh = faces.load_detector(), faces.load_landmarks()

    def observe(
        self, frames: np.ndarray, *, fps: float = FPS, references: References | None = None
    ) -> IdentityObserver:
        tracker = faces.FaceTracker(
            self.detector, self.mesh, embed=lambda crop: self.encoder.embed(crop[None])[0]
        )
        observer = IdentityObserver(self.encoder, references=references)
        for index, rgb in enumerate(frames):
            frame = Frame(index, index / fps, rgb)
            observer.see(frame, tracker.see(frame))
        return observer

    def drift(self, frames: np.ndarray, **options) -> IdentityDrift:
        return self.observe(frames, **options).result()

    def load(self, path: Path) -> Subject | None:
        clip = read_clip(path)
        frames = np.stack([f.rgb for f in clip.frames(fps=FPS, end_s=SECONDS, max_side_px=SIDE_PX)])
        landmarks = np.full((len(frames), 478, 3), np.nan)
        for row, rgb in zip(landmarks, frames, strict=True):
            found = faces.detect_in_image(rgb, detector=self.detector, landmarks=self.mesh)
            if found and found[0].landmarks_px is not None:
                row[:] = found[0].landmarks_px
        if np.isfinite(landmarks).all(axis=(1, 2)).mean() < 0.8 or len(frames) < 10:
            return None
        return Subject(path.stem, frames, landmarks)


def own_reference(bench: Bench, subject: Subject) -> References:
    """The clean clip's first second, as pictures of the person."""
    samples = bench.observe(subject.frames[: int(FPS)]).samples()
    return References(samples.embeddings, samples.poses)


def study(bench: Bench, subject: Subject, other: Subject) -> list[dict]:
    """All experiments on one clip; one row per measurement."""
    rows: list[dict] = []

    def note(kind: str, what: str, dose: float, result: IdentityDrift) -> None:
        rows.append({
            "clip": subject.name, "kind": kind, "what": what, "dose": dose,
            "status": result.status, "drift": result.drift, "drift_worst": result.drift_worst,
            "drift_seen": result.drift_seen, "distance": result.distance,
            "drift_per_s": result.drift_per_s, "same": result.same_person_probability,
            "same_seen": result.same_person_probability_seen,
            "switches": " ".join(f"{t:.2f}" for t in result.switches_s),
            "coverage": result.coverage, "recolouring": result.recolouring,
        })  # fmt: skip

    f, marks, count = subject.frames, subject.landmarks, len(subject.frames)
    face, shape = other.frames[2], other.landmarks[2]
    at_s = count / 2 / FPS

    clean = bench.drift(f)
    note("clean", "clean", 0.0, clean)
    swapped = damage.swap(f, marks, face, shape, fps=FPS, at_s=at_s)
    note("swap", f"swap at {at_s:.2f} s", 1.0, bench.drift(swapped))
    back = damage.swap(f, marks, face, shape, fps=FPS, at_s=at_s / 2, until_s=1.5 * at_s)
    note("swap back", f"swap {at_s / 2:.2f} to {1.5 * at_s:.2f} s", 1.0, bench.drift(back))
    for name, nuisance in NUISANCES.items():
        note("nuisance", name, 1.0, bench.drift(nuisance(f)))

    reference = own_reference(bench, subject)
    some = slice(1, None, 3)
    for dose in DOSES:
        morphed = damage.morph(f[some], marks[some], face, shape, fraction=dose)
        note("morph", "throughout, against references", dose,
             bench.drift(morphed, fps=FPS / 3, references=reference))  # fmt: skip
    for dose in RAMP_DOSES:
        morphed = damage.morph(f, marks, face, shape, fraction=dose * ramp(count))
        note("morph ramp", "growing, against itself", dose, bench.drift(morphed))
    for against, given in (("itself", None), ("references", reference)):
        # `morphed` is by now the full morph.
        note("vanish", f"against {against}", 0.0, bench.drift(morphed, references=given))
        for start, end in VANISHED:
            black = morphed.copy()
            black[round(start * count) : round(end * count)] = 0
            note("vanish", f"against {against}, black from {start:.0%} to {end:.0%}", end - start,
                 bench.drift(black, references=given))  # fmt: skip
    for dose in (0.5, 1.0):
        grown = dose * ramp(count)
        note("age", "age", dose, bench.drift(damage.age(f, marks, strength=grown)))
        hue = damage.recolour(f, marks, region="skin", hue_deg=40, strength=grown)
        note("recolour", "skin hue +40 degrees", dose, bench.drift(hue))
    for what, region, change in (
        ("skin paler (chroma x 0.3)", "skin", {"saturation": 0.3}),
        ("skin darker (L* - 25)", "skin", {"lightness": -25}),
        ("eyes of another colour", "eyes", {"hue_deg": 180, "saturation": 3}),
    ):
        recoloured = damage.recolour(f, marks, region=region, strength=ramp(count), **change)
        note("recolour", what, 1.0, bench.drift(recoloured))
    return rows


def pairs(bench: Bench, subjects: list[Subject]) -> tuple[np.ndarray, np.ndarray]:
    """Distances of every sample to its own and to the other clips' first second."""
    samples = [bench.observe(s.frames).samples() for s in subjects]
    anchors = [unit(s.embeddings[s.times_s < 1.0 - 1e-9].mean(axis=0)) for s in samples]
    same, different = [], []
    for index, one in enumerate(samples):
        later = one.embeddings[one.times_s >= 1.0]
        for number, anchor in enumerate(anchors):
            (same if number == index else different).append(1 - later @ anchor)
    return np.concatenate(same), np.concatenate(different)


def speed(bench: Bench) -> float:
    """Milliseconds to embed one face, median of five batches of eight."""
    crops = np.random.default_rng(0).integers(0, 255, (8, 112, 112, 3), np.uint8)
    took = []
    for _ in range(5):
        start = time.perf_counter()
        bench.encoder.embed(crops)
        took.append((time.perf_counter() - start) / 8)
    return 1000 * float(np.median(took))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("docs/validity"))
    parser.add_argument("--clips", nargs="*", help="only clips of these names")
    options = parser.parse_args(arguments)
    if not (options.data / "talk").is_dir():
        print(f"skipped: no real clips at {options.data}")
        return 0
    bench = Bench()
    paths = [*sorted((options.data / "talk").glob("*.mp4")),
             options.data / "silent" / "lp_d18.mp4"]  # fmt: skip
    if options.clips:
        paths = [path for path in paths if path.stem in options.clips]
    subjects = [subject for path in paths if (subject := bench.load(path)) is not None]
    print(f"{len(subjects)} of {len(paths)} clips show one face well enough", flush=True)
    rows = []
    for number, subject in enumerate(subjects):
        other = subjects[(number + len(subjects) // 2) % len(subjects)]
        started = time.perf_counter()
        rows += study(bench, subject, other)
        save(rows, options.out)
        print(f"{subject.name} -> {other.name}: {time.perf_counter() - started:.0f} s", flush=True)
    same, different = pairs(bench, subjects)
    write_page(rows, same, different, speed(bench), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
