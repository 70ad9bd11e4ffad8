"""Fits the calibration of a face encoder anew, from clips and pictures that show one person each.

    python -m eval.validity.identity_calibration FILE_OR_FOLDER...

Prints the constants for `hhlab/metrics/identity_calibration.py`. Files in which two faces are seen
at once are left out, and so are pairs of files that show the same person (cosine above .74).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hhlab import faces
from hhlab.errors import HhlabError
from hhlab.media import read_clip, read_image
from hhlab.metrics import identity_statistics as statistics
from hhlab.metrics.encoders import load_face_encoder, unit
from hhlab.metrics.identity_calibration import fit_calibration
from hhlab.metrics.identity_subject import head_pose, quality
from hhlab.metrics.identity_unseen import LASTING_S, lasting, window

FPS, SECONDS, SIDE_PX = 5.0, 12.0, 960
SAME_PERSON_COSINE = 0.74
PICTURES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class Person:
    """One file's usable faces: times, embeddings, poses."""

    name: str
    times_s: np.ndarray
    vectors: np.ndarray
    poses: np.ndarray


def pictures_of(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    """Times and pictures, 5 a second; animated WebP by Pillow, the rest by hhlab.media."""
    if path.suffix.lower() in PICTURES:
        yield 0.0, read_image(path)
    elif path.suffix.lower() == ".webp":
        from PIL import Image

        with Image.open(path) as image:
            count, each_s = getattr(image, "n_frames", 1), image.info.get("duration", 62) / 1000
            for index in range(0, count, max(1, round(1 / FPS / max(each_s, 1e-3)))):
                image.seek(index)
                yield index * each_s, np.asarray(image.convert("RGB"))
    else:
        for frame in read_clip(path).frames(fps=FPS, end_s=SECONDS, max_side_px=SIDE_PX):
            yield frame.time_s, frame.rgb


def read_person(path: Path, *, encoder, detector, landmarks) -> Person | None:
    times, crops, keypoints, widths = [], [], [], []
    for time_s, rgb in pictures_of(path):
        found = faces.detect_in_image(rgb, detector=detector, landmarks=landmarks)
        if len(found) > 1:
            return None
        if found and found[0].score > 0.7:
            times.append(time_s)
            crops.append(faces.align(rgb, found[0].keypoints_px))
            keypoints.append(found[0].keypoints_px)
            widths.append(float(found[0].box_px[2]))
    if not times:
        return None
    poses = head_pose(np.stack(keypoints))
    weights = quality(poses, np.array(widths))
    good = weights > 0
    if not good.any():
        return None
    vectors = encoder.embed(np.stack(crops))[good]
    return Person(path.name, np.array(times)[good], vectors, poses[good])


def distances(person: Person, anchor: np.ndarray) -> np.ndarray:
    """Lasting distances of all samples to an anchor's vectors (k, d), as the metric takes them."""
    far = statistics.distances(person.vectors, unit(anchor.sum(axis=0))[None])[:, 0]
    return lasting(far, window(1 / FPS, LASTING_S))


def same_pairs(person: Person, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Distances and turns between a second's anchor and windows apart from it."""
    found, turns = [], []
    for start in np.arange(person.times_s[0], max(person.times_s[-1] - 1, 0.1), 1.0)[:6]:
        anchor = (person.times_s >= start) & (person.times_s < start + 1 - 1e-6)
        apart = (person.times_s < start - 0.3) | (person.times_s > start + 1.3)
        if anchor.sum() < 3:
            continue
        rows = rng.permutation(np.nonzero(apart)[0])[:8]
        found.append(distances(person, person.vectors[anchor])[rows])
        turns.append(person.poses[rows] - np.median(person.poses[anchor], axis=0))
    if not found:
        return np.zeros(0), np.zeros((0, 2))
    return np.concatenate(found), np.concatenate(turns)


def different_pairs(people: list[Person], rng: np.random.Generator) -> np.ndarray:
    """For each ordered pair of people, one window of the second against the first's anchor."""
    middle = unit(np.stack([person.vectors.mean(axis=0) for person in people]))
    alike = middle @ middle.T > SAME_PERSON_COSINE
    anchors = [person.vectors[statistics.own_anchor(person.times_s)] for person in people]
    return np.array([
        rng.choice(distances(people[j], anchors[i]))
        for i in range(len(people)) for j in range(len(people)) if i != j and not alike[i, j]
    ])  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    files = [
        file
        for path in options.paths
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if file.is_file()
    ]
    networks = {"encoder": load_face_encoder(), "detector": faces.load_detector(),
                "landmarks": faces.load_landmarks()}  # fmt: skip
    people = []
    for file in files:
        try:
            person = read_person(file, **networks)
        except (HhlabError, OSError) as error:
            print(f"left out {file.name}: {error}")
            continue
        if person is not None:
            people.append(person)
    rng = np.random.default_rng(0)
    pairs = [same_pairs(person, rng) for person in people]
    same, turns = (np.concatenate(side) for side in zip(*pairs, strict=True))
    different = different_pairs(people, rng)
    print(f"{len(people)} people, {len(same)} pairs of one, {len(different)} of different people")
    print(fit_calibration(networks["encoder"].name, same_distance=same, same_pose_change=turns,
                          different_distance=different, people=len(people)))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
