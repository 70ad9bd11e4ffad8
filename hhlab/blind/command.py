"""``hhlab arena prepare | serve``."""

from __future__ import annotations

import argparse
from pathlib import Path

from hhlab.errors import BadArgument, printable

_MANIFEST = (
    "a CSV file with the columns contender, clip and prompt, and if you like category and "
    "references (file names, parted by ;); clips of one prompt are compared; files are looked for "
    "beside it"
)


def add_blind_actions(actions) -> None:
    """Add the actions to those of ``hhlab arena``."""
    action = actions.add_parser(
        "prepare",
        help="make clips alike and nameless, to be compared blind",
        description="Encode contenders' clips alike, under neutral names, and add test trials.",
    )
    action.add_argument("manifest", metavar="MANIFEST", help=_MANIFEST)
    action.add_argument("folder", metavar="FOLDER", help="new folder for the result")
    action.set_defaults(run=_prepare)

    action = actions.add_parser(
        "serve",
        help="let people compare clips in a browser, without Jupyter",
        description="Serve a page per rater. Each has a link of its own, which stays the same; "
        "votes of all go into one ledger. End it with Ctrl-C; nothing is lost.",
    )
    action.add_argument("material", metavar="FOLDER",
                        help="made by hhlab arena prepare; if it is not there, stand-ins are made "
                        "to try things out")  # fmt: skip
    action.add_argument("ledger", metavar="LEDGER", help="where votes go, such as votes.db")
    action.add_argument("--raters", nargs="+", metavar="NAME", default=[],
                        help="who gets a link (besides those who had one)")  # fmt: skip
    action.add_argument("--trials", type=int, metavar="N", help="comparisons each (default: all)")
    action.add_argument("--dimensions", nargs="+", metavar="NAME", default=[],
                        help="further questions, such as identity or 'lip sync'")  # fmt: skip
    action.add_argument("--reveal", choices=("after", "end", "never"), default="never",
                        help="when raters learn whose clips they saw (default: never)")  # fmt: skip
    action.add_argument("--ip", default="127.0.0.1", metavar="ADDRESS",
                        help="0.0.0.0: other machines too (default: this one only)")  # fmt: skip
    action.add_argument("--port", type=int, default=8866, metavar="N", help="(default: 8866)")
    action.add_argument("--theme", choices=("light", "dark"), default="light")
    action.set_defaults(run=_serve)


def _prepare(options: argparse.Namespace) -> int:
    from hhlab.blind.prepare import prepare

    made = prepare(read_manifest(options.manifest), options.folder)
    counts = f"{len(made.items)} prompts, {len(made.contenders)} contenders"
    print(printable(f"{options.folder}: {counts}, {len(made.checks)} test trials"))
    return 0


def read_manifest(path: str | Path) -> list:
    """Entries of a manifest, one per prompt, in the order in which prompts are first named.

    Raises :class:`BadArgument`, naming the line.
    """
    import csv

    from hhlab.blind.prepare import Entry

    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadArgument(str(path), expected="a CSV file", found=str(error)) from None
    groups: dict[str, dict] = {}
    for number, row in enumerate(rows, start=2):
        contender, clip, prompt = (row.get(name) or "" for name in ("contender", "clip", "prompt"))
        if not contender or not clip or not prompt:
            raise BadArgument(f"{path}, line {number}", expected="contender, clip and prompt",
                              found="not all of them")  # fmt: skip
        group = groups.setdefault(prompt, {"clips": {}, "category": None, "references": []})
        if contender in group["clips"]:
            raise BadArgument(f"{path}, line {number}", found="a second one",
                              expected="one clip per contender and prompt")  # fmt: skip
        group["clips"][contender] = path.parent / clip
        group["category"] = group["category"] or row.get("category") or None
        named = [name.strip() for name in (row.get("references") or "").split(";")]
        for one in (path.parent / name for name in named if name):
            if one not in group["references"]:
                group["references"].append(one)
    return [Entry(prompt=prompt, **group) for prompt, group in groups.items()]


def _serve(options: argparse.Namespace) -> int:
    from hhlab.blind.material import LIST
    from hhlab.blind.serve import Booth, serve
    from hhlab.blind.stand_ins import stand_ins

    if not (Path(options.material) / LIST).exists():
        print("There is no material yet: making stand-ins, to try things out.")
        stand_ins(options.material)
    booth = Booth(
        options.material, options.ledger, trials=options.trials,
        dimensions=tuple(options.dimensions), reveal=options.reveal,
    )  # fmt: skip
    serve(booth, raters=options.raters, ip=options.ip, port=options.port, theme=options.theme,
          announce=_announce)  # fmt: skip
    return 0


def _announce(links: dict[str, str]) -> None:
    print("Links, one per rater; whoever has one votes as that rater:")
    for name, link in links.items():
        print(printable(f"  {name:<16} {link}"))
    print("Ctrl-C ends it.", flush=True)
