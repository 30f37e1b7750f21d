import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from slipway.errors import OrchestratorError
from slipway.orchestrator import client as client_module
from slipway.orchestrator.client import AirflowClient
from slipway.orchestrator.records import pending_approval
from tests.unit.orchestrator.conftest import approval

BROKEN = {
    "filename": "churn.py",
    "stack_trace": "Traceback\nModuleNotFoundError: nothing",
    "timestamp": "2026-01-02T03:04:05Z",
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(client_module, "POLL_S", 0.01)
    monkeypatch.setattr(client_module, "SETTLE_S", 0.05)


def test_one_token_serves_many_calls_and_a_refused_one_is_renewed(airflow, client):
    client.check()
    client.check()
    assert airflow.tokens == ["t0"]
    airflow.tokens.append("the server knows another one now")
    assert client.check() == "3.3.2"
    assert len(airflow.tokens) == 3


def test_a_wrong_password_is_an_error_about_the_password(airflow):
    with (
        AirflowClient("http://airflow", "admin", "wrong", http=airflow) as client,
        pytest.raises(OrchestratorError, match=r"Invalid credentials.*SLIPWAY_AIRFLOW_PASSWORD"),
    ):
        client.check()


def test_an_airflow_that_is_not_running_is_an_error_that_says_how_to_start_it():
    def refuse(request):
        raise httpx.ConnectError("refused")

    with AirflowClient("http://airflow", "a", "b", http=httpx.MockTransport(refuse)) as client:
        with pytest.raises(OrchestratorError, match="does not answer") as caught:
            client.runs("churn.release")
        assert caught.value.remedy == "run `make demo` or `slipway start`"


def test_no_address_is_the_same_advice():
    with AirflowClient("", "", "") as client, pytest.raises(OrchestratorError, match="make demo"):
        client.check()


def test_a_silent_airflow_is_an_error(airflow, client):
    def late(request):
        raise httpx.ReadTimeout("late")

    airflow.override = late
    with pytest.raises(OrchestratorError, match="did not answer in time"):
        client.check()


def test_something_else_under_the_address_is_an_error(airflow, client):
    airflow.override = lambda request: httpx.Response(200, text="<html>welcome</html>")
    with pytest.raises(OrchestratorError, match="is not JSON"):
        client.check()


def test_a_long_answer_is_cut(airflow, client):
    airflow.override = lambda request: httpx.Response(500, text="x" * 100_000)
    with pytest.raises(OrchestratorError) as caught:
        client.check()
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("component", ["scheduler", "dag_processor"])
def test_a_component_that_is_not_well_fails_the_check(airflow, client, component):
    airflow.health[component] = {"status": "unhealthy"}
    with pytest.raises(OrchestratorError, match=f"{component} is unhealthy"):
        client.check()


def test_waiting_for_a_dag_that_is_there_returns(airflow, client, make_dag):
    airflow.dags["churn.release"] = make_dag("churn.release")
    client.wait_for_dag("churn.release", 1)


ABSENT = {
    "nothing_declares_it": ({}, [], "no DAG churn.release appeared"),
    "stale": ({"is_stale": True}, [], "no DAG churn.release appeared"),
    "its_file_is_broken_since_an_edit": ({"has_import_errors": True}, [BROKEN], "cannot be imported from churn.py"),
    "its_file_was_never_read": (None, [BROKEN], "ModuleNotFoundError: nothing"),
    "another_file_is_broken": (None, [BROKEN | {"filename": "other.py"}], "other.py: .*ModuleNotFoundError"),
}


@pytest.mark.parametrize(("dag", "errors", "reason"), ABSENT.values(), ids=ABSENT)
def test_a_dag_that_does_not_come_is_an_error_that_says_why(airflow, client, make_dag, dag, errors, reason):
    if dag:
        airflow.dags["churn.release"] = make_dag("churn.release", **dag)
    airflow.import_errors = errors
    with pytest.raises(OrchestratorError, match=reason):
        client.wait_for_dag("churn.release", 0.1)


def test_a_mended_file_is_waited_for(airflow, client, make_dag, monkeypatch):
    monkeypatch.setattr(client_module, "SETTLE_S", 5.0)
    airflow.import_errors = [BROKEN]

    def mend(seconds):
        airflow.import_errors = []
        airflow.dags["churn.release"] = make_dag("churn.release")

    monkeypatch.setattr(client_module.time, "sleep", mend)
    client.wait_for_dag("churn.release", 10)


def test_a_run_is_triggered_without_a_logical_date(airflow, client, make_dag):
    airflow.dags["churn.release"] = make_dag("churn.release")
    run = client.trigger("churn.release", run_id="r1", conf={"version": 2})
    assert (run.run_id, run.state, run.conf, run.finished) == ("r1", "queued", {"version": 2}, False)
    assert airflow.calls[-1][3] == {"dag_run_id": "r1", "logical_date": None, "conf": {"version": 2}}


def test_a_dag_is_unpaused(airflow, client, make_dag):
    airflow.dags["churn.release"] = make_dag("churn.release")
    client.unpause("churn.release")
    assert airflow.dags["churn.release"]["is_paused"] is False


def test_triggering_the_same_run_again_is_refused_with_advice(airflow, client, make_dag):
    airflow.dags["churn.release"] = make_dag("churn.release")
    client.trigger("churn.release", run_id="r1", conf={})
    with pytest.raises(OrchestratorError, match=r"Unique constraint violation.*follow the run r1"):
        client.trigger("churn.release", run_id="r1", conf={})


def test_triggering_an_unknown_dag_is_refused_with_advice(client):
    with pytest.raises(OrchestratorError, match=r"not found.*a file in dags/ declares it"):
        client.trigger("nope", run_id="r1", conf={})


def test_parameters_that_airflow_rejects_are_named(airflow, client):
    airflow.override = lambda request: httpx.Response(400, json={"detail": "Invalid input for param version"})
    with pytest.raises(OrchestratorError, match=r"param version.*correct the parameters"):
        client.trigger("churn.release", run_id="r1", conf={"version": "x"})


def test_an_unknown_run_is_an_error(client):
    with pytest.raises(OrchestratorError, match="check the run id r9"):
        client.run("churn.release", "r9")


def test_the_tasks_come_in_the_order_of_their_start_over_all_pages(airflow, client):
    started = [
        {"task_id": f"t{n}", "state": "success", "start_date": f"2026-01-02T03:{n // 60:02}:{n % 60:02}Z"}
        for n in range(149, -1, -1)
    ]
    waiting = [{"task_id": name, "state": None} for name in ("deploy", "approve")]
    airflow.tasks["d", "r"] = waiting + started
    tasks = client.tasks("d", "r")
    assert [task.task_id for task in tasks] == [f"t{n}" for n in range(150)] + ["approve", "deploy"]
    assert tasks[-1].state == ""


def test_only_as_many_runs_are_fetched_as_are_wanted(airflow, client):
    for number in range(30):
        airflow.runs["d", f"r{number}"] = {"dag_id": "d", "dag_run_id": f"r{number}", "state": "success"}
    assert len(client.runs("d", 3)) == 3
    assert airflow.calls[-1][2]["order_by"] == "-run_after"


def test_the_end_of_a_log_is_given_as_lines(airflow, client):
    airflow.logs["build"] = [
        json.dumps({"timestamp": "2026-01-02T03:04:05Z", "level": "info", "event": f"step {n}"}) for n in range(50)
    ] + [
        json.dumps({"event": "::endgroup::", "level": "info"}),
        json.dumps({"level": "error", "event": "failed", "error_detail": [{"exc_type": "E", "exc_value": "why"}]}),
        "not json",
    ]
    text = client.log_tail("d", "r", "build", 1, 4)
    assert text.splitlines() == ["03:04:05 INFO step 49", "ERROR failed", "  E: why", "not json"]


def test_a_log_that_is_not_there_is_an_error(client):
    with pytest.raises(OrchestratorError, match="404"):
        client.log_tail("d", "r", "never", 1, 4)


def test_what_a_task_left_is_read(client):
    assert client.xcom("d", "r", "load_test") == {"p95": 1.5}


def test_a_pending_approval_is_answered_with_the_forms_defaults_filled_in(airflow, client, make_approval):
    airflow.approvals = [make_approval()]
    (pending,) = client.pending_approvals("churn.release")
    assert (pending.options, pending.assigned) == (("Approve", "Reject"), ("officer",))
    client.respond(pending, option="Approve", params={"comment": "seen"})
    assert airflow.answers == [{"chosen_options": ["Approve"], "params_input": {"comment": "seen", "traffic": 10}}]
    assert airflow.calls[-1][1].endswith("/dags/churn.release/dagRuns/r1/taskInstances/approve/-1/hitlDetails")


def test_the_questions_of_all_dags_are_asked_for_when_none_is_named(airflow, client):
    assert client.pending_approvals() == []
    _, where, query, _ = airflow.calls[-1]
    assert where == "/api/v2/dags/~/dagRuns/~/hitlDetails"
    assert query["state"] == "awaiting_input"


AGES = {"just_asked": (0, 5.0), "asked_long_ago": (60, 0.0), "asked_by_a_clock_ahead": (-3600, 5.0)}


@pytest.mark.parametrize(("age_s", "wait_s"), AGES.values(), ids=AGES)
def test_a_question_is_not_answered_before_airflow_can_take_the_answer(
    airflow, client, make_approval, monkeypatch, age_s, wait_s
):
    waits = []
    monkeypatch.setattr(client_module.time, "sleep", waits.append)
    airflow.approvals = [make_approval(created_at=(datetime.now(UTC) - timedelta(seconds=age_s)).isoformat())]
    (pending,) = client.pending_approvals()
    client.respond(pending, option="Approve")
    assert waits == [pytest.approx(wait_s, abs=1.0)]
    assert len(airflow.answers) == 1


def test_a_question_whose_task_went_on_since_is_asked_again_and_waited_for(airflow, client, monkeypatch):
    waits = []
    monkeypatch.setattr(client_module.time, "sleep", waits.append)
    first = approval()
    before, since = ({"scheduled_when": f"{year}-01-01T00:00:00+00:00"} for year in (2020, 2099))
    bodies = [approval(task_instance=first["task_instance"] | went_on) for went_on in ({}, before, since)]
    assert [pending_approval(body).again for body in bodies] == [False, False, True]
    airflow.approvals = bodies[-1:]
    (pending,) = client.pending_approvals()
    client.respond(pending, option="Approve")
    assert waits == [5.0]


REFUSED = {403: "answer as officer", 409: "answered already", 404: "no longer waits"}


@pytest.mark.parametrize(("status", "remedy"), REFUSED.items(), ids=map(str, REFUSED))
def test_an_answer_that_airflow_refuses_is_an_error_with_advice(airflow, client, make_approval, status, remedy):
    airflow.approvals = [make_approval()]
    (pending,) = client.pending_approvals()
    airflow.override = lambda request: httpx.Response(status, json={"detail": "no"})
    with pytest.raises(OrchestratorError, match=remedy):
        client.respond(pending, option="Approve")
