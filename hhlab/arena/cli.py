"""The verb ``hhlab arena``: each action is also a Python function of :mod:`hhlab.arena`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from hhlab.errors import BadArgument, printable

if TYPE_CHECKING:
    from hhlab.arena.votes import Votes

VOTES_HELP = "a CSV or Parquet file of votes, a ledger file, or a ledger's address (postgresql://)"
_WIDEST = 80  # characters of a text in a printed table


def add_arena(verbs) -> argparse._SubParsersAction:
    """Add the verb to the command line's; returns its actions, for those of other rooms."""
    from hhlab.arena.ledger.command import add_ledger_actions

    verb = verbs.add_parser(
        "arena",
        help="scores out of blind pairwise votes; whom to compare next",
        description="Blind pairwise votes in, scores with intervals out.",
    )
    actions = verb.add_subparsers(required=True, metavar="ACTION")
    _add_fit(actions)
    _add_next(actions)
    _add_simulate(actions)
    add_ledger_actions(actions)
    return actions


# --- options that several actions share ----------------------------------------------------------
def add_votes(action: argparse.ArgumentParser) -> None:
    """The votes an action is about, and which of them."""
    action.add_argument("votes", metavar="VOTES", help=VOTES_HELP)
    action.add_argument(
        "--dimension", metavar="NAME", help="only the votes on this, such as motion"
    )
    action.add_argument("--category", metavar="NAME", help="only the votes of this category")


def chosen_votes(options: argparse.Namespace) -> Votes:
    """The votes that the options of :func:`add_votes` ask for."""
    from hhlab.arena.votes import read_votes

    return read_votes(options.votes).only(dimension=options.dimension, category=options.category)


def print_table(frame: Any) -> None:
    """Print a DataFrame such that no name in it can steer the terminal or break its lines."""
    from pandas.api.types import is_numeric_dtype

    frame = frame.rename(columns=lambda name: name.replace("_", " "))
    for name in frame.columns:
        if not is_numeric_dtype(frame[name]):
            frame[name] = [_cut(one_line(value)) for value in frame[name]]
    print(frame.to_string(index=False, na_rep="-"))


def _cut(text: str) -> str:
    """A cell that leaves room for the other columns: its beginning and its end."""
    half = (_WIDEST - 1) // 2
    return text if len(text) <= _WIDEST else f"{text[:half]}…{text[-half:]}"


def one_line(value: object) -> str:
    """Text that stays on its line."""
    return printable(str(value)).replace("\n", "\\n")


# --- actions -------------------------------------------------------------------------------------
def _add_fit(actions) -> None:
    action = actions.add_parser(
        "fit", help="fit scores to votes and print them with their intervals"
    )
    add_votes(action)
    action.add_argument(
        "--anchor", metavar="MODEL=SCORE",
        help="shift the scale so that this model has this score, such as Veo-3.1=1375 "
        "(default: the mean is 1000)",
    )  # fmt: skip
    action.add_argument(
        "--ties", choices=("half", "davidson", "rao_kupper"), default="half",
        help="half a win for each (default), or a model of ties",
    )  # fmt: skip
    action.add_argument(
        "--interval", choices=("sandwich", "bootstrap"), default="sandwich",
        help="how intervals are made (default: sandwich)",
    )  # fmt: skip
    action.add_argument(
        "--cluster", choices=("voter", "prompt"),
        help="allow for votes that go together because they are one voter's, or on one prompt",
    )  # fmt: skip
    action.add_argument(
        "--prior", action="store_true", help="for few votes: pull scores towards each other"
    )
    action.add_argument("--csv", action="store_true", help="print the table as CSV")
    action.set_defaults(run=_fit)


def _fit(options: argparse.Namespace) -> int:
    import sys

    from hhlab.arena.fitting import fit

    ratings = fit(
        chosen_votes(options), ties=options.ties, interval=options.interval,
        cluster=options.cluster, anchor=anchor_of(options.anchor) or 1000.0,
        prior="normal" if options.prior else None,
    )  # fmt: skip
    frame = ratings.to_frame()
    if options.csv:
        frame.to_csv(sys.stdout, index=False)
        return 0
    for name in ("score", "low", "high"):
        frame[name] = frame[name].round(1)
    frame["win_rate"] = frame["win_rate"].round(3)
    if not any(ratings.note):
        frame = frame.drop(columns="note")
    print_table(frame)
    print(f"\n{one_line(ratings.method)}; {one_line(ratings.interval)}")
    for name, value in ratings.coefficients.items():
        print(f"{one_line(name)}: {value.value:.1f} points ({value.low:.1f} to {value.high:.1f})")
    for warning in ratings.warnings:
        print(f"note: {one_line(warning)}")
    return 0


