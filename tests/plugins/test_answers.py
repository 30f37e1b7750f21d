"""An answer over Airflow's API is looked at before it is taken; everything else passes as it came."""

import asyncio
import json
from types import SimpleNamespace

import httpx
import pytest

from slipway.errors import LedgerError
from slipway.ledger import EntryKind
from slipway.settings import Settings
from slipway.workflows.workbench import Workbench
from slipway_airflow.plugin import SlipwayPlugin
from slipway_airflow.ui import answers

pytestmark = pytest.mark.usefixtures("project")

QUESTION = "/api/v2/dags/churn.release/dagRuns/manual__1+00:00/taskInstances/approve/-1/hitlDetails"
APPROVE = {"chosen_options": ["Approve"], "params_input": {"comment": "seen"}}


class Airflow:
    """Takes what gets through, and keeps it."""

    def __init__(self):
        self.taken = []
        self.status = 200

    async def __call__(self, scope, receive, send):
        message = await receive()
        self.taken.append((scope["method"], scope["path"], message["body"]))
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"taken"})


@pytest.fixture
def airflow():
    return Airflow()


@pytest.fixture
def ledger():
    """The ledger of a release that ada has asked for, up to its image."""
    ledger = Workbench(Settings.load()).ledger
    payload = {"release": "manual__1+00:00", "subject": None}
    ledger.append(EntryKind.RELEASE_STARTED, model="churn", version=3, actor="ada", payload=payload)
    return ledger


@pytest.fixture(autouse=True)
def users(monkeypatch):
    """Who is logged in, by a header."""

    async def user(scope):
        return dict(scope["headers"]).get(b"x-user", b"").decode() or None

    monkeypatch.setattr(answers, "_user", user)


@pytest.fixture
def judged(monkeypatch):
    """No image to look for: the rules are tested where they are."""
    monkeypatch.setattr("slipway.workflows.approve.judged_subject", lambda bench, release: None)
    monkeypatch.setattr("slipway.workflows.approve.approvals", lambda bench, subject, release: ())


@pytest.fixture
def send(airflow):
    def request(method="PATCH", path=QUESTION, *, user="ada", **given):
        async def ask():
            transport = httpx.ASGITransport(app=answers.AnswerGuard(airflow))
            async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
                return await client.request(method, path, headers={"x-user": user}, **given)

        return asyncio.run(ask())

    return request


def attempts(ledger):
    return [(e.actor, e.payload["reason"]) for e in ledger.entries(kinds=[EntryKind.ATTEMPT])]


def test_an_answer_that_counts_is_passed_on_as_it_came(send, airflow, ledger, judged):
    reply = send(user="bob", json=APPROVE)
    assert (reply.status_code, reply.text) == (200, "taken")
    assert [json.loads(body) for _, _, body in airflow.taken] == [APPROVE]
    assert attempts(ledger) == []


def test_an_answer_that_does_not_count_is_turned_away_with_the_reason_and_recorded(send, airflow, ledger, judged):
    reply = send(user="ada", json=APPROVE)
    assert reply.status_code == 403
    assert "another person must decide" in reply.json()["detail"]
    assert airflow.taken == []
    assert [actor for actor, _ in attempts(ledger)] == ["ada"]


def test_an_answer_that_airflow_turns_away_is_recorded_too(send, airflow, ledger, judged):
    airflow.status = 403
    assert send(user="viewer", json=APPROVE).status_code == 403
    assert attempts(ledger) == [("viewer", "Airflow does not let this user answer")]


def test_a_question_of_a_release_that_nobody_knows_takes_no_answer(send, airflow, ledger, judged):
    reply = send(path=QUESTION.replace("manual__1", "made_up"), user="bob", json=APPROVE)
    assert "knows no release made_up" in reply.json()["detail"]
    assert airflow.taken == []


def test_no_answer_is_taken_while_the_ledger_cannot_be_read(send, airflow, monkeypatch):
    def down(*_, **__):
        raise LedgerError("it does not open", remedy="start it")

    monkeypatch.setattr("slipway.workflows.approve.turn_away", down)
    reply = send(user="bob", json=APPROVE)
    assert reply.status_code == 503
    assert "it does not open" in reply.json()["detail"]
    assert airflow.taken == []


PASSED = {
    "another request": ("GET", QUESTION),
    "another task's question": ("PATCH", QUESTION.replace("approve", "pick_a_day")),
    "another DAG's": ("PATCH", QUESTION.replace("churn.release", "churn.score")),
    "a DAG of no model of ours": ("PATCH", QUESTION.replace("churn.release", "theirs.release")),
}


@pytest.mark.parametrize(("method", "path"), PASSED.values(), ids=PASSED)
def test_what_is_no_answer_to_a_release_passes(send, airflow, ledger, method, path):
    assert send(method, path, json=APPROVE).status_code == 200
    assert len(airflow.taken) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b'{"chosen_options": 3}'])
def test_what_is_no_answer_at_all_is_left_to_airflow(send, airflow, ledger, body):
    assert send(user="ada", content=body).status_code == 200
    assert airflow.taken[0][2] == body


def test_nobody_is_left_to_airflow(send, airflow, ledger):
    send(user="", json=APPROVE)
    assert len(airflow.taken) == 1
    assert attempts(ledger) == []


def test_a_body_larger_than_any_answer_is_refused(send, airflow, ledger):
    assert send(content=b"x" * (answers.MAX_BODY + 1)).status_code == 413
    assert airflow.taken == []


def test_what_is_no_request_passes(airflow):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(answers.AnswerGuard(app)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]


def test_airflow_is_told_to_ask_here_first():
    assert [one["middleware"] for one in SlipwayPlugin.fastapi_root_middlewares] == [answers.AnswerGuard]


def test_the_user_is_the_one_that_airflow_sees(monkeypatch):
    from airflow.api_fastapi.core_api import security

    async def get_user(request, oauth, bearer):
        return SimpleNamespace(get_name=lambda: f"{bearer.credentials}'s owner")

    monkeypatch.undo()
    monkeypatch.setattr(security, "get_user", get_user)
    scope = {"type": "http", "headers": [(b"authorization", b"Bearer token")]}
    assert asyncio.run(answers._user(scope)) == "token's owner"
