"""A release that failed leaves its end in the ledger, whatever made it fail.

``step_failed`` runs in the task's process and knows the error. What never gets there, since its worker was killed or
the run was marked as failed, is told by the listener, in the scheduler or the API server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

from slipway.errors import SlipwayError
from slipway_airflow.asked import events_of, version_offered

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
    version = _version(events_of(context), context.get("params"))
    _record(ti.dag_id, ti.run_id, version, step=ti.task_id, error=said)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    """Record the end of a release of which no step could tell."""
    if not dag_run.dag_id.endswith(RELEASE):
        return
    failed = [ti for ti in dag_run.task_instances if ti.state == "failed" and ti.end_date]
    first = min(failed, key=lambda ti: ti.end_date, default=None)
    said = {"step": first.task_id, "error": KILLED} if first else {"step": "", "error": msg}
    version = _version(_events(dag_run), dag_run.conf)
    _record(dag_run.dag_id, dag_run.run_id, version, **said)


def _events(dag_run: DagRun) -> list[Any]:
    """Return the asset events that started a run; none if the database does not tell: the end is recorded anyhow."""
    try:
        return list(dag_run.consumed_asset_events)
    except Exception:  # noqa: BLE001 - which version it was is worth less than that it ended
        return []


def _version(events: Iterable[Any], params: Mapping[str, Any] | None) -> int | None:
    """Return the version that was asked for; None for the newest, or if nobody can tell."""
    try:
        offered = version_offered(events)
    except SlipwayError:
        return None
    version = offered if offered is not None else (params or {}).get("version")
    return version if type(version) is int and version > 0 else None


def _record(dag_id: str, run_id: str, version: int | None, *, step: str, error: str) -> None:
    from slipway.settings import Settings
    from slipway.workflows.crash import Crash, end_crashed
    from slipway.workflows.workbench import Workbench

    crash = Crash(
        model=dag_id.removesuffix(RELEASE),
        release=run_id,
        version=version,
        step=step,
        error=error,
    )
    end_crashed(Workbench(Settings.load()), crash)
