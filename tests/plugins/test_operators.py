"""Operators are thin: each calls the workflow of its name, and its errors end a task as Airflow understands it."""

import importlib
from datetime import timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.standard.exceptions import HITLTimeoutError, HITLTriggerEventError
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
from slipway_airflow.operators.approve import COMMENT, ApproveOperator, AskForApprovalOperator
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


@pytest.fixture
def ask(dag):
    return make(AskForApprovalOperator, answer_within=timedelta(hours=8))


@pytest.fixture
def decisions(monkeypatch):
    """What was recorded; a rejection ends the release as it does in earnest."""
    made = []

    def record(bench, release, *, approved, by, comment):
        made.append((release.id, approved, by, comment))
        if not approved:
            raise GateStopped(f"rejected by {by}", remedy="ask them")

    monkeypatch.setattr("slipway.workflows.approve.record_decision", record)
    return made


def answered(option, **given):
    user = {"id": "officer", "name": "officer"}
    return {"chosen_options": [option], "params_input": {COMMENT: "seen"}, "responded_by_user": user, **given}


def test_the_question_shows_the_evidence(ask, context, monkeypatch):
    asked = []
    parent = type(ask).__mro__[1]
    monkeypatch.setattr("slipway.workflows.approve.request_approval", lambda bench, release: f"evidence {release.id}")
    monkeypatch.setattr(parent, "execute", lambda self, context: asked.append(self.body))
    ask.execute(context(**{COMMENT: ""}))
    assert asked == ["evidence manual__1"]


def test_nobody_is_asked_on_an_incomplete_dossier(ask, context, monkeypatch):
    def incomplete(bench, release):
        raise PromotionRefused("load_test: no evidence", remedy="release again")

    monkeypatch.setattr("slipway.workflows.approve.request_approval", incomplete)
    monkeypatch.setattr(type(ask).__mro__[1], "execute", pytest.fail)
    with pytest.raises(AirflowFailException, match="load_test: no evidence"):
        ask.execute(context())


def test_the_comment_is_no_param_of_the_release(ask, context):
    assert ask.release(context(**{COMMENT: "hello"})).version == 3
    assert list(ask.params) == [COMMENT]


def test_an_approval_is_recorded_with_its_author(ask, context, decisions):
    assert ask.execute_complete(context(), answered("Approve")) == {"by": "officer", "comment": "seen"}
    assert decisions == [("manual__1", True, "officer", "seen")]


def test_a_rejection_is_recorded_and_fails_the_task(ask, context, decisions):
    with pytest.raises(AirflowFailException, match="rejected by officer"):
        ask.execute_complete(context(), answered("Reject"))
    assert decisions == [("manual__1", False, "officer", "seen")]


def test_silence_is_a_rejection_by_the_timeout(ask, context, decisions):
    event = {"error": "no response in time", "error_type": "timeout"}
    with pytest.raises(AirflowFailException, match="rejected by timeout"):
        ask.execute_complete(context(), event)
    assert decisions == [("manual__1", False, "timeout", "nobody answered in time")]


def test_an_answer_that_went_wrong_is_no_decision(ask, context, decisions):
    with pytest.raises(HITLTriggerEventError) as raised:
        ask.execute_complete(context(), {"error": "invalid input", "error_type": "validation"})
    assert not isinstance(raised.value, HITLTimeoutError)
    assert decisions == []


@pytest.mark.parametrize(
    "given",
    [
        {"responded_by_user": None},
        {"params_input": None},
        {"chosen_options": []},
        {"chosen_options": ["Approve", "Reject"]},
    ],
    ids=["nobody's", "without a form", "without an option", "of both options"],
)
def test_only_a_plain_approval_approves(ask, context, decisions, given):
    event = answered("Approve", **given)
    if "chosen_options" in given:
        with pytest.raises(AirflowFailException):
            ask.execute_complete(context(), event)
    else:
        ask.execute_complete(context(), event)
    assert [approved for _, approved, _, _ in decisions] == ["chosen_options" not in given]