def anchor_of(text: str | None) -> tuple[str, float] | None:
    """("Veo-3.1", 1375.0) of "Veo-3.1=1375"; the name itself may hold a "="."""
    if text is None:
        return None
    name, _, score = text.rpartition("=")
    try:
        value = float(score)
    except ValueError:
        value = float("nan")
    if not name or value != value or abs(value) == float("inf"):
        raise BadArgument("--anchor", expected="MODEL=SCORE", found=repr(text))
    return name, value


def _add_next(actions) -> None:
    action = actions.add_parser(
        "next",
        help="whom to compare next, and whether to stop",
        description="Say whether the ranking is known or how far that is, and propose comparisons.",
    )
    add_votes(action)
    action.add_argument("--models", nargs="+", metavar="NAME",
                        help="candidates (default: those the votes name)")  # fmt: skip
    action.add_argument("--count", type=int, default=5, metavar="N", help="proposals (default: 5)")
    action.add_argument("--method", choices=("active", "balanced", "random"), default="active",
                        help="active (default): those that tell most of the ranking")  # fmt: skip
    action.add_argument("--budget", type=int, metavar="N", help="votes that may be spent in all")
    action.add_argument("--level", type=float, default=0.95, metavar="P",
                        help="how sure the ranking is to be (default: 0.95)")  # fmt: skip
    action.add_argument(
        "--seed", type=int, default=None, metavar="N", help="for the same proposals again"
    )
    action.set_defaults(run=_next)


def _next(options: argparse.Namespace) -> int:
    import secrets

    import pandas as pd

    from hhlab.arena.pairing import advise, propose

    votes = chosen_votes(options)
    seed = secrets.randbits(32) if options.seed is None else options.seed
    advice = advise(votes, options.models, level=options.level, budget=options.budget)
    print(one_line(advice.sentence))
    if advice.may_stop:
        return 0
    pairs = propose(votes, options.models, method=options.method, count=options.count, seed=seed)
    table = pd.DataFrame([vars(pair) for pair in pairs])
    print("\nnext:")
    print_table(table if table["prompt"].notna().any() else table.drop(columns="prompt"))
    return 0


def _add_simulate(actions) -> None:
    action = actions.add_parser(
        "simulate",
        help="how many votes each way of pairing needs for the same accuracy",
        description="Let simulated people vote on models of known strength, with the pairs chosen "
        "at random, evenly and actively, and count the votes until their order is right.",
    )
    action.add_argument("--models", type=int, default=12, metavar="N", help="(default: 12)")
    action.add_argument("--spread", type=float, default=150.0, metavar="POINTS",
                        help="standard deviation of the true scores (default: 150)")  # fmt: skip
    action.add_argument("--votes", type=int, default=6000, metavar="N",
                        help="most votes of a run (default: 6000)")  # fmt: skip
    action.add_argument("--repetitions", type=int, default=100, metavar="N",
                        help="of each method, each with other models (default: 100)")  # fmt: skip
    action.add_argument("--seed", type=int, default=0, metavar="N")
    action.set_defaults(run=_simulate)


def _simulate(options: argparse.Namespace) -> int:
    import numpy as np
    import pandas as pd

    from hhlab.arena.pairing.simulate import compare_pairing, savings

    runs = compare_pairing(
        models=options.models, spread_points=options.spread, votes=options.votes,
        repetitions=options.repetitions, seed=options.seed,
    )  # fmt: skip

    def votes(count: float) -> str:
        return f"{count:.0f}" if np.isfinite(count) else f"over {options.votes}"

    table = pd.DataFrame([
        {
            "pairs_right": f"{one.accuracy:.0%}",
            "method": one.method,
            "votes": votes(one.votes),
            "random": votes(one.votes_random),
            "share_of_random": f"{one.share:.0%} ({one.low:.0%} to {one.high:.0%})"
            if np.isfinite(one.share) else "-",
        }
        for one in savings(runs, (0.9, 0.95, 0.97))
    ])  # fmt: skip
    print(f"Simulated votes until that share of the pairs of {options.models} models is in order "
          f"(mean of {options.repetitions} repetitions):\n")  # fmt: skip
    print_table(table.sort_values(["pairs_right", "method"]))
    return 0
