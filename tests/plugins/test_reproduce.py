"""The drill's operator: it draws by a recorded seed, and fails for a version that is not the same."""

from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTerminated

from slipway.core.identity import Subject, digest_bytes
from slipway.core.reproduction import ContentCompared, Reproduction, compare_answers
from slipway.errors import EngineUnavailable
from slipway.plan.fleet import REPRODUCE
from slipway.workflows import reproduce as workflow
from slipway_airflow.fleet import PARAMS, fleet_dags
from slipway_airflow.operators.reproduce import ReproduceOperator

D = digest_bytes(b"d")


def result(answer=1.0):
    return Reproduction(
        subject=Subject(model="churn", version=2, artifact_sha256=D, image_digest=D),
        runtime="docker",
        rebuilt=True,
        content=ContentCompared(before=D, after=D, changed=0),
        answers=compare_answers([1.0], [answer]),
    )


@pytest.fixture
def drill(project, monkeypatch):
    """Run the operator on what the workflow gives; returns what it gave and what it was asked."""
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    asked = {}

    def run(found, run_id="scheduled__1", **params):
        def sample(bench, **given):
            asked["sample"] = given
            return (("churn", 2),)

        def reproduce(bench, versions, **given):
            asked["reproduce"] = (versions, given)
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(workflow, "sample", sample)
        monkeypatch.setattr(workflow, "reproduce", reproduce)
        operator = ReproduceOperator(task_id="reproduce", dag=DAG("fleet.reproduce"))
        run = SimpleNamespace(run_id=run_id, run_type="scheduled", triggering_user_name=None)
        form = {name: param.resolve() for name, param in PARAMS["reproduce"].items()}
        return operator, lambda: operator.execute({"dag_run": run, "params": {**form, **params}}), asked

    return run


def test_the_seed_follows_from_the_run_and_is_handed_on(drill):
    operator, execute, asked = drill([result()])
    told = execute()
    seed = workflow.seed_of("scheduled__1")
    assert asked["sample"] == {"count": 2, "seed": seed}
    assert asked["reproduce"] == (
        (("churn", 2),),
        {"actor": "fleet.reproduce", "drill": "scheduled__1", "seed": seed, "base": None},
    )
    assert (told["seed"], told["versions"][0]["outcome"]) == (seed, "PASSED")
    assert operator.report_path == "churn/v2/reproduction/scheduled__1.html"


def test_the_form_may_say_seed_count_and_base(drill):
    _, execute, asked = drill([result()], seed=0, versions=5, base="debian:next")
    execute()
    assert asked["sample"] == {"count": 5, "seed": 0}
    assert asked["reproduce"][1]["base"] == "debian:next"


def test_a_version_that_answers_otherwise_fails_the_task_and_names_it(drill):
    operator, execute, _ = drill([result(), result(answer=1.0000000000000002)])
    with pytest.raises(AirflowFailException, match=r"churn version 2 .*1 of 1 answers differ"):
        execute()
    assert operator.report_path


def test_an_engine_that_is_away_is_tried_again(drill):
    _, execute, _ = drill(EngineUnavailable("no engine", remedy="start it"))
    with pytest.raises(AirflowException) as caught:
        execute()
    assert not isinstance(caught.value, AirflowFailException)


def test_nothing_to_draw_is_no_failure(drill):
    operator, execute, _ = drill([])
    assert execute()["versions"] == []
    assert operator.report_path == ""


def test_a_killed_task_unwinds():
    with pytest.raises(AirflowTaskTerminated):
        ReproduceOperator(task_id="reproduce").on_kill()


def test_it_runs_weekly_and_keeps_the_measurements_of_others_undisturbed():
    dag = next(dag for dag in fleet_dags() if dag.dag_id == "fleet.reproduce")
    task = dag.get_task("reproduce")
    assert (task.pool, dag.max_active_runs, dag.catchup) == ("performance", 1, False)
    assert REPRODUCE.schedule == "0 1 * * 6"
