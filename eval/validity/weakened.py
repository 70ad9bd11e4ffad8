"""Do the shipped metrics tell a good contender from the ones made worse in one thing on purpose?

Run as ``python -m eval.validity.weakened --out docs/validity [--shots N] [--keep FOLDER]``. Each
weakened contender (checkpoints of foal, rendered actors with a flaw) answers held-out shots with
the seeds that the good one answers them with; a suite is in the right order where the good one's
mean is better. Suites are resampled from the shots (bootstrap), and only shots count of which a
metric could tell something of both.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

import hhlab as hh
from eval.validity.foal import weights_of
from eval.validity.temporal_footage import markdown, save
from hhlab.actors.dataset import sample_pair
from hhlab.actors.prompts import write_prompt
from hhlab.generate import load, shipped
from hhlab.generate.material import read_suite
from hhlab.generate.protocol import Generator
from hhlab.generate.rendered import RenderedActors
from hhlab.readout.load import weights_path

FOAL, RENDERED = "foal", "rendered"
SUITES, SEED, GOAL = 2000, 11, 0.95
SUITE, SEEDS = Path("eval/suites/references.yaml"), 3
RENDERED_FPS, RENDERED_S = 25.0, 6.0
SENTENCES = 3  # that a rendered actor says, so that there is speech enough to judge lips by


@dataclass(frozen=True)
class Question:
    """Which number of which metric ought to tell a weakened contender from the good one.

    Attributes
    ----------
    good, weak : names of the contenders
    metric, measure, direction : as in a score; "zero": nearer to nothing is better
    references : whether its shots show the actor, and say nothing of the face
    """

    good: str
    weak: str
    metric: str
    measure: str
    direction: str
    references: bool = False


QUESTIONS = (
    Question(FOAL, "foal-early", "speech", "words_right", "higher"),
    Question(FOAL, "foal-early", "instruction", "followed", "higher"),
    Question(FOAL, "foal-no-sync", "lip_sync", "offset_ms", "zero"),
    Question(FOAL, "foal-no-reference", "identity", "distance", "lower", references=True),
    Question(RENDERED, "rendered, late sound", "lip_sync", "offset_ms", "zero"),
    Question(RENDERED, "rendered, drifting face", "identity", "drift", "lower"),
    Question(RENDERED, "rendered, oily skin", "texture", "oiliness_face", "lower"),
    Question(RENDERED, "rendered, waxy skin", "texture", "unnatural_face", "lower"),
)


def maker(name: str) -> Generator:
    """Who answers under a name."""
    if name.startswith(RENDERED):
        return RenderedActors(name.removeprefix(RENDERED).lstrip(", "), fps=RENDERED_FPS)
    return load(name)


def shots(count: int, *, sentences: int = 1) -> Iterator[hh.Shot]:
    """Held-out scripts as a generator is asked for them; `sentences` are said in each."""
    for number in range(count):
        said = [sample_pair(SEED, number + k * count, "test")[0] for k in range(sentences)]
        script = said[0]
        prompt = write_prompt(script, SEED * 1009 + number, detail="long", split="test").text
        if sentences > 1:
            words = " ".join(each.sentence for each in said)
            named = script.sentence in prompt
            prompt = (
                prompt.replace(script.sentence, words) if named else f'{prompt} Saying "{words}".'
            )
        yield hh.Shot(prompt, seed=number)


def shots_with_references(count: int) -> Iterator[hh.Shot]:
    """Those of the suite that ships, whose prompts leave the face to the references.

    Each is asked for with several seeds, as in a study: with some of them no face is to be seen.
    """
    shots = read_suite(SUITE).shots[:count]
    for number in range(SEEDS * len(shots)):
        yield shots[number % len(shots)].shot(seed=number)


def rows_of(name: str, asked: Sequence[hh.Shot], metrics: Sequence[str]) -> list[dict]:
    """Every number that the metrics give of one contender's clips."""
    contender, rows = maker(name), []
    for number, shot in enumerate(asked):
        if name.startswith(RENDERED):
            shot = replace(shot, seconds=RENDERED_S)
        scores = hh.measure(contender.generate(shot), metrics, shot=shot)
        rows += [
            {"contender": name, "references": bool(shot.references), "shot": number,
             "person": shot.label.partition("-")[0] or str(number),
             "metric": score.metric, "measure": measure.name, "value": measure.value}
            for score in scores for measure in score.measures if score.status == "ok"
        ]  # fmt: skip
        print(f"{name}: {number + 1} of {len(asked)} clips", flush=True)
    return rows


def goodness(values: np.ndarray, direction: str) -> np.ndarray:
    """Values so that more is better."""
    return {"higher": values, "lower": -values, "zero": -np.abs(values)}[direction]


def in_order(good: np.ndarray, weak: np.ndarray, people: np.ndarray, *, seed: int = 0) -> float:
    """Share of resampled suites in which the good one's mean is better.

    good, weak : float (n,), shot by shot;  people : (n,), whom a shot shows: shots of the same
    person are drawn together
    """
    rng = np.random.default_rng(seed)
    who, of_shot = np.unique(people, return_inverse=True)
    better, counts = np.bincount(of_shot, weights=good - weak), np.bincount(of_shot)
    picks = rng.integers(0, len(who), (SUITES, len(who)))
    return float(np.mean(better[picks].sum(1) / counts[picks].sum(1) > 0))


