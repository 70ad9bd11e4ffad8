"""Is a study's folder as it was written? Finds each file that was lost, changed, or is nobody's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hhlab.errors import HhlabError, StudyDamaged, StudyMissing, as_subject
from hhlab.study import opening, votes
from hhlab.study.manifest import FILE, Manifest, sha256_of
from hhlab.study.records import measured_key
from hhlab.study.store import PAID, STUDY, VOTES, WORK, Store
from hhlab.study.tables import OUTCOMES, SCORES, made_table, read_table, sorted_rows

Fault = Literal["lost", "changed", "orphaned", "contradicts", "unfinished", "votes", "paid"]
_OWN = {FILE, ".lock", VOTES, f"{VOTES}-wal", f"{VOTES}-shm", f"{VOTES}-journal",
        "report.html", "report.pdf"}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes
    ----------
    fault : "lost", "changed" or "orphaned" (a file that belongs to nothing); "contradicts" (records
        and tables do not say the same); "votes", "paid" (of the ledger, of the journal of paid
        tasks); "unfinished" (a process was killed there: the next run sees to it)
    path : from the study's folder
    what : in words
    """

    fault: Fault
    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.path}: {self.what}"


def verify(folder: str | Path) -> list[Finding]:
    """Compare every file with what was written, and the records with one another.

    Nothing is changed. Every file is read, which takes as long as the disk needs.

    Returns
    -------
    list : what was found, faults first; empty where all is well

    Raises
    ------
    StudyMissing : there is neither a study nor a manifest of one
    """
    folder = Path(folder)
    if not (folder / STUDY).exists() and not (folder / FILE).exists():
        raise StudyMissing(as_subject(folder), expected="a study", found="none")
    if not (folder / FILE).exists():
        return [Finding("lost", FILE, "without it nothing can be compared")]
    try:
        manifest = Manifest(folder)
    except StudyDamaged as error:
        return [Finding("changed", FILE, error.found)]
    found = [*_files(manifest), *_strangers(manifest)]
    found += _records(folder, {finding.path for finding in found})
    found += _votes(folder) + _paid(folder)
    return sorted(found, key=lambda one: (one.fault == "unfinished", one.path))


def _files(manifest: Manifest) -> list[Finding]:
    """What the manifest lists and the folder has not, or has otherwise."""
    found = []
    for path, line in manifest.lines.items():
        try:
            digest = sha256_of(manifest.folder / path)
        except OSError as error:
            found.append(Finding("changed", path, f"it cannot be read: {error.strerror}"))
            continue
        if digest == line.sha256:
            continue
        if manifest.is_unfinished(path):
            found.append(Finding("unfinished", path, "it was about to be written"))
        elif digest is None:
            found.append(Finding("lost", path, f"{line.bytes} bytes, hash {line.sha256:.12}"))
        elif line.sha256 is None:
            found.append(Finding("orphaned", path, "it had been taken back"))
        else:
            said = f"its hash was {line.sha256:.12} and is {digest:.12}"
            found.append(Finding("changed", path, said))
    return found


def _strangers(manifest: Manifest) -> list[Finding]:
    """What the folder has and the manifest does not list."""
    found = []
    for file in sorted(manifest.folder.rglob("*")):
        path = file.relative_to(manifest.folder)
        name = path.as_posix()
        if file.is_dir() and not file.is_symlink():
            continue
        if name in _OWN or path.parts[0] == PAID or name in manifest.lines:
            continue
        if path.parts[0] == WORK or file.name.startswith(".part-"):
            found.append(Finding("unfinished", name, "a process was killed while at it"))
        else:
            found.append(Finding("orphaned", name, "nothing in the study speaks of it"))
    return found


