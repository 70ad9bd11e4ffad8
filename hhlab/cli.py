"""The command line: parses, calls, prints. Every verb is also a Python function."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hhlab.errors import printable

if TYPE_CHECKING:
    from hhlab.toolbox import Toolbox

EXIT_USAGE, EXIT_SOME_FAILED, EXIT_ERROR, EXIT_INTERRUPTED = 2, 3, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``hhlab ARGUMENTS`` and return the exit status.

    0: done; 1: could not be done; 2: wrong arguments; 3: done, but some files could not be
    measured, or some metrics of a file failed; 130: interrupted.
    """
    from hhlab.errors import HhlabError

    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except HhlabError as error:
        print(f"hhlab: {error.kind}: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("\nhhlab: interrupted; what was measured is kept, and the same command goes on from "
              "there", file=sys.stderr)  # fmt: skip
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except OSError as error:  # a full disk, a folder that may not be written: no fault of ours
        print(printable(f"hhlab: {type(error).__name__}: {error}"), file=sys.stderr)
        return EXIT_ERROR


def _parser() -> argparse.ArgumentParser:
    from hhlab import __version__
    from hhlab.arena.cli import add_arena
    from hhlab.blind.command import add_blind_actions
    from hhlab.cost.command import add_cost
    from hhlab.generate.clips_command import add_clips
    from hhlab.generate.command import add_contenders, add_generate, add_paid, add_train
    from hhlab.study.command import add_study
    from hhlab.study.report_command import add_report
    from hhlab.weights.command import add_weights

    parser = argparse.ArgumentParser(
        prog="hhlab", description="Generate, measure and compare AI video with sound, offline."
    )
    parser.add_argument("--version", action="version", version=f"hhlab {__version__}")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    _add_measure(verbs)
    _add_continuity(verbs)
    add_weights(verbs)
    _add_demo(verbs)
    add_cost(verbs)
    add_generate(verbs)
    add_contenders(verbs)
    add_paid(verbs)
    add_clips(verbs)
    add_train(verbs)
    add_blind_actions(add_arena(verbs))
    add_study(verbs)
    add_report(verbs)
    return parser


def _add_measure(verbs) -> None:
    verb = verbs.add_parser(
        "measure",
        help="measure clips and write a table and a page for each",
        description="Measure clips and write into OUT: scores.parquet, index.html, and per clip a "
        "page, its values over time and a record. Run it again to go on after an interruption or "
        "to add clips or metrics; what OUT holds already is not measured again.",
    )
    verb.add_argument("clips", nargs="+", metavar="CLIP", help="video files")
    verb.add_argument("-o", "--out", default="out", help="folder for the results (default: out)")
    verb.add_argument(
        "--references", nargs="+", default=[], metavar="IMG",
        help="pictures of the person that the clips should show, who is then the subject; takes "
        "every name up to the next option: put the clips first, or -- before them",
    )  # fmt: skip
    verb.add_argument(
        "--metrics", nargs="+", default=None, metavar="NAME",
        help="which metrics (default: all that a clip alone is enough for)",
    )  # fmt: skip
    verb.add_argument(
        "--compare-to", metavar="CLIP", help="a clip of the same content, for the metric lpips"
    )
    verb.add_argument(
        "--prompt", default="", metavar="TEXT",
        help="what the clips were asked to be, for the metrics that compare with it",
    )  # fmt: skip
    verb.add_argument(
        "--encoder", metavar="NAME:PRETRAINED",
        help="judge identity of something without a face by this image tower of open_clip, such as "
        "ViT-B-32:laion2b_s34b_b79k or ViT-B-32:path/to/weights.safetensors",
    )  # fmt: skip
    verb.add_argument(
        "--box", nargs=4, type=int, metavar=("X", "Y", "W", "H"),
        help="the part of the picture, in pixels, that --encoder looks at (default: all of it)",
    )  # fmt: skip
    verb.add_argument("--csv", action="store_true", help="write scores.csv as well")
    verb.add_argument("--no-pages", action="store_true", help="tables only, no HTML page per clip")
    verb.set_defaults(run=_measure)


def _measure(options: argparse.Namespace) -> int:
    from hhlab.batch import measure_many
    from hhlab.measuring import DEFAULT_METRICS

    toolbox = _toolbox(options.encoder, options.box)
    metrics = [name for word in options.metrics or DEFAULT_METRICS for name in word.split(",")]
    return report_run(
        lambda **hooks: measure_many(
            options.clips, metrics, out=options.out, references=options.references,
            compare_to=options.compare_to, prompt=options.prompt, toolbox=toolbox,
            pages=not options.no_pages, csv=options.csv, **hooks,
        ),
        count=len(dict.fromkeys(options.clips)), out=Path(options.out),
    )  # fmt: skip


