"""The verb ``hhlab report``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_report(verbs) -> None:
    """Add the verb to the command line's."""
    verb = verbs.add_parser(
        "report",
        help="one page of a study that can be sent: verdict, leaderboard, cost, clips",
        description="Write a study's report: one HTML file that needs no other and no network. It "
        "can be written at any moment, of what is there.",
    )
    verb.add_argument("folder", metavar="STUDY")
    verb.add_argument("-o", "--out", metavar="FILE", help="(default: report.html in the study)")
    verb.add_argument("--pdf", action="store_true",
                      help="a PDF beside it, printed by Chromium or Chrome")  # fmt: skip
    verb.add_argument("--most-mb", type=float, metavar="MB",
                      help="of clips and pictures in the page (default: 16)")  # fmt: skip
    verb.set_defaults(run=run_report)


def run_report(options: argparse.Namespace) -> int:
    """Write the report under a progress bar, and print where it is."""
    from tqdm import tqdm

    from hhlab.errors import BadArgument, printable
    from hhlab.study.study import Study

    if options.most_mb is not None and not 0 <= options.most_mb <= 1000:
        raise BadArgument("--most-mb", expected="0 to 1000", found=repr(options.most_mb))
    most = None if options.most_mb is None else round(1e6 * options.most_mb)
    study = Study.open(options.folder)
    with tqdm(unit="shot", file=sys.stderr, disable=None) as bar:

        def tell(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        path = study.report(options.out, most_bytes=most, pdf=options.pdf, on_progress=tell)
    print(printable(f"Report: {path}"))
    if options.pdf:
        print(printable(f"PDF:    {Path(path).with_suffix('.pdf')}"))
    return 0
