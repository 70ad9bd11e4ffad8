"""Material of numbered clips, and what a rater does with a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hhlab.blind.material import DAMAGE, SAME, Check, Item, Material
from tests.widgets.conftest import FPS, FRAMES

NAMES = ("Contestant-Alpha", "Contestant-Beta", "Contestant-Gamma")
READY = "document.querySelector('.hh-vote')?.disabled === false"
# How far apart the frames are that the browser presents on the two sides, picture by picture of the
# page, for two whole clips. (Callbacks for videos come before those for animation.)
APART = """async () => {
  const videos = [...document.querySelectorAll('.hh-pair .hh-video')];
  const fps = FPS, frames = FRAMES, last = [-1, -1], seen = new Set();
  const apart = {};
  let shown = 0;
  videos.forEach((video, side) => {
    const see = (_, { mediaTime }) => {
      last[side] = Math.round(mediaTime * fps);
      seen.add(last[side]);
      shown += 1;
      video.requestVideoFrameCallback(see);
    };
    video.requestVideoFrameCallback(see);
  });
  const until = performance.now() + 20000;
  await new Promise((done) => {
    const look = () => {
      const by = Math.abs(last[0] - last[1]);
      // Where a clip begins again one side may be there a moment before the other.
      const turn = Math.max(...last) > frames - 3 && Math.min(...last) < 3;
      if (last[0] >= 0 && last[1] >= 0 && !turn) apart[by] = (apart[by] ?? 0) + 1;
      if (shown > 4 * frames || performance.now() > until) done();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  return { most: Math.max(...Object.keys(apart).map(Number)), apart, seen: seen.size, shown };
}""".replace("FPS", str(FPS)).replace("FRAMES", str(FRAMES))


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
        timeout=60_000,
    )
    if "Comparison" in text:
        page.wait_for_function(READY, timeout=60_000)
