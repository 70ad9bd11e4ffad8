"""Fit the calibration of the texture axes, and write it into the package.

    python -m eval.validity.texture_fit --data ../shared/data [--extra FOLDER] [--write]

Without --write only the fit is printed. :func:`measure_all` is what the study uses too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from eval.validity.texture_material import (
    ENCODED,
    NUISANCE,
    OWN,
    Base,
    Damage,
    bases,
    encoded,
    files,
    generated,
)  # fmt: skip
from hhlab.metrics.texture.calibration import SOFTNESS, Axis
from hhlab.metrics.texture.features import features
from hhlab.metrics.texture.regions import Region, face_region, frame_region, same_cut
from hhlab.metrics.texture.unnatural import FEATURES, boiling

AXES = ("oiliness", "over_sharpening", "waxiness")
DOSES = (0.25, 0.5, 0.75, 1.0)
CLEAN_WEIGHT = 2.0
"""Of a false alarm, against a reaction of the wrong size."""
OTHER_WEIGHT = 4.0
"""Of taking another damage for the own one."""
RIDGE = 0.003
STEPS = 800
USUAL = 0.2
"""Where the search starts."""
ADDED = (("oiliness", "face"), ("oiliness", "frame"), ("over_sharpening", "face"))
"""Axes whose features are views of one thing; all rise with it but the `FALLING`."""
FALLING = ("log_width",)
ALIKE = ("waxiness",)
"""Axes whose own implementations are about as strong as each other at dose 1."""
EDGES = ("halo_narrow", "halo_wide", "overshoot", "bend", "log_width")
DETAIL = (*FEATURES, "log_noise", "log_width")
INPUTS = {
    ("oiliness", "face"): ("highlight_peak", "highlight_spread"),
    ("oiliness", "frame"): ("highlight_bulge", "highlight_top"),
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
    """Features of every picture: clean, under each damage at each dose, and each nuisance.

    Clean and at dose 1 also after encoding, as a picture of its own by the name of NAME/encoded.
    """
    rows = []
    for base in pictures:
        rows.append(_row(base, "clean", "clean", 0.0, None))
        for kind, variants in OWN.items():
            if kind == "boiling" and base.following is None:
                continue
            for name, apply in variants.items():
                rows += [_row(base, name, kind, dose, apply) for dose in DOSES]
        rows += [_row(base, name, "nuisance", 1.0, apply) for name, apply in NUISANCE.items()]
        still = replace(base, name=base.name + ENCODED, following=None)
        rows.append(_row(still, "clean", "clean", 0.0, encoded(None)))
        for kind in AXES:
            rows += [_row(still, name, kind, 1.0, encoded(apply))
                     for name, apply in OWN[kind].items()]  # fmt: skip
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
    """Weights and offset by regression on the bent scale that is reported.

    They minimise the weighted sum of the mean squares of: what clean pictures read; how far the
    change under own damage is from its dose; the change under other damage, noise and nuisances,
    each against the same picture without it; plus `RIDGE` times the square of the standardised
    weights. Where features are views of one thing, they are added, never set against each other.
    What lies below 0 is bent to 0 and costs nothing, so that clean variety on that side is free.
    Last the scale is stretched until the strongest own implementation typically reads 1 at dose 1;
    where the implementations are `ALIKE` in strength, until that in the middle does.
    """
    names = list(INPUTS[axis, region])
    rows = rows[(rows.kind != "boiling") & ~generated(rows.source)].dropna(subset=names)
    low, high = _limits(rows[names])
    clean = rows.damage == "clean"
    middle, spread = rows[names][clean].mean(), rows[names][clean].std()
    inputs = ((rows[names].clip(low, high, axis=1) - middle) / spread).to_numpy()
    place = pd.Series(np.flatnonzero(clean), index=rows.picture[clean])
    known = rows.picture.isin(place.index).to_numpy()
    before = rows.picture.map(place).fillna(0).to_numpy(int)

    own, noise = rows.kind == axis, rows.damage.str.contains("noise")
    other = ~own & ~clean & (rows.dose == 1.0)
    nuisance = rows.kind == "nuisance"
    groups = ((clean, CLEAN_WEIGHT), (own, 1.0), (other & ~nuisance, OTHER_WEIGHT),
              (other & noise, 1.0), (other & nuisance & ~noise, 1.0))  # fmt: skip
    cost = sum(part.to_numpy() * known * weight / max(1, part.sum()) for part, weight in groups)
    target = np.where(own, rows.dose, 0.0)
    changed = (~clean).to_numpy(float)

    def loss(guess: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = bent(inputs @ guess[:-1] + guess[-1])
        miss = value - changed * value[before] - target
        pull = 2 * cost * miss
        pull = slope * (pull - np.bincount(before, pull * changed, minlength=len(pull)))
        size = float(cost @ miss**2 + RIDGE * guess[:-1] @ guess[:-1])
        return size, np.append(inputs.T @ pull + 2 * RIDGE * guess[:-1], pull.sum())

    free = (None, None)
    bounds = [free] * (len(names) + 1)
    if (axis, region) in ADDED:
        bounds = [(None, 0.0) if name in FALLING else (0.0, None) for name in names] + [free]
    start = np.append(np.zeros(len(names)), USUAL)
    guess = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds,
                     options={"maxiter": STEPS}).x  # fmt: skip
    straight = pd.Series(inputs @ guess[:-1] + guess[-1], index=rows.index)
    full = rows[own & (rows.dose == 1.0) & ~rows.picture.str.endswith(ENCODED)]
    typical = straight[full.index].groupby(full.damage).median()
    gain = 1.0 / max(typical.median() if axis in ALIKE else typical.max(), 0.5)
    weights = gain * guess[:-1] / spread.to_numpy()
    offset = float(weights @ middle.to_numpy()) - gain * guess[-1]
    return Axis(tuple(names), *(tuple(float(v) for v in part) for part in (low, high, weights)),
                offset)  # fmt: skip


def _limits(values: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Lowest and highest value that features are held to: what was seen, and half as far again."""
    middle, low, high = values.median(), values.quantile(0.01), values.quantile(0.99)
    return low - 0.5 * (middle - low), high + 0.5 * (high - middle)


def bent(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values of :func:`~hhlab.metrics.texture.calibration.scaled`, and their slope."""
    soft = SOFTNESS * np.logaddexp(0.0, z / SOFTNESS)
    slope = expit(z / SOFTNESS)
    above = np.maximum(soft, 1.0)
    return np.where(soft > 1.0, 1.0 + np.log(above), soft), slope / above


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
