"""The verb ``hhlab study``: run, show, add-votes, compare, verify, export."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

SOME_MISSING, FOUND = 3, 1


def add_study(verbs) -> argparse._SubParsersAction:
    """Add the verb to the command line's; returns its actions, for those of other rooms."""
    verb = verbs.add_parser(
        "study",
        help="a suite of shots, many contenders: made, measured, voted on, kept",
        description="Everything about a study lies in one folder. What is there is never made, "
        "paid for or measured again.",
    )
    actions = verb.add_subparsers(required=True, metavar="ACTION")
    _add_run(actions)
    action = actions.add_parser("show", help="how far a study is, what it cost, what is missing")
    action.add_argument("folder", metavar="STUDY")
    action.set_defaults(run=run_show)
    _add_votes(actions)
    action = actions.add_parser("compare", help="what has changed from one study to another")
    action.add_argument("before", metavar="A")
    action.add_argument("after", metavar="B")
    action.add_argument("--csv", metavar="FILE", help="write the table there as well")
    action.set_defaults(run=run_compare)
    action = actions.add_parser(
        "verify", help="find every file that was lost, changed or is nobody's (status 1 if any)"
    )
    action.add_argument("folder", metavar="STUDY")
    action.set_defaults(run=run_verify)
    action = actions.add_parser("export", help="write a dataset that others can load")
    action.add_argument("folder", metavar="STUDY")
    action.add_argument("-o", "--out", required=True, metavar="DIR", help="a new folder")
    action.add_argument("--licence", default="unknown", help="of the clips (default: unknown)")
    action.add_argument("--title", default="", help="of the dataset (default: the suite's name)")
    action.set_defaults(run=run_export)
    return actions


def _add_run(actions) -> None:
    action = actions.add_parser(
        "run",
        help="make and measure what is missing",
        description="Begin a study, go on with one, or add contenders, seeds or metrics to one. "
        "Stop it at any moment; the same command goes on. Exit status 3 when clips or scores are "
        "missing at the end.",
    )
    action.add_argument("suite", nargs="?", metavar="SUITE", help="YAML; to begin with")
    action.add_argument("-o", "--out", required=True, metavar="STUDY", help="folder of the study")
    action.add_argument(
        "--contenders", nargs="+", default=[], metavar="NAME",
        help="names (see: hhlab contenders), folders, clips:FOLDER; or NAME=any of these",
    )  # fmt: skip
    action.add_argument("--seeds", type=int, metavar="N", help="clips of each shot (default: 1)")
    action.add_argument("--metrics", nargs="+", metavar="NAME", help="(default: all)")
    action.add_argument("--gates", metavar="YAML", help="which clips count as usable")
    action.add_argument("--max-cost", type=float, metavar="USD", help="for the whole study")
    action.add_argument("--workers", type=int, default=1, metavar="N",
                        help="clips asked of a service at once")  # fmt: skip
    action.add_argument("--endpoint", metavar="NAME", help="of a service, such as china")
    action.add_argument("--device", metavar="NAME", help="for generators that run here, as cuda")
    action.set_defaults(run=run_run)


def _add_votes(actions) -> None:
    action = actions.add_parser("add-votes", help="add votes to a study; the same twice count once")
    action.add_argument("folder", metavar="STUDY")
    action.add_argument("votes", nargs="+", metavar="VOTES", help="CSV, Parquet, or a ledger")
    action.add_argument("--layout", choices=("hhlab", "arena"), help="(default: by the columns)")
    action.add_argument("--simulated", action="store_true", help="nobody cast them: say so")
    action.set_defaults(run=run_add_votes)


def run_run(options: argparse.Namespace) -> int:
    """Run a study under a progress bar."""
    from tqdm import tqdm

    from hhlab.study.opening import check_bounds
    from hhlab.study.study import Study

    check_bounds(workers=options.workers, max_cost_usd=options.max_cost)  # before it is begun
    metrics = [name for word in options.metrics or [] for name in word.split(",") if name]
    study = Study.open(
        options.out, options.suite, ",".join(options.contenders) or None, options.seeds,
        metrics or None, gates=options.gates,
    )  # fmt: skip
    with tqdm(unit="clip", file=sys.stderr, disable=None) as bar:

        def tell(progress) -> None:
            total = progress.total
            bar.total, bar.n = total.asked, total.measured
            bar.set_postfix_str(progress.doing[:60])

        setting = {k: v for k, v in (("endpoint", options.endpoint), ("device", options.device))
                   if v is not None}  # fmt: skip
        done = study.run(on_progress=tell, max_cost_usd=options.max_cost, workers=options.workers,
                         **setting)  # fmt: skip
    _show(study)
    return 0 if done.is_complete else SOME_MISSING


def run_show(options: argparse.Namespace) -> int:
    """Print how far a study is."""
    from hhlab.study.study import Study

    study = Study.open(options.folder)
    _show(study)
    done = study.progress()
    return 0 if done.is_complete else SOME_MISSING


def _show(study) -> None:
    from hhlab.arena.cli import one_line, print_table
    from hhlab.errors import printable

    print(printable(f"{study.folder}: {study.plan.suite}, {len(study.plan.shots)} shots, seeds "
                    f"{', '.join(map(str, study.plan.seeds))}: {study.progress()}"))  # fmt: skip
    # A second of nothing usable has no price, and no time.
    print_table(study.costs().round(3).replace(float("inf"), float("nan")))
    missing = study.outcomes().query("status != 'made'")
    said = missing.groupby(["contender", "status", "error"], sort=False).agg(
        clips=("shot", "size"), first=("reason", "first")
    )
    if len(said):
        print()
        print_table(said.reset_index())
    scores = study.scores()
    failed = scores[scores["status"] == "failed"].drop_duplicates(["sha256", "metric"])
    for metric, its in failed.groupby("metric"):
        print(one_line(f"{metric}: failed on {len(its)} clips, such as: {its['reason'].iloc[0]}"))


def run_add_votes(options: argparse.Namespace) -> int:
    """Add votes."""
    from hhlab.errors import printable
    from hhlab.study.study import Study

    study = Study.open(options.folder)
    for name in options.votes:
        done = study.add_votes(name, layout=options.layout, simulated=options.simulated)
        print(printable(f"{name}: {done.added} of {done.votes} votes added"))
        if done.left_out:
            print(printable(f"  columns not kept: {', '.join(done.left_out)}"))
    return 0


def run_compare(options: argparse.Namespace) -> int:
    """Print what has changed."""
    from hhlab.arena.cli import one_line, print_table
    from hhlab.files import write_atomic
    from hhlab.study.compare import compare

    found = compare(options.before, options.after)
    print_table(found.table.round(4))
    for note in found.notes:
        print(one_line(f"note: {note}"))
    if options.csv:
        write_atomic(Path(options.csv), found.table.to_csv(index=False).encode("utf-8"))
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Print what is not as it should be."""
    from hhlab.arena.cli import one_line
    from hhlab.study.verify import verify

    found = verify(options.folder)
    for finding in found:
        print(one_line(finding))
    faults = [one for one in found if one.fault != "unfinished"]
    if not found:
        print("every file is there and as it was written")
    return FOUND if faults else 0


def run_export(options: argparse.Namespace) -> int:
    """Write the dataset."""
    from hhlab.errors import printable
    from hhlab.study.export import export

    print(printable(str(export(options.folder, Path(options.out), licence=options.licence,
                               title=options.title))))  # fmt: skip
    return 0
