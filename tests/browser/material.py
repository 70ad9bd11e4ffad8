"""Material of numbered clips, and what a rater does with a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hhlab.blind.material import DAMAGE, SAME, Check, Item, Material
from tests.widgets.conftest import FPS, FRAMES

NAMES = ("Contestant-Alpha", "Contestant-Beta", "Contestant-Gamma")
READY = "document.querySelector('.hh-vote')?.disabled === false"
# Which pictures one sees on the two sides, read from their pixels at each picture of the page, for
# two whole clips: [left, right] each.
SEEN = """async () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [256, 64];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const number = (reel) => {
    const shown = [...reel.children].find((one) => one.style.visibility === "visible");
    if (!shown) return null;
    context.drawImage(shown, 0, 0, 256, 64);
    const row = context.getImageData(0, 32, 256, 1).data;
    let total = 0;
    for (let bit = 0; bit < 8; bit++) total += (row[4 * (32 * bit + 16) + 1] > 128) << bit;
    return total;
  };
  const seen = [];
  let turns = 0;
  const until = performance.now() + 30000;
  await new Promise((done) => {
    const look = () => {
      const now = [...document.querySelectorAll(".hh-pair .hh-reel")].map(number);
      if (seen.length && now[0] < seen.at(-1)[0] - FRAMES / 2) turns += 1;
      seen.push(now);
      if (turns > 2 || performance.now() > until) done();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  return seen;
}""".replace("FRAMES", str(FRAMES))


def numbered_material(folder: Path, clips: list[Path]) -> Material:
    """Three contenders, two prompts, two test trials."""
    folder.mkdir(parents=True)

    def file(name: str, source: Path) -> str:
        (folder / name).write_bytes(source.read_bytes())
        return name

    items = tuple(
        Item(f"Blocks that count, take {k}.", None, (), FRAMES,
             {name: file(f"{k}{j}.mp4", clips[j % 2]) for j, name in enumerate(NAMES)})
        for k in range(2)
    )  # fmt: skip
    checks = tuple(
        Check(kind, 0, (file(f"{kind}1.mp4", clips[0]), file(f"{kind}2.mp4", clips[0])))
        for kind in (DAMAGE, SAME)
    )
    made = Material(folder, "browser", (256, 64), float(FPS), NAMES, items, checks)
    made.save()
    return made


def at(page: Any, text: str) -> None:
    """Waits until the pair's head says so and one may answer."""
    page.wait_for_function(
        f"document.querySelector('.hh-count')?.textContent.includes({json.dumps(text)})",
        timeout=240_000,
    )
    if "Comparison" in text:
        page.wait_for_function(READY, timeout=240_000)