def _add_continuity(verbs) -> None:
    verb = verbs.add_parser(
        "continuity",
        help="tell whether several clips show the same character: face, clothes, voice",
        description="Compare every two of the clips and print, aspect by aspect, how probably they "
        "show the same, and which clip is unlike the rest.",
    )
    verb.add_argument("clips", nargs="+", metavar="CLIP", help="two video files or more")
    verb.add_argument(
        "--references", nargs="+", default=[], metavar="IMG",
        help="pictures of the character, where several people are to be seen",
    )  # fmt: skip
    verb.set_defaults(run=_continuity)


def _continuity(options: argparse.Namespace) -> int:
    from hhlab.arena.cli import print_table
    from hhlab.continuing import continuity

    found = continuity(options.clips, references=options.references)
    table = found.to_frame()
    table.insert(2, "unlike the rest", table.pop("odd").map({True: "yes", False: ""}))
    print_table(table.round(3))
    print(printable(f"\n{found.sentence}"))
    return 0


def _toolbox(encoder: str | None, box_px: Sequence[int] | None) -> Toolbox | None:
    """The networks that the options ask for; None: those that are used by default."""
    from hhlab.errors import BadArgument

    if encoder is None and box_px is None:
        return None
    if encoder is None:
        raise BadArgument("--box", expected="--encoder beside it", found="none")
    from hhlab.metrics.encoders import OpenClipEncoder
    from hhlab.toolbox import Toolbox

    name, _, pretrained = encoder.partition(":")
    if not (name and pretrained):
        raise BadArgument("--encoder", expected="NAME:PRETRAINED", found=repr(encoder))
    return Toolbox(
        identity_encoder=OpenClipEncoder(name, pretrained=pretrained),
        identity_box_px=tuple(box_px) if box_px else None,
    )


def report_run(run, *, count: int, out: Path) -> int:
    """Run a batch under a progress bar, then print its table and where the pages are."""
    from tqdm import tqdm

    from hhlab.report.overview import Entry, overview_text
    from hhlab.report.words import title

    done = []
    with tqdm(total=count, unit="clip", file=sys.stderr, disable=None) as bar:

        def on_clip(outcome) -> None:
            done.append(outcome)
            bar.set_postfix_str("")
            bar.update()

        def progress(path: Path, now_s: float, total_s: float) -> None:
            share = f"{100 * now_s / total_s:.0f}%" if total_s > 0 else f"{now_s:.0f} s"
            bar.set_postfix_str(f"{path.name[:30]!r} {share}")

        run(on_clip=on_clip, progress=progress)
    entries = [Entry(outcome.name, None, outcome.scores, outcome.reason) for outcome in done]
    print(printable(overview_text(entries)))
    for outcome in done:
        if len(done) == 1 and outcome.scores:
            print()
            width = max(len(title(score.metric)) for score in outcome.scores)
            for score in outcome.scores:
                print(printable(f"{title(score.metric):>{width}}: {score.sentence}"))
    again = sum(not outcome.fresh for outcome in done)
    if again:
        print(f"\n{again} of {len(done)} had been measured before and were not measured again.")
    page = done[0].folder / "page.html" if len(done) == 1 else out / "index.html"
    print(f"\nTable:  {out / 'scores.parquet'}")
    print(f"Report: {page if page.exists() else out / 'index.html'}")
    return 0 if all(map(_is_measured, done)) else EXIT_SOME_FAILED


def _is_measured(outcome) -> bool:
    return not outcome.reason and all(score.status != "failed" for score in outcome.scores)


def _add_demo(verbs) -> None:
    verb = verbs.add_parser(
        "demo",
        help="a small study from nothing: clips, scores, simulated votes, leaderboard, report",
        description="Let four contenders answer six shots, measure the clips, have simulated "
        "voters vote, and write the report; goes on where it was stopped. With clips of your own, "
        "measure these instead.",
    )
    verb.add_argument("clips", nargs="*", metavar="CLIP", help="your own clips instead")
    verb.add_argument("-o", "--out", default="out/demo", help="folder (default: out/demo)")
    verb.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from hhlab.batch import measure_many
    from hhlab.demo import run_demo

    out = Path(options.out)
    if not options.clips:
        return 0 if run_demo(out) else EXIT_SOME_FAILED
    return report_run(
        lambda **hooks: measure_many(options.clips, out=out, **hooks),
        count=len(options.clips), out=out,
    )  # fmt: skip
