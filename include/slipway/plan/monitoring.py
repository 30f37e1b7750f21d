"""The nightly watch over one champion: compare the day, tell who must know, then do what was declared for it."""

from __future__ import annotations

from slipway.plan.tasks import Step, TaskPlan


def plan_monitoring() -> tuple[TaskPlan, ...]:
    """Return the tasks of ``<model>.monitor``. What changes production is not tried again by itself."""
    return (
        TaskPlan(step=Step.MONITOR, retries=2, timeout_minutes=60),
        TaskPlan(step=Step.REACT, after=(Step.MONITOR,), retries=0),
    )
