"""Follow a run: what changed between two looks at its tasks, until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from slipway.errors import OrchestratorError
from slipway.orchestrator.records import DagRun, TaskState

# An API server that is being restarted is back within this time.
PATIENCE_S = 30.0


class RunReader(Protocol):
    """What following needs of a client."""

    def run(self, dag_id: str, run_id: str) -> DagRun:
        """Return the run."""

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return its tasks."""


@dataclass(frozen=True, slots=True)
class TaskChange:
    """A task that is in another state than at the last look; ``before`` is None when it is seen for the first time."""

    before: TaskState | None
    after: TaskState


def changes(before: Iterable[TaskState], after: Iterable[TaskState]) -> list[TaskChange]:
    """Return the tasks whose state or try differs, in the order of ``after``.

    A task that the scheduler has not looked at yet has no state, and is not news.

    >>> built = TaskState(task_id="build", state="running", try_number=1)
    >>> changes([], [built, TaskState(task_id="deploy", state="")])[0].after.task_id
    'build'
    >>> changes([built], [built])
    []
    """
    known = {_key(task): task for task in before}
    found = []
    for task in after:
        last = known.get(_key(task))
        if task.state and (last is None or (last.state, last.try_number) != (task.state, task.try_number)):
            found.append(TaskChange(last, task))
    return found


def watch(
    client: RunReader,
    dag_id: str,
    run_id: str,
    *,
    poll_s: float = 0.5,
    timeout_s: float = 3600.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[TaskChange, None, DagRun]:
    """Yield each change of a task's state until the run ends; the generator's return value is the ended run.

    Raises
    ------
    OrchestratorError
        If the run does not exist, has not ended within ``timeout_s`` seconds (it goes on), or Airflow, once heard,
        has been silent for 30 s.
    """
    begin = heard = clock()
    seen: dict[tuple[str, int], TaskState] = {}
    first = True
    while True:
        try:
            # The run first: once it has ended, no task changes after it.
            run = client.run(dag_id, run_id)
            tasks = client.tasks(dag_id, run_id)
            heard, first = clock(), False
        except OrchestratorError:
            if first or clock() - heard > PATIENCE_S:
                raise
        else:
            yield from changes(seen.values(), tasks)
            seen = {_key(task): task for task in tasks}
            if run.finished:
                return run
        if clock() - begin > timeout_s:
            raise _too_long(dag_id, run_id, timeout_s, seen)
        sleep(poll_s)


def follow(
    client: RunReader,
    dag_id: str,
    run_id: str,
    *,
    on_change: Callable[[TaskChange], None],
    poll_s: float = 0.5,
    timeout_s: float = 3600.0,
) -> DagRun:
    """Call ``on_change`` for each change of a task's state, and return the run when it has ended.

    Raises
    ------
    OrchestratorError
        As `watch`.
    """
    steps = watch(client, dag_id, run_id, poll_s=poll_s, timeout_s=timeout_s)
    while True:
        try:
            change = next(steps)
        except StopIteration as ended:
            run: DagRun = ended.value
            return run
        on_change(change)


def _key(task: TaskState) -> tuple[str, int]:
    return (task.task_id, task.map_index)


def _too_long(
    dag_id: str, run_id: str, timeout_s: float, seen: Mapping[tuple[str, int], TaskState]
) -> OrchestratorError:
    open_tasks = [f"{task.task_id} ({task.state})" for task in seen.values() if task.state and task.ended is None]
    under_way = ", ".join(open_tasks) or "nothing"
    return OrchestratorError(
        f"run {run_id} of {dag_id} has not ended within {timeout_s:.0f} s; under way: {under_way}",
        remedy="look at it in the user interface, answer what waits, then follow it again: it goes on",
    )
