"""How long a release took, and whose time it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from slipway.core.evidence import Evidence
from slipway.orchestrator.client import AirflowClient
from slipway.orchestrator.records import DagRun, TaskState

PERSONS = ("approve", "approve_second")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTime:
    """Seconds from the run's start to its end: the gates' own work, waiting for a person, and everything else.

    Attributes
    ----------
    wall : float
        From the run's start to its end.
    gates : float
        The gates' own work, by their evidence.
    waiting : float
        From the question to a person's answer, and what followed from it.
    """

    wall: float
    gates: float
    waiting: float

    @property
    def overhead(self) -> float:
        """What is neither: starting and stopping services, promotion, deployment and its watch, imports, scheduling."""
        return self.wall - self.gates - self.waiting


def lead_time(client: AirflowClient, dag_id: str, run_id: str, evidence: Iterable[Evidence]) -> LeadTime:
    """Measure a run that has ended; only the evidence of this run counts."""
    mine = [item for item in evidence if item.release == run_id]
    return split_time(client.run(dag_id, run_id), client.tasks(dag_id, run_id), mine)


def split_time(run: DagRun, tasks: Iterable[TaskState], evidence: Iterable[Evidence]) -> LeadTime:
    """Split a run's wall time."""
    waiting = sum(seconds_of(task) for task in tasks if task.task_id in PERSONS)
    return LeadTime(wall=seconds_of(run), gates=sum(item.seconds for item in evidence), waiting=waiting)


def seconds_of(item: DagRun | TaskState) -> float:
    """Return how long a run or a task took; 0 while it has not ended."""
    if item.started is None or item.ended is None:
        return 0.0
    return (item.ended - item.started).total_seconds()
