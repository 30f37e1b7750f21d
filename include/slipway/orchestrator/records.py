"""What Airflow's REST API answers, as values: only what Slipway uses of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

FINISHED = ("success", "failed")
RESUMED = ("scheduled_when", "queued_when")  # a question that is asked again keeps the time of its first asking


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRun:
    """One run of a DAG.

    Attributes
    ----------
    state : str
        ``queued``, ``running``, ``success`` or ``failed``.
    started, ended : datetime | None
        With time zone; None before it happened.
    conf : Mapping[str, Any]
        What it was triggered with.
    user : str
        Who triggered it; empty when nobody did.
    """

    dag_id: str
    run_id: str
    state: str
    started: datetime | None = None
    ended: datetime | None = None
    conf: Mapping[str, Any] = field(default_factory=dict)
    user: str = ""

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen in it."""
        return self.state in FINISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """One task of a run as it is now.

    Attributes
    ----------
    state : str
        Airflow's word, such as ``running`` or ``awaiting_input``; empty while the scheduler has not looked at it.
    try_number : int
        1 for the first try.
    map_index : int
        -1 unless the task is mapped.
    """

    task_id: str
    state: str
    try_number: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    map_index: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingApproval:
    """A question that waits for a person.

    Attributes
    ----------
    subject, body : str
        The question; the body is Markdown.
    options : tuple[str, ...]
        The answers that it takes.
    since : datetime
        When it was asked first.
    again : bool
        Whether its task went on since then: it is asked again, nobody can tell since when.
    fields : Mapping[str, Mapping[str, Any]]
        The form's fields: for each its default ``value`` and its JSON ``schema``.
    assigned : tuple[str, ...]
        The users who may answer; anybody who may run the DAG when empty.
    """

    dag_id: str
    run_id: str
    task_id: str
    subject: str
    body: str
    options: tuple[str, ...]
    since: datetime
    map_index: int = -1
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    assigned: tuple[str, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFailure:
    """A DAG file that cannot be read: its path below the DAG folder, the stack trace, and when that was found."""

    filename: str
    trace: str
    at: datetime | None = None


def dag_run(body: Mapping[str, Any]) -> DagRun:
    """Read a run out of the API's answer."""
    return DagRun(
        dag_id=body["dag_id"],
        run_id=body["dag_run_id"],
        state=body["state"],
        started=moment(body.get("start_date")),
        ended=moment(body.get("end_date")),
        conf=body.get("conf") or {},
        user=body.get("triggering_user_name") or "",
    )


def task_state(body: Mapping[str, Any]) -> TaskState:
    """Read a task out of the API's answer."""
    return TaskState(
        task_id=body["task_id"],
        state=body.get("state") or "",
        try_number=body.get("try_number") or 0,
        started=moment(body.get("start_date")),
        ended=moment(body.get("end_date")),
        map_index=body.get("map_index", -1),
    )


def pending_approval(body: Mapping[str, Any]) -> PendingApproval:
    """Read a waiting question out of the API's answer."""
    task, since = body["task_instance"], datetime.fromisoformat(body["created_at"])
    return PendingApproval(
        dag_id=task["dag_id"],
        run_id=task["dag_run_id"],
        task_id=task["task_id"],
        subject=body["subject"],
        body=body.get("body") or "",
        options=tuple(body["options"]),
        since=since,
        again=any(at > since for at in (moment(task.get(when)) for when in RESUMED) if at),
        map_index=task.get("map_index", -1),
        fields=body.get("params") or {},
        assigned=tuple(user["id"] for user in body.get("assigned_users") or ()),
    )


def import_failure(body: Mapping[str, Any]) -> ImportFailure:
    """Read an import error out of the API's answer."""
    return ImportFailure(filename=body["filename"], trace=body["stack_trace"], at=moment(body.get("timestamp")))


def log_line(event: Mapping[str, Any]) -> str:
    """Return one structured log event as a line: time, level, text, and the exception's own words.

    >>> log_line({"timestamp": "2026-01-02T03:04:05Z", "level": "info", "event": "built"})
    '03:04:05 INFO built'
    """
    stamp = moment(event.get("timestamp"))
    level = str(event.get("level") or "").upper()
    parts = (f"{stamp:%H:%M:%S}" if stamp else "", level, str(event.get("event") or "").rstrip())
    line = " ".join(part for part in parts if part)
    causes = [f"{cause.get('exc_type')}: {cause.get('exc_value')}" for cause in event.get("error_detail") or ()]
    return "\n  ".join((line, *causes))


def moment(text: str | None) -> datetime | None:
    """Read an ISO 8601 time stamp; None stays None."""
    return datetime.fromisoformat(text) if text else None
