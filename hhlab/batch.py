"""Measure many clips into a folder: nothing measured is lost, and a second run goes on.

A result folder holds

* ``scores.parquet`` (and ``scores.csv`` on request), one row per clip and measure;
* ``index.html``, the table to look at;
* ``clips/<name>-<key>/`` with ``record.json`` (the truth: everything measured of one clip),
  ``series.parquet`` (values over time) and ``page.html``.

Each record is written whole or not at all as soon as its clip is done, and the tables are made
from the records, so a process killed at any moment loses at most the clip it was on.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hhlab import results
from hhlab.errors import BadArgument, HhlabError, WeightsError, as_subject
from hhlab.measuring import DEFAULT_METRICS, chosen, measure
from hhlab.media import read_clip, read_image
from hhlab.memory import give_back
from hhlab.report.page import write_page
from hhlab.results import Outcome
from hhlab.tasks import WITHOUT_FACES
from hhlab.types import Clip, Score, Shot

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from hhlab.toolbox import Toolbox

MOST_CRASHES = 3
"""A file during which the whole process died this often is not tried again."""
OVERVIEW_EVERY_S = 5.0


@dataclass(frozen=True)
class Beside:
    """What the clips are compared with and by: pictures, another clip, a prompt, an encoder."""

    references: tuple[np.ndarray, ...] = ()
    compare_to: Clip | None = None
    shot: Shot | None = None
    names: str = ""
    digest: str = ""

    @classmethod
    def read(
        cls,
        references: Sequence[str | Path],
        compare_to: str | Path | None,
        prompt: str = "",
        toolbox: Toolbox | None = None,
    ) -> Beside:
        """Read each once. Raises what :func:`read_image` and :func:`read_clip` raise."""
        pictures = tuple(read_image(path) for path in references)
        other = read_clip(compare_to) if compare_to is not None else None
        digest = hashlib.sha256()
        for picture in pictures:
            digest.update(hashlib.sha256(picture.tobytes()).digest())
        if other is not None:
            digest.update(f"clip {other.info.sha256}".encode())
        files = [*references, *([compare_to] if compare_to is not None else [])]
        names = [as_subject(Path(file).name) for file in files]
        if prompt:
            digest.update(b"prompt " + hashlib.sha256(prompt.encode()).digest())
            names.append(f'"{as_subject(prompt)}"')
        if toolbox is not None and not toolbox.judges_faces:
            # Another encoder, or another part of the picture, is another measurement.
            by = f"{toolbox.identity_encoder.name} {toolbox.identity_box_px or ''}".strip()
            digest.update(by.encode())
            names.append(by)
        shot = Shot(prompt) if prompt else None
        return cls(pictures, other, shot, ", ".join(names), digest.hexdigest() if names else "")


def measure_many(
    paths: Sequence[str | Path],
    metrics: Sequence[str] = DEFAULT_METRICS,
    *,
    out: str | Path,
    references: Sequence[str | Path] = (),
    compare_to: str | Path | None = None,
    prompt: str = "",
    toolbox: Toolbox | None = None,
    pages: bool = True,
    csv: bool = False,
    on_clip: Callable[[Outcome], None] | None = None,
    progress: Callable[[Path, float, float], None] | None = None,
) -> pd.DataFrame:
    """Measure clips into the folder `out` and return the table of all that it holds.

    Clips that `out` already holds with the same content, references, prompt and metric versions are
    not measured again; those that failed are tried again. Of a file that has changed only the
    latest content is kept in the tables. `prompt` is what all of the clips were
    asked to be. `on_clip` is called after each clip, `progress` during one with
    (path, seconds reached, seconds in all). For the other arguments see :func:`hhlab.measure`.

    Raises
    ------
    UnknownMetric, BadArgument, MediaError : the call is wrong, a reference cannot be read; nothing
        has been measured.
    ResultsLocked : another process is writing to `out`.
    WeightsMissing : a network has not been fetched; the message names the command.
    KeyboardInterrupt : passed on after the tables have been brought up to date.
    """
    if isinstance(paths, (str, Path)) or not paths:
        raise BadArgument("paths", expected="a list of at least one clip", found=repr(paths))
    chosen(metrics)
    beside = Beside.read(references, compare_to, prompt.strip(), toolbox)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".lock").touch()
    except OSError as error:
        raise BadArgument("out", expected="a folder, or a place where one can be made",
                          found=f"{as_subject(folder)!r}: {error.strerror}") from error  # fmt: skip
    with results.lock(folder):
        known = {outcome.folder: outcome for outcome in results.outcomes(folder)}
        overview_s = -OVERVIEW_EVERY_S
        try:
            for path in dict.fromkeys(map(Path, paths)):
                outcome = _one(path, metrics, folder, beside, toolbox, pages, progress)
                for stale in results.superseded(known.values(), outcome):
                    results.forget(known.pop(stale.folder))
                # Where today's attempt failed, what an earlier run had measured stays in the table.
                known[outcome.folder] = results.load(outcome.folder) or outcome
                frame = results.write_table(folder, known.values(), csv=csv)
                if time.monotonic() - overview_s >= OVERVIEW_EVERY_S:
                    results.write_index(folder, known.values())
                    overview_s = time.monotonic()
                if on_clip is not None:
                    on_clip(outcome)
        finally:
            frame = results.write_table(folder, known.values(), csv=csv)
            results.write_index(folder, known.values())
    return frame


def _one(
    path: Path,
    metrics: Sequence[str],
    out: Path,
    beside: Beside,
    toolbox: Toolbox | None,
    pages: bool,
    progress: Callable[[Path, float, float], None] | None,
) -> Outcome:
    """Measure what is missing of one clip; whatever goes wrong becomes its outcome's reason."""
    empty = Outcome(path, results.folder_of(out, path, None, beside.digest), None,
                    compared_with=beside.names)  # fmt: skip
    try:
        clip = read_clip(path)
    except Exception as error:
        return results.keep_failure(empty, why(error))
    folder = results.folder_of(out, path, clip.info.sha256, beside.digest)
    earlier = results.load(folder)
    had = earlier.scores if earlier is not None else ()
    base = replace(empty, folder=folder, info=clip.info)
    wanted = {kind.name: kind.version for kind in chosen(metrics)}
    kept = {s.metric: s for s in had if _is_whole(s) and wanted.get(s.metric) == s.version}
    others = tuple(s for s in had if s.metric not in wanted)
    missing = [name for name in wanted if name not in kept]
    if not missing:
        outcome = replace(earlier, path=path, fresh=False)
        if pages and not (folder / "page.html").exists():
            _page(outcome, clip)
        return outcome
    try:
        with _begun(folder) as crashes:
            if crashes >= MOST_CRASHES:
                text = f"Crashed: the process died {crashes} times on it (delete {folder} to retry)"
                return results.keep_failure(base, text)
            watch = None
            if progress is not None:

                def watch(now_s: float) -> None:
                    progress(path, now_s, clip.info.duration_s)

            fresh = measure(
                clip, missing, references=beside.references, compare_to=beside.compare_to,
                shot=beside.shot, toolbox=toolbox, progress=watch,
            )  # fmt: skip
            new = kept | {score.metric: score for score in fresh}
            scores: tuple[Score, ...] = (*(new[name] for name in wanted), *others)
            outcome = replace(base, info=fresh.info, scores=scores)
            results.keep(outcome)
    except WeightsError:
        raise  # true of every clip, and one command mends it: stop here and say so
    except Exception as error:
        return results.keep_failure(base, why(error))
    if pages:
        _page(outcome, replace(clip, info=fresh.info))
    return outcome


def _is_whole(score: Score) -> bool:
    """Whether measuring again would find no more."""
    return score.status != "failed" and WITHOUT_FACES not in score.parameters


def why(error: Exception) -> str:
    """An error as one line for a table: its kind, then what it says."""
    kind = error.kind if isinstance(error, HhlabError) else type(error).__name__
    return as_subject(f"{kind}: {error}")


def _page(outcome: Outcome, clip: Clip) -> None:
    """Write the page; it is only a view, so that failing to draw it costs no result."""
    import warnings

    give_back()
    try:
        write_page(outcome.folder / "page.html", clip.info, outcome.scores, clip)
    except Exception as error:
        warnings.warn(f"{outcome.name}: no page could be written ({why(error)})", stacklevel=2)


@contextmanager
def _begun(folder: Path) -> Iterator[int]:
    """Say on disk that this clip is being measured; gives how often that ended in a crash."""
    marker = folder / "started"
    before = int(marker.read_text() or 0) if marker.exists() else 0
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_text(str(before + 1))
    try:
        yield before
    finally:
        if before < MOST_CRASHES:
            marker.unlink(missing_ok=True)
