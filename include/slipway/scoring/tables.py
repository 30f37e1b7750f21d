"""Connections to the databases that rows come from and answers go to: bounded waits, errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from slipway.errors import SlipwayError
from slipway.scoring.faults import SinkError, SourceError
from slipway.scoring.urls import Table

WAIT_SECONDS = 60
CONNECT_SECONDS = 10
SQLITE, POSTGRES = "sqlite", "postgresql"

# What the database says -> what to do. The first that matches counts.
_REMEDIES = (
    (("is full", "disk i/o error", "no space left"), "free disk space where the database is kept, then run it again"),
    (("database is locked", "lock timeout", "deadlock"), "another program holds the table; wait for it, or end it"),
    (("unable to open", "readonly", "read-only"), "make the database's folder exist and be writable"),
    (("password", "authentication", "permission denied"), "correct the user, or its rights, in the connection"),
    (("does not exist", "no such table", "no such column"), "correct the table's and the columns' names"),
    (
        ("connection refused", "could not connect", "timeout expired", "could not translate", "server closed"),
        "start the database, or correct the connection's address",
    ),
)


def make_engine(place: Table) -> sa.Engine:
    """Return an engine for a SQLite file or a PostgreSQL database; SourceError if the URL names neither."""
    try:
        url = sa.make_url(place.url)
        name = url.get_backend_name()
        if name == POSTGRES:
            options = f"-c lock_timeout={WAIT_SECONDS}s -c timezone=UTC"
            given = {"connect_timeout": CONNECT_SECONDS, "options": options}
            return sa.create_engine(url, poolclass=NullPool, connect_args=given)
        if name == SQLITE and url.database and url.database != ":memory:":
            return _sqlite(url)
    except (ArgumentError, NoSuchModuleError) as error:
        raise SourceError("the database's address is not a URL", remedy="write it as SQLAlchemy does") from error
    raise SourceError(f"rows cannot be kept in {name}", remedy="use a sqlite:////file.db or postgresql+psycopg2:// URL")


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": WAIT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # transactions begin below, not in the driver

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("slipway_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that only reads; SourceError for whatever goes wrong in it."""
    with _translated(engine, SourceError), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that writes; all of it is done at the end, or nothing. SinkError for whatever goes wrong."""
    with _translated(engine, SinkError), engine.execution_options(slipway_writes=True).begin() as connection:
        yield connection


def reflected(connection: sa.Connection, place: Table) -> sa.Table | None:
    """Return a table as the database has it; None if it is not there."""
    try:
        return sa.Table(place.name, sa.MetaData(), schema=place.schema, autoload_with=connection)
    except NoSuchTableError:
        return None


@contextmanager
def _translated(engine: sa.Engine, kind: type[SlipwayError]) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        where = engine.url.render_as_string(hide_password=True)
        raise kind(f"{where} did not answer: {said}", remedy=_remedy(said)) from error


def _remedy(said: str) -> str:
    text = said.lower()
    for words, remedy in _REMEDIES:
        if any(word in text for word in words):
            return remedy
    return "check the database and the connection, then run it again"
