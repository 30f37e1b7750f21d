"""Whose time a release took."""

from datetime import UTC, datetime, timedelta

from slipway.orchestrator.records import TaskState
from slipway.workflows.leadtime import split_time

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def task(name, seconds):
    return TaskState(task_id=name, state="success", started=T0, ended=T0 + timedelta(seconds=seconds))


def test_time_is_split_into_gates_other_steps_a_person_and_the_rest():
    tasks = [task("evaluate", 5), task("load_test", 20), task("deploy", 4), task("approve", 60)]
    tasks.append(TaskState(task_id="promote", state="running", started=T0))
    timing = split_time(wall=100, tasks=tasks)
    assert (timing.gates, timing.work, timing.waiting, timing.overhead) == (25, 29, 60, 11)
