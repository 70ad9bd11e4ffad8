"""Full disks, read-only and damaged files, locks, wrong addresses: each has a named error."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
import traceback
from pathlib import Path

import pytest

from hhlab.arena.errors import (
    BadLedgerAddress,
    LedgerBusy,
    LedgerCorrupt,
    LedgerError,
    LedgerFull,
    LedgerMissing,
    LedgerReadOnly,
    LedgerUnreachable,
    NotALedger,
)
from hhlab.arena.ledger import Ledger


def fill(ledger: Ledger, most: int = 100_000) -> tuple[list[str], LedgerError | None]:
    """Votes until there is an error; the acknowledged ids, and the error."""
    acknowledged = []
    try:
        for k in range(most):
            trial = ledger.show(("veo", "horse"), prompt="p" * 2000)
            acknowledged.append(ledger.vote(trial, "a", vote_id=f"v{k}").id)
    except LedgerError as error:
        return acknowledged, error
    return acknowledged, None


def in_a_child(work):
    """What `work` returns in a forked process, for what a process cannot take back."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = pickle.dumps(work())
        except BaseException:
            answer = pickle.dumps(traceback.format_exc())
        os.write(write, answer)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pickle.loads(pipe.read())
    os.waitpid(child, 0)
    return answer


@pytest.fixture
def small_disk():
    """A disk of one megabyte."""
    folder = Path(tempfile.mkdtemp(prefix="hhlab-small-"))
    made = (
        shutil.which("mount")
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True
        ).returncode
        == 0
    )
    if not made:
        folder.rmdir()
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


def test_a_full_disk_is_named_and_loses_nothing(small_disk, tmp_path):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(400_000))
    with Ledger.open(small_disk / "votes.db") as ledger:
        acknowledged, error = fill(ledger)
        assert isinstance(error, LedgerFull) and len(acknowledged) > 4
        assert ledger.to_frame().vote_id.tolist() == acknowledged
        ballast.unlink()
        ledger.vote(ledger.show(("veo", "horse")), "b", vote_id="after")
        assert ledger.to_frame().vote_id.tolist() == [*acknowledged, "after"]
        assert ledger.doctor().ok


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_limit_on_the_size_of_files_is_named(tmp_path):
    def work():
        import resource

        with Ledger.open(tmp_path / "votes.db") as ledger:
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
            acknowledged, error = fill(ledger)
            return acknowledged, type(error).__name__

    acknowledged, name = in_a_child(work)
    assert name == "LedgerFull" and acknowledged
    with Ledger.open(tmp_path / "votes.db") as ledger:
        assert ledger.to_frame().vote_id.tolist() == acknowledged and ledger.doctor().ok


