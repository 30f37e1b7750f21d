"""A release that fails leaves its end in the ledger, whatever made it fail."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from slipway.errors import EvidenceError
from slipway.ledger import EntryKind
from slipway.settings import Settings
from slipway.workflows.workbench import Workbench
from slipway_airflow.dags import model_dags
from slipway_airflow.ended import KILLED, on_dag_run_failed, step_failed
from slipway_airflow.operators.base import airflow_errors
from slipway_airflow.plugin import SlipwayPlugin

pytestmark = pytest.mark.usefixtures("project")

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def ended():
    ledger = Workbench(Settings.load()).ledger
    return lambda: [(e.payload["step"], e.payload["reason"]) for e in ledger.entries(kinds=[EntryKind.RELEASE_ENDED])]


def context(*, teardown=False, **more):
    ti = SimpleNamespace(dag_id="churn.release", run_id="manual__1", task_id="start_candidate")
    return {"ti": ti, "task": SimpleNamespace(is_teardown=teardown), "params": {"version": 3}, **more}


def task(name, state, minutes):
    return SimpleNamespace(task_id=name, state=state, end_date=AT + timedelta(minutes=minutes))


def run(*tasks, dag_id="churn.release"):
    return SimpleNamespace(dag_id=dag_id, run_id="manual__1", conf=None, task_instances=tasks)


def test_a_step_that_failed_is_named_with_its_error(ended):
    with pytest.raises(AirflowFailException) as raised, airflow_errors():
        raise EvidenceError("no room\nat all", remedy="free some")
    step_failed(context(exception=raised.value))
    assert ended() == [("start_candidate", "EvidenceError: no room")]


def test_a_step_of_a_killed_worker_is_named(ended):
    step_failed(context())
    assert ended() == [("start_candidate", KILLED)]


def test_a_teardown_that_fails_ends_no_release(ended):
    step_failed(context(teardown=True, exception=ValueError("x")))
    assert ended() == []


def test_a_run_that_failed_names_the_task_that_failed_first(ended):
    failed = run(task("load_test", "upstream_failed", 9), task("evaluate", "failed", 5), task("build", "failed", 3))
    on_dag_run_failed(failed, "it failed")
    assert ended() == [("build", KILLED)]


def test_a_run_that_was_marked_as_failed_says_so(ended):
    on_dag_run_failed(run(task("evaluate", "success", 5)), "manually set to failed")
    assert ended() == [("", "manually set to failed")]


def test_what_the_step_told_is_not_told_again_by_the_run(ended):
    step_failed(context(exception=ValueError("x")))
    on_dag_run_failed(run(task("start_candidate", "failed", 5)), "it failed")
    assert ended() == [("start_candidate", "ValueError: x")]


@pytest.mark.parametrize("dag_id", ["churn.rollback", "somebody_elses"])
def test_only_releases_end(ended, dag_id):
    on_dag_run_failed(run(task("x", "failed", 5), dag_id=dag_id), "it failed")
    assert ended() == []


def test_airflow_is_told_whom_to_call():
    from airflow.listeners.listener import get_listener_manager

    release, rollback = model_dags("churn")
    assert {tuple(t.on_failure_callback) for t in release.tasks} == {(step_failed,)}
    assert {tuple(t.on_failure_callback) for t in rollback.tasks} == {()}
    manager = get_listener_manager()
    for listener in SlipwayPlugin.listeners:
        manager.add_listener(listener)
    try:
        assert manager.hook.on_dag_run_failed.get_hookimpls()
    finally:
        manager.clear()


def offered(version):
    return [SimpleNamespace(extra={"from_trigger": True, "payload": {"version": version}})]


def versions():
    return [entry.version for entry in Workbench(Settings.load()).ledger.entries(kinds=[EntryKind.RELEASE_ENDED])]


def test_a_release_that_began_by_itself_and_crashed_at_once_is_of_its_version():
    """Else the watch, which asks the ledger, would try it again."""
    asset = {"the asset": offered(4)}
    step_failed(context(exception=ValueError("x")) | {"params": {"version": None}, "triggering_asset_events": asset})
    assert versions() == [4]


def test_the_listener_knows_that_version_too():
    failed = run(task("validate_data", "failed", 3))
    failed.consumed_asset_events = offered(5)
    on_dag_run_failed(failed, "")
    assert versions() == [5]


def test_events_that_the_database_does_not_tell_cost_the_version_and_not_the_entry():
    class Detached(SimpleNamespace):
        @property
        def consumed_asset_events(self):
            raise RuntimeError("not bound to a session")

    on_dag_run_failed(Detached(**vars(run(task("validate_data", "failed", 3)))), "")
    assert versions() == [None]
