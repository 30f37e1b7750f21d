"""A release that failed leaves its end in the ledger, whatever made it fail.

``step_failed`` runs in the task's process and knows the error. What never gets there, since its worker was killed or
the run was marked as failed, is told by the listener, in the scheduler or the API server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

from slipway.errors import SlipwayError

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.sdk import Context

RELEASE = ".release"
KILLED = "the task was killed or ran out of time; its log has what it said"


def step_failed(context: Context) -> None:
    """Record the end of a release whose step has failed for good; a teardown that fails ends none."""
    if context["task"].is_teardown:
        return
    error = context.get("exception")
    if isinstance(error, BaseException):
        ours = error.__cause__ if isinstance(error.__cause__, SlipwayError) else error
        said = f"{type(ours).__name__}: {ours}"
    else:
        said = str(error or KILLED)
    ti = context["ti"]
    _record(ti.dag_id, ti.run_id, context.get("params"), step=ti.task_id, error=said)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    """Record the end of a release of which no step could tell."""
    if not dag_run.dag_id.endswith(RELEASE):
        return
    failed = [ti for ti in dag_run.task_instances if ti.state == "failed" and ti.end_date]
    first = min(failed, key=lambda ti: ti.end_date, default=None)
    said = {"step": first.task_id, "error": KILLED} if first else {"step": "", "error": msg}
    _record(dag_run.dag_id, dag_run.run_id, dag_run.conf, **said)


def _record(dag_id: str, run_id: str, params: Mapping[str, Any] | None, *, step: str, error: str) -> None:
    from slipway.settings import Settings
    from slipway.workflows.crash import Crash, end_crashed
    from slipway.workflows.workbench import Workbench

    version = (params or {}).get("version")
    crash = Crash(
        model=dag_id.removesuffix(RELEASE),
        release=run_id,
        version=version if type(version) is int and version > 0 else None,
        step=step,
        error=error,
    )
    end_crashed(Workbench(Settings.load()), crash)
