"""A PostgreSQL server of our own, started for the tests where the machine has one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PASSWORD = "s3cr3t/with@odd:signs%"


def _programs() -> Path | None:
    """The folder of initdb and postgres: Debian does not put it on the path."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


def _user() -> dict:
    """Arguments for subprocess: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a running server, to which a database's name can be added as a format field."""
    pytest.importorskip("psycopg")
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL on this machine (Debian: apt install postgresql)")
    who = _user()
    home = Path(tempfile.mkdtemp(prefix="hhlab-pg-"))
    try:
        (home / "password").write_text(PASSWORD)
        if who:
            for path in (home, home / "password"):
                os.chown(path, who["user"], who["group"])

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [programs / program, *arguments], cwd=home, check=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who,
            )  # fmt: skip

        data = str(home / "data")
        run("initdb", "-D", data, "-U", "team", "-A", "scram-sha-256", "--no-sync",
            "--pwfile", str(home / "password"), "-E", "UTF8", "--locale=C")  # fmt: skip
        options = f"-k {home} -c listen_addresses='' -c max_connections=50"
        run("pg_ctl", "-D", data, "-w", "-l", str(home / "log"), "-o", options, "start")
        try:
            from urllib.parse import quote

            yield f"postgresql://team:{quote(PASSWORD, safe='')}@/{{database}}?host={home}"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def postgres_place(postgres_server) -> str:
    """Address of an empty database."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.format(database="postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    return postgres_server.format(database=name)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path) -> str:
    """Where a new ledger can be made, in each kind of database."""
    if request.param == "sqlite":
        return str(tmp_path / "votes.db")
    return request.getfixturevalue("postgres_place")


@pytest.fixture
def raw(place) -> Callable:
    """Runs SQL past the ledger, as somebody at a console would."""

    def run(*statements: str):
        from sqlalchemy import create_engine

        from hhlab.arena.ledger.address import parse

        address = parse(place)
        engine = create_engine(address.url or f"sqlite:///{address.path}")
        try:
            with engine.begin() as connection:
                for statement in statements:
                    found = connection.exec_driver_sql(statement)
                return found.all() if found.returns_rows else None
        finally:
            engine.dispose()

    return run
