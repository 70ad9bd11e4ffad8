"""Every family of generators, ready to be put through the contract: a new one is one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import hhlab as hh
from hhlab.generate.protocol import Generator


@dataclass(frozen=True)
class Case:
    """A generator under test.

    Attributes
    ----------
    shots : one for each of its modes that can be asked for here
    refused : a shot whose content is refused, None where nothing ever is
    counts : how many clips have been paid for, None where none is
    """

    generator: Generator
    shots: list[hh.Shot]
    refused: hh.Shot | None = None
    counts: Callable[[], int] | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def modelstudio(request: pytest.FixtureRequest, folder: Path) -> Case:
    import numpy as np

    studio, fast = request.getfixturevalue("studio"), request.getfixturevalue("fast")
    pipe = hh.load(
        "happyhorse-1.1", endpoint=studio.endpoint, folder=folder, clock=fast.clock(),
        patience=request.getfixturevalue("patience"),
    )  # fmt: skip
    picture = np.full((48, 48, 3), 90, np.uint8)
    source = hh.read_clip(request.getfixturevalue("long_clip_file"))
    shots = [
        hh.Shot("a man", seed=3),
        hh.Shot("he waves", first_frame=picture),
        hh.Shot("[Image 1] and [Image 2]", references=[picture, 255 - picture]),
        hh.Shot("he wears a hat", source=source),
    ]
    return Case(pipe, shots, hh.Shot("words that are refused"), lambda: studio.paid().total())


def unified(request: pytest.FixtureRequest, folder: Path) -> Case:
    """The family that ships, as a tiny model with fresh weights."""
    import numpy as np

    pipe, picture = request.getfixturevalue("pipe"), np.full((48, 48, 3), 90, np.uint8)
    other = hh.Clip.from_arrays(np.full((9, 48, 48, 3), 90, np.uint8), fps=12.5)
    asked: dict[str, Any] = {"steps": 1}
    shots = [
        hh.Shot("a man", seed=3, **asked),
        hh.Shot("a man", first_frame=picture, **asked),
        hh.Shot("a man", references=[picture, 255 - picture], **asked),
        hh.Shot("a woman", source=other, **asked),
    ]
    return Case(pipe, shots)


def rendered(request: pytest.FixtureRequest, folder: Path) -> Case:
    from hhlab.generate.rendered import RenderedActors

    return Case(RenderedActors(), [hh.Shot("a man in the park", seconds=0.5, size_px=(96, 96))])


def veo(request: pytest.FixtureRequest, folder: Path) -> Case:
    return _hosted(request, folder, "veo-3.1")


def fal(request: pytest.FixtureRequest, folder: Path) -> Case:
    return _hosted(request, folder, "happyhorse-1.1-fal")


def _hosted(request: pytest.FixtureRequest, folder: Path, name: str) -> Case:
    import numpy as np

    from tests.generate.fake_hosts import REFUSED, bench_of

    bench = bench_of(request, name, folder)
    pipe, picture = bench.pipe(), np.full((48, 64, 3), 90, np.uint8)
    every = [
        hh.Shot("a man", seed=3),
        hh.Shot("he waves", first_frame=picture),
        hh.Shot("[Image 1] and [Image 2]", references=[picture, 255 - picture]),
    ]
    shots = [shot for shot in every if shot.mode in pipe.modes]
    return Case(pipe, shots, hh.Shot(REFUSED), bench.fake.paid_tasks)


def open_model(request: pytest.FixtureRequest, folder: Path) -> Case:
    pytest.importorskip("transformers")
    import numpy as np

    from tests.generate import tiny

    pipe = hh.load(tiny.save("ltx2", folder / "tiny"))
    asked = {"steps": 2, "seconds": 0.4, "size_px": (32, 32)}
    picture = np.full((48, 64, 3), 90, np.uint8)
    shots = [hh.Shot("a cat", **asked), hh.Shot("a cat", first_frame=picture, **asked)]
    return Case(pipe, shots)


def clips(request: pytest.FixtureRequest, folder: Path) -> Case:
    import shutil

    folder.mkdir()
    shutil.copy(request.getfixturevalue("clip_file"), folder / "a.mp4")
    (folder / "manifest.csv").write_text("file,prompt,seed\na.mp4,a man,3\n")
    return Case(hh.load(f"clips:{folder}"), [hh.Shot("a man", seed=3)])


FAMILIES: dict[str, Callable[[pytest.FixtureRequest, Path], Case]] = {
    "modelstudio": modelstudio,
    "unified": unified,
    "rendered": rendered,
    "veo": veo,
    "fal": fal,
    "open model": open_model,
    "clips": clips,
}
