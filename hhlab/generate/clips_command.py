"""The verb ``hhlab clips``, and the options of ``hhlab generate`` for models that run here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_clips(verbs) -> None:
    """Add the verb to the command line's."""
    verb = verbs.add_parser(
        "clips",
        help="compare clips made elsewhere: write the manifest that says which is which",
        description="Write FOLDER/manifest.csv with a row for each shot of a suite and seed. Put "
        "the clips into FOLDER, fill in the column 'file', and the folder is a contender by the "
        "name clips:FOLDER. With --check, say what is still missing instead.",
    )
    verb.add_argument("suite", metavar="SUITE", help="the suite that the clips answer (YAML)")
    verb.add_argument("-o", "--out", required=True, metavar="FOLDER", help="where the clips lie")
    verb.add_argument("--seeds", type=int, default=1, metavar="N", help="clips of each shot")
    verb.add_argument("--check", action="store_true", help="look at the manifest that is there")
    verb.set_defaults(run=run_clips)


def run_clips(options: argparse.Namespace) -> int:
    """Write or check a manifest; 3 when a check finds clips missing."""
    from hhlab.errors import BadArgument, printable
    from hhlab.generate.clips import ClipNotMade, Clips
    from hhlab.generate.clips_manifest import ShotDiffers, write_template
    from hhlab.generate.material import read_suite

    if options.seeds < 1:
        raise BadArgument("--seeds", expected="1 or more", found=str(options.seeds))
    suite, folder = read_suite(options.suite), Path(options.out)
    shots = [one.shot(seed=seed) for one in suite.shots for seed in range(options.seeds)]
    if not options.check:
        print(write_template(folder / "manifest.csv", shots))
        return 0
    made, lacking = Clips(folder), 0
    for shot in shots:
        try:
            made.find(shot)
        except (ClipNotMade, ShotDiffers) as error:
            lacking += 1
            print(printable(f"{shot.label}, seed {shot.seed}: {error}"))
    print(f"{len(shots) - lacking} of {len(shots)} clips are there")
    return 3 if lacking else 0


def add_machine(verb) -> None:
    """Add the options that say how models run here."""
    verb.add_argument("--device", default="cpu", help='of models that run here, such as "cuda"')
    verb.add_argument("--dtype", help="float32, bfloat16 or float16 (default: as it is stored)")
    verb.add_argument("--offload", default="none", help="none, model or sequential: saves memory")
    verb.add_argument("--attention", metavar="NAME", help="a back end of diffusers, such as flash")
    verb.add_argument("--fps", type=float, help="of checkpoints that do not say it")


def machine(options: argparse.Namespace) -> dict[str, Any]:
    """Those options, as :func:`hhlab.load` takes them."""
    return {key: getattr(options, key) for key in
            ("device", "dtype", "offload", "attention", "fps")}  # fmt: skip
