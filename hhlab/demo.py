"""The demo: a small study from nothing, with simulated voters who are called so everywhere.

Four contenders answer six shots: the models that ship, and rendered actors, untouched and with a
known flaw. The voters are numbers: their preferences are written down here, before any clip is
made, and say nothing about people.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab.generate.rendered import RenderedActors
from hhlab.generate.shipped import shipped
from hhlab.generate.suite import Suite, SuiteShot
from hhlab.study.contenders import weights_digest
from hhlab.study.study import Study

if TYPE_CHECKING:
    import pandas as pd

MODELS = ("foal", "foal-fast")
FLAWS = ("", "late sound", "waxy skin")
CONTENDERS = 4

SECONDS, RENDERED_FPS = 3.2, 25.0
"""Long enough for a sentence of which lip sync can be told."""

_SHOTS = (
    ("woman-park", "identity", "A young woman with long brown hair in a park. She says "
     '"we love this big boat and my happy papa".'),
    ("man-office", "identity", "A man with a full beard and short black hair in an office, "
     'wearing a blue shirt. He says "they want more bread and a warm apple pie".'),
    ("old-man-library", "sound", "An old man with grey hair and glasses in a library. He says "
     '"please bring my lamp today, bob, my map and my book" in a deep voice.'),
    ("woman-night", "light", "A woman with long red hair in the city at night, in cool light. "
     'She says "mama may make my map by the blue window".'),
    ("man-left-light", "light", "A bald man against a blue backdrop. The light comes from the "
     'left. He says "bob buys this warm bread and my blue boat".'),
    ("woman-zoom", "camera", "A woman with short blond hair in a living room. The camera zooms "
     'in. She says "maybe we buy an apple, a map and a big ball".'),
)  # fmt: skip

SUITE = Suite(
    "Demo study", "Six shots of people who look at us and talk, in words that a small model knows.",
    tuple(SuiteShot(name, prompt, tags=("dialogue", tag), seconds=SECONDS)
          for name, tag, prompt in _SHOTS),
)  # fmt: skip

VOTERS, VOTES_EACH = 14, 18
QUESTIONS = ("overall", "lip sync", "texture")
QUALITY: Mapping[str, tuple[float, ...]] = {
    "foal": (850.0, 880.0, 820.0),
    "foal-fast": (820.0, 860.0, 800.0),
    "rendered": (1120.0, 1120.0, 1100.0),
    "rendered, late sound": (1010.0, 820.0, 1100.0),
    "rendered, waxy skin": (1020.0, 1120.0, 870.0),
}
"""What the simulated voters like, in points, one number for each of :data:`QUESTIONS`."""


def contenders() -> dict[str, Any]:
    """Who takes part: names of models that ship, or generators; name -> either."""
    here = shipped()
    found: dict[str, Any] = {name: name for name in MODELS if name in here}
    for made in (RenderedActors(flaw, fps=RENDERED_FPS) for flaw in FLAWS):
        if len(found) < CONTENDERS:
            found[made.name] = made
    return found


def run_demo(out: Path) -> bool:
    """Do the study, print who is ahead by whose votes, and write the report.

    Returns
    -------
    bool : whether every clip is there and measured
    """
    from hhlab.arena.cli import one_line, print_table

    study = demo_study(out)
    print(one_line(f"{study.plan.suite}: {study.progress()}"))
    print("\nSimulated votes, of voters who are no people:")
    points = ["score", "low", "high"]
    board = study.ratings(dimension="overall").to_frame()
    board[points] = board[points].round().astype("Int64")
    print_table(board[["model", *points, "rank_low", "rank_high", "votes"]])
    path = study.report(out / "report.html")
    print(f"\nReport: {one_line(path)}")
    return study.progress().is_complete


def demo_study(out: Path, *, quiet: bool = False) -> Study:
    """Make, measure and vote on the demo's clips in a folder of `out`; goes on where it stopped.

    The folder is named after what goes in, so that other weights begin another study. An
    interruption (KeyboardInterrupt) loses at most the clip that was under way.

    Raises what :meth:`hhlab.study.Study.run` raises.
    """
    from tqdm import tqdm

    taking_part = contenders()
    study = Study.open(out / f"study-{_digest(taking_part)}", SUITE, taking_part)
    with tqdm(unit="clip", file=sys.stderr, disable=True if quiet else None) as bar:

        def tell(progress: Any) -> None:
            bar.total, bar.n = progress.total.asked, progress.total.measured
            bar.set_postfix_str(progress.doing[:60])

        study.run(on_progress=tell)
    study.add_votes(simulated_votes(list(taking_part)), simulated=True)
    return study


def simulated_votes(names: list[str], *, seed: int = 1) -> pd.DataFrame:
    """Votes of voters who are none, on the demo's shots; the same ones each time.

    Every voter is shown some of all comparisons, a random contender on the left, and answers each
    of :data:`QUESTIONS` by :data:`QUALITY`, with a taste of their own.
    """
    import pandas as pd

    from hhlab.arena.simulated import Voting
    from hhlab.arena.votes import OUTCOMES

    rng, voting = np.random.default_rng(seed), Voting()
    comparisons = [(shot, *pair) for shot in SUITE.shots for pair in combinations(names, 2)]
    rows = []
    for number in range(1, VOTERS + 1):
        taste = rng.normal(0.0, 40.0, (len(QUESTIONS), len(names)))
        liked = {name: np.array(QUALITY[name]) + taste[:, k] for k, name in enumerate(names)}
        shown = rng.choice(len(comparisons), min(VOTES_EACH, len(comparisons)), replace=False)
        for at in shown:
            shot, *pair = comparisons[at]
            left, right = pair if rng.random() < 0.5 else pair[::-1]
            said = voting.draw(liked[left] - liked[right], rng)
            rows += [
                {
                    "model_a": left, "model_b": right, "winner": OUTCOMES[code],
                    "voter": f"voter {number:02}", "prompt": shot.prompt,
                    "category": shot.tags[-1], "dimension": question,
                    "vote_id": f"{number}/{shot.id}/{left}/{right}/{question}",
                }
                for question, code in zip(QUESTIONS, said, strict=True)
            ]  # fmt: skip
    return pd.DataFrame(rows)


def _digest(taking_part: Mapping[str, Any]) -> str:
    said = [f"{name} {weights_digest(str(what)) or ''}" for name, what in taking_part.items()]
    said += [f"{RENDERED_FPS}", *(f"{s.id} {s.seconds} {s.prompt}" for s in SUITE.shots)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:8]
