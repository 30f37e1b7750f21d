"""Values as rows of the store, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from slipway.core.operations_spec import Act
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.monitoring.alerts import Alert, AlertState
from slipway.monitoring.reaction import Reaction
from slipway.monitoring.values import CheckResult, Point, Run, Severity


def moment(at: datetime) -> str:
    """Return a time as text that sorts as the times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def key_of(result: CheckResult) -> dict[str, Any]:
    """Return what a result's rows are found by."""
    return {
        "model": result.model,
        "version": result.version,
        "day": result.day.isoformat(),
        "check_name": result.check,
    }


def run_row(result: CheckResult, at: datetime) -> dict[str, Any]:
    """Return the row of a check's run."""
    outcome = None if result.outcome is None else result.outcome.value
    return {**key_of(result), "outcome": outcome, "report": result.report, "recorded_at": moment(at)}


def number_rows(result: CheckResult) -> list[dict[str, Any]]:
    """Return one row for each number of a result."""
    return [
        {**key_of(result), "cause": result.cause_of(measurement), **measurement.to_json()}
        for measurement in result.measurements
    ]


def point_of(row: sa.Row[Any]) -> Point:
    """Return a number with its day."""
    measurement = Measurement(
        name=row.name,
        value=row.value,
        threshold=row.threshold,
        bound=None if row.bound is None else Bound(row.bound),
        unit=row.unit,
        n=row.n,
        n_required=row.n_required,
        note=row.note,
    )
    day = _day(row.day)
    return Point(version=row.version, day=day, check=row.check_name, cause=row.cause, measurement=measurement)


def run_of(row: sa.Row[Any]) -> Run:
    """Return a check's run."""
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return Run(version=row.version, day=_day(row.day), check=row.check_name, outcome=outcome, report=row.report)


def alert_row(alert: Alert) -> dict[str, Any]:
    """Return an alert's row."""
    return {
        "model": alert.model,
        "cause": alert.cause,
        "first_seen": alert.first_seen.isoformat(),
        "last_seen": alert.last_seen.isoformat(),
        "check_name": alert.check,
        "severity": alert.severity.value,
        "state": alert.state.value,
        "version": alert.version,
        "said": alert.said,
        "next_step": alert.next_step,
        "seen": _days_text(alert.seen),
        "clear": _days_text(alert.clear),
    }


def alert_of(row: sa.Row[Any]) -> Alert:
    """Return an alert."""
    return Alert(
        model=row.model,
        cause=row.cause,
        check=row.check_name,
        severity=Severity(row.severity),
        state=AlertState(row.state),
        version=row.version,
        first_seen=_day(row.first_seen),
        last_seen=_day(row.last_seen),
        said=row.said,
        next_step=row.next_step,
        seen=_days(row.seen),
        clear=_days(row.clear),
    )


def reaction_row(reaction: Reaction, at: datetime) -> dict[str, Any]:
    """Return a reaction's row; one that does nothing is done."""
    return {
        "key": reaction.key,
        "model": reaction.model,
        "version": reaction.version,
        "act": reaction.act.value,
        "dag": reaction.dag,
        "reason": reaction.reason,
        "alerts": json.dumps(reaction.alerts),
        "state": "done" if reaction.act is Act.NONE else "pending",
        "decided_at": moment(at),
    }


def reaction_of(row: sa.Row[Any]) -> Reaction:
    """Return a reaction."""
    return Reaction(
        act=Act(row.act),
        model=row.model,
        version=row.version,
        alerts=tuple(json.loads(row.alerts)),
        reason=row.reason,
        dag=row.dag,
    )


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _days_text(days: Iterable[date]) -> str:
    return " ".join(day.isoformat() for day in days)


def _days(text: str) -> tuple[date, ...]:
    return tuple(_day(day) for day in text.split())
