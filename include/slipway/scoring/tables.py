"""The databases that rows come from and answers go to."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError

from slipway.databases import Database, Keeping
from slipway.scoring.faults import SinkError, SourceError
from slipway.scoring.urls import Table

_KEEPING = Keeping(
    name="the database",
    address="the connection",
    unread=SourceError,
    unwritten=SinkError,
    wait_seconds=60,
    ours=False,
    options="-c timezone=UTC",
)


def database_of(place: Table) -> Database:
    """Return a table's database; SourceError if its URL names neither a SQLite file nor a PostgreSQL database."""
    return Database(place.url, _KEEPING)


def reflected(connection: sa.Connection, place: Table) -> sa.Table | None:
    """Return a table as the database has it; None if it is not there."""
    try:
        return sa.Table(place.name, sa.MetaData(), schema=place.schema, autoload_with=connection)
    except NoSuchTableError:
        return None
