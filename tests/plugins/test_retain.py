"""When a run of fleet.retention only plans, and when it carries out what it planned."""

from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from slipway.errors import EvidenceError
from slipway_airflow.operators.retain import RetainOperator

MADE, EARLIER = "sha256:" + "a" * 64, "sha256:" + "b" * 64


class Done(SimpleNamespace):
    def to_json(self):
        return {"plan": self.digest, "rows": ["many"], "models": ["many"], "reclaimed": 0}


@pytest.fixture
def calls(project, monkeypatch):
    made = []

    def plan(bench, models, *, actor):
        made.append(("plan", models, actor))
        return Done(digest=MADE, problems=())

    def apply(bench, digest, *, actor):
        made.append(("apply", digest, actor))
        if digest == "refused":
            raise EvidenceError("the plan no longer holds", remedy="make a new one")
        return Done(digest=digest, problems=("churn version 1: stuck",) if digest == "stuck" else ())

    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    monkeypatch.setattr("slipway.workflows.retain.plan_retention", plan)
    monkeypatch.setattr("slipway.workflows.retain.apply_retention", apply)
    return made


def execute(run_type="manual", **params):
    with DAG("fleet.retention", schedule=None):
        operator = RetainOperator(task_id="retain")
    run = SimpleNamespace(run_id="r", run_type=run_type, triggering_user_name="ada")
    given = {"model": None, "apply": False, "plan": None, **params}
    return operator, operator.execute({"dag_run": run, "params": given})


def test_by_hand_it_plans_and_its_page_opens_from_the_task(calls):
    operator, told = execute()
    assert calls == [("plan", None, "ada")]
    assert told == {"plan": MADE, "reclaimed": 0}
    assert operator.report_path == "fleet/retention/aaaaaaaaaaaa/retention.html"


def test_by_hand_it_carries_out_what_it_planned_where_the_form_says_so(calls):
    execute(apply=True, model="churn")
    assert calls == [("plan", ["churn"], "ada"), ("apply", MADE, "ada")]


def test_by_hand_it_carries_out_an_earlier_plan(calls):
    operator, _ = execute(apply=True, plan=EARLIER)
    assert calls == [("apply", EARLIER, "ada")]
    assert operator.report_path == "fleet/retention/bbbbbbbbbbbb/retention.html"


def test_a_plan_that_is_named_without_apply_changes_nothing(calls):
    execute(plan=EARLIER)
    assert [call[0] for call in calls] == ["plan"]


@pytest.mark.parametrize(("setting", "wanted"), [("", ["plan"]), ("1", ["plan", "apply"])])
def test_on_schedule_the_settings_decide_whatever_the_forms_default_is(calls, monkeypatch, setting, wanted):
    monkeypatch.setenv("SLIPWAY_RETENTION_APPLY", setting)
    execute(run_type="scheduled", apply=not setting)
    assert [call[0] for call in calls] == wanted


def test_the_setting_does_not_make_a_run_by_hand_apply(calls, monkeypatch):
    monkeypatch.setenv("SLIPWAY_RETENTION_APPLY", "1")
    execute()
    assert [call[0] for call in calls] == ["plan"]


def test_what_stood_in_the_way_fails_the_task(calls):
    with pytest.raises(AirflowException, match="stuck"):
        execute(apply=True, plan="stuck")


def test_a_plan_that_no_longer_holds_is_not_tried_again(calls):
    with pytest.raises(AirflowFailException, match="no longer holds"):
        execute(apply=True, plan="refused")