def _records(folder: Path, known_bad: set[str]) -> list[Finding]:
    """Records that cannot be read, speak of clips that are not there, or differ from the tables."""
    found: list[Finding] = []
    store = Store(folder)
    if STUDY not in known_bad:
        try:
            opening.read(store)
        except (StudyDamaged, OSError) as error:
            found.append(Finding("changed", STUDY, str(error)))
    read: dict[str, dict[str, object]] = {}
    for kind in (OUTCOMES, SCORES):
        read[kind.name] = {}
        for path in store.manifest.lines:
            if path.startswith(f"{kind.name}/") and path not in known_bad:
                try:
                    read[kind.name][Path(path).stem] = kind.read((folder / path).read_bytes())
                except (OSError, ValueError, KeyError, TypeError) as error:
                    found.append(Finding("contradicts", path, f"no record: {error!r}"))
    clips, wanted = set(), set()
    for key, outcome in read["outcomes"].items():
        path = OUTCOMES.path(key)
        if outcome.take.key != key:
            found.append(Finding("contradicts", path, "it is of another clip than its name says"))
        if outcome.clip:
            clips.add(outcome.file)
            wanted.add(measured_key(outcome.clip, outcome.shot))
            if store.manifest.sha256(outcome.file) is None and outcome.file not in known_bad:
                staged = folder / WORK / f"{key}{outcome.suffix}"
                fault: Fault = "unfinished" if staged.exists() else "lost"
                found.append(Finding(fault, outcome.file, f"the clip that {path} speaks of"))
    lacking = any(path.startswith("outcomes/") for path in known_bad)
    for path, line in store.manifest.lines.items():
        is_clip = path.startswith("clips/") and line.sha256 is not None
        if is_clip and path not in clips | known_bad and not lacking:
            found.append(Finding("orphaned", path, "no outcome speaks of this clip"))
    for key in read["scores"].keys() - wanted if not lacking else ():
        found.append(Finding("orphaned", SCORES.path(key), "no outcome speaks of its clip"))
    for kind in (OUTCOMES, SCORES):
        if kind.table not in known_bad and not found:
            found += _table(store, kind, read[kind.name])
    return found


def _table(store: Store, kind, records: dict[str, object]) -> list[Finding]:
    """Whether the table says what its records say."""
    table, of = read_table(store.folder, kind)
    own = [
        made_table(kind, [records[key]])
        for key in sorted(of)
        if key in records and store.manifest.sha256(kind.path(key)) == of[key]
    ]
    if len(own) < len(of):
        return []  # made before some record was written anew: opening takes that one from its file
    fresh = sorted_rows([kind.schema().empty_table(), *own])
    if _same(table, fresh):
        return []
    return [Finding("contradicts", kind.table, "it does not say what the records say")]


def _same(one, other) -> bool:
    """Equal tables, where nan equals nan."""
    if len(one) != len(other):
        return False
    left, right = one.to_pandas(), other.to_pandas()
    return left.equals(right)


def _votes(folder: Path) -> list[Finding]:
    """Whether the ledger is whole, and holds all that it held when votes were last added."""
    seal = votes.kept_seal(folder)
    if not (folder / VOTES).exists():
        return [Finding("lost", VOTES, "the ledger of votes")] if seal else []
    from hhlab.arena.ledger import Ledger

    try:
        with Ledger.open(folder / VOTES, create=False) as opened:
            health = opened.doctor(receipts=[seal] if seal else [])
    except HhlabError as error:
        return [Finding("votes", VOTES, f"{error.kind}: {error}")]
    return [Finding("votes", VOTES, str(one)) for one in health.findings]


def _paid(folder: Path) -> list[Finding]:
    """Whether the journal of paid tasks knows what has been paid, and how it ended."""
    from hhlab.generate.journal import FILE as JOURNAL
    from hhlab.generate.journal import Journal

    path = f"{PAID}/{JOURNAL}"
    try:
        entries = Journal(folder / PAID).entries()
    except HhlabError as error:
        return [Finding("paid", path, error.found)]
    try:
        known = Store(folder).outcomes().values()
    except StudyDamaged:  # said already
        known = ()
    orders = {outcome.order for outcome in known if outcome.order}
    return [
        *(Finding("paid", path, f"a task of unknown outcome: {one.key}")
          for one in entries.values() if one.state == "sending"),
        *(Finding("paid", path, f"nothing is said of the paid task {order}")
          for order in sorted(orders - entries.keys())),
    ]  # fmt: skip