@pytest.mark.skipif(not hasattr(os, "fdatasync"), reason="this system flushes in another way")
def test_a_vote_that_did_not_reach_the_disk_is_not_acknowledged(tmp_path, monkeypatch):
    with Ledger.open(tmp_path / "votes.db") as ledger:
        trial = ledger.show(("veo", "horse"))
        flushed = []
        monkeypatch.setattr(os, "fdatasync", flushed.append)
        ledger.vote(trial, "b", voter="ben")
        assert len(flushed) == 1, "before it is acknowledged, a vote is flushed"

        def fail(_file: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fdatasync", fail)
        with pytest.raises(LedgerFull):
            ledger.vote(trial, "a", vote_id="v1")
        monkeypatch.undo()
        ledger.vote(trial, "a", vote_id="v1")
        assert ledger.to_frame().winner.tolist() == ["b", "a"] and ledger.doctor().ok


@pytest.fixture
def read_only():
    """A ledger with a vote, in a file and folder that may only be read."""
    folder = Path(tempfile.mkdtemp(prefix="hhlab-read-"))
    with Ledger.open(folder / "votes.db") as ledger:
        ledger.vote(ledger.show(("veo", "horse"), trial_id="t1"), "a", vote_id="v1")
        assert ledger.doctor().ok  # and everything is imported that may be needed
    (folder / "votes.db").chmod(0o444)
    folder.chmod(0o555)
    yield folder / "votes.db"
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_what_may_only_be_read_can_be_read_but_not_written(read_only):
    def work():
        if os.geteuid() == 0:  # root may write everything
            os.setgid(65534)
            os.setuid(65534)
        errors = []
        with Ledger.open(read_only) as ledger:
            for write in (lambda: ledger.vote("t1", "b", voter="ben"), ledger.seal):
                try:
                    write()
                except LedgerError as error:
                    errors.append(type(error).__name__)
            ids = ledger.to_frame().vote_id.tolist()
            ok = ledger.doctor().ok
        try:
            Ledger.open(read_only.with_name("new.db"))
        except LedgerError as error:
            errors.append(type(error).__name__)
        return ids, ok, errors

    found = in_a_child(work)
    assert found == (["v1"], True, ["LedgerReadOnly", "LedgerReadOnly", "LedgerMissing"])


def test_a_user_who_may_only_read_is_told_so(postgres_place, raw_postgres):
    with Ledger.open(postgres_place) as ledger:
        ledger.vote(ledger.show(("veo", "horse"), trial_id="t1"), "a")
        raw_postgres("ALTER DATABASE {name} SET default_transaction_read_only = on")
    with Ledger.open(postgres_place) as ledger:
        with pytest.raises(LedgerReadOnly):
            ledger.vote("t1", "b", voter="ben")
        assert len(ledger.votes()) == 1


@pytest.fixture
def raw_postgres(postgres_place):
    def run(statement: str) -> None:
        import psycopg

        with psycopg.connect(postgres_place, autocommit=True) as console:
            console.execute(statement.format(name=console.info.dbname))

    return run


def test_a_locked_ledger_is_waited_for_and_then_named(place):
    with Ledger.open(place, busy_s=0.4) as ledger, Ledger.open(place) as other:
        trial = ledger.show(("veo", "horse"))
        held, let_go = threading.Event(), threading.Event()

        def hold(transaction) -> None:
            transaction.append("sealed", "held", None, "{}")
            held.set()
            let_go.wait(20)

        holder = threading.Thread(target=lambda: other.writer.transact(hold, alone=True))
        holder.start()
        assert held.wait(10)
        began = time.monotonic()
        with pytest.raises(LedgerBusy, match=r"0\.4 s"):
            ledger.vote(trial, "a", vote_id="v1")
        assert 0.3 < time.monotonic() - began < 5
        threading.Timer(0.1, let_go.set).start()
        patient = Ledger.open(place, busy_s=20)
        assert patient.vote(trial, "a", vote_id="v1").is_new
        holder.join()
        patient.close()


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "votes.db"
    with Ledger.open(path) as ledger:
        for _ in range(60):
            ledger.vote(ledger.show(("veo", "horse"), prompt="p" * 500), "a")
    whole = path.read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "holed.db").write_bytes(
        whole[:8192] + b"\xff" * (len(whole) - 12288) + whole[-4096:]
    )
    for name in ("cut.db", "holed.db"):
        with pytest.raises(LedgerCorrupt), Ledger.open(tmp_path / name) as damaged:
            damaged.to_frame()
    (tmp_path / "noise.db").write_bytes(b"no database at all" * 500)
    with pytest.raises(NotALedger):
        Ledger.open(tmp_path / "noise.db")


def test_what_is_no_ledger_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE cats (name TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotALedger, match="something else"):
        Ledger.open(path)
    assert path.read_bytes() == before
    with pytest.raises(NotALedger, match="folder"):
        Ledger.open(tmp_path)
    with pytest.raises(LedgerMissing, match="no such folder"):
        Ledger.open(tmp_path / "none" / "votes.db")
    with pytest.raises(LedgerMissing):
        Ledger.open(tmp_path / "none.db", create=False)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(NotALedger):
        Ledger.open("/dev/null")


@pytest.mark.parametrize(
    "place",
    ["mysql://anna:geheim@host/db", "postgresql://anna:geheim@host:port/db", "nix://x:geheim@y",
     "postgresql://anna:ge@heim@:/x:geheim@host:99999999/db?x=%", "x://?password=geheim", "",
     None, 7, "a\0b", "sqlite://"],
)  # fmt: skip
def test_bad_addresses_are_named_without_the_password(place):
    with pytest.raises(LedgerError) as caught:
        Ledger.open(place, busy_s=1)
    told = str(caught.value) + repr(caught.value) + "".join(
        traceback.format_exception(caught.value))  # fmt: skip
    assert "heim" not in told.replace(repr(place), "")


def test_the_password_is_never_shown(postgres_server, postgres_place):
    from tests.arena.ledger.conftest import PASSWORD

    with Ledger.open(postgres_place) as ledger:
        assert PASSWORD not in repr(ledger) and "***" in repr(ledger)
        assert PASSWORD not in repr(vars(ledger)) + ledger.place
    absent = postgres_server.format(database="absent")
    wrong = postgres_place.replace("s3cr3t", "wr0ng")
    stranger = postgres_place.split("?")[0] + "?host=/nowhere"
    for place in (absent, wrong, stranger):
        with pytest.raises(LedgerUnreachable) as caught:
            Ledger.open(place, busy_s=2)
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        for secret in ("s3cr3t", "wr0ng", "odd:signs", "odd%3Asigns"):
            assert secret not in told


def test_a_place_may_be_a_path_a_text_or_an_sqlite_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path / "a?b#c%20.db", "plain.db", f"sqlite:///{tmp_path}/url.db", "~.db"):
        with Ledger.open(place) as ledger:
            ledger.vote(ledger.show(("veo", "horse")), "a")
    files = {p.name for p in tmp_path.glob("*.db")}
    assert files == {"a?b#c%20.db", "plain.db", "url.db", "~.db"}


def test_bad_address_errors_are_those_of_addresses():
    with pytest.raises(BadLedgerAddress):
        Ledger.open("mysql://host/db")
