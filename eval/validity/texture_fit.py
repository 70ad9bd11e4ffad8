"""Fit the calibration of the texture axes, and write it into the package.

    python -m eval.validity.texture_fit --data ../shared/data [--extra FOLDER] [--write]

Without --write only the fit is printed. :func:`measure_all` is what the study uses too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from eval.validity.texture_material import NUISANCE, OWN, Base, Damage, bases, files
from hhlab.metrics.texture.calibration import Axis
from hhlab.metrics.texture.features import features
from hhlab.metrics.texture.regions import Region, face_region, frame_region, same_cut
from hhlab.metrics.texture.unnatural import boiling

AXES = ("oiliness", "over_sharpening", "waxiness")
DOSES = (0.25, 0.5, 0.75, 1.0)
SHIFT = {("oiliness", "frame"): 0.5}
USUAL_SHIFT = 0.2
"""How far below 0 the typical clean video lies, so that clean variety rarely reaches 0.5."""
RIDGE = 0.03
NOISE_WEIGHT = 4.0
CONTRAST_WEIGHT = 2.0
ADDED = (("oiliness", "face"), ("oiliness", "frame"), ("over_sharpening", "face"))
"""Axes whose features are views of one thing, to be added, never set against each other."""
EDGES = ("halo_narrow", "halo_wide", "overshoot", "bend", "log_width")
DETAIL = (
    "surface_1", "surface_2", "surface_3", "surface_high_1", "surface_high_2", "surface_high_3",
    "edge_0", "edge_1", "edge_2", "edge_3", "log_noise", "log_width",
)  # fmt: skip
INPUTS = {
    ("oiliness", "face"): ("highlight_peak", "highlight_spread"),
    ("oiliness", "frame"): ("highlight_bulge",),
    ("over_sharpening", "face"): EDGES,
    ("over_sharpening", "frame"): EDGES,
    ("waxiness", "face"): (*DETAIL, "log_face_px"),
    ("waxiness", "frame"): DETAIL,
}


def region_of(rgb: np.ndarray, base: Base) -> Region | str:
    """The face or the whole frame of a picture, or why it cannot be measured."""
    return frame_region(rgb) if base.face is None else face_region(rgb, base.face)


def _row(base: Base, name: str, kind: str, dose: float, apply: Damage | None) -> dict | None:
    def damaged(rgb: np.ndarray, index: int) -> np.ndarray:
        return rgb if apply is None else apply(rgb, dose, base.landmarks_px, index)

    region = region_of(damaged(base.rgb, 0), base)
    if isinstance(region, str):
        return None
    row = {"picture": base.name, "source": base.source, "damage": name, "kind": kind,
           "dose": dose, **features(region), "boiling": np.nan}  # fmt: skip
    if base.following is not None:
        row["boiling"] = boiling(region, same_cut(damaged(base.following, 1), region))
    return row


def measure_all(pictures: Iterable[Base]) -> pd.DataFrame:
    """Features of every picture, clean, under each damage at each dose, and each nuisance."""
    rows = []
    for base in pictures:
        rows.append(_row(base, "clean", "clean", 0.0, None))
        for kind, variants in OWN.items():
            if kind == "boiling" and base.following is None:
                continue
            for name, apply in variants.items():
                rows += [_row(base, name, kind, dose, apply) for dose in DOSES]
        rows += [_row(base, name, "nuisance", 1.0, apply) for name, apply in NUISANCE.items()]
    return pd.DataFrame([row for row in rows if row is not None])


def measured_rows(data: Path, extra: Path | None, region: str, kept: Path | None) -> pd.DataFrame:
    """All features of all pictures; kept in the folder `kept`, if given, and read from there."""
    file = kept / f"texture_{region}.parquet" if kept else None
    if file and file.is_file():
        return pd.read_parquet(file)
    rows = measure_all(bases(files(data, extra), region))
    if file:
        rows.to_parquet(file)
    return rows


def fit_axis(rows: pd.DataFrame, axis: str, region: str) -> Axis:
    """Fisher's discriminant between clean and damaged, with nuisances in the scatter."""
    names = list(INPUTS[axis, region])
    rows = rows.dropna(subset=names)
    values = rows[names]
    middle = values.median()
    low, high = values.quantile(0.01), values.quantile(0.99)
    low, high = low - 0.5 * (middle - low), high + 0.5 * (high - middle)
    rows = rows.assign(**values.clip(low, high, axis=1))
    clean = rows[rows.damage == "clean"].set_index("picture")[names]
    spread = clean.std()
    scatter = np.atleast_2d(np.cov(((clean - clean.mean()) / spread).T))
    own = []
    for (kind, name), group in rows[rows.dose == 1.0].groupby(["kind", "damage"]):
        if kind == "boiling":
            continue
        change = ((group.set_index("picture")[names] - clean) / spread).dropna().to_numpy()
        if kind == axis:
            own.append(np.median(change, axis=0))
        else:
            weight = NOISE_WEIGHT if "noise" in name else 1.0
            scatter = scatter + weight * change.T @ change / len(change)
    # Contrast and brightness scale all detail, noise included, alike: forbid that direction.
    alike = np.array([name.startswith(("surface_", "edge_", "log_noise")) for name in names])
    alike = CONTRAST_WEIGHT * alike / spread.to_numpy()
    scatter = scatter + np.outer(alike, alike)
    signal = np.mean(own, axis=0)
    if (axis, region) in ADDED:
        scatter = np.diag(np.diag(scatter))
    scatter = scatter + RIDGE * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    weights = np.linalg.solve(scatter, signal)
    # Zero and one are those of ordinary video at its own size.
    video = rows[rows.boiling.notna() & ~rows.picture.str.endswith("/half")].picture.unique()
    clean = clean.loc[clean.index.intersection(video)]
    own = [
        np.median(((group.set_index("picture")[names] - clean) / spread).dropna() @ weights)
        for _, group in rows[(rows.dose == 1.0) & (rows.kind == axis)].groupby("damage")
    ]
    # Implementations of oil differ most in strength: there the strongest sets the scale.
    step = float(np.max(own) if axis == "oiliness" else np.mean(own))
    shift = SHIFT.get((axis, region), USUAL_SHIFT)
    weights = weights * (1 + shift) / step / spread.to_numpy()
    offset = float(np.median(clean.to_numpy() @ weights)) + shift
    return Axis(tuple(names), *(tuple(float(v) for v in part) for part in (low, high, weights)),
                offset)  # fmt: skip


