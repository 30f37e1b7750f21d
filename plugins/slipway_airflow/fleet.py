"""The fleet's plans become DAGs; ``fleet_dags`` is what ``dags/fleet.py`` calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, CronTriggerTimetable, Param

from slipway.plan.fleet import FleetPlan, plan_fleet
from slipway.plan.tasks import Step, TaskPlan
from slipway_airflow.dags import PERFORMANCE_POOL
from slipway_airflow.operators.audit import AuditOperator
from slipway_airflow.operators.reproduce import ReproduceOperator
from slipway_airflow.operators.retain import RetainOperator

OPERATORS: Mapping[Step, type[BaseOperator]] = {
    Step.AUDIT: AuditOperator,
    Step.RETAIN: RetainOperator,
    Step.REPRODUCE: ReproduceOperator,
}
PARAMS: Mapping[str, dict[str, Param]] = {
    "retention": {
        "model": Param(None, type=["null", "string"], title="Model", description="Only this one; empty for all."),
        "apply": Param(
            False, type="boolean", title="Carry it out", description="Without it the plan is made and nothing changed."
        ),
        "plan": Param(
            None,
            type=["null", "string"],
            pattern="^sha256:[0-9a-f]{64}$",
            title="Plan",
            description="The digest of an earlier plan to carry out; empty for a new one.",
        ),
    },
    "reproduce": {
        "versions": Param(
            2, type="integer", minimum=1, maximum=100, title="Versions", description="How many are drawn."
        ),
        "seed": Param(
            None, type=["null", "integer"], title="Seed", description="Draws the versions; empty: from the run's id."
        ),
        "base": Param(
            None,
            type=["null", "string"],
            title="Base image",
            description="Build on this one instead of the recorded: contents differ by design, answers must not.",
        ),
    },
}
"""The trigger form of a DAG, by its kind."""


def fleet_dags() -> tuple[DAG, ...]:
    """Build ``fleet.<kind>`` for each plan of the fleet; they register with the DAG file that calls this."""
    return tuple(_dag(plan) for plan in plan_fleet())


def _dag(plan: FleetPlan) -> DAG:
    with DAG(
        dag_id=f"fleet.{plan.kind}",
        schedule=CronTriggerTimetable(plan.schedule, timezone="UTC"),
        catchup=False,
        max_active_runs=1,
        params=PARAMS.get(plan.kind, {}),
        doc_md=f"### fleet: {plan.kind}\n{plan.doc}",
        tags=["slipway", "fleet", plan.kind],
    ) as dag:
        made = {task.step: _operator(task) for task in plan.tasks}
        for task in plan.tasks:
            for before in task.after:
                made[before].set_downstream(made[task.step])
    return dag


def _operator(plan: TaskPlan) -> BaseOperator:
    common: dict[str, Any] = {
        "task_id": plan.step.value,
        "retries": plan.retries,
        "retry_delay": timedelta(seconds=30),
        "execution_timeout": timedelta(minutes=plan.timeout_minutes),
    }
    if plan.performance:
        common["pool"] = PERFORMANCE_POOL
    return OPERATORS[plan.step](**common)
