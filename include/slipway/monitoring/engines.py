"""Connections to the database of the nightly numbers: one writer at a time, bounded waits, errors that say what to do.

Every use opens a connection of its own and closes it, so that a store may be used from any thread and after a fork.
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

from slipway.errors import StorageError

WAIT_SECONDS = 30
CONNECT_SECONDS = 10
_ADVISORY_LOCK = 0x5119_4D0F  # any number that is ours; it is scoped to the database
_WRITES = "slipway_writes"

# What the database says -> what to do. The first that matches counts.
_REMEDIES = (
    (("is full", "disk i/o error", "no space left"), "free disk space where the database is kept, then try again"),
    (("database is locked", "lock timeout", "statement timeout"), "another program holds it; end it or wait"),
    (("malformed", "not a database"), "restore the database from a backup, or name a new file"),
    (("unable to open", "readonly", "read-only"), "make the database's folder exist and be writable"),
    (("does not exist",), "create the database and the user that the URL names"),
    (("password", "authentication", "permission denied"), "correct the user or its rights in the URL"),
)


def make_engine(url: str) -> sa.Engine:
    """Return an engine for a SQLite file or a PostgreSQL database; StorageError if ``url`` names neither."""
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise StorageError("the monitoring store's address is not a URL", remedy="write sqlite:////path") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return _sqlite(parsed)
    if backend == "postgresql":
        options = f"-c lock_timeout={WAIT_SECONDS}s -c statement_timeout={2 * WAIT_SECONDS}s"
        arguments = {"connect_timeout": CONNECT_SECONDS, "options": options}
        return sa.create_engine(parsed, poolclass=NullPool, connect_args=arguments)
    raise StorageError(
        f"the nightly numbers cannot be kept in {backend!r} ({parsed.database or 'no file'})",
        remedy="use a sqlite:////path or postgresql+psycopg2:// URL",
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": WAIT_SECONDS})
    with translated(engine):
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver starts no transaction by itself: _begin_sqlite does
    deadline = time.monotonic() + WAIT_SECONDS
    while True:  # SQLite does not wait for its busy timeout when two connections switch a new file to WAL
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
    """Open a transaction that holds the store's lock until it commits: one writer at a time."""
    with translated(engine), engine.execution_options(**{_WRITES: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        yield connection


@contextmanager
def translated(engine: sa.Engine) -> Iterator[None]:
    """Raise what the database raises as StorageError, with a remedy and without the password."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        where = engine.url.render_as_string(hide_password=True)
        raise StorageError(f"the monitoring store at {where} did not answer: {said}", remedy=_remedy(said)) from error


def _remedy(said: str) -> str:
    text = said.lower()
    for words, remedy in _REMEDIES:
        if any(word in text for word in words):
            return remedy
    return "start the database, or correct the URL, then try again"
