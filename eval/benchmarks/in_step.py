"""Two clips played side by side in Chromium: how far apart are the pictures that one sees?

``python -m eval.benchmarks.in_step`` plays two clips whose pictures say their number in black and
white blocks, reads the numbers from what is drawn at each picture of the page, and prints how often
the two sides agreed, how many of the clip's pictures were shown, and how far the picture was behind
the sound. ``--busy N`` keeps N processes at work beside it, ``--jam MS`` keeps the page itself busy
for so long, half of the time. ``--plain`` plays the same clips in two bare <video> elements.
It needs Debian's chromium, or one named in HHLAB_CHROMIUM.
Processor time is the whole browser's for each second played, measured without reading numbers.
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hhlab.types import Audio, Frame

FPS = 24
BITS = 8
ORIGIN = "http://bench.test/"
_PAGE = Path(__file__).with_suffix(".js")


def numbered(folder: Path, width: int, height: int, frames: int) -> list[bytes]:
    """Two clips with sound: moving noise, and across its middle the picture's number in blocks."""
    from hhlab.media import write_clip

    rng = np.random.default_rng(2)
    noise = rng.integers(40, 200, (height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    noise = noise.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
    edges = np.linspace(0, width, BITS + 1).astype(int)

    def pictures() -> Iterator[Frame]:
        for number in range(frames):
            rgb = np.roll(noise, 3 * number, axis=1)
            for bit in range(BITS):
                rgb[height // 3 : 2 * height // 3, edges[bit] : edges[bit + 1]] = (
                    235 if number >> bit & 1 else 20
                )
            yield Frame(number, number / FPS, rgb)

    made = []
    for side, tone_hz in enumerate((330.0, 440.0)):
        at_s = np.arange(48000 * frames // FPS) / 48000
        wave = (0.1 * np.sin(2 * np.pi * tone_hz * at_s))[None].astype(np.float32)
        path = folder / f"{side}.mp4"
        write_clip(path, pictures(), fps=FPS, audio=Audio(wave, 48000))
        made.append(path.read_bytes())
    return made


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing but work."""
    workers = [multiprocessing.Process(target=_work, daemon=True) for _ in range(count)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()


def _work() -> None:
    while True:
        sum(range(10_000))


def processor_s() -> float:
    """Processor time of all processes that this one has started and that still run, in s."""
    import psutil

    total = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def play(clips: list[bytes], plan: dict, seconds: float) -> dict:
    """Play for so many seconds; gives the numbers seen, the player's own and the processor time."""
    from playwright.sync_api import sync_playwright

    from hhlab.widgets.assets import PLAYER, script, style

    path = os.environ.get("HHLAB_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as run:
        browser = run.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"],
        )
        page = browser.new_page(viewport={"width": 2 * plan["wide"] + 40, "height": 720})
        page.route("**/*", lambda route: route.fulfill(
            body="<!doctype html><div id=root></div>", content_type="text/html")
            if route.request.url == ORIGIN else route.continue_())  # fmt: skip
        page.goto(ORIGIN)
        data = [base64.b64encode(clip).decode() for clip in clips]
        page.evaluate(
            _PAGE.read_text(encoding="utf-8"), [script(*PLAYER), style("player"), data, plan]
        )
        before, begun = processor_s(), time.monotonic()
        page.wait_for_timeout(1000 * seconds)
        used, took = processor_s() - before, time.monotonic() - begun
        found = {
            "seen": page.evaluate("seen"), "processor_s_per_s": used / took,
            "stats": None if plan["plain"] else page.evaluate("sync.stats()"),
        }  # fmt: skip
        browser.close()
    return found


def summary(found: dict, frames: int) -> dict:
    """Shares of the page's pictures by how far apart the sides were, and of the clip's shown."""
    seen = np.array(found["seen"])
    # where a bare video begins again one side may be there a moment before the other
    turn = (seen.max(1) > frames - 4) & (seen.min(1) < 4)
    apart = np.abs(np.diff(seen[~turn], axis=1))[:, 0]
    starts = np.flatnonzero(np.diff(seen[:, 0]) < -frames / 2) + 1
    rounds = np.split(seen[:, 0], starts)[1:-1]
    shown = [len(set(part)) / frames for part in rounds]
    return {
        "pictures_of_the_page": len(seen),
        "same": float(np.mean(apart == 0)), "one_apart": float(np.mean(apart == 1)),
        "more": float(np.mean(apart > 1)), "most": int(apart.max()),
        "shown_a_round": float(np.mean(shown)) if shown else float("nan"),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", default="1280x720", help="of the clips, WIDTHxHEIGHT")
    parser.add_argument("--seconds", type=float, default=15.0, help="to play")
    parser.add_argument("--busy", type=int, default=0, help="processes at work beside it")
    parser.add_argument("--jam", type=int, default=0, help="ms for which the page is kept busy")
    parser.add_argument("--plain", action="store_true", help="two bare <video> elements instead")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    frames = 72
    plan = {"fps": FPS, "frames": frames, "bits": BITS, "jam": given.jam, "plain": given.plain,
            "wide": 600, "high": round(600 * height / width)}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        clips = numbered(Path(folder), width, height, frames)
    with busy(given.busy):
        read = play(clips, plan | {"read": True}, given.seconds)
        cost = play(clips, plan | {"read": False}, given.seconds)
    told = summary(read, frames)
    told["processor_s_per_s"] = cost["processor_s_per_s"]
    told["load_average"] = os.getloadavg()[0]
    if read["stats"]:
        told |= {name: read["stats"][name] for name in ("skew_frames", "late_ms", "shown")}
    print(json.dumps({k: round(v, 3) for k, v in told.items()}))


if __name__ == "__main__":
    main()
