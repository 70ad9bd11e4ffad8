"""Validity of the texture axes: graded damage on real faces and frames, each axis held out.

    python -m eval.validity.texture --data ../shared/data [--extra FOLDER] --out docs/validity

Every value is measured on a source that was left out of the fit: for each clip or photograph the
calibration is fitted again on all others. Clips that a model made are left out of every fit.
Writes texture.md, texture.csv and two pictures.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from eval.validity.texture_fit import AXES, fit_axis, measured_rows
from eval.validity.texture_material import ENCODED, OWN, generated
from eval.validity.texture_niqe import section
from eval.validity.texture_page import REGIONS, Tables, draw, markdown, page
from hhlab.metrics.texture.calibration import boiling_value


def held_out(rows: pd.DataFrame, region: str) -> pd.DataFrame:
    """Value of every axis for every row, its own source left out of the fit; long form."""
    parts = []
    for source, group in rows.groupby("source"):
        others = rows[rows.source != source]
        records = group.to_dict("records")
        keys = group[["picture", "source", "damage", "kind", "dose"]].assign(region=region)
        for axis in AXES:
            fitted = fit_axis(others, axis, region)
            parts.append(keys.assign(axis=axis, value=[fitted(r) for r in records]))
        boiled = [boiling_value(r["boiling"], region) for r in records]
        parts.append(keys.assign(axis="boiling", value=boiled))
    return pd.concat(parts, ignore_index=True)


def _clean(values: pd.DataFrame) -> pd.Series:
    return values[values.damage == "clean"].set_index("picture")["value"]


def dose_table(values: pd.DataFrame) -> pd.DataFrame:
    """Spearman of value with dose (0 included), picture by picture, for each own damage."""
    table = []
    for (region, axis), part in values.groupby(["region", "axis"], sort=False):
        clean = _clean(part)
        for damage, group in part[part.kind == axis].groupby("damage", sort=False):
            rhos = []
            for picture, line in group.groupby("picture"):
                line = line.sort_values("dose")
                curve = np.array([clean.get(picture, np.nan), *line.value])
                if np.isfinite(curve).all():
                    rho = spearmanr([0.0, *line.dose], curve).statistic
                    rhos.append(rho if np.isfinite(rho) else 0.0)
            top = group[group.dose == 1.0].set_index("picture")["value"]
            table.append({
                "region": region, "axis": axis, "damage": damage, "pictures": len(rhos),
                "median rho": np.median(rhos), "rho >= .9": np.mean(np.array(rhos) >= 0.9 - 1e-9),
                "worst rho": np.min(rhos), "reaction at dose 1": (top - clean).median(),
            })  # fmt: skip
    return pd.DataFrame(table)


def crosstalk_table(values: pd.DataFrame) -> pd.DataFrame:
    """Reaction of each axis to everything, as a share of its reaction to its own damage.

    ``mean`` is the mean size of the reaction over pictures by the mean own reaction (over all own
    implementations at dose 1); ``median`` the median over pictures of the ratio on each;
    ``below 1/4`` the share of pictures on which the ratio is under a quarter.
    """
    table = []
    for (region, axis), part in values.groupby(["region", "axis"], sort=False):
        clean = _clean(part)
        top = part[part.dose == 1.0]
        change = top.pivot_table(index="picture", columns="damage", values="value").sub(
            clean, axis=0
        )
        names = [name for name in OWN[axis] if name in change]
        own = change[names].mean(axis=1)
        for damage in change.columns.difference([*names, "clean"]):
            size = change[damage].abs()
            ratio = (size / own.abs()).dropna()
            kind = top[top.damage == damage].kind.iloc[0]
            table.append({
                "region": region, "axis": axis, "damage": damage, "kind": kind,
                "mean": size.mean() / own[size.notna()].mean(), "median": ratio.median(),
                "below 1/4": (ratio < 0.25).mean(), "signed": change[damage].mean(),
            })  # fmt: skip
    return pd.DataFrame(table)


def clean_table(values: pd.DataFrame) -> pd.DataFrame:
    """What clean pictures score, and how often that reaches 0.5 (a false alarm)."""
    table = []
    for (region, axis), part in values.groupby(["region", "axis"], sort=False):
        clean = _clean(part).dropna()
        table.append({
            "region": region, "axis": axis, "pictures": len(clean), "median": clean.median(),
            "90%": clean.quantile(0.9), "false alarms (>= .5)": (clean >= 0.5).mean(),
            "undetermined": _clean(part).isna().mean(),
        })  # fmt: skip
    return pd.DataFrame(table)


def encoded_table(values: pd.DataFrame) -> pd.DataFrame:
    """Own damage at dose 1 and then encoded, against the same picture only encoded."""
    table = []
    for (region, axis), part in values.groupby(["region", "axis"], sort=False):
        clean = _clean(part).dropna()
        for damage, group in part[part.kind == axis].groupby("damage", sort=False):
            change = (group.set_index("picture")["value"] - clean).dropna()
            table.append({
                "region": region, "axis": axis, "damage": damage, "pictures": len(change),
                "false alarms (>= .5)": (clean >= 0.5).mean(), "reaction": change.median(),
                "higher than without": (change > 0).mean(),
            })  # fmt: skip
    return pd.DataFrame(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--extra", type=Path, help="more real clips and photographs")
    parser.add_argument("--rows", type=Path, help="folder to keep measured features in")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if not (options.data / "talk").is_dir():
        sys.exit(f"skipped: no real clips in {options.data}")
    options.out.mkdir(parents=True, exist_ok=True)
    rows = {region: measured_rows(options.data, options.extra, region, options.rows)
            for region in REGIONS}  # fmt: skip
    parts = [held_out(rows[region], region) for region in REGIONS]
    values = pd.concat(parts, ignore_index=True)
    after, made = values.picture.str.endswith(ENCODED), generated(values.source)
    tables = Tables(
        dose=dose_table(values[~after & ~made]),
        cross=crosstalk_table(values[~after & ~made]),
        cross_with_generated=crosstalk_table(values[~after]),
        clean=clean_table(values[~after & ~made]),
        generated=clean_table(values[~after & made]),
        encoded=encoded_table(values[after & ~made]),
    )
    beside = section(options.data, options.extra, rows)
    table = values.drop(columns=["source", "kind"]).round({"value": 3})
    table = table.pivot_table(index=["region", "picture", "damage", "dose"], columns="axis",
                              values="value")  # fmt: skip
    table.reset_index().to_csv(options.out / "texture.csv", index=False)
    (options.out / "texture.md").write_text(
        page(values[~after & ~made], tables, beside), encoding="utf-8"
    )
    draw(values[~after & ~made], tables.cross, options.out)
    print(*(markdown(part) for part in vars(tables).values()), beside, sep="\n\n")


if __name__ == "__main__":
    main()
