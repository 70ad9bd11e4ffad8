"""The texture axes beside NIQE, on the same damaged pictures: one section of the texture page.

    python -m eval.validity.texture_niqe --data ../shared/data [--extra FOLDER] [--rows FOLDER] \
        --out docs/validity

measures this section alone and puts it into a texture.md that is there.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from eval.validity import niqe
from eval.validity.texture_fit import DOSES, fit_axis, measured_rows, region_of
from eval.validity.texture_material import OWN, bases, files
from eval.validity.texture_page import markdown
from hhlab.errors import WeightsMissing
from hhlab.metrics.texture.features import features

TITLE = "## Beside NIQE"
DAMAGES = {"oiliness": "sheen", "over_sharpening": "unsharp", "waxiness": "wax"}
BEYOND = {"unsharp": (1.5, 2.0)}
"""Doses over 1; NIQE's verdict on sharpening depends on how far it goes."""


def measure(data: Path, extra: Path | None, rows: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """NIQE and the axis of each damage, per picture and dose; the axis is held out by source."""
    pristine = niqe.load()
    found = []
    for region, known in rows.items():
        for base in bases(files(data, extra), region):
            if min(base.rgb.shape[:2]) < niqe.SMALLEST_PX or base.name.endswith("/half"):
                continue
            others = known[known.source != base.source]
            clean = niqe.niqe(base.rgb, pristine)
            for axis, damage in DAMAGES.items():
                fitted = fit_axis(others, axis, region)
                for dose in (0.0, *DOSES, *BEYOND.get(damage, ())):
                    rgb = OWN[axis][damage](base.rgb, dose, base.landmarks_px, 0)
                    seen = region_of(rgb, base)
                    found.append({
                        "region": region, "picture": base.name, "damage": damage, "axis": axis,
                        "dose": dose, "NIQE": niqe.niqe(rgb, pristine) if dose else clean,
                        "ours": np.nan if isinstance(seen, str) else fitted(features(seen)),
                    })  # fmt: skip
    return pd.DataFrame(found)


def table(found: pd.DataFrame) -> pd.DataFrame:
    """Spearman with dose and change at the highest dose, of NIQE and of the axis."""
    lines = []
    for (region, damage, axis), part in found.groupby(["region", "damage", "axis"], sort=False):
        for top in (1.0, 2.0) if damage in BEYOND else (1.0,):
            line = {"region": region, "damage": f"{damage}, to dose {top:g}", "axis": axis}
            held = part[part.dose <= top]
            for name in ("NIQE", "ours"):
                curves = held.pivot_table(index="picture", columns="dose", values=name).dropna()
                rhos = np.array([_rho(curve) for _, curve in curves.iterrows()])
                change = curves[top] - curves[0.0]
                line["pictures"] = len(curves)
                line[f"{name}: median rho"] = np.median(rhos)
                line[f"{name}: rho >= .9"] = np.mean(rhos >= 0.9 - 1e-9)
                line[f"{name}: worse"] = np.mean(change > 0)
                line[f"{name}: mean change"] = change.mean()
                line[f"{name}: by clean sd"] = change.mean() / curves[0.0].std()
            lines.append(line)
    return pd.DataFrame(lines)


def _rho(curve: pd.Series) -> float:
    """Spearman with dose; a curve that never moves follows nothing."""
    return 0.0 if curve.nunique() < 2 else float(spearmanr(curve.index, curve).statistic)


def section(data: Path, extra: Path | None, rows: Mapping[str, pd.DataFrame]) -> str:
    """The section as markdown; without the pristine model it only says what fetches it."""
    try:
        found = measure(data, extra, rows)
    except WeightsMissing as missing:
        return f"{TITLE}\n\nNot measured: {missing}\n"
    clean = found[(found.dose == 0) & (found.damage == "wax")].groupby("region")["NIQE"]
    scores = ", ".join(f"{part.mean():.1f} (sd {part.std():.1f}) on a {region}"
                       for region, part in clean)  # fmt: skip
    counts = found.groupby("region").picture.nunique()
    return f"""{TITLE}

NIQE (Mittal, Soundararajan & Bovik 2013; higher is worse) on the same damaged pictures: every face
crop ({counts["face"]}) and frame ({counts["frame"]}) at its own size with at least
{niqe.SMALLEST_PX} px on each side. The clean ones score {scores}.
*rho* is the Spearman with dose picture by picture, and 1 is right; *worse* the share of pictures
that score worse at the highest dose than clean. *Mean change* is in each index's own unit and,
to compare them, also divided by the standard deviation of the clean pictures (*by clean sd*).
"Ours" is the axis of that damage, its calibration fitted without the picture's source.

{markdown(table(found))}

NIQE rewards sharpening on most pictures, takes most oily and waxy faces for better than the clean
ones, and moves by a fraction of the spread between clean pictures. It was made for whole
photographs: a face crop has few patches, and values with this pristine model are not those of
other releases of NIQE; only its changes are read here. The spread of our own clean values is small
partly because the axes are held to about 0 below what is usual, which flatters their last column.
"""


def insert(page: str, text: str) -> str:
    """Put the section before "## Limits", in place of an older one."""
    page = re.sub(rf"^{TITLE}\n.*?(?=^## )", "", page, flags=re.MULTILINE | re.DOTALL)
    before, limits, after = page.partition("## Limits\n")
    return f"{before}{text}\n{limits}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--extra", type=Path, help="more real clips and photographs")
    parser.add_argument("--rows", type=Path, help="folder to keep measured features in")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rows = {region: measured_rows(options.data, options.extra, region, options.rows)
            for region in ("face", "frame")}  # fmt: skip
    text = section(options.data, options.extra, rows)
    page = options.out / "texture.md"
    page.write_text(insert(page.read_text("utf-8"), text), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
