"""Batch scoring of one data interval: cut it into partitions, score each, and reconcile the whole.

Rules
-----
1. Which version answers is decided once, with the partitions: a release in between changes nothing in a run.
2. A partition is scored by itself, on any worker, and may be tried again: a second try replaces the first one's rows.
3. What was written is checked when every partition has ended well; an interval without rows is checked too.
"""

from __future__ import annotations

from slipway.plan.tasks import Step, TaskPlan


def plan_scoring() -> tuple[TaskPlan, ...]:
    """Return the tasks of ``<model>.score``."""
    return (
        TaskPlan(step=Step.PLAN_PARTITIONS, retries=3),
        TaskPlan(
            step=Step.SCORE_PARTITION,
            after=(Step.PLAN_PARTITIONS,),
            for_each_of=Step.PLAN_PARTITIONS,
            retries=3,
            timeout_minutes=120,
        ),
        TaskPlan(
            step=Step.CHECK_SCORES,
            after=(Step.PLAN_PARTITIONS, Step.SCORE_PARTITION),
            gathers=(Step.PLAN_PARTITIONS, Step.SCORE_PARTITION),
            even_if_skipped=True,
        ),
    )
