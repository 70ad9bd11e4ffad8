"""The page that the study writes: the whole table, and what it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite, nan

import pandas as pd

from eval.validity.foal_material import Wish

SLOWEST_S = {"foal": 12.0, "foal-fast": 3.0}
SIGNS = {"yes": " ✓", "no": " ✗", "": ""}

INTRO = """# The shipped model

What `hhlab`'s own generator does of what it is asked, on held-out scripts: in each of them the
actor, the combination of clothes, colour and place, or the sentence is one that training never
shows, and the prompts are put in ways that training prompts never are. Everything is read from the
finished clips, pixels and sound, by the read-out whose card is `data/weights/readout.md`; the
"renders" columns show what the same instrument says of the world itself, and of the world once
through the model's codecs. That is about as well as a model of these codecs can do, but for edits,
which are drawn out of their source, and lips, which the codecs draw as it suits what the
model says of them rather than what is read of renders. In brackets stands the 95% interval:
Wilson's for shares, over clips for the rest. ✓ and ✗ say whether the figure itself reaches the
goal.
"""

NOTES = """## How each figure is taken

* **prompt**: of clips made from text alone, the share in which the read-out finds the value that
  the prompt names. Attributes that a prompt leaves open do not count. Words: one less the word
  error rate.
* **sync**: the sound says how the mouth must move, the pictures how it does; the offset is the
  shift at which the two agree best (+ is sound late), its growth within the clip the drift. In two
  seconds the drift of one clip is known to some 35 ms per second only, and the instrument reads a
  little more than nothing in renders, which have none; so what counts is the mean over clips,
  less that of the renders of the same scripts.
* **identity**: drift is the cosine distance between the first and the last third of a clip. The
  right one of 100: four stills of the actor that the model was not shown are, taken together,
  nearer to the clip than those of any of 99 other held-out actors.
* **edit**: asked attributes changed (of words: all of them), all others kept; motion is kept where
  the mouth's path stays within 2 px (root mean square, of 96) of a perfect edit's; sound is kept,
  unless words or voice were asked for, where the same words are heard and the spectra correlate
  by .85.
* **texture**: how steep the picture is across the borders of 16 px blocks against elsewhere,
  relative to the renders of the same scripts. Frechet distance: five pictures of each clip against
  as many renders of other scripts, in the read-out's 160 features; the renders' own figure is the
  floor.
"""


def page(
    table: pd.DataFrame, speeds: Mapping[str, Mapping[str, float]], *, wishes: Sequence[Wish],
    seed: int,
) -> str:  # fmt: skip
    """The page as Markdown."""
    modes = Counter(wish.mode for wish in wishes)
    made = ", ".join(f"{count} {mode}" for mode, count in modes.items())
    contenders = list(dict.fromkeys(table["contender"]))
    judged = table[table["goal"] != ""]
    lines = [INTRO, f"Clips of each contender: {made} (held-out scripts of seed {seed}).", ""]
    for name in contenders:
        if name.startswith("renders"):
            continue
        mine = judged[(judged["contender"] == name) & (judged["met"] != "")]
        met = int((mine["met"] == "yes").sum())
        missed = ", ".join(mine[mine["met"] == "no"]["figure"]) or "none"
        lines += [f"**{name}** reaches {met} of {len(mine)} goals; missed: {missed}.", ""]
    lines += [_grid(table, contenders), ""]
    if speeds:
        lines += ["## Speed, memory, operations", "", _speeds(speeds), "", SPEED_NOTES]
    return "\n".join([*lines, NOTES])


def _grid(table: pd.DataFrame, contenders: Sequence[str]) -> str:
    lines = ["| | figure | goal | " + " | ".join(contenders) + " |",
             "|---" * (3 + len(contenders)) + "|"]  # fmt: skip
    before = ""
    for (group, figure), rows in table.groupby(["group", "figure"], sort=False):
        by = rows.set_index("contender")
        cells = [f"{by.loc[name, 'text']}{SIGNS[by.loc[name, 'met']]}" for name in contenders]
        goal = by["goal"].iloc[0].replace("<", "&lt;").replace(">", "&gt;")
        lines.append(
            f"| {group if group != before else ''} | {figure} | {goal} | {' | '.join(cells)} |"
        )
        before = group
    return "\n".join(lines)


SPEED_NOTES = """One clip of 2 s at a time, codecs included, the best of some runs. Operations:
those done in making the clip, over those that the shapes of transformer and codec need.
Utilisation: needed operations of a sampling step, over its time, over the measured rate of a matrix
product of the same type. Memory: the largest that a process which loads the model and makes clips
ever held. On a machine that others use too, one thread's own processor time takes the place of the
clock.
"""


def _speeds(speeds: Mapping[str, Mapping[str, float]]) -> str:
    lines = ["| figure | goal | " + " | ".join(speeds) + " |", "|---" * (2 + len(speeds)) + "|"]

    def row(name: str, goal: str, field: str, form: str, meets=None) -> None:
        cells = []
        for model, found in speeds.items():
            value = found.get(field, nan)
            value = nan if value is None else value
            sign = ""
            if meets is not None and isfinite(value):
                sign = SIGNS["yes" if meets(model, value) else "no"]
            cells.append((form.format(value) if isfinite(value) else "–") + sign)
        lines.append(f"| {name} | {goal} | {' | '.join(cells)} |")

    def quick(model: str, value: float) -> bool:
        return value < SLOWEST_S.get(model, SLOWEST_S["foal"])

    row("seconds a clip", "&lt; 12; foal-fast &lt; 3", "clip_s", "{:.2f}", quick)
    row("processor seconds a clip, all threads", "", "processor_s", "{:.2f}")
    row("threads", "", "threads", "{:.0f}")
    row("steps", "", "steps", "{:.0f}")
    row("peak memory, GB", "&lt; 1.5", "peak_gb", "{:.2f}", lambda _, v: v < 1.5)
    row("operations needed a clip, GFLOP", "", "gflop", "{:.0f}")
    row("operations done / needed", "&lt;= 1.1", "flop_ratio", "{:.3f}", lambda _, v: v <= 1.1)
    row("matrix product here, GFLOP/s", "", "matmul_gflop_per_s", "{:.0f}")
    row("utilisation of sampling", "&gt;= .50", "mfu", "{:.2f}", lambda _, v: v >= 0.5)
    return "\n".join(lines)
