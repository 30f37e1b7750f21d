"""The nightly numbers, alerts, notices and reactions in a database: SQLite embedded, PostgreSQL in production.

A result replaces what the same check said of the same day and version, and nothing else. A night is closed in one
transaction, under the store's lock: its numbers, what they change about the alerts, what has to be said about it and
the reaction are there together, or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from slipway.core.verdict import Outcome
from slipway.databases import Database, Keeping
from slipway.errors import EvidenceError, StorageError, shorten
from slipway.monitoring import rows, tables
from slipway.monitoring.alerts import Alert, AlertDecision, AlertState, decide_alerts
from slipway.monitoring.notices import Notice, notices_of
from slipway.monitoring.reaction import Reaction, decide_reaction
from slipway.monitoring.rules import WatchRules
from slipway.monitoring.values import CheckResult, Point, Run, Severity

PENDING, SENT, FAILED = "pending", "sent", "failed"
MAX_ATTEMPTS = 12
LEASE = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=12)
_MAX_ERROR = 500
_TOLD = (Outcome.PASSED.value, Outcome.FAILED.value)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Night:
    """What a night changed: the alerts, and the reaction if there is a new one."""

    alerts: AlertDecision
    reaction: Reaction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a model stands: the newest day that was watched, and its open alerts by severity."""

    day: date | None
    pages: int = 0
    notes: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice that is to be sent over a route, and how often that was tried before."""

    notice: Notice
    route: str
    attempts: int


_KEEPING = Keeping(
    name="the monitoring store",
    address="SLIPWAY_MONITORING_URL",
    unread=StorageError,
    unwritten=StorageError,
    lock=0x5119_4D0F,
)


class MonitoringStore:
    """Where the nightly watch keeps what it found and said.

    Nothing is opened before the first use; the tables are made when they are missing. Safe to share between threads,
    to use after a fork, and from many processes at once.

    Parameters
    ----------
    url : str
        SQLAlchemy URL: ``sqlite:////path/monitoring.db`` or ``postgresql+psycopg2://user@host/name``.
    clock : callable, optional
        Returns the time, with its zone.

    Notes
    -----
    Every method raises StorageError, with its remedy, when the database cannot be reached, is full or is locked for
    too long.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime] = _now) -> None:
        self._url = url
        self._clock = clock

    @cached_property
    def _database(self) -> Database:
        database = Database(self._url, _KEEPING)
        with database.reading() as connection:
            there = tables.is_there(connection)
        if not there:
            with database.writing() as connection:
                tables.create(connection)
        return database

    # -- numbers ----------------------------------------------------------------------------------------------------

    def record(self, results: Iterable[CheckResult]) -> None:
        """Keep results without deciding anything: each replaces its own check's rows of its day and version."""
        with self._database.writing() as connection:
            self._record(connection, results)

    def points(self, model: str, *, since: date, until: date) -> list[Point]:
        """Return every number of a model's days, both ends included, oldest first."""
        table = tables.numbers
        query = sa.select(table).where(
            table.c.model == model, table.c.day.between(since.isoformat(), until.isoformat())
        )
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(table.c.day, table.c.version, table.c.check_name, table.c.name))
            return [rows.point_of(row) for row in found]

    def runs(self, model: str, *, since: date, until: date) -> list[Run]:
        """Return the outcome and report of every check of a model's days, both ends included, oldest first."""
        table = tables.runs
        query = sa.select(table).where(
            table.c.model == model, table.c.day.between(since.isoformat(), until.isoformat())
        )
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(table.c.day, table.c.version, table.c.check_name))
            return [rows.run_of(row) for row in found]

    def newest(self) -> dict[str, Standing]:
        """Return, for each model that was ever watched, its newest day and how many alerts stand open."""
        runs, alerts = tables.runs, tables.alerts
        days = sa.select(runs.c.model, sa.func.max(runs.c.day)).group_by(runs.c.model)
        counted = sa.select(alerts.c.model, alerts.c.severity, sa.func.count())
        standing = counted.where(alerts.c.state == AlertState.OPEN.value).group_by(alerts.c.model, alerts.c.severity)
        with self._database.reading() as connection:
            found = {model: Standing(day=date.fromisoformat(day)) for model, day in connection.execute(days)}
            for model, severity, count in connection.execute(standing):
                of = found.get(model, Standing(day=None))
                page = severity == Severity.PAGE.value
                found[model] = replace(of, pages=count) if page else replace(of, notes=count)
        return found

    # -- a night ----------------------------------------------------------------------------------------------------

    def close_night(self, results: Collection[CheckResult], rules: WatchRules, *, champion: int) -> Night:
        """Keep a night's results and decide what follows; doing it again changes nothing.

        Parameters
        ----------
        results : collection of CheckResult
            Of one model.
        rules : WatchRules
        champion : int
            The version that serves now.

        Raises
        ------
        EvidenceError
            If the results are of no model, or of several.
        """
        models = {result.model for result in results}
        if len(models) != 1:
            raise EvidenceError(f"a night is of one model, not of {len(models)}", remedy="close each model's night")
        (model,) = models
        with self._database.writing() as connection:
            told = _newest_told(connection, model)
            self._record(connection, results)
            standing = _alerts(connection, model, [AlertState.WATCHED, AlertState.OPEN])
            decision = decide_alerts(standing, results, rules.alerts, told=told)
            self._apply(connection, decision, rules)
            reacted = _reacted(connection, model)
            reaction = decide_reaction(decision.standing, rules.reaction, reacted=reacted, champion=champion)
            if reaction is not None:
                connection.execute(tables.reactions.insert().values(rows.reaction_row(reaction, self._clock())))
        return Night(decision, reaction)

    def alerts(self, model: str, *, states: Iterable[AlertState] = tuple(AlertState)) -> list[Alert]:
        """Return a model's alerts in these states, oldest first."""
        with self._database.reading() as connection:
            return _alerts(connection, model, states)

    # -- what is said -----------------------------------------------------------------------------------------------

    def claim(self, routes: Collection[str]) -> Delivery | None:
        """Return the oldest notice that is due on one of the routes, and keep it from others for ``LEASE``.

        A claim that is never settled, since its holder died, is due again after that time.
        """
        table, now = tables.notices, self._clock()
        due = sa.and_(table.c.state == PENDING, table.c.due_at <= rows.moment(now), table.c.route.in_(list(routes)))
        query = sa.select(table).where(due).order_by(table.c.created_at, table.c.key, table.c.route).limit(1)
        with self._database.writing() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            mine = sa.and_(table.c.key == row.key, table.c.route == row.route)
            connection.execute(table.update().where(mine).values(due_at=rows.moment(now + LEASE)))
        return Delivery(Notice.from_json(json.loads(row.payload)), row.route, row.attempts)

    def settle(self, delivery: Delivery, *, error: str = "") -> None:
        """Record that a notice was sent, or why not; what failed is due again later, ``MAX_ATTEMPTS`` times at most."""
        table, attempts = tables.notices, delivery.attempts + 1
        failed = FAILED if attempts >= MAX_ATTEMPTS else PENDING
        wait = min(timedelta(minutes=2**attempts), _LONGEST_WAIT)
        values = {
            "state": failed if error else SENT,
            "attempts": attempts,
            "last_error": shorten(error, _MAX_ERROR),
            "due_at": rows.moment(self._clock() + wait),
        }
        mine = sa.and_(table.c.key == delivery.notice.key, table.c.route == delivery.route)
        with self._database.writing() as connection:
            connection.execute(table.update().where(mine).values(**values))

    def unsent(self, model: str) -> list[tuple[Notice, str, str]]:
        """Return a model's notices that were not sent (yet): the notice, its route, the last error."""
        table = tables.notices
        query = sa.select(table).where(table.c.model == model, table.c.state != SENT).order_by(table.c.created_at)
        with self._database.reading() as connection:
            found = connection.execute(query)
            return [(Notice.from_json(json.loads(row.payload)), row.route, row.last_error) for row in found]

    # -- what is done -----------------------------------------------------------------------------------------------

    def pending_reactions(self, model: str) -> list[Reaction]:
        """Return what was decided and is not done yet, oldest first."""
        table = tables.reactions
        query = sa.select(table).where(table.c.model == model, table.c.state == PENDING).order_by(table.c.decided_at)
        with self._database.reading() as connection:
            return [rows.reaction_of(row) for row in connection.execute(query)]

    def reaction_done(self, reaction: Reaction) -> None:
        """Record that a reaction was carried out."""
        table = tables.reactions
        with self._database.writing() as connection:
            connection.execute(table.update().where(table.c.key == reaction.key).values(state="done"))

    # -- within a transaction ---------------------------------------------------------------------------------------

    def _record(self, connection: sa.Connection, results: Iterable[CheckResult]) -> None:
        for result in results:
            for table in (tables.numbers, tables.runs):
                same = [table.c[name] == value for name, value in rows.key_of(result).items()]
                connection.execute(table.delete().where(*same))
            connection.execute(tables.runs.insert().values(rows.run_row(result, self._clock())))
            if result.measurements:
                connection.execute(tables.numbers.insert(), rows.number_rows(result))

    def _apply(self, connection: sa.Connection, decision: AlertDecision, rules: WatchRules) -> None:
        for alert in decision.every:
            row, table = rows.alert_row(alert), tables.alerts
            same = [table.c[name] == row[name] for name in ("model", "cause", "first_seen")]
            connection.execute(table.delete().where(*same))
            if alert not in decision.forgotten:
                connection.execute(table.insert().values(row))
        for route, notice in notices_of(decision, rules.routes):
            self._say(connection, notice, route.name)

    def _say(self, connection: sa.Connection, notice: Notice, route: str) -> None:
        table, now = tables.notices, rows.moment(self._clock())
        before = sa.select(sa.func.count()).where(table.c.alert == notice.alert, table.c.route == route)
        notice = replace(notice, number=connection.execute(before).scalar_one() + 1)
        values = {"key": notice.key, "route": route, "alert": notice.alert, "model": notice.model}
        state = {"state": PENDING, "attempts": 0, "last_error": "", "due_at": now, "created_at": now}
        connection.execute(table.insert().values(**values, **state, payload=json.dumps(notice.to_json())))


def _alerts(connection: sa.Connection, model: str, states: Iterable[AlertState]) -> list[Alert]:
    table = tables.alerts
    query = sa.select(table).where(table.c.model == model, table.c.state.in_([state.value for state in states]))
    return [rows.alert_of(row) for row in connection.execute(query.order_by(table.c.first_seen, table.c.cause))]


def _newest_told(connection: sa.Connection, model: str) -> dict[str, date]:
    table = tables.numbers
    query = (
        sa.select(table.c.check_name, sa.func.max(table.c.day))
        .where(table.c.model == model, table.c.outcome.in_(_TOLD))
        .group_by(table.c.check_name)
    )
    return {check: date.fromisoformat(day) for check, day in connection.execute(query)}


def _reacted(connection: sa.Connection, model: str) -> set[str]:
    table = tables.reactions
    found = connection.execute(sa.select(table.c.alerts).where(table.c.model == model))
    return {key for (text,) in found for key in _keys(text)}


def _keys(text: Any) -> list[str]:
    return list(json.loads(text))
