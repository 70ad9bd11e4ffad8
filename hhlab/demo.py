"""Clips for a first look: talking actors rendered here, untouched and with known damage."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from hhlab.actors import NAMES, demo_set
from hhlab.actors.demo import SENTENCES
from hhlab.media import write_clip


def demo_clips(folder: Path, *, quiet: bool = False) -> Mapping[Path, str]:
    """Render the demo's clips into `folder`, those that are not there yet.

    Returns the files with what was done to each, in a sentence.
    """
    from tqdm import tqdm

    files = {name: folder / f"{name}.mp4" for name in NAMES}
    missing = [name for name, path in files.items() if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    with tqdm(
        total=len(missing), desc="rendering talking actors", unit="clip", file=sys.stderr,
        disable=True if quiet or not missing else None,
    ) as bar:  # fmt: skip
        for made in demo_set(names=missing):
            write_clip(files[made.name], made.clip, crf=14)
            bar.update()
    return {path: SENTENCES[name] for name, path in files.items()}
