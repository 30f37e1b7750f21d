import pytest

from slipway.errors import OrchestratorError
from slipway.orchestrator.follow import PATIENCE_S, changes, follow, watch
from slipway.orchestrator.records import DagRun, TaskState


def task(task_id, state, try_number=1, map_index=-1):
    return TaskState(task_id=task_id, state=state, try_number=try_number, map_index=map_index)


class Recorded:
    """A client that plays back what Airflow said at each look; an exception is raised instead."""

    def __init__(self, *looks):
        self.looks = list(looks)
        self.current = None

    def run(self, dag_id, run_id):
        self.current = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(self.current, Exception):
            raise self.current
        return DagRun(dag_id=dag_id, run_id=run_id, state=self.current[0])

    def tasks(self, dag_id, run_id):
        return self.current[1]


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


SILENT = OrchestratorError("no answer", remedy="wait")

CHANGES = {
    "first_seen": ([], [task("a", "queued")], ["a"]),
    "no_state_yet": ([], [task("a", "")], []),
    "the_same": ([task("a", "running")], [task("a", "running")], []),
    "another_state": ([task("a", "running")], [task("a", "success")], ["a"]),
    "another_try": ([task("a", "running")], [task("a", "running", 2)], ["a"]),
    "a_mapped_copy": ([task("a", "running", map_index=0)], [task("a", "running", map_index=1)], ["a"]),
}


@pytest.mark.parametrize(("before", "after", "changed"), CHANGES.values(), ids=CHANGES)
def test_only_a_new_state_or_try_is_a_change(before, after, changed):
    assert [change.after.task_id for change in changes(before, after)] == changed


def test_a_run_is_followed_to_its_end_and_the_last_changes_are_told():
    client = Recorded(
        ("queued", []),
        ("running", [task("a", "running")]),
        ("success", [task("a", "success"), task("b", "skipped")]),
    )
    seen = []
    run = follow(client, "d", "r", on_change=seen.append, poll_s=0)
    assert run.state == "success"
    assert [(c.before.state if c.before else None, c.after.state) for c in seen] == [
        (None, "running"),
        ("running", "success"),
        (None, "skipped"),
    ]


def test_an_api_server_that_is_restarted_is_waited_for():
    client = Recorded(("running", []), SILENT, SILENT, ("failed", [task("a", "failed")]))
    clock = Clock()
    steps = watch(client, "d", "r", sleep=clock.sleep, clock=clock)
    assert [change.after.state for change in steps] == ["failed"]


def test_an_airflow_that_stays_silent_is_an_error():
    clock = Clock()
    with pytest.raises(OrchestratorError, match="no answer"):
        list(watch(Recorded(("running", []), SILENT), "d", "r", sleep=clock.sleep, clock=clock))
    assert clock.now > PATIENCE_S


def test_a_run_that_does_not_exist_is_an_error_at_once():
    clock = Clock()
    with pytest.raises(OrchestratorError, match="no answer"):
        list(watch(Recorded(SILENT), "d", "r", sleep=clock.sleep, clock=clock))
    assert clock.now == 0


def test_a_run_that_takes_too_long_is_an_error_that_says_what_is_under_way():
    clock = Clock()
    client = Recorded(("running", [task("approve", "awaiting_input")]))
    with pytest.raises(OrchestratorError, match=r"approve \(awaiting_input\)"):
        list(watch(client, "d", "r", timeout_s=10, sleep=clock.sleep, clock=clock))
