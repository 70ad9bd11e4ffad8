"""Kill a study at random moments: is every clip and score there once, and nothing else?

Run as ``python -m eval.benchmarks.kill_study [--kills N] [--shots N]``. A study of quick stand-ins
(three contenders, four seeds) is done in a process of its own, which is killed (SIGKILL) again and
again at random moments spread over the work, and begun again in the same folder; then it is done to
its end, and compared with one that was not disturbed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.study.killing import killed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--shots", type=int, default=5, help="twelve clips each (default: 5)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    def tell(done: int, left: int) -> None:
        print(f"\r{done} of {options.kills} kills, {left} clips left ", end="", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        found = killed(Path(folder), shots=options.shots, kills=options.kills, seed=options.seed,
                       on_kill=tell)  # fmt: skip
    print(file=sys.stderr)
    print(
        f"{found.kills} kills over a study of {found.clips} clips, {found.while_running} of them "
        f"before it was done; clips or scores missing {found.missing}, twice {found.twice}, "
        f"contradictions {len(found.odd)}; made again {found.made_again}, measured again "
        f"{found.measured_again}"
    )
    for odd in found.odd:
        print(odd)
    return 0 if found.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