def write_table(tables: dict[tuple[str, str], Axis], path: Path) -> None:
    """Write the constants as a module of the package."""

    def numbers(values: Iterable[float]) -> str:
        return "(" + " ".join(f"{value:.5g}," for value in values) + ")"

    lines = [
        '"""Constants of the texture axes, written by ``eval/validity/texture_fit.py``."""', "",
        "TABLE = {",
    ]  # fmt: skip
    for (axis, region), fitted in tables.items():
        quoted = "(" + " ".join(f'"{name}",' for name in fitted.names) + ")"
        lines += [f'    ("{axis}", "{region}"): (', f"        {quoted},"]
        lines += [f"        {numbers(p)}," for p in (fitted.low, fitted.high, fitted.weights)]
        lines += [f"        {fitted.offset:.5g},", "    ),"]
    lines += [
        "}", '"""Names, lowest and highest value, weights; offset."""', "",
        'BOILING = {"face": (0.17, 0.2), "frame": (0.2, 0.25)}',
        '"""Share of changed detail that is usual in clean footage, and what to add for 1."""',
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")  # then: ruff format


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--extra", type=Path, help="more real clips and photographs")
    parser.add_argument("--rows", type=Path, help="folder to keep measured features in")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    tables = {}
    for region in ("face", "frame"):
        rows = measured_rows(options.data, options.extra, region, options.rows)
        for axis in AXES:
            tables[axis, region] = fitted = fit_axis(rows, axis, region)
            print(axis, region, dict(zip(fitted.names, np.round(fitted.weights, 3), strict=True)))
    if options.write:
        import hhlab.metrics.texture as package

        write_table(tables, Path(package.__file__).with_name("calibration_table.py"))


if __name__ == "__main__":
    main()
