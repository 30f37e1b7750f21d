"""Whose time a release took."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from slipway.orchestrator.records import DagRun, TaskState
from slipway.workflows.leadtime import split_time

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def task(name, seconds):
    return TaskState(task_id=name, state="success", started=T0, ended=T0 + timedelta(seconds=seconds))


def test_time_is_split_into_the_gates_a_person_and_the_rest():
    run = DagRun(dag_id="d", run_id="r", state="success", started=T0, ended=T0 + timedelta(seconds=100))
    tasks = [task("evaluate", 8), task("deploy", 4), task("approve", 60), TaskState(task_id="promote", state="")]
    evidence = [SimpleNamespace(seconds=5.0), SimpleNamespace(seconds=20.0)]
    timing = split_time(run, tasks, evidence)
    assert (timing.gates, timing.waiting, timing.overhead) == (25, 60, 15)
