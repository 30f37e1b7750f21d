"""What is done for all models at once, on a schedule; each is a step by itself."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.plan.tasks import Step, TaskPlan


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


REPRODUCE = FleetPlan(
    kind="reproduce",
    schedule="0 1 * * 6",
    doc=(
        "Builds a sample of old versions again from lock, wheel cache and artifact, without network and without "
        "anything built before; says whether the image holds the same and answers the same to the last bit. It takes "
        "the performance pool's slot, so that its builds disturb no measurement."
    ),
    tasks=(TaskPlan(step=Step.REPRODUCE, performance=True, timeout_minutes=180),),
)


def plan_fleet() -> tuple[FleetPlan, ...]:
    """Return the fleet's DAGs."""
    return (REPRODUCE,)
