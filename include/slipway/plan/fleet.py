"""What is done for all models at once, on a schedule; each is a step by itself."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.plan.tasks import TaskPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """One DAG of the fleet, ``fleet.<kind>``.

    Attributes
    ----------
    kind : str
    schedule : str
        A cron line, UTC.
    doc : str
        What it does, in a sentence or two; shown on its page.
    tasks : tuple of TaskPlan
    """

    kind: str
    schedule: str
    doc: str
    tasks: tuple[TaskPlan, ...]


def plan_fleet() -> tuple[FleetPlan, ...]:
    """Return the fleet's DAGs."""
    return ()
