"""What Slipway asks of Airflow, one method for each thing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any

import httpx

from slipway.errors import OrchestratorError, shorten
from slipway.orchestrator.answers import complete_answer
from slipway.orchestrator.records import (
    DagRun,
    ImportFailure,
    PendingApproval,
    TaskState,
    dag_run,
    import_failure,
    log_line,
    pending_approval,
    task_state,
)
from slipway.orchestrator.transport import Transport, path

MAX_TRACE = 2000
MAX_LOG = 20_000
FOLD_MARKS = ("::group::", "::endgroup::")
POLL_S = 0.5
# A file that was just mended keeps its old error until Airflow reads it again.
SETTLE_S = 8.0
# An answer that comes before the scheduler has heard that the asking worker is gone fails the task: it takes the
# worker's end for that of the resumed try (apache/airflow#67287, #72716). Nothing in the API tells when it has heard.
ANSWER_AFTER_S = 5.0


class AirflowClient:
    """Airflow's REST API v2 as one user. Every method raises `OrchestratorError` when Airflow refuses or is not there.

    Parameters
    ----------
    url : str
        The API server's base address.
    user, password : str
        The login.
    timeout_s : float
        The longest wait for any one answer, in seconds.
    http : httpx.BaseTransport, optional
        What carries the requests, instead of the network.
    """

    def __init__(
        self, url: str, user: str, password: str, *, timeout_s: float = 30.0, http: httpx.BaseTransport | None = None
    ) -> None:
        self._transport = Transport(url, user, password, timeout_s=timeout_s, http=http)

    def __enter__(self) -> AirflowClient:
        """Give the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._transport.close()

    def check(self) -> str:
        """Return Airflow's version, after the login was accepted and the scheduler said that it is well."""
        self._transport.get("dags", {"limit": 1})
        health = self._transport.get("monitor/health")
        for component in ("metadatabase", "scheduler", "dag_processor"):
            state = (health.get(component) or {}).get("status")
            if state != "healthy":
                raise OrchestratorError(
                    f"Airflow's {component} is {state or 'not running'}", remedy="run `slipway start`"
                )
        return str(self._transport.get("version")["version"])

    def wait_for_dag(self, dag_id: str, timeout_s: float = 60.0) -> None:
        """Wait until the DAG is there and its file is read without an error.

        Raises
        ------
        OrchestratorError
            If its file cannot be imported (with the end of the trace), or nothing declares it within ``timeout_s``.
        """
        begin = time.monotonic()
        while True:
            dag = self._dag(dag_id)
            if dag and not dag["is_stale"] and not dag["has_import_errors"]:
                return
            waited = time.monotonic() - begin
            errors = self.import_errors()
            own = [failure for failure in errors if _concerns(failure, dag_id, dag)]
            if own and waited >= min(SETTLE_S, timeout_s):
                raise _broken(dag_id, own[0])
            if waited >= timeout_s:
                raise _absent(dag_id, waited, errors)
            time.sleep(POLL_S)

    def unpause(self, dag_id: str) -> None:
        """Let the DAG's runs start: those of a paused one stay queued without a word."""
        self._transport.send("PATCH", path("dags", dag_id), body={"is_paused": False}, remedies=_no_dag(dag_id))

    def trigger(self, dag_id: str, *, run_id: str, conf: Mapping[str, Any]) -> DagRun:
        """Start a run.

        Raises
        ------
        OrchestratorError
            If there is no such DAG, the run id is used already, or the configuration breaks the DAG's parameters.
        """
        remedies = _no_dag(dag_id) | {
            409: f"follow the run {run_id} that is there, or use another run id",
            400: "correct the parameters that are named",
            422: "correct the run id or the parameters that are named",
        }
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        return dag_run(self._transport.send("POST", path("dags", dag_id, "dagRuns"), body=body, remedies=remedies))

    def run(self, dag_id: str, run_id: str) -> DagRun:
        """Return one run."""
        return dag_run(self._transport.get(path("dags", dag_id, "dagRuns", run_id), remedies=_no_run(dag_id, run_id)))

    def runs(self, dag_id: str, limit: int = 20) -> list[DagRun]:
        """Return the latest runs, newest first."""
        query = {"order_by": "-run_after"}
        found = self._transport.pages(path("dags", dag_id, "dagRuns"), "dag_runs", query, limit=limit)
        return [dag_run(body) for body in found]

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return the tasks of a run: those that started first come first, then the rest by name."""
        found = self._transport.pages(path("dags", dag_id, "dagRuns", run_id, "taskInstances"), "task_instances")
        return sorted((task_state(body) for body in found), key=_by_start)

    def log_tail(
        self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, lines: int = 40, *, map_index: int = -1
    ) -> str:
        """Return the last ``lines`` lines of one try's log, fold marks left out, at most 20,000 characters."""
        where = path("dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, "logs", try_number)
        last: deque[str] = deque(maxlen=lines)
        for event in self._transport.lines(where, {"map_index": map_index, "full_content": True}):
            if not str(event.get("event")).startswith(FOLD_MARKS):
                last.extend(log_line(event).splitlines())
        return shorten("\n".join(last), MAX_LOG)

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", *, map_index: int = -1) -> Any:
        """Return what a task left under ``key``: whatever JSON can hold."""
        where = path("dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, "xcomEntries", key)
        remedies = {404: f"see that {task_id} has ended and leaves {key!r}"}
        return self._transport.get(where, {"map_index": map_index}, remedies=remedies)["value"]

    def pending_approvals(self, dag_id: str | None = None) -> list[PendingApproval]:
        """Return the questions that wait for a person, oldest first; of every DAG unless one is named."""
        query = {"response_received": False, "state": "awaiting_input", "order_by": "created_at"}
        where = path("dags", dag_id or "~", "dagRuns", "~", "hitlDetails")
        return [pending_approval(body) for body in self._transport.pages(where, "hitl_details", query)]

    def respond(self, pending: PendingApproval, *, option: str, params: Mapping[str, Any] | None = None) -> None:
        """Answer a question. Airflow does not validate form fields and takes one answer only, so they are checked here.

        A question younger than 5 s is let stand until then, and so is one that is asked again, whatever its age:
        Airflow fails a task that is answered at once.

        Raises
        ------
        OrchestratorError
            If the option or a field is not one that the question takes, this user may not answer, or somebody has.
        """
        body = complete_answer(pending, option=option, params=params or {})
        where = path(
            *("dags", pending.dag_id, "dagRuns", pending.run_id),
            *("taskInstances", pending.task_id, pending.map_index, "hitlDetails"),
        )
        who = " or ".join(pending.assigned) or "a user who may run the DAG"
        remedies = {
            403: f"answer as {who}",
            409: "nothing: it has been answered already",
            404: "nothing: it no longer waits",
        }
        age = 0.0 if pending.again else (datetime.now(UTC) - pending.since).total_seconds()
        # At most that long, also when the two clocks differ.
        time.sleep(min(max(ANSWER_AFTER_S - age, 0.0), ANSWER_AFTER_S))
        self._transport.send("PATCH", where, body=body, remedies=remedies)

    def import_errors(self) -> list[ImportFailure]:
        """Return the DAG files that cannot be read."""
        return [import_failure(body) for body in self._transport.pages("importErrors", "import_errors")]

    def _dag(self, dag_id: str) -> Mapping[str, Any] | None:
        # Asked as a list: an absent DAG is then no error.
        found = self._transport.pages("dags", "dags", {"dag_id_pattern": dag_id, "exclude_stale": False})
        return next((dag for dag in found if dag["dag_id"] == dag_id), None)


def _concerns(failure: ImportFailure, dag_id: str, dag: Mapping[str, Any] | None) -> bool:
    """Return whether a file's failure is the reason for a missing DAG: its own file, or one named after its model."""
    if dag and dag.get("relative_fileloc"):
        return failure.filename == str(dag["relative_fileloc"])
    return PurePath(failure.filename).stem == dag_id.split(".")[0]


def _broken(dag_id: str, failure: ImportFailure) -> OrchestratorError:
    trace = shorten(failure.trace.strip(), MAX_TRACE)
    return OrchestratorError(
        f"{dag_id} cannot be imported from {failure.filename}:\n{trace}", remedy=f"correct {failure.filename}"
    )


def _absent(dag_id: str, waited: float, errors: list[ImportFailure]) -> OrchestratorError:
    reason = f"no DAG {dag_id} appeared within {waited:.0f} s"
    if not errors:
        return OrchestratorError(reason, remedy="check the name, and that a file in dags/ declares it")
    listed = "\n".join(f"{failure.filename}: {failure.trace.strip().splitlines()[-1:]}" for failure in errors)
    return OrchestratorError(
        f"{reason}; these files cannot be imported:\n{shorten(listed, MAX_TRACE)}", remedy="correct them"
    )


def _by_start(task: TaskState) -> tuple[bool, float, str, int]:
    begun = task.started.timestamp() if task.started else 0.0
    return (task.started is None, begun, task.task_id, task.map_index)


def _no_dag(dag_id: str) -> dict[int, str]:
    return {404: f"check the name {dag_id}, and that a file in dags/ declares it"}


def _no_run(dag_id: str, run_id: str) -> dict[int, str]:
    return {404: f"check the run id {run_id}; the user interface lists the runs of {dag_id}"}
