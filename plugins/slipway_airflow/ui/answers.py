"""An answer to a release's question is looked at before Airflow takes it, wherever it comes from.

Airflow takes one answer, from anybody who may run the DAG, and resumes the task. Here, in the API server, an answer
that the rules do not accept is turned away with the reason, so that the question stays as it is; it is recorded, with
the authenticated user. So is one that Airflow itself turns away. Nothing relies on this: the task considers every
answer again (:mod:`slipway_airflow.operators.approve`), and the promotion all of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ANSWERED = re.compile(
    r"/api/v2/dags/(?P<model>[^/]+)\.release/dagRuns/(?P<run>[^/]+)"
    r"/taskInstances/(?P<task>approve|approve_second)/-?\d+/hitlDetails/?$"
)
NUMBERS = {"approve": 1, "approve_second": 2}
OPTIONS = {("Approve",): True, ("Reject",): False}
MAX_BODY = 1 << 20
FORBIDDEN, TOO_LARGE, UNAVAILABLE = 403, 413, 503


class AnswerGuard:
    """ASGI middleware; whatever is no answer to a release's question passes untouched.

    Parameters
    ----------
    app : callable
        The ASGI application behind it.
    """

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Turn an answer away, or pass the request on."""
        found = ANSWERED.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PATCH" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        user, body = await _user(scope), await _body(receive)
        if body is None:
            await _refuse(send, TOO_LARGE, f"an answer may have {MAX_BODY} bytes")
            return
        said = _said(body)
        if user is None or said is None:  # nobody, or no answer: Airflow's own refusal says so
            await self.app(scope, _replayed(body, receive), send)
            return
        status, reason = await _turned_away(found, user, said)
        if reason:
            await _refuse(send, status, reason)
            return
        answered = _Watched(send)
        await self.app(scope, _replayed(body, receive), answered)
        if answered.status == FORBIDDEN:
            await _turned_away(found, user, said, other="Airflow does not let this user answer")


class _Watched:
    """Passes messages on and keeps the status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


async def _turned_away(
    found: re.Match[str], user: str, said: tuple[bool | None, str], *, other: str = ""
) -> tuple[int, str]:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(judge, found["model"], found["run"], NUMBERS[found["task"]], user, said, other)


def judge(
    model: str, run_id: str, number: int, user: str, said: tuple[bool | None, str], other: str = ""
) -> tuple[int, str]:
    """Return the status and the reason with which an answer is turned away; ``(0, "")`` if it is not.

    Fails closed: a ledger or a declaration that cannot be read turns everything away.
    """
    from slipway.core.approval import Answer
    from slipway.errors import SlipwayError
    from slipway.settings import Settings
    from slipway.workflows.approve import turn_away
    from slipway.workflows.workbench import Workbench

    approved, comment = said
    try:
        settings = Settings.load()
        if not (settings.models / model).is_dir():  # a DAG that is none of ours
            return 0, ""
        answer = Answer(by=user, approved=approved, comment=comment)
        reason = turn_away(Workbench(settings), model, run_id, answer, number=number, other=other)
    except SlipwayError as error:
        return UNAVAILABLE, f"the answer cannot be judged: {error}"
    return (FORBIDDEN, reason) if reason else (0, "")


async def _user(scope: Message) -> str | None:
    """Return the login that Airflow itself would see; None where it would see none."""
    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
    from fastapi import HTTPException, Request

    request = Request(scope)
    try:
        user = await get_user(request, None, await bearer_scheme(request))
    except HTTPException:
        return None
    return str(user.get_name())


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body; None if it is larger than any answer."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
        if len(body) > MAX_BODY:
            return None
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives the body once more, and then whatever comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _said(body: bytes) -> tuple[bool | None, str] | None:
    """Return whether it was approved (None: neither) and the comment; None if it is no answer at all."""
    try:
        told = json.loads(body)
        options, params = tuple(told["chosen_options"]), told.get("params_input") or {}
        return OPTIONS.get(options), str(params.get("comment") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
