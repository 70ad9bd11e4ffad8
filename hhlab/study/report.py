"""A study as its report sees it, and the report as a file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hhlab.errors import BadArgument, as_subject
from hhlab.report.study import AskedGate, AskedShot, Dossier, render
from hhlab.report.study.agreeing import agreement_of

if TYPE_CHECKING:
    from hhlab.agreeing import Agreement
    from hhlab.study.study import Study
    from hhlab.types import Score

REPORT = "report.html"


def dossier(study: Study) -> Dossier:
    """Everything that a report of the study is made from, as it stands now."""
    plan, outcomes, votes = study.plan, study.outcomes(), study.votes()

    def details(contender: str, shot: str, seed: int) -> tuple[Score, ...]:
        found = study.details(contender, shot, seed)
        return found.scores if found is not None else ()

    history = tuple(study.history)
    dates = [*outcomes["made_at"], *(str(entry.get("at", "")) for entry in history)]
    return Dossier(
        plan.suite, plan.description, dict(plan.contenders),
        tuple(AskedShot(shot.id, shot.prompt, shot.tags) for shot in plan.shots), plan.seeds,
        plan.metrics,
        tuple(AskedGate(g.metric, g.measure, g.at_most, g.at_least, g.why) for g in plan.gates),
        outcomes, study.scores(), study.clips(), study.costs(), votes, details,
        made_with=dict(plan.made_with), history=history, digest=study.digest(),
        as_of=max(dates, default="")[:10],
    )  # fmt: skip


def agreement(study: Study) -> Agreement:
    """See :meth:`hhlab.study.Study.agreement`."""
    return agreement_of(dossier(study))


def digest(files: dict[str, str], votes) -> str:
    """A hash of a study's files (path -> hash) and of the votes that stand."""
    made = hashlib.sha256()
    for path, sha256 in sorted(files.items()):
        made.update(f"{path} {sha256}\n".encode())
    columns = [name for name in ("vote_id", "model_a", "model_b", "winner", "voter", "prompt",
                                 "dimension") if name in votes]  # fmt: skip
    for line in sorted("\t".join(map(str, row)) for row in votes[columns].to_numpy(object)):
        made.update(f"{line}\n".encode())
    return made.hexdigest()


def _check_names(page: Path, pdf: bool | str | Path) -> None:
    """Whether files are called what they will be. Raises :class:`BadArgument`."""
    if page.suffix.lower() not in ("", ".html", ".htm"):
        raise BadArgument(as_subject(page), expected="a name that ends in .html; --pdf (in Python: "
                          "pdf=True) writes a PDF beside it", found=page.suffix)  # fmt: skip
    if not isinstance(pdf, bool) and Path(pdf).suffix.lower() not in ("", ".pdf"):
        raise BadArgument(as_subject(pdf), expected="a name that ends in .pdf",
                          found=Path(pdf).suffix)  # fmt: skip


def write_report(
    study: Study,
    path: str | Path | None = None,
    *,
    most_bytes: int | None = None,
    pdf: bool | str | Path = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """See :meth:`hhlab.study.Study.report`."""
    from hhlab.files import write_atomic
    from hhlab.report.pdf import check_printer, print_pdf

    path = study.folder / REPORT if path is None else Path(path)
    if path.is_dir():
        raise BadArgument(as_subject(path), expected="a file to write", found="a folder")
    _check_names(path, pdf)
    if pdf:
        check_printer()  # before minutes of work
    made = dossier(study)
    size = {} if most_bytes is None else {"most_bytes": most_bytes}
    page = render(made, on_progress=on_progress, **size)
    write_atomic(path, page.encode("utf-8"))
    if pdf:
        print_pdf(page, path.with_suffix(".pdf") if pdf is True else Path(pdf))
    return path
