"""Run all validity studies and put their pages together.

python -m eval.validity --data ../shared/data --out docs/validity            all of them
python -m eval.validity --only texture flicker ...                           some
python -m eval.validity --assemble                                           only the page
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

STUDIES = (
    "identity", "lip_sync", "articulation", "texture", "flicker", "motion", "motion_numbers",
    "camera", "light", "speech", "speech_pace", "sound_picture", "continuity",
    "perceptual", "instruction", "redundancy", "agreement", "arena", "pairing",
    "foal", "foal_canvas", "weakened",
)  # fmt: skip

INTRO = """# How far the numbers can be trusted

Each metric was shown real footage with known, graded damage. A study says what the metric must
react to and by how much it did, what it must ignore and how much it reacted all the same, how often
it raises a false alarm on clean clips, and how it compares with an independent reference or with
people. The arena's arithmetic was shown simulated votes, whose truth is known. Where a goal was
missed, the table says so.

The clips are not part of this repository; with clips of the same names beside the checkout,
`make studies` makes these pages again. The tables are also there as CSV, in `docs/validity/`.

"""


def assemble(folder: Path) -> str:
    """One page from the studies' pages, each a section, with its pictures' addresses adapted."""
    parts = []
    for name in STUDIES:
        page = folder / f"{name}.md"
        if page.is_file():
            text = re.sub(r"\]\((?!https?:|#|/|\.\.)", f"]({folder.name}/", page.read_text("utf-8"))
            text = text.strip()
            deeper = 2 - len(re.match(r"#*", text).group())  # its title becomes a section
            parts.append(re.sub(r"^#+(?= )", lambda m, by=deeper: m[0] + "#" * by if by >= 0
                                else m[0][:by], text, flags=re.MULTILINE))  # fmt: skip
    contents = "\n".join(
        f"- [{title}](#{re.sub(r'[^a-z0-9 -]', '', title.lower()).replace(' ', '-')})"
        for title in (re.sub(r"^#+ ", "", part.splitlines()[0]) for part in parts)
    )
    return INTRO + contents + "\n\n" + "\n\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("docs/validity"))
    parser.add_argument("--only", nargs="+", choices=STUDIES, default=STUDIES)
    parser.add_argument("--assemble", action="store_true", help="run nothing")
    options = parser.parse_args()
    failed = []
    for name in () if options.assemble else options.only:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"eval.validity.{name}", "--data", options.data, "--out",
                   options.out]  # fmt: skip
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    options.out.with_suffix(".md").write_text(assemble(options.out), "utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
