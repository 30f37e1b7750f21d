"""How long a release took, and whose time it was."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.core.evidence import REQUIRED_CHECKS
from slipway.orchestrator.client import AirflowClient
from slipway.orchestrator.records import DagRun, TaskState

PERSON = "approve"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTime:
    """Seconds from the run's start to its end: the steps' own work, waiting for a person, and the rest."""

    wall: float
    work: float
    gates: float
    waiting: float

    @property
    def overhead(self) -> float:
        """What neither a step nor a person used."""
        return self.wall - self.work - self.waiting


def lead_time(client: AirflowClient, dag_id: str, run_id: str) -> LeadTime:
    """Measure a run that has ended, from Airflow's own times of its tasks."""
    return split_time(wall=seconds_of(client.run(dag_id, run_id)), tasks=client.tasks(dag_id, run_id))


def split_time(*, wall: float, tasks: list[TaskState]) -> LeadTime:
    """Split a run's wall time over its tasks."""
    seconds = {task.task_id: seconds_of(task) for task in tasks}
    waiting = seconds.pop(PERSON, 0.0)
    gates = sum(seconds.get(check.value, 0.0) for check in REQUIRED_CHECKS)
    return LeadTime(wall=wall, work=sum(seconds.values()), gates=gates, waiting=waiting)


def seconds_of(item: DagRun | TaskState) -> float:
    """Return how long a run or a task took; 0 while it has not ended."""
    if item.started is None or item.ended is None:
        return 0.0
    return (item.ended - item.started).total_seconds()
