"""The ledger's tables, version by version, for SQLite and for PostgreSQL.

A new ledger is made by going through all versions, so that the way a ledger of an older version is
brought up to date is the way every ledger was made. A version, once released, is never edited.

Rows are only ever added. Triggers refuse everything else, in the database itself, so that a script
or a person at a console cannot change history by mistake.
"""

from __future__ import annotations

TABLES = ("hhlab_ledger", "hhlab_events", "hhlab_assignments")

# Version 1: events, the secret halves of blind assignments, and the versions themselves.
_TABLES_1 = (
    """
    CREATE TABLE hhlab_ledger (
        version INTEGER PRIMARY KEY,
        time_s DOUBLE PRECISION NOT NULL
    )
    """,
    """
    CREATE TABLE hhlab_events (
        seq {serial},
        writer TEXT NOT NULL,
        number BIGINT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        trial TEXT,
        time_s DOUBLE PRECISION NOT NULL,
        body TEXT NOT NULL,
        previous TEXT NOT NULL,
        hash TEXT NOT NULL,
        UNIQUE (kind, subject),
        UNIQUE (writer, number)
    )
    """,
    """
    CREATE TABLE hhlab_assignments (
        trial TEXT PRIMARY KEY,
        salt TEXT NOT NULL,
        body TEXT NOT NULL
    )
    """,
)
_SQLITE_REFUSE = """
    CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """
_POSTGRES_FUNCTION = """
    CREATE FUNCTION hhlab_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
    """
_POSTGRES_REFUSE = """
    CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION hhlab_refuse()
    """

# Version 2: events are found by trial, and the ways round the triggers are closed: in SQLite
# INSERT OR REPLACE removes rows without a delete trigger, in PostgreSQL TRUNCATE does.
_INDEX_2 = "CREATE INDEX hhlab_events_trial ON hhlab_events (trial)"
_SAME = {
    "hhlab_ledger": "version = NEW.version",
    "hhlab_events": "seq = NEW.seq OR (kind = NEW.kind AND subject = NEW.subject)"
    " OR (writer = NEW.writer AND number = NEW.number)",
    "hhlab_assignments": "trial = NEW.trial",
}
_SQLITE_REPLACE = """
    CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """
_POSTGRES_TRUNCATE = """
    CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION hhlab_refuse()
    """


def _sqlite() -> dict[int, list[str]]:
    serial = "INTEGER PRIMARY KEY AUTOINCREMENT"
    first = [text.format(serial=serial) for text in _TABLES_1]
    first += [_SQLITE_REFUSE.format(table=table, verb=verb)
              for table in TABLES for verb in ("update", "delete")]  # fmt: skip
    second = [_INDEX_2]
    second += [_SQLITE_REPLACE.format(table=table, same=_SAME[table]) for table in TABLES]
    return {1: first, 2: second}


def _postgres() -> dict[int, list[str]]:
    serial = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    first = [text.format(serial=serial) for text in _TABLES_1]
    first += [_POSTGRES_FUNCTION, *(_POSTGRES_REFUSE.format(table=table) for table in TABLES)]
    second = [_INDEX_2, *(_POSTGRES_TRUNCATE.format(table=table) for table in TABLES)]
    return {1: first, 2: second}


# dialect -> version -> the statements that lead to it from the version before.
STEPS = {"sqlite": _sqlite(), "postgresql": _postgres()}
VERSION = 2

# dialect -> names of the triggers that a whole ledger has; asked for by the doctor.
TRIGGERS = {
    "sqlite": {
        f"{table}_no_{verb}" for table in TABLES for verb in ("update", "delete", "replace")
    },
    "postgresql": {f"{table}_no_{verb}" for table in TABLES for verb in ("change", "truncate")},
}
