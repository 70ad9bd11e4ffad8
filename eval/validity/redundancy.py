"""Which numbers say the same? Rank correlation of all numbers of all metrics over many clips.

Run as ``python -m eval.validity.redundancy --data ../shared/data --out docs/validity``. It goes on
where it stopped: scores are kept in a folder of the system's temporary one until the page is made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

import hhlab as hh
from eval.validity.temporal_footage import arguments, markdown, save
from hhlab.agreeing.redundancy import Redundancy
from hhlab.damage import temporal
from hhlab.measuring import DEFAULT_METRICS
from hhlab.results import Outcome

PIECE_S, PIECES, SIDE_PX = 2.0, 2, 384
WHOLE_FRAME = ("texture", "flicker", "motion", "camera", "light")
"""What can be told of silent clips of anything."""
FEWEST_CLIPS = 12
"""A pair that fewer clips tell of is not listed: of five clips one order in sixty is the same or
the reverse by chance, and there are thousands of pairs."""
EVERY = 2  # of FETV's clips, in the order of their names, so that all generators are among them


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


def headlines(table: pd.DataFrame) -> set[str]:
    """The first number of each metric, as :func:`hhlab.redundancy` names it."""
    known = table[(table.measure != "") & table.value.notna()]
    first = known.groupby(["clip", "metric"], sort=False)["measure"].first()
    return {f"{metric}.{measure}" for (_, metric), measure in first.items()}


def told(names: Sequence[str], table: pd.DataFrame) -> list[str]:
    """Metrics of which at least one number is known of enough clips to be compared."""
    known = table[(table.measure != "") & table.value.notna()]
    counts = known.groupby("metric")["clip"].nunique()
    return [name for name in names if counts.get(name, 0) >= FEWEST_CLIPS]


def main() -> None:
    options = arguments(__doc__.split("\n", maxsplit=1)[0])
    work = Path(tempfile.gettempdir()) / "hhlab-redundancy"
    (work / "clips").mkdir(parents=True, exist_ok=True)
    people = pieces(options.data, work / "clips")
    rated = sorted((options.data / "ratings" / "fetv").glob("*.gif"))[::EVERY]
    text = [
        "# Redundancy",
        "Spearman's correlation between all numbers that the metrics give, over clips: pairs above "
        ".9 in size. A number that another one implies need not be looked at twice, and must "
        "not be counted twice in any sum. Correlation over these clips is no law: two numbers that "
        "rise together where nothing is wrong may part where something is. With so few clips a "
        "pair that is not listed may still say much the same. Pieces of one clip are no "
        "independent clips. Numbers of which less is better count with their sign turned: rho is "
        "positive where two agree on what is better.",
    ]
    kept = []
    for title, clips, names, folder in (
        (f"{len(people)} pieces of {PIECE_S:g} s of real people, half of them damaged", people,
         DEFAULT_METRICS, "people"),
        (f"{len(rated)} clips of FETV, generated and real, whole frame only", rated,
         WHOLE_FRAME, "generated"),
    ):  # fmt: skip
        table = hh.measure_many(clips, names, out=work / folder, pages=False, on_clip=_say)
        found = hh.redundancy(wide(table))
        every = pairs_of(found)
        pairs = every[every.clips >= FEWEST_CLIPS]
        leading = headlines(table)
        both = pairs[pairs.number.isin(leading) & pairs["and"].isin(leading)]
        silent = [name for name in names if name not in told(names, table)]
        text += [
            f"## {title[0].upper()}{title[1:]}",
            f"{len(found.metrics)} numbers of {', '.join(told(names, table))}; {len(pairs)} pairs "
            f"above .9, {int((pairs['of one metric'] != 'yes').sum())} of them between two metrics "
            f"and {len(both)} between two headlines. {len(every) - len(pairs)} more pairs are not "
            f"listed, as fewer than {FEWEST_CLIPS} clips tell of both."
            + (f" Undetermined on all but a few of these clips, and so not compared: "
               f"{', '.join(silent)}." if silent else ""),
        ]  # fmt: skip
        text += [markdown(pairs)] if len(pairs) else []
        frame = found.to_frame()
        frame.insert(0, "number", frame.index)
        kept.append(frame)
    save(options.out, "redundancy", text, pd.concat(kept))


def _say(outcome: Outcome) -> None:
    print(outcome.name, flush=True)


if __name__ == "__main__":
    main()
