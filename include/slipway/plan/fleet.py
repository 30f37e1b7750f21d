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


AUDIT = FleetPlan(
    kind="audit",
    schedule="*/15 * * * *",
    doc=(
        "Compares the ledger with its anchors, every report with its digest, and every champion's alias, files, image "
        "and route with what was recorded; puts a moved alias back where model.yaml says so, and anchors the ledger."
    ),
    tasks=(TaskPlan(step=Step.AUDIT),),
)

RETENTION = FleetPlan(
    kind="retention",
    schedule="0 3 * * 0",
    doc=(
        "Says which versions of which model stay and which are archived and removed, and why. A run by hand changes "
        "nothing unless its form says apply, a scheduled one nothing unless SLIPWAY_RETENTION_APPLY is set."
    ),
    tasks=(TaskPlan(step=Step.RETAIN, retries=0, timeout_minutes=360),),
)

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
    return (AUDIT, RETENTION, REPRODUCE)
