import json
from datetime import UTC, datetime

import httpx
import pytest

from slipway.orchestrator.client import AirflowClient

STAMP = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).isoformat()


class FakeAirflow(httpx.BaseTransport):
    """The part of Airflow's API that Slipway uses, in memory; tokens end when a test says so."""

    def __init__(self):
        self.password = "word"
        self.tokens = []
        self.calls = []
        self.dags = {}
        self.runs = {}
        self.tasks = {}
        self.import_errors = []
        self.approvals = []
        self.answers = []
        self.logs = {}
        self.health = {name: {"status": "healthy"} for name in ("metadatabase", "scheduler", "dag_processor")}
        self.override = None

    def handle_request(self, request):
        """Answer one request as Airflow does."""
        body = json.loads(request.content) if request.content else None
        where = request.url.path
        self.calls.append((request.method, where, dict(request.url.params), body))
        if where == "/auth/token":
            return self._token(body)
        if request.headers.get("Authorization") != f"Bearer {self.tokens[-1] if self.tokens else ''}":
            return _error(401, "Invalid JWT token")
        if self.override:
            return self.override(request)
        return self._route(request.method, where.removeprefix("/api/v2/").split("/"), request, body)

    def _token(self, body):
        if body["password"] != self.password:
            return _error(401, "Invalid credentials")
        self.tokens.append(f"t{len(self.tokens)}")
        return httpx.Response(201, json={"access_token": self.tokens[-1]})

    def _route(self, method, parts, request, body):
        answer = self._whole(method, parts, request) or self._of_a_dag(method, parts, request, body)
        answer = answer or self._of_a_task(method, parts, body)
        return answer or _error(404, f"{'/'.join(parts)} was not found")

    def _whole(self, method, parts, request):
        match (method, *parts):
            case ("GET", "version"):
                return httpx.Response(200, json={"version": "3.3.2"})
            case ("GET", "monitor", "health"):
                return httpx.Response(200, json=self.health)
            case ("GET", "dags"):
                return _page(request, "dags", list(self.dags.values()))
            case ("GET", "importErrors"):
                return _page(request, "import_errors", self.import_errors)
            case ("GET", "dags", _, "dagRuns", "~", "hitlDetails"):
                return _page(request, "hitl_details", self.approvals)
        return None

    def _of_a_dag(self, method, parts, request, body):
        match (method, *parts):
            case ("PATCH", "dags", dag_id) if dag_id in self.dags:
                self.dags[dag_id] |= body
                return httpx.Response(200, json=self.dags[dag_id])
            case ("POST", "dags", dag_id, "dagRuns"):
                return self._trigger(dag_id, body)
            case ("GET", "dags", dag_id, "dagRuns"):
                return _page(request, "dag_runs", [run for (dag, _), run in self.runs.items() if dag == dag_id])
            case ("GET", "dags", dag_id, "dagRuns", run_id) if (dag_id, run_id) in self.runs:
                return httpx.Response(200, json=self.runs[dag_id, run_id])
            case ("GET", "dags", dag_id, "dagRuns", run_id, "taskInstances"):
                return _page(request, "task_instances", self.tasks[dag_id, run_id])
        return None

    def _of_a_task(self, method, parts, body):
        match (method, *parts):
            case ("PATCH", "dags", *_, "hitlDetails"):
                self.answers.append(body)
                return httpx.Response(200, json=body)
            case ("GET", *_, "taskInstances", task_id, "logs", _) if task_id in self.logs:
                return httpx.Response(200, text="".join(line + "\n" for line in self.logs[task_id]))
            case ("GET", *_, "taskInstances", _, "xcomEntries", "return_value"):
                return httpx.Response(200, json={"value": {"p95": 1.5}})
        return None

    def _trigger(self, dag_id, body):
        if dag_id not in self.dags:
            return _error(404, f"Dag with dag_id: '{dag_id}' not found")
        if (dag_id, body["dag_run_id"]) in self.runs:
            return httpx.Response(
                409, json={"detail": {"reason": "Unique constraint violation", "statement": "INSERT"}}
            )
        run = {"dag_id": dag_id, "dag_run_id": body["dag_run_id"], "state": "queued", "conf": body["conf"]}
        self.runs[dag_id, body["dag_run_id"]] = run
        return httpx.Response(200, json=run)


def _page(request, key, entries):
    offset, limit = int(request.url.params.get("offset", 0)), min(100, int(request.url.params.get("limit", 50)))
    return httpx.Response(200, json={key: entries[offset : offset + limit], "total_entries": len(entries)})


def _error(status, detail):
    return httpx.Response(status, json={"detail": detail})


def dag(dag_id, **fields):
    values = {"is_stale": False, "has_import_errors": False, "relative_fileloc": "churn.py", "is_paused": True}
    return {"dag_id": dag_id, **values, **fields}


def approval(**fields):
    values = {
        "subject": "Release?",
        "body": "| a |",
        "options": ["Approve", "Reject"],
        "created_at": STAMP,
        "params": {
            "comment": {"value": "", "schema": {"type": ["string", "null"]}},
            "traffic": {"value": 10, "schema": {"type": "integer", "minimum": 0, "maximum": 100}},
        },
        "assigned_users": [{"id": "officer", "name": "officer"}],
        "task_instance": {"dag_id": "churn.release", "dag_run_id": "r1", "task_id": "approve", "map_index": -1},
    }
    return values | fields


@pytest.fixture
def airflow():
    return FakeAirflow()


@pytest.fixture
def client(airflow):
    with AirflowClient("http://airflow", "admin", "word", http=airflow) as client:
        yield client


@pytest.fixture
def make_dag():
    return dag


@pytest.fixture
def make_approval():
    return approval
