"""Airflow's part, without an Airflow: the real operators, the real guard before its API and the real client of it.

What Airflow itself would do around them is stood in for: it hands a task its context, and takes any answer that the
guard lets through. An answer that it took is written down as an approval, so that it shows.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import httpx

from bench.governance.stage import CANDIDATE, MODEL, OFFICER, REQUESTER, Stage
from slipway.orchestrator.client import AirflowClient

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
RUN = f"r{CANDIDATE}"
OK, FORBIDDEN = 200, 403

# Airflow writes its configuration where it is first imported; gone with this process.
_home = tempfile.TemporaryDirectory(prefix="slipway-airflow-", ignore_cleanup_errors=True)
os.environ.setdefault("AIRFLOW_HOME", _home.name)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
if str(PLUGINS) not in sys.path:
    sys.path.insert(0, str(PLUGINS))


@contextmanager
def on(stage: Stage) -> Iterator[None]:
    """Give the stage to whatever opens a workbench of its own."""
    place = {"SLIPWAY_ROOT": str(stage.settings.root), "SLIPWAY_VAR": str(stage.settings.var)}
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, place))
        stack.enter_context(patch("slipway.workflows.workbench.Workbench", lambda *_, **__: stage))
        yield


def run_task(stage: Stage, kind: str, *, user: str | None = REQUESTER, conf: dict | None = None, **given) -> None:
    """Run an operator as a task of the candidate's release; its failure is told as Airflow's callback tells it."""
    _run(stage, kind, "execute", user=user, conf=conf, **given)


def resume(stage: Stage, event: dict, *, number: int = 1, about=None) -> None:
    """Resume the approval with what Airflow has taken for an answer."""
    asked = {"until": "2999-01-01T00:00:00+00:00", "about": (about or stage.subject()).to_json()}
    kind = "approve.AskForApprovalOperator"
    _run(stage, kind, "execute_complete", event, asked, number=number, answer_within=timedelta(hours=8))


def _run(stage: Stage, kind: str, method: str, *more, user=REQUESTER, conf=None, **given) -> None:
    import importlib

    from airflow.sdk import DAG
    from airflow.sdk.bases.operator import ExecutorSafeguard
    from airflow.sdk.exceptions import AirflowException

    from slipway_airflow.ended import step_failed

    module, _, name = kind.partition(".")
    found = importlib.import_module(f"slipway_airflow.operators.{module}")
    with DAG(f"{MODEL}.release", schedule=None):
        task = getattr(found, name)(task_id=module, model=MODEL, **given)
    ti = SimpleNamespace(dag_id=f"{MODEL}.release", run_id=RUN, task_id=module, id="0")
    context = {
        "dag_run": SimpleNamespace(run_id=RUN, run_type="manual", triggering_user_name=user),
        "params": {"version": CANDIDATE, "load_profile": "smoke", "reason": "", **(conf or {})},
        "ti": ti,
        "task_instance": ti,
        "task": task,
    }
    asks = patch("slipway_airflow.operators.approve.upsert_hitl_detail", lambda **_: None)
    with on(stage), asks, patch.object(ExecutorSafeguard, "test_mode", new=True):
        try:
            getattr(task, method)(context, *more)
        except AirflowException as error:
            step_failed(context | {"exception": error})
            raise


def answered(option: str | None, by: str | None = OFFICER, comment: str = "seen") -> dict:
    """Return what Airflow resumes a task with."""
    user = None if by is None else {"id": by, "name": by}
    options = [] if option is None else [option]
    return {"chosen_options": options, "params_input": {"comment": comment}, "responded_by_user": user}


def patch_answer(
    stage: Stage, user: str, body: dict, *, task: str = "approve", run: str = RUN, airflow: int = OK
) -> httpx.Response:
    """Send an answer to Airflow's API as a user, through the guard; ``airflow`` is what Airflow would say to it."""
    from slipway_airflow.ui import answers

    async def behind(_scope, receive, send) -> None:
        await receive()
        if airflow == OK:
            stage.approve(stage.release(), user)
        await send({"type": "http.response.start", "status": airflow, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def known(_scope) -> str:
        return user

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=answers.AnswerGuard(behind))
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
            where = f"/api/v2/dags/{MODEL}.release/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
            return await client.patch(where, json=body)

    with on(stage), patch.object(answers, "_user", known):
        return asyncio.run(ask())


def decide(stage: Stage, user: str, option: str, *, comment: str = "seen", task: str = "approve") -> None:
    """Decide with the command-line program's own function and client, as ``slipway approve --as USER`` does."""
    from slipway.cli.decide import answer

    def airflow(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "token"})
        if request.method == "GET":
            return httpx.Response(200, json={"hitl_details": [_waiting(task)], "total_entries": 1})
        found = patch_answer(stage, user, json.loads(request.content), task=task)
        return httpx.Response(found.status_code, json=found.json())

    client = AirflowClient("http://airflow", user, "word", http=httpx.MockTransport(airflow))
    with patch("slipway.cli.decide.airflow", lambda *_: client):
        answer(stage.settings, MODEL, option=option, comment=comment, user=user)


def _waiting(task: str) -> dict:
    return {
        "task_instance": {"dag_id": f"{MODEL}.release", "dag_run_id": RUN, "task_id": task, "map_index": -1},
        "subject": "may it?",
        "body": "",
        "options": ["Approve", "Reject"],
        "created_at": "2026-01-01T00:00:00+00:00",
        "params": {"comment": {"value": "", "schema": {"type": ["null", "string"]}}},
    }
