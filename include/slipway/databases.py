"""A SQLite file or a PostgreSQL database: one writer at a time, bounded waits, errors that say what to do.

Every use opens a connection of its own and closes it. What is kept this way is written a few times a minute; in return
it may be used from any thread, survives a fork, and leaves no file handle behind.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from slipway.errors import SlipwayError

SQLITE, POSTGRES = "sqlite", "postgresql"
CONNECT_SECONDS = 10
_WRITES = "slipway_writes"

# What the database says -> what to do. The first that matches counts.
_REMEDIES = (
    (("is full", "disk i/o error", "no space left"), "free disk space where {name} is kept, then try again"),
    (
        ("database is locked", "lock timeout", "statement timeout", "deadlock"),
        "another program holds it; end it or wait",
    ),
    (("unable to open", "readonly", "read-only"), "make its folder exist and be writable"),
    (("password", "authentication", "permission denied"), "correct the user or its rights in {address}"),
    (('database "', 'role "'), "create the database and the user that {address} names"),
    (("does not exist", "no such table", "no such column"), "correct the table's and the columns' names"),
    (
        ("connection refused", "could not connect", "timeout expired", "could not translate", "server closed"),
        "start the database, or correct {address}",
    ),
)
_DAMAGED = ("malformed", "not a database")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How something is kept in a database, and how its errors speak of it.

    Attributes
    ----------
    name : str
        What is kept, as a sentence begins: ``the ledger``.
    address : str
        Where a person corrects the URL: ``SLIPWAY_LEDGER_URL``.
    unread, unwritten : type of SlipwayError
        What is raised when it cannot be read, or cannot be written.
    damaged : type of SlipwayError or None
        What is raised when its file is damaged; None: as when it cannot be read or written.
    wait_seconds : int
        For whoever holds it.
    ours : bool
        Whether the database is Slipway's own: the folder of a SQLite file is made, readers of it go on while it is
        written (WAL), and no statement takes longer than twice ``wait_seconds``.
    lock : int or None
        The number of PostgreSQL's advisory lock that lets one writer in at a time; any that is ours.
    options : str
        Further settings of a PostgreSQL session, as libpq takes them.
    prepare : callable or None
        What else a new SQLite connection needs.
    """

    name: str
    address: str
    unread: type[SlipwayError]
    unwritten: type[SlipwayError]
    damaged: type[SlipwayError] | None = None
    wait_seconds: int = 30
    ours: bool = True
    lock: int | None = None
    options: str = ""
    prepare: Callable[[sqlite3.Connection], None] | None = None


class Database:
    """One database. Nothing is opened before the first use.

    Parameters
    ----------
    url : str
        SQLAlchemy URL: ``sqlite:////path/file.db`` or ``postgresql+psycopg2://user@host/name``.
    keeping : Keeping

    Raises
    ------
    SlipwayError
        ``keeping.unread`` if the URL names neither.
    """

    def __init__(self, url: str, keeping: Keeping) -> None:
        self._keeping = keeping
        try:
            self._url = sa.make_url(url)
            self.backend = self._url.get_backend_name()
        except ArgumentError as error:
            raise keeping.unread(
                f"the address of {keeping.name} is not a URL", remedy=f"write {keeping.address} as sqlite:////path"
            ) from error
        in_file = self._url.database and self._url.database != ":memory:"
        if self.backend != POSTGRES and not (self.backend == SQLITE and in_file):
            raise keeping.unread(
                f"{keeping.name} cannot be kept in {self.backend} ({self._url.database or 'no file'})",
                remedy="use a sqlite:////path/file.db or postgresql+psycopg2:// URL",
            )

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads."""
        with self._translated(self._keeping.unread), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a transaction that holds the lock until it commits: all of it is done at the end, or nothing."""
        with (
            self._translated(self._keeping.unwritten),
            self._engine.execution_options(**{_WRITES: True}).begin() as connection,
        ):
            if self.backend == POSTGRES and self._keeping.lock is not None:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(self._keeping.lock)))
            yield connection

    @cached_property
    def _engine(self) -> sa.Engine:
        return self._sqlite() if self.backend == SQLITE else self._postgres()

    def _postgres(self) -> sa.Engine:
        wait = self._keeping.wait_seconds
        limit = f"-c statement_timeout={2 * wait}s " if self._keeping.ours else ""
        options = f"-c lock_timeout={wait}s {limit}{self._keeping.options}"
        arguments = {"connect_timeout": CONNECT_SECONDS, "options": options}
        return sa.create_engine(self._url, poolclass=NullPool, connect_args=arguments)

    def _sqlite(self) -> sa.Engine:
        if self._keeping.ours:
            Path(str(self._url.database)).parent.mkdir(parents=True, exist_ok=True)
        wait = self._keeping.wait_seconds
        engine = sa.create_engine(self._url, poolclass=NullPool, connect_args={"timeout": wait})
        sa.event.listen(engine, "connect", self._prepare)
        sa.event.listen(engine, "begin", _begin)
        return engine

    def _prepare(self, connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver starts no transaction by itself: _begin does
        if self._keeping.prepare:
            self._keeping.prepare(connection)
        if self._keeping.ours:
            _to_wal(connection, self._keeping.wait_seconds)

    @contextmanager
    def _translated(self, kind: type[SlipwayError]) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
            reason = f"{self._keeping.name} at {self._url.render_as_string(hide_password=True)} did not answer: {said}"
            if any(word in said.lower() for word in _DAMAGED):
                remedy = f"keep the file as it is, and restore {self._keeping.name} from a backup"
                raise (self._keeping.damaged or kind)(reason, remedy=remedy) from error
            raise kind(reason, remedy=self._remedy(said)) from error

    def _remedy(self, said: str) -> str:
        text = said.lower()
        found = (remedy for words, remedy in _REMEDIES if any(word in text for word in words))
        remedy = next(found, "check the database and {address}, then try again")
        return remedy.format(name=self._keeping.name, address=self._keeping.address)


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _to_wal(connection: sqlite3.Connection, wait_seconds: int) -> None:
    # SQLite does not wait for its busy timeout when two connections switch a new file to WAL.
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
