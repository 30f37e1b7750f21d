"""Connections to the ledger's database: one writer at a time, bounded waits, errors that say what to do.

Every use opens a connection of its own and closes it. A ledger is written a few times a minute; in return it may be
used from any thread, survives a fork, and leaves no file handle behind.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from slipway.errors import LedgerBroken, LedgerError

WAIT_SECONDS = 30
CONNECT_SECONDS = 10
_ADVISORY_LOCK = 0x5119_4A1E  # any number that is ours; it is scoped to the database
_WRITES = "slipway_writes"

# What the database says -> what to do. The first that matches counts.
_REMEDIES = (
    (("is full", "disk i/o error", "no space left"), "free disk space where the ledger is kept, then try again"),
    (("database is locked", "lock timeout", "statement timeout"), "another program holds the ledger; end it or wait"),
    (("unable to open", "readonly", "read-only"), "make the ledger's folder exist and be writable"),
    (("does not exist",), "create the database and the user that SLIPWAY_LEDGER_URL names"),
    (("password", "authentication", "permission denied"), "correct the user or its rights in SLIPWAY_LEDGER_URL"),
    (
        ("connection refused", "could not connect", "timeout expired", "could not translate", "server closed"),
        "start the ledger's database, or correct SLIPWAY_LEDGER_URL",
    ),
)
_DAMAGED = ("malformed", "not a database")


def make_engine(url: str) -> sa.Engine:
    """Return an engine for a SQLite file or a PostgreSQL database; LedgerError if ``url`` names neither."""
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise LedgerError(
            "the ledger's address is not a URL", remedy="write SLIPWAY_LEDGER_URL as sqlite:////path"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend == "postgresql":
        options = f"-c lock_timeout={WAIT_SECONDS}s -c statement_timeout={2 * WAIT_SECONDS}s"
        return sa.create_engine(
            parsed,
            poolclass=NullPool,
            connect_args={"connect_timeout": CONNECT_SECONDS, "options": options},
        )
    raise LedgerError(
        f"the ledger cannot be kept in {backend!r}", remedy="use a sqlite:/// or postgresql+psycopg2:// URL"
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise LedgerError("a ledger in memory would be lost", remedy="name a file: sqlite:////path/ledger.db")
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": WAIT_SECONDS})
    with translated(engine):
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver starts no transaction by itself: _begin_sqlite does
    # Bytes that are not UTF-8 come back as something that cannot be hashed, so that verify() names their entry.
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    _to_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")


def _to_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for its busy timeout when two connections switch a new file to WAL.
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that only reads."""
    with translated(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that holds the ledger's lock until it commits: one writer at a time."""
    with translated(engine), engine.execution_options(**{_WRITES: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        yield connection


@contextmanager
def translated(engine: sa.Engine) -> Iterator[None]:
    """Raise what the database raises as LedgerError, with a remedy; LedgerBroken if its file is damaged."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        where = engine.url.render_as_string(hide_password=True)
        reason = f"the ledger at {where} did not answer: {said}"
        if any(word in said.lower() for word in _DAMAGED):
            raise LedgerBroken(reason, remedy="keep the file as it is and restore the ledger from a backup") from error
        raise LedgerError(reason, remedy=_remedy(said)) from error


def _remedy(said: str) -> str:
    text = said.lower()
    for words, remedy in _REMEDIES:
        if any(word in text for word in words):
            return remedy
    return "check the ledger's database and SLIPWAY_LEDGER_URL, then try again"
