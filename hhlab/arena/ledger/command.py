"""``hhlab arena import | export | verify | doctor``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hhlab.errors import printable

if TYPE_CHECKING:
    from hhlab.arena.ledger.doctor import Health

LEDGER_HELP = (
    "a ledger: a file such as votes.db, or postgresql://user@host/name (leave the password to "
    "PGPASSWORD or ~/.pgpass, where nobody sees it)"
)
_FILE_HELP = ".csv or .parquet"
_AGREES, _DIFFERS = 0, 1


def add_ledger_actions(actions) -> None:
    """Add the actions to those of ``hhlab arena``."""
    action = actions.add_parser(
        "import",
        help="add votes from files to a ledger",
        description="Add votes from files to a ledger, which is made if there is none. The same "
        "vote again, by its id or, without ids, by its content, adds nothing.",
    )
    action.add_argument("ledger", metavar="LEDGER", help=LEDGER_HELP)
    action.add_argument("files", metavar="FILE", nargs="+", help=_FILE_HELP + " or .tsv")
    _add_layout(action, "default: seen by the columns")
    action.add_argument(
        "--prefix", default="", help="put before vote ids, where they are only row numbers"
    )
    action.set_defaults(run=_import)

    action = actions.add_parser(
        "export",
        help="write the votes of a ledger to a file",
        description="Write the votes that stand in a ledger, or those of another file, to a file.",
    )
    action.add_argument("votes", metavar="LEDGER", help=LEDGER_HELP + "; or a file of votes")
    action.add_argument("file", metavar="FILE", help=_FILE_HELP)
    _add_layout(action, "default: hhlab")
    action.set_defaults(run=_export)

    action = actions.add_parser(
        "verify",
        help="check that blind assignments are what was committed to before the votes",
        description="Recompute the hash of every blind assignment, and compare it with the one "
        "that was recorded before the vote. Exit status 1 if any differs.",
    )
    action.add_argument("ledger", metavar="LEDGER", help=LEDGER_HELP)
    action.set_defaults(run=_verify)

    action = actions.add_parser(
        "doctor",
        help="check that nothing in a ledger was altered or removed",
        description="Check the database, every hash and every rule. Exit status 1 if anything is "
        "wrong.",
    )
    action.add_argument("ledger", metavar="LEDGER", help=LEDGER_HELP)
    action.add_argument(
        "--receipt", action="append", default=[], metavar="HASH",
        help="a hash kept from earlier, which must be in the ledger (may be repeated)",
    )  # fmt: skip
    action.add_argument(
        "--seal", action="store_true",
        help="if all is well, add a seal and print its hash: kept elsewhere, it proves later that "
        "nothing before it was changed",
    )  # fmt: skip
    action.set_defaults(run=_doctor)


def _add_layout(action: argparse.ArgumentParser, default: str) -> None:
    action.add_argument("--layout", choices=("hhlab", "arena"),
                        help=f"our columns, or those of Arena.ai ({default})")  # fmt: skip


def _import(options: argparse.Namespace) -> int:
    from hhlab.arena.ledger import Ledger
    from hhlab.arena.ledger.importing import import_votes

    with Ledger.open(options.ledger) as ledger:
        for name in options.files:
            done = import_votes(ledger, name, layout=options.layout, prefix=options.prefix)
            others = "" if done.added == done.votes else "; the others were there"
            print(printable(f"{name}: {done.added} of {done.votes} votes added{others}"))
            if done.left_out:
                print(printable(f"  columns not kept: {', '.join(done.left_out)}"))
    return _AGREES


def _export(options: argparse.Namespace) -> int:
    from hhlab.arena.layouts import export_votes, is_table, read_table
    from hhlab.arena.ledger import Ledger

    if is_table(options.votes):
        table = read_table(options.votes)[0]
    else:
        with Ledger.open(options.votes, create=False) as ledger:
            table = ledger.to_frame()
    path = export_votes(table, Path(options.file), layout=options.layout or "hhlab")
    print(printable(f"{len(table)} votes: {path}"))
    return _AGREES


def _verify(options: argparse.Namespace) -> int:
    from hhlab.arena.ledger import Ledger

    with Ledger.open(options.ledger, create=False) as ledger:
        health = ledger.verify()
    _print_findings(health)
    said = "all are" if health.ok else "not all are"
    print(f"{health.trials} blind assignments, {health.revealed} revealed: {said} what was "
          "committed to")  # fmt: skip
    return _AGREES if health.ok else _DIFFERS


def _doctor(options: argparse.Namespace) -> int:
    from hhlab.arena.ledger import Ledger

    with Ledger.open(options.ledger, create=False) as ledger:
        health = ledger.doctor(receipts=options.receipt)
        _print_findings(health)
        print(f"{health.events} events: {health.trials} trials shown, {health.votes} votes, "
              f"{health.undone} undone, {health.revealed} revealed; {health.unsealed} since the "
              "last seal")  # fmt: skip
        if health.ok:
            print("all is well")
            if options.seal:
                print(f"seal: {ledger.seal().hash}")
    return _AGREES if health.ok else _DIFFERS


def _print_findings(health: Health) -> None:
    for finding in health.findings:
        print(printable(str(finding)))
