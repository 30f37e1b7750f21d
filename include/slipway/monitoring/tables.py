"""The tables of the nightly watch. Days and times are text, so that they sort and come back as they were written."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True)


runs = sa.Table(
    "monitor_runs",
    metadata,
    _key("model", sa.String(63)),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    _key("day", sa.String(10)),
    _key("check_name", sa.String(128)),
    sa.Column("outcome", sa.String(16), nullable=True),
    sa.Column("report", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.String(40), nullable=False),
)

numbers = sa.Table(
    "monitor_numbers",
    metadata,
    _key("model", sa.String(63)),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    _key("day", sa.String(10)),
    _key("check_name", sa.String(128)),
    _key("name", sa.String(512)),
    sa.Column("cause", sa.String(512), nullable=False),
    sa.Column("value", sa.Double, nullable=True),
    sa.Column("threshold", sa.Double, nullable=True),
    sa.Column("bound", sa.String(8), nullable=True),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("n_required", sa.BigInteger, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=True),
    sa.Index("monitor_numbers_by_day", "model", "day"),
)

alerts = sa.Table(
    "monitor_alerts",
    metadata,
    _key("model", sa.String(63)),
    _key("cause", sa.String(512)),
    _key("first_seen", sa.String(10)),
    sa.Column("last_seen", sa.String(10), nullable=False),
    sa.Column("check_name", sa.String(128), nullable=False),
    sa.Column("severity", sa.String(8), nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("next_step", sa.Text, nullable=False),
    sa.Column("seen", sa.Text, nullable=False),
    sa.Column("clear", sa.Text, nullable=False),
)
# The database itself keeps to one alert for each cause.
sa.Index(
    "monitor_one_alert_a_cause",
    alerts.c.model,
    alerts.c.cause,
    unique=True,
    sqlite_where=alerts.c.state != "closed",
    postgresql_where=alerts.c.state != "closed",
)

notices = sa.Table(
    "monitor_notices",
    metadata,
    _key("key", sa.String(640)),
    _key("route", sa.String(64)),
    sa.Column("alert", sa.String(640), nullable=False),
    sa.Column("model", sa.String(63), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Column("due_at", sa.String(40), nullable=False),
    sa.Column("created_at", sa.String(40), nullable=False),
    sa.Index("monitor_notices_due", "state", "due_at"),
    sa.Index("monitor_notices_of_alert", "alert"),
)

reactions = sa.Table(
    "monitor_reactions",
    metadata,
    _key("key", sa.String(640)),
    sa.Column("model", sa.String(63), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("act", sa.String(16), nullable=False),
    sa.Column("dag", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("alerts", sa.Text, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("decided_at", sa.String(40), nullable=False),
)


def is_there(connection: sa.Connection) -> bool:
    """Tell whether the tables exist."""
    return sa.inspect(connection).has_table(reactions.name)


def create(connection: sa.Connection) -> None:
    """Create the tables that are missing; the caller holds the store's lock and commits."""
    metadata.create_all(connection)
