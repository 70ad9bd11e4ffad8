"""Many shots of one generator into a folder; a second run goes on where the first one stopped.

The folder is one that ``hh.load("clips:FOLDER")`` reads: the clips, and a manifest.
"""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hhlab.errors import BadKey, BudgetExhausted, HhlabError, KeyMissing, QuotaExhausted
from hhlab.files import slug, write_atomic
from hhlab.generate.clips_manifest import COLUMNS, read_manifest
from hhlab.generate.protocol import Generator
from hhlab.types import Clip, Shot

HOPELESS = (BudgetExhausted, QuotaExhausted, BadKey, KeyMissing)
"""Errors after which no other shot would fare better: nothing more is asked."""
MANIFEST = "manifest.csv"


@dataclass(frozen=True)
class Made:
    """What became of one shot.

    Attributes
    ----------
    file : of the clip, None where there is none
    error, found : kind and words of the error, "" for none
    usd, took_s : what it cost, and how long it took; None where that is not known
    fresh : False when it was here before
    """

    shot: Shot
    file: Path | None = None
    error: str = ""
    found: str = ""
    usd: float | None = None
    took_s: float | None = None
    fresh: bool = True
    prompt_sent: str = ""


def make_many(
    generator: Generator,
    shots: Sequence[Shot],
    folder: str | Path,
    *,
    workers: int = 1,
    on_made: Callable[[Made], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> list[Made]:
    """Make what is missing of these shots, told apart by label and seed.

    An error is an outcome of its shot; after one of HOPELESS no more are begun. Generators that
    run here take one at a time; services may be asked for several (`workers`).

    Returns
    -------
    list : of each shot what became of it, in order; those not begun are left out
    """
    folder = Path(folder)
    have = _have(folder)
    found: dict[int, Made] = {}
    hopeless = {kind.__name__ for kind in HOPELESS}

    def keep(number: int, made: Made) -> None:
        found[number] = made
        if made.fresh and made.file is not None:
            have[_name(made.shot)] = made
            _write_manifest(folder, have.values())
        if on_made is not None:
            on_made(made)

    interrupted = threading.Event()

    def asked_to_stop() -> bool:
        return interrupted.is_set() or bool(cancel and cancel())

    def is_over() -> bool:
        return asked_to_stop() or any(made.error in hopeless for made in found.values())

    queue = list(enumerate(shots))[::-1]
    with ThreadPoolExecutor(workers) as pool, _set_on_error(interrupted):
        running: dict[Future[Made], int] = {}
        while running or (queue and not is_over()):
            while queue and len(running) < workers and not is_over():
                number, shot = queue.pop()
                known = have.get(_name(shot))
                if known is not None and known.shot.prompt == shot.prompt:
                    keep(number, replace(known, shot=shot, fresh=False))
                else:
                    running[pool.submit(_make, generator, shot, folder, asked_to_stop)] = number
            done, _ = wait(running, return_when=FIRST_COMPLETED) if running else ((), ())
            for future in done:
                keep(running.pop(future), future.result())
    return [found[number] for number in sorted(found)]


@contextmanager
def _set_on_error(event: threading.Event) -> Iterator[None]:
    """Let those who are still at work know when we leave by Ctrl-C or another error."""
    try:
        yield
    except BaseException:
        event.set()
        raise


def _name(shot: Shot) -> str:
    return f"{slug(shot.label or shot.prompt)}-{shot.seed}"


def _make(generator: Generator, shot: Shot, folder: Path, cancel) -> Made:
    began = time.monotonic()
    try:
        clip = generator.generate(shot, cancel=cancel)
        file = store(clip, folder / f"{_name(shot)}.mp4")
    except HhlabError as error:
        return Made(shot, error=error.kind, found=str(error))
    said = clip.provenance
    return Made(
        shot, file, usd=said.get("usd", said.get("price_usd")),
        took_s=said.get("took_s") or round(time.monotonic() - began, 3),
        prompt_sent=said.get("rewritten_prompt") or "",
    )  # fmt: skip


def store(clip: Clip, path: Path) -> Path:
    """Put a clip under this name, whole or not at all; a file is copied as it is."""
    from hhlab.media import write_clip

    if clip.info.path is not None:
        write_atomic(path, Path(clip.info.path).read_bytes())
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_clip(path, clip)


def _have(folder: Path) -> dict[str, Made]:
    """What the folder's manifest lists and holds."""
    if not (folder / MANIFEST).is_file():
        return {}
    rows = [row for row in read_manifest(folder) if row.file is not None]
    made = [
        Made(
            Shot(row.prompt or "", seed=row.seed or 0, label=row.shot or ""), row.file,
            usd=row.price_usd, took_s=row.took_s, fresh=False, prompt_sent=row.prompt_sent or "",
        )
        for row in rows
    ]  # fmt: skip
    return {_name(one.shot): one for one in made}


def _write_manifest(folder: Path, made: Iterable[Made]) -> None:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for one in sorted(made, key=lambda one: _name(one.shot)):
        shot, cells = one.shot, (one.usd, one.took_s)
        table.writerow((
            one.file.name, shot.label, shot.prompt, shot.seed,
            *("" if cell is None else cell for cell in cells), one.prompt_sent,
        ))  # fmt: skip
    write_atomic(folder / MANIFEST, text.getvalue().encode())
