"""Operators are thin: each calls the workflow of its name, and its errors end a task as Airflow understands it."""

import importlib
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTerminated

from slipway.errors import (
    ArtifactError,
    EngineUnavailable,
    EvidenceError,
    GateConfigurationError,
    GateStopped,
    PromotionRefused,
    ReferenceFailed,
    RegistryUnreachable,
    ServiceError,
    SlipwayError,
    SpecError,
)
from slipway.plan.release import plan_release
from slipway.plan.tasks import Step
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench
from slipway_airflow.dags import OPERATORS
from slipway_airflow.operators.approve import COMMENT, ApproveOperator
from slipway_airflow.operators.base import airflow_errors
from slipway_airflow.operators.evaluate import EvaluateOperator
from slipway_airflow.operators.rollback import RollbackOperator
from tests.fakes.specs import a_spec

PARAMS = {"version": 3, "load_profile": "smoke", "reason": "better"}


@pytest.fixture(autouse=True)
def no_task_runner(project, monkeypatch):
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)


@pytest.fixture
def dag():
    with DAG("churn.release", schedule=None) as dag:
        yield dag


@pytest.fixture
def context():
    def build(**params):
        run = SimpleNamespace(run_id="manual__1", run_type="manual", triggering_user_name="ada")
        return {"dag_run": run, "params": {**PARAMS, **params}}

    return build


def make(operator, **given):
    return operator(task_id="a_step", model="churn", **given)


class Result(dict):
    """Stands for what workflows return: evidence, a handle, a deployment, a subject."""

    @property
    def handle(self):
        return self

    def to_json(self):
        return dict(self)


GATES = sorted({plan.step for plan in plan_release(a_spec())} - {Step.APPROVE})


@pytest.mark.parametrize("step", GATES)
def test_an_operator_calls_the_workflow_of_its_name_with_the_release_of_its_run(dag, context, monkeypatch, step):
    called = []

    def workflow(bench, release):
        called.append((type(bench), release))
        return Result(done=step.value)

    monkeypatch.setattr(importlib.import_module(f"slipway.workflows.{step}"), step.value, workflow)
    returned = make(OPERATORS[step]).execute(context())
    wanted = Release(id="manual__1", model="churn", version=3, load_profile="smoke", reason="better", requester="ada")
    assert called == [(Workbench, wanted)]
    assert returned == {"done": step.value}


def test_a_low_tier_is_approved_by_the_policy(dag, context, monkeypatch):
    called = []
    monkeypatch.setattr("slipway.workflows.approve.decide_by_policy", lambda bench, release: called.append(release.id))
    assert make(ApproveOperator).execute(context()) == "policy"
    assert called == ["manual__1"]


def test_a_rollback_needs_no_release(dag, context, monkeypatch):
    called = []

    def rollback(bench, model, **given):
        called.append((model, given))
        return Result(serves="again")

    monkeypatch.setattr("slipway.workflows.rollback.rollback", rollback)
    run = context() | {"params": {"reason": "complaints"}}
    assert make(RollbackOperator).execute(run) == {"serves": "again"}
    assert called == [("churn", {"actor": "ada", "reason": "complaints", "run_id": "manual__1"})]


def test_a_scheduled_run_is_requested_by_its_kind(dag, context):
    run = context()
    run["dag_run"].triggering_user_name = None
    assert make(EvaluateOperator).release(run).requester == "manual"


@pytest.mark.parametrize("params", [{"versoin": 3}, {"load_profile": "heavy"}, {"version": 0}, {COMMENT: "hello"}])
def test_params_that_are_none_fail_the_task_for_good(dag, context, monkeypatch, params):
    monkeypatch.setattr("slipway.workflows.evaluate.evaluate", pytest.fail)
    with pytest.raises(AirflowFailException, match="What to do"):
        make(EvaluateOperator).execute(context(**params))


FINAL = (GateStopped, SpecError, EvidenceError, PromotionRefused, GateConfigurationError, ReferenceFailed)
TRANSIENT = (RegistryUnreachable, EngineUnavailable, ServiceError, ArtifactError, SlipwayError)
CASES = {e.__name__: (e, AirflowFailException) for e in FINAL} | {e.__name__: (e, AirflowException) for e in TRANSIENT}


@pytest.mark.parametrize(("error", "becomes"), CASES.values(), ids=CASES)
def test_an_error_ends_a_task(error, becomes):
    with pytest.raises(AirflowException) as raised, airflow_errors():
        raise error("it broke", remedy="mend it")
    assert type(raised.value) is becomes
    assert str(raised.value) == "it broke. What to do: mend it."


def test_a_full_disk_ends_a_task_with_what_to_do():
    with pytest.raises(AirflowException, match="free disk space"), airflow_errors():
        raise OSError(28, "No space left on device", "/var/x")


def test_a_fault_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), airflow_errors():
        _ = 1 / 0


@pytest.mark.parametrize("step", GATES)
def test_a_killed_task_unwinds_what_it_started(dag, context, monkeypatch, step):
    left = []
    operator = make(OPERATORS[step])

    def workflow(bench, release):
        try:
            operator.on_kill()  # as the task runner does, in the middle of the work
        finally:
            left.append("stopped")

    monkeypatch.setattr(importlib.import_module(f"slipway.workflows.{step}"), step.value, workflow)
    with pytest.raises(AirflowTaskTerminated):
        operator.execute(context())
    assert left == ["stopped"]


def test_a_gate_that_stopped_still_shows_its_report(dag, context, monkeypatch):
    def workflow(bench, release):
        page = bench.fresh_folder(release, "a_step") / "a_step.html"
        page.write_text("<p>why</p>")
        raise GateStopped("it FAILED", remedy="read it")

    monkeypatch.setattr("slipway.workflows.evaluate.evaluate", workflow)
    operator = make(EvaluateOperator)
    with pytest.raises(AirflowFailException):
        operator.execute(context())
    assert operator.report_path == "churn/v3/manual__1/a_step/a_step.html"
