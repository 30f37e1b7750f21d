"""The audit's task: green only when everything is as it was recorded, with its page behind the link either way."""

import pytest
from airflow.sdk import DAG
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from slipway.errors import AuditFailed, AuditInconclusive
from slipway.workflows.workbench import Workbench
from slipway_airflow.operators.audit import AuditOperator
from slipway_airflow.ui.links import ReportLink

PAGE = "fleet/audit/2026-01-01/120000-failed.html"


class Found:
    """Stands for an audit."""

    report = PAGE

    def __init__(self, error=None):
        self.error = error

    def require_passed(self):
        if self.error:
            raise self.error("it is not as recorded", remedy="mend it")

    def to_json(self):
        return {"outcome": "PASSED"}


@pytest.fixture
def task(project, monkeypatch):
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    with DAG("fleet.audit", schedule=None):
        return AuditOperator(task_id="audit")


def test_an_audit_that_passed_is_green_and_returns_what_it_saw(task, monkeypatch):
    benches = []
    monkeypatch.setattr("slipway.workflows.audit.audit", lambda bench: benches.append(bench) or Found())
    assert task.execute({}) == {"outcome": "PASSED"}
    assert [type(bench) for bench in benches] == [Workbench]


# A finding does not go away by trying again; a registry may answer the next time.
CASES = {"failed": (AuditFailed, AirflowFailException), "inconclusive": (AuditInconclusive, AirflowException)}


@pytest.mark.parametrize(("error", "becomes"), CASES.values(), ids=CASES)
def test_anything_else_is_red_and_still_shows_its_page(task, monkeypatch, error, becomes):
    monkeypatch.setattr("slipway.workflows.audit.audit", lambda bench: Found(error))
    with pytest.raises(AirflowException, match="mend it") as raised:
        task.execute({})
    assert type(raised.value) is becomes
    assert ReportLink().get_link(task, ti_key=None) == f"/slipway/reports/{PAGE}"
