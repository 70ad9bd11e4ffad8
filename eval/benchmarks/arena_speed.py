"""How fast votes become scores with intervals, beside arena-rank, evalica and choix.

Run as ``python -m eval.benchmarks.arena_speed [--votes 1e6 1e7] [--peers PYTHON]``. All systems get
the same votes of 50 models, a fifth of them ties, as a table of texts, and each runs in a process
of its own, two calls, of which the first pays for compiling and late imports. Time is from the
table to the scores (and intervals, where the system has them); memory is the process's peak, with
the table. arena-rank needs an environment of its own (``pip install '.[peers]'`` in a fresh one),
whose Python goes with ``--peers``; systems that are not installed are said to be missing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

# Each reads the table into `table` and defines run() -> a checksum-like dictionary of scores.
_LOAD = """
import json, resource, sys, time
import pandas as pd
table = pd.read_parquet(sys.argv[1])
table = table.astype(object) if sys.argv[2] == "object" else table
"""
_RUN = """
times = []
for _ in range(2):
    start = time.perf_counter()
    scores = run()
    times.append(time.perf_counter() - start)
# VmHWM, not ru_maxrss: that starts at the size of the process that started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(json.dumps({"times": times, "peak_mb": int(peak) / 1024, "scores": scores}))
"""
_SYSTEMS = {
    "hhlab": """
import hhlab as hh
def run():
    r = hh.arena.fit(table)
    return dict(zip(r.models, map(float, r.score)))
""",
    "hhlab, 1,000 refits": """
import hhlab as hh
def run():
    r = hh.arena.fit(table, interval="bootstrap", refits=1000)
    return dict(zip(r.models, map(float, r.score)))
""",
    "arena-rank": """
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset
def run():
    data = PairDataset.from_pandas(table)
    r = BradleyTerry(len(data.competitors)).compute_ratings_and_cis(data)
    return dict(zip(r["competitors"], map(float, r["ratings"])))
""",
    "evalica": """
import evalica
from math import log10
meaning = {"model_a": evalica.Winner.X, "model_b": evalica.Winner.Y}
def run():
    r = evalica.bradley_terry(table.model_a, table.model_b,
                              table.winner.map(lambda w: meaning.get(w, evalica.Winner.Draw)))
    s = {k: 400 * log10(v) for k, v in r.scores.items()}
    return {k: 1000 + v - sum(s.values()) / len(s) for k, v in s.items()}
""",
    "choix": """
import choix
import numpy as np
def run():
    codes, names = pd.factorize(pd.concat([table.model_a, table.model_b]), sort=True)
    a, b = codes[: len(table)], codes[len(table) :]
    won = table.winner.to_numpy(dtype=object)
    first, second = won == "model_a", won == "model_b"
    # choix knows no ties: as it counts wins, a tie is one for each and any other win is two.
    tie = ~(first | second)
    wins = np.zeros((len(names), len(names)))
    np.add.at(wins, (a[first], b[first]), 2)
    np.add.at(wins, (b[second], a[second]), 2)
    np.add.at(wins, (a[tie], b[tie]), 1)
    np.add.at(wins, (b[tie], a[tie]), 1)
    r = choix.ilsr_pairwise_dense(wins)
    return dict(zip(names, 1000 + 400 / np.log(10) * (r - r.mean())))
""",
}
_INTERVALS = {"hhlab": "sandwich", "hhlab, 1,000 refits": "bootstrap", "arena-rank": "sandwich"}

_MAKE = """
import sys
import numpy as np
import pyarrow as pa
from pyarrow import parquet
path, count, models = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
strength = rng.normal(0, 0.8, models)
names = pa.array([f"Studio {k % 7} / Video-Model {k:02d}" for k in range(models)])
words = pa.array(["model_a", "model_b", "tie"])
text = pa.schema([(n, pa.string()) for n in ("model_a", "model_b", "winner")])
with parquet.ParquetWriter(path, text) as file:
    for start in range(0, count, 1_000_000):
        n = min(1_000_000, count - start)
        a = rng.integers(0, models, n)
        b = (a + rng.integers(1, models, n)) % models
        won = rng.random(n) < 1 / (1 + np.exp(strength[b] - strength[a]))
        said = np.where(rng.random(n) < 0.2, 2, np.where(won, 0, 1))
        file.write_table(pa.table([names.take(pa.array(a)), names.take(pa.array(b)),
                                   words.take(pa.array(said))], schema=text))
"""


def measure(python: str, system: str, votes: Path, dtype: str) -> dict | str:
    """Times, peak memory and scores of one system, or the last line of what went wrong."""
    code = _LOAD + _SYSTEMS[system] + _RUN
    done = subprocess.run([python, "-c", code, str(votes), dtype], capture_output=True, text=True,
                          check=False)  # fmt: skip
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
    return json.loads(done.stdout.splitlines()[-1])


def table(found: dict[str, dict | str], count: int) -> str:
    """Markdown rows, with ratios to hhlab's sandwich."""
    ours = found["hhlab"]
    lines = []
    for system, result in found.items():
        if isinstance(result, str):
            lines.append(f"| {count:,} | {system} | – | – | – | – | – | {result} |")
            continue
        first, second = result["times"]
        apart = max(abs(result["scores"][m] - s) for m, s in ours["scores"].items())
        ratios = f"{first / ours['times'][0]:.1f}, {second / ours['times'][1]:.1f}"
        lines.append(
            f"| {count:,} | {system} | {first:.2f} | {second:.2f} | {ratios} "
            f"| {result['peak_mb']:.0f} | "
            f"{result['peak_mb'] / ours['peak_mb']:.1f} | "
            f"{_INTERVALS.get(system, 'none')}; scores within {apart:.4f} points |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--votes", nargs="+", type=float, default=[1e4, 1e6])
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--dtype", choices=("str", "object"), default="str",
                        help="how pandas holds texts: its own way, or as objects")  # fmt: skip
    parser.add_argument("--peers", metavar="PYTHON", default=sys.executable)
    parser.add_argument("--only", nargs="+", choices=_SYSTEMS, default=list(_SYSTEMS))
    options = parser.parse_args()
    print("| votes | system | first call, s | second, s | times hhlab's | peak, MB | times hhlab's "
          "| intervals |\n|---:|---|---:|---:|---:|---:|---:|---|", flush=True)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        votes = Path(folder) / "votes.parquet"
        for count in map(int, options.votes):
            subprocess.run([sys.executable, "-c", _MAKE, votes, str(count), str(options.models)],
                           check=True)  # fmt: skip
            names = ["hhlab", *(name for name in options.only if name != "hhlab")]
            found = {
                name: measure(sys.executable if name.startswith("hhlab") else options.peers, name,
                              votes, options.dtype)
                for name in names
            }  # fmt: skip
            print(table(found, count), flush=True)


if __name__ == "__main__":
    main()
