"""What the steps of batch scoring share: the interval that a run is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from slipway.errors import SpecError
from slipway_airflow.connections import database_url
from slipway_airflow.operators.base import ModelOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from slipway.scoring import Interval
    from slipway.workflows.scoring_run import ScoringRun

START, END = "start", "end"


class IntervalOperator(ModelOperator):
    """A step over the rows of one interval: the one that the trigger form names, else the schedule's."""

    def run_of(self, context: Context) -> ScoringRun:
        """Return the run that this task belongs to."""
        from slipway.workflows.scoring_run import ScoringRun

        interval = self.interval(context, context["params"])
        return ScoringRun(id=context["dag_run"].run_id, model=self.model, interval=interval, connect=database_url)

    def interval(self, context: Mapping[str, Any], params: Mapping[str, Any]) -> Interval:
        """Return the interval."""
        return interval_of(context, params)


def interval_of(context: Mapping[str, Any], params: Mapping[str, Any]) -> Interval:
    """Return the interval that a run is about.

    Raises
    ------
    SpecError
        If the form names only one end, or what is no time, or neither the form nor the schedule gives an interval.
    """
    from slipway.scoring import Interval

    start, end = (_time(name, params.get(name)) for name in (START, END))
    if (start is None) != (end is None):
        raise SpecError("the form names one end of an interval", remedy="give start and end, or neither")
    if start is None or end is None:
        start, end = (context.get(f"data_interval_{name}") for name in (START, END))
    if start is None or end is None or start >= end:
        raise SpecError("this run has no interval", remedy="give start and end, since the DAG has no schedule")
    return Interval(start, end)


def day_of(context: Mapping[str, Any], params: Mapping[str, Any]) -> Interval:
    """Return the day that a nightly run is about: the one that the form names, else the last that was over before it.

    Raises
    ------
    SpecError
        As :func:`interval_of`.
    """
    from slipway.scoring import Interval

    if params.get(START) or params.get(END):
        return interval_of(context, params)
    moment = context.get("logical_date") or context["dag_run"].run_after
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Interval(midnight - timedelta(days=1), midnight)


def _time(name: str, value: object) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise SpecError(f"{name}: {value!r} is no time", remedy="write 2026-03-01, or 2026-03-01T06:00") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