def answer(question: Question, values: pd.DataFrame, counts: Mapping) -> Mapping[str, object]:
    """One row of the table."""
    mine = values[(values.metric == question.metric) & (values.measure == question.measure)
                  & (values.references == question.references)]  # fmt: skip
    wide = mine.pivot_table(index=["shot", "person"], columns="contender", values="value")
    names = [question.good, question.weak]
    both = wide.reindex(columns=names).dropna()
    count = counts[question.good, question.references]
    people = both.index.get_level_values("person").to_numpy()
    good, weak = (both[name].to_numpy() for name in names)
    share = np.nan
    if len(both) > 1:
        share = in_order(*(goodness(side, question.direction) for side in (good, weak)), people)
    mean = np.abs if question.direction == "zero" else np.asarray
    return {
        "weakened": question.weak, "metric": question.metric, "number": question.measure,
        "better": question.direction, "shots told": f"{len(both)} of {count}",
        "good": mean(good).mean() if len(both) else np.nan,
        "weak": mean(weak).mean() if len(both) else np.nan,
        "right order": share, "goal": "reached" if share >= GOAL else "missed",
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", help="not needed; there so that all studies are called alike")
    parser.add_argument("--out", type=Path, default=Path("docs/validity"))
    parser.add_argument("--shots", type=int, default=24)
    parser.add_argument("--keep", type=Path, help="keeps what is measured of these weights")
    parser.add_argument(
        "--only", choices=(FOAL, RENDERED), help="ask these; the others' rows stay as OUT has them"
    )
    options = parser.parse_args()
    here = shipped()
    known = [q for q in QUESTIONS if q.good == RENDERED or q.weak in here]
    questions = [q for q in known if options.only in (None, q.good)]
    asked = {
        name: [q for q in questions if (q.good, q.references) == name]
        for name in dict.fromkeys((q.good, q.references) for q in questions)
    }
    rows: list[dict] = []
    counts: dict[tuple[str, bool], int] = {}
    for (good, references), some in asked.items():
        metrics = sorted({q.metric for q in some})
        for name in (good, *dict.fromkeys(q.weak for q in some)):
            many = SENTENCES if good == RENDERED else 1
            some_shots = list(
                shots_with_references(options.shots) if references
                else shots(options.shots, sentences=many)
            )  # fmt: skip
            counts[good, references] = len(some_shots)
            asked_of = [(s.prompt, s.seed, len(s.references)) for s in some_shots]
            mark = weights_of(
                weights_path().parent if name.startswith(FOAL) else None,
                (asked_of, metrics, RENDERED_FPS, RENDERED_S),
            )
            key = f"{name}{' references' * references} {mark}"
            kept = options.keep / f"{key}.json" if options.keep else None
            if kept is not None and kept.exists():
                rows += json.loads(kept.read_text(encoding="utf-8"))
                continue
            rows += (new := rows_of(name, some_shots, metrics))
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(new), encoding="utf-8")
    values = pd.DataFrame(rows)
    table = pd.DataFrame([answer(q, values, counts) for q in questions])
    if options.only:
        before = pd.read_csv(options.out / "weakened.csv")
        others = [q.weak for q in known if q not in questions]
        table = pd.concat([table, before[before["weakened"].isin(others)]])
        table = table[list(before.columns)].sort_values(
            "weakened", key=lambda names: names.map([q.weak for q in known].index), kind="stable"
        )
    first = [
        answer(q, values[values["shot"] < counts[q.good, True] // SEEDS], counts)["right order"]
        for q in questions if q.references
    ]  # fmt: skip
    text = PAGE.format(
        table=markdown(table),
        suites=SUITES,
        goal=GOAL,
        sentences=SENTENCES,
        seeds=SEEDS,
        first=", ".join(f"{share:.2f}" for share in first) or "not asked",
    )
    save(options.out, "weakened", [text.strip()], table)
    print(text)
    return 0


PAGE = """# Weakened contenders

foal and the checkpoints of it that were made worse on purpose, and rendered actors with and without
a flaw, answer held-out shots; a good and a weakened one the same shots with the same seeds.
Rendered actors say {sentences} sentences in each. The shots that show the actor are those of the
suite `references`, whose prompts leave the face open, with {seeds} seeds each (right order with
the first seed alone: {first}). The shipped metrics measure the
clips as they measure any other's. *Right order* is the share of {suites:,} suites, resampled from
the shots that the metric could tell of both (shots of one person together), in which the good
contender's mean is the better one; the goal is {goal:.2f}. An offset counts by its size. Waxy skin
is asked of the number that looks for lost texture: that of oily skin looks for highlights, of which
waxing leaves fewer. It was asked of that one first, which then put the two in the wrong order.
Clips of foal hold little more than a second of speech in 2 s, of which `lip_sync` tells nothing:
how late the lips of foal-no-sync are, the read-out says (docs/decisions/0009-variants.md).

{table}
"""


if __name__ == "__main__":
    raise SystemExit(main())
