"""Which numbers say the same? Rank correlation of all numbers of all metrics over many clips.

Run as ``python -m eval.validity.redundancy --data ../shared/data --out docs/validity``. It goes on
where it stopped: scores are kept in a folder of the system's temporary one until the page is made.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

import hhlab as hh
from eval.validity.temporal_footage import arguments, markdown, save
from hhlab.agreeing.redundancy import Redundancy
from hhlab.damage import temporal
from hhlab.measuring import DEFAULT_METRICS
from hhlab.tasks import METRICS

PIECE_S, PIECES, SIDE_PX = 2.5, 2, 480
BESIDE = ("camera", "light")
"""Metrics that are measured too, whether by default or not."""


def pieces(data: Path, folder: Path) -> list[Path]:
    """Pieces of real clips of people, with sound, each also flickering and trembling a little."""
    made = []
    for path in sorted((data / "talk").glob("*.mp4")):
        clip = hh.read_clip(path)
        for number in range(PIECES):
            start, end = number * PIECE_S, (number + 1) * PIECE_S
            if end > clip.info.duration_s + 0.1:
                continue
            out = folder / f"{path.stem}-{number}.mp4"
            if not out.is_file():
                _write(clip, start, end, out, harm=number % 2 == 1)
            made.append(out)
    return made


def _write(clip: hh.Clip, start: float, end: float, out: Path, *, harm: bool) -> None:
    import numpy as np

    from hhlab.types import Audio

    found = list(clip.frames(start_s=start, end_s=end, max_side_px=SIDE_PX))
    frames = np.stack([f.rgb[: f.rgb.shape[0] // 2 * 2, : f.rgb.shape[1] // 2 * 2] for f in found])
    if harm:
        frames = temporal.flicker(temporal.jitter(frames, 0.7, seed=1), 0.01, seed=1)
    sound = None
    if clip.info.has_audio:
        audio = clip.audio()
        first = round((start - audio.start_s) * audio.sample_rate)
        part = audio.samples[:, max(0, first) : first + round((end - start) * audio.sample_rate)]
        sound = Audio(part, audio.sample_rate)
    hh.write_clip(out, frames, fps=clip.info.fps, audio=sound)


def wide(scores: pd.DataFrame) -> pd.DataFrame:
    """As :func:`hhlab.redundancy` takes it, with numbers that have no better and worse kept."""
    scores = scores[(scores.measure != "") & scores.value.notna()].copy()
    scores["direction"] = scores.direction.replace("none", "higher")
    return scores[["clip", "metric", "measure", "direction", "value"]]


def pairs_of(found: Redundancy) -> pd.DataFrame:
    """The pairs, with the number of clips that tell."""
    number = {name: k for k, name in enumerate(found.metrics)}
    return pd.DataFrame(
        [{"number": a, "and": b, "rho": rho, "clips": int(found.n_clips[number[a], number[b]]),
          "of one metric": "yes" if a.split(".")[0] == b.split(".")[0] else "**no**"}
         for a, b, rho in found.pairs]
    )  # fmt: skip


def main() -> None:
    options = arguments(__doc__.split("\n", maxsplit=1)[0])
    known = {kind.name for kind in METRICS}
    names = list(dict.fromkeys([*DEFAULT_METRICS, *(m for m in BESIDE if m in known)]))
    work = Path(tempfile.gettempdir()) / "hhlab-redundancy"
    (work / "clips").mkdir(parents=True, exist_ok=True)
    people = pieces(options.data, work / "clips")
    silent = [name for name in names if name in ("texture", "flicker", "motion", *BESIDE)]
    rated = sorted((options.data / "ratings" / "fetv").glob("*.gif"))
    tables = [hh.measure_many(people, names, out=work / "people", pages=False),
              hh.measure_many(rated, silent, out=work / "generated", pages=False)]  # fmt: skip
    text = [
        "# Redundancy",
        "Spearman's correlation between all numbers that the metrics give, over clips: pairs above "
        ".9 in size. A number that another one implies need not be looked at twice, and must "
        "not be counted twice in any sum. Correlation over these clips is no law: two numbers that "
        "rise together where nothing is wrong may part where something is.",
    ]
    kept = []
    for title, table in (
        (f"{len(people)} pieces of {PIECE_S:g} s of real people, half of them damaged", tables[0]),
        (f"{len(rated)} clips of FETV, generated and real, whole frame only", tables[1]),
    ):
        found = hh.redundancy(wide(table))
        pairs = pairs_of(found)
        text += [f"## {title[0].upper()}{title[1:]}",
                 f"{len(found.metrics)} numbers, {len(found.pairs)} pairs above .9."]  # fmt: skip
        text += [markdown(pairs)] if len(pairs) else []
        frame = found.to_frame()
        frame.insert(0, "number", frame.index)
        kept.append(frame)
    save(options.out, "redundancy", text, pd.concat(kept))


if __name__ == "__main__":
    main()
