"""The ASGI application: a thin coat of HTTP over `endpoints.py`.

All inference runs in one worker thread, so that health answers meanwhile; what waits for that thread is bounded.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from slipway.core.identity import Subject
from slipway.errors import SlipwayError
from slipway.serving import http_errors, logs
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.endpoints import Endpoints
from slipway.serving.faults import NotReady, Overloaded, TooLarge
from slipway.serving.metrics import CONTENT_TYPE, Metrics
from slipway.serving.predictor import Predictor
from slipway.serving.profiler import RequestProfiler
from slipway.serving.routes import Route, Router, check_method

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_LOG = logging.getLogger(__name__)
_JSON = b"application/json"
_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_DISCARDED_BODIES = 4  # an oversized body is read up to this many times the limit, so that the caller sees the 413


class Disconnected(Exception):
    """The caller went away before it had sent its whole request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, before its common headers."""

    status: int
    body: bytes
    content_type: bytes = _JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class App:
    """Serves one version.

    Parameters
    ----------
    config : ServingConfig
    load : callable
        Returns the predictor, loaded and warm; called once, in the worker thread.
    limits : Limits, optional
    profile : bool
        Whether inference runs under cProfile, and /debug/profile answers.

    Attributes
    ----------
    failed : bool
        Whether the model could not be loaded; the server ends then.
    draining : bool
        Set on SIGTERM: readiness answers 503, and each response tells the caller to connect elsewhere.
    """

    def __init__(
        self,
        config: ServingConfig,
        load: Callable[[], Predictor],
        *,
        limits: Limits | None = None,
        profile: bool = False,
    ) -> None:
        self.failed = False
        self.draining = False
        self._limits = limits or Limits()
        self._load_predictor = load
        self._metrics = Metrics(config.subject)
        self._router = Router(config.subject, profiling=profile)
        self._endpoints = Endpoints(config, self._limits, self._metrics, RequestProfiler() if profile else None)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self._in_hand = 0
        self._identity = _identity_headers(config.subject)
        self._loading: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Load and warm the model in the worker thread; on failure, log it and set ``failed``."""
        loop = asyncio.get_running_loop()
        try:
            predictor = await loop.run_in_executor(self._worker, self._load_predictor)
        except (Exception, SystemExit):  # noqa: BLE001 - a model's own code may raise anything
            _LOG.exception("the model cannot be served")
            self.failed = True
            return
        finally:
            logs.adopt("mlflow")
        self._endpoints.predictor = predictor
        _LOG.info("ready", extra={"fields": {"way": predictor.way}})

    def close(self) -> None:
        """Let go of the worker thread, without waiting for it."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._loading = asyncio.create_task(self.load())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        request_id = _request_id(scope["headers"])
        route: Route | None = None
        try:
            route = self._router.route(scope["path"])
            check_method(route, scope["method"])
            reply = await self._reply(route, receive, _content_length(scope["headers"]))
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001 - the caller gets an answer whatever happened
            reply = _failure(error, request_id)
        self._metrics.answered(route or "none", reply.status)
        await self._send(reply, request_id, send)

    async def _reply(self, route: Route, receive: Receive, announced: int) -> Reply:
        if route in (Route.INFER, Route.INVOCATIONS):
            body = await self._body(receive, announced)
            return Reply(200, await self._in_worker(partial(self._endpoints.infer, route, body)))
        if route in (Route.PROFILE, Route.PROFILE_RESET):
            return Reply(200, await self._in_worker(partial(self._endpoints.describe, route)))
        if self.draining and route in (Route.READY, Route.MODEL_READY):
            raise NotReady
        body = self._endpoints.describe(route)
        return Reply(200, body, CONTENT_TYPE if route is Route.METRICS else _JSON)

    async def _in_worker(self, work: Callable[[], bytes]) -> bytes:
        if self._in_hand >= self._limits.max_inflight:
            raise Overloaded(f"{self._in_hand} requests are waiting", remedy="send it again in a second")
        self._count(+1)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self._in_hand += change
        self._metrics.in_hand(self._in_hand)

    async def _body(self, receive: Receive, announced: int) -> bytes:
        limit = self._limits.max_bytes
        chunks: list[bytes] = []
        size = 0
        more = announced <= limit * _DISCARDED_BODIES
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk = message.get("body", b"")
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
            more = message.get("more_body", False) and size <= limit * _DISCARDED_BODIES
        if max(size, announced) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes", remedy="send smaller batches")
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _send(self, reply: Reply, request_id: bytes, send: Send) -> None:
        headers: Headers = [
            (b"content-type", reply.content_type),
            (b"content-length", str(len(reply.body)).encode()),
            (b"x-request-id", request_id),
            *self._identity,
            *reply.headers,
        ]
        if self.draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})


def _identity_headers(subject: Subject) -> Headers:
    return [
        (b"x-slipway-model", subject.model.encode()),
        (b"x-slipway-version", str(subject.version).encode()),
        (b"x-slipway-artifact", subject.artifact_sha256.removeprefix("sha256:")[:12].encode()),
    ]


def _request_id(headers: Headers) -> bytes:
    given = next((value for name, value in headers if name == b"x-request-id"), b"")
    return given if _SANE_ID.fullmatch(given) else secrets.token_hex(16).encode()


def _content_length(headers: Headers) -> int:
    text = next((value for name, value in headers if name == b"content-length"), b"0")
    return int(text) if text.isdigit() and len(text) < 20 else 0


def _failure(error: Exception, request_id: bytes) -> Reply:
    status = http_errors.status_of(error)
    if status == 500:
        known = isinstance(error, SlipwayError)
        message = str(error) if known else "the server's own code failed"
        _LOG.error(message, exc_info=error, extra={"fields": {"request_id": request_id.decode()}})
    headers = http_errors.headers_of(error)
    if isinstance(error, TooLarge):
        headers.append((b"connection", b"close"))  # part of the body may be unread
    return Reply(status, orjson.dumps(http_errors.body_of(error)), headers=tuple(headers))
