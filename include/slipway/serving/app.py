"""The ASGI application: a thin coat of HTTP over `inference.py` and `endpoints.py`.

Small requests of a quick model are answered on the event loop; the others wait for a worker thread, so that health is
told meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol

from slipway.core.serving_options import Mode, ServingOptions
from slipway.serving import logs
from slipway.serving.admission import DEADLINES, SMALL_BODY, Gate, Lateness, expires_at
from slipway.serving.bodies import Assembly, Body
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.endpoints import Endpoints
from slipway.serving.faults import NotReady, Overloaded, TooLarge
from slipway.serving.inference import Answer, Inference, Log, Pipeline
from slipway.serving.metrics import CONTENT_TYPE, Metrics, Snapshot
from slipway.serving.pool import Pool
from slipway.serving.predictor import Predictor
from slipway.serving.profiler import RequestProfiler
from slipway.serving.replies import JSON, Header, Replies, Reply, failure
from slipway.serving.routes import Route, Router, check_method

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_LOG = logging.getLogger(__name__)
_DISCARDED_BODIES = 4  # an oversized body is read up to this many times the limit, so that the caller sees the 413
_QUICK_SECONDS = 0.001
_ANY_CODE = ("pyfunc", "unwrapped")  # code of any kind, which may not be fit for two threads to call at once
_INFERENCE = (Route.INVOCATIONS, Route.INFER)
_JSON_LENGTH = b"inference-header-content-length"
_ASKING_FOR_MORE = frozenset({_JSON_LENGTH, *DEADLINES})
_OF_ALL_WORKERS = (
    Route.METRICS,
    Route.PROFILE,
    Route.PROFILE_RESET,
    Route.PROFILE_TIME,
    Route.READY,
    Route.MODEL_READY,
)


class Disconnected(Exception):
    """The caller went away before it had sent its whole request."""


class Peers(Protocol):
    """The other processes that share the port."""

    def serve(self, tell: Callable[[Route], Snapshot]) -> AbstractAsyncContextManager[Any]:
        """Answer the others' questions while the context is entered."""
        ...

    async def ask(self, route: Route) -> list[Snapshot]:
        """Return what each of the others has to say."""
        ...


class App:
    """Serves one version.

    Parameters
    ----------
    config : ServingConfig
    load : callable
        Returns the predictor, loaded and warm; called once, in the worker thread.
    limits : Limits, optional
    options : ServingOptions, optional
    profile : bool
        Whether inference runs under cProfile, and /debug/profile answers.
    log : PredictionLog, optional
    peers : Peers, optional

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
        options: ServingOptions | None = None,
        profile: bool = False,
        log: Log | None = None,
        peers: Peers | None = None,
    ) -> None:
        self.failed = False
        self.draining = False
        self._limits = limits or Limits()
        self._options = options or ServingOptions()
        self._load_predictor = load
        self._peers = peers
        self._profiler = RequestProfiler() if profile else None
        self.metrics = Metrics(config.subject)
        self.metrics.in_flight = lambda: self._in_flight
        self._tally = self.metrics.tally()
        self._router = Router(config.subject, profiling=profile)
        self._paths = self._router.table()
        self._direct_paths = {path.encode(): route for path, route in self._paths.items() if route in _INFERENCE}
        self._replies = Replies(config.subject)
        self._pipeline = Pipeline(config, self._limits, self._tally, log=log)
        self._endpoints = Endpoints(config, self._pipeline, self.metrics, self._profiler)
        self._lateness = Lateness()
        self._gate = gate = Gate(self._limits, config.p99_ms, self._lateness)
        around = self._profiler.run if self._profiler else None
        self._pool = Pool(self._pipeline, self.metrics.tally(), gate, options=self._options, around=around)
        self._in_flight = 0
        self._held_bytes = 0
        self._inline_bytes = -1  # bodies up to this size are answered on the event loop
        self._quick_bytes = -1
        self._loading: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Load and warm the model in the worker thread; on failure, log it and set ``failed``."""
        try:
            predictor = await self._pool.call(self._load_predictor)
        except (Exception, SystemExit):  # noqa: BLE001 - a model's own code may raise anything
            _LOG.exception("the model cannot be served")
            self.failed = True
            return
        finally:
            logs.adopt("mlflow")
        # What a model and its libraries are made of stays: collections need not walk through it.
        gc.collect()
        gc.freeze()
        self._inline_bytes = self._inlined(predictor)
        self._quick_bytes = self._inline_bytes if self._profiler is None else -1
        self._pool.expectation.small = predictor.seconds_per_call
        self._pipeline.predictor = predictor
        self._lateness.forget()
        mode = Mode.POOL if self._inline_bytes < 0 else Mode.INLINE
        fields = {"backend": predictor.backend, "mode": mode.value, "seconds_per_call": predictor.seconds_per_call}
        _LOG.info("ready", extra={"fields": fields})

    def _inlined(self, predictor: Predictor) -> int:
        """Return up to which size of its body a request is answered on the event loop; -1: none is."""
        mode = self._options.mode
        quick = predictor.seconds_per_call < _QUICK_SECONDS and predictor.backend not in _ANY_CODE
        if mode is Mode.INLINE or (mode is Mode.AUTO and quick and self._profiler is not None):
            return self._limits.max_bytes  # a profiler follows one thread
        return SMALL_BODY if mode is Mode.AUTO and quick else -1

    def takes(self, path: bytes, size: int) -> bool:
        """Tell whether a POST to this path, with a body of so many bytes, may be answered directly now."""
        return size <= self._quick_bytes and path in self._direct_paths and not self.draining

    def direct(self, path: bytes, headers: Sequence[Header], body: bytes, first: bytes) -> bytes | None:
        """Answer a request for predictions at once; None: it has to go the usual way, through :meth:`__call__`.

        Parameters
        ----------
        path : bytes
            One that :meth:`takes` took.
        headers : sequence of (bytes, bytes)
            Names in lower case.
        body : bytes
        first : bytes
            Header lines of the server's own.

        Returns
        -------
        bytes or None
            The whole response.
        """
        named = dict(headers)
        if not _at_once_will_do(named):
            return None
        route = self._direct_paths[path]
        request_id = self._replies.request_id(named.get(b"x-request-id"))
        try:
            self._gate.check_late()
            quick = self._pipeline.quick(route, body, request_id)
            if quick is None:
                return None
            reply = Reply(200, quick)
        except Exception as error:  # noqa: BLE001 - the caller gets an answer whatever happened
            reply = failure(error, request_id)
        self._tally.answered[route, reply.status] += 1
        return self._replies.wire(reply, request_id, first)

    def close(self) -> None:
        """Let go of the worker thread, without waiting for it."""
        self._pool.close()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the server's start and end."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._lifespan(receive, send)
            return
        headers = dict(scope["headers"])
        request_id = self._replies.request_id(headers.get(b"x-request-id"))
        route = self._paths.get(scope["path"])
        inference = route in _INFERENCE and scope["method"] == "POST"
        self._in_flight += inference
        try:
            if inference:
                assert route is not None
                reply = await self._infer(route, headers, request_id, receive)
            else:
                route = route or self._router.route(scope["path"])
                check_method(route, scope["method"])
                reply = await self._describe(route)
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001 - the caller gets an answer whatever happened
            reply = failure(error, request_id)
        finally:
            self._in_flight -= inference
        self._tally.answered[route or "none", reply.status] += 1
        sent = self._replies.headers(reply, request_id, self.draining)
        await send({"type": "http.response.start", "status": reply.status, "headers": sent})
        await send({"type": "http.response.body", "body": reply.body})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._loading = asyncio.create_task(self.load())
        self._lateness.watch(asyncio.get_running_loop())
        async with self._peers.serve(self._endpoints.told) if self._peers else nullcontext():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _infer(self, route: Route, headers: Mapping[bytes, bytes], request_id: bytes, receive: Receive) -> Reply:
        message = await receive()
        if message.get("more_body") or message["type"] != "http.request":
            body = await self._long_body(message, receive, _number(headers, b"content-length") or 0)
            try:
                return await self._answer(route, headers, request_id, body)
            finally:
                self._held_bytes -= len(body)
        body = message.get("body", b"")
        if len(body) > self._limits.max_bytes:
            raise _too_large(self._limits.max_bytes)
        return await self._answer(route, headers, request_id, body)

    async def _answer(self, route: Route, headers: Mapping[bytes, bytes], request_id: bytes, body: Body) -> Reply:
        self._pipeline.ready()
        if len(body) <= self._inline_bytes:
            self._gate.check_late()
        if type(body) is bytes and len(body) <= self._quick_bytes and _at_once_will_do(headers):
            quick = self._pipeline.quick(route, body, request_id)
            if quick is not None:
                return Reply(200, quick)
        request = Inference(route, body, request_id, _number(headers, _JSON_LENGTH))
        expires = expires_at(headers, self._limits.deadline_seconds)
        if len(body) > self._inline_bytes:
            return _reply(await self._pool.infer(request, expires))
        if self._profiler is not None:
            return _reply(self._profiler.run(lambda: self._pipeline.infer(request, self._tally)))
        return _reply(self._pipeline.infer(request, self._tally))

    async def _describe(self, route: Route) -> Reply:
        if self.draining and route in (Route.READY, Route.MODEL_READY):
            raise NotReady
        others: Sequence[Snapshot] = ()
        if self._peers is not None and route in _OF_ALL_WORKERS:
            others = await self._peers.ask(Route.READY if route is Route.MODEL_READY else route)
        if route in (Route.READY, Route.MODEL_READY) and not all(other.get("ready") for other in others):
            raise NotReady
        body = self._endpoints.describe(route, others)
        return Reply(200, body, CONTENT_TYPE if route is Route.METRICS else JSON)

    async def _long_body(self, message: Message, receive: Receive, announced: int) -> Body:
        """Return a body that did not come at once, its size added to what is held of all such bodies together."""
        limit = self._limits.max_bytes
        body = Assembly(announced if announced <= limit else 0)
        size = held = 0
        more = True
        try:
            while more:
                if message["type"] == "http.disconnect":
                    raise Disconnected
                chunk = message.get("body", b"")
                size += len(chunk)
                if size <= limit:
                    body.add(chunk)
                    held += len(chunk)
                    self._hold(len(chunk), held)
                more = message.get("more_body", False) and max(size, announced) <= limit * _DISCARDED_BODIES
                if more:
                    message = await receive()
            if max(size, announced) > limit:
                raise _too_large(limit)
        except BaseException:
            self._held_bytes -= held
            raise
        return body.whole()

    def _hold(self, size: int, held: int) -> None:
        """Count a part of a body, of which so much is held then; Overloaded if others hold too much already."""
        self._held_bytes += size
        if self._held_bytes > self._limits.max_held_bytes and held < self._held_bytes:
            raise Overloaded(f"bodies of {self._held_bytes} bytes are in hand")


def _at_once_will_do(headers: Mapping[bytes, bytes]) -> bool:
    """Tell whether a request asks for no more than an answer, in a time that is not over.

    The gateway names its timeout in each request.
    """
    if _ASKING_FOR_MORE.isdisjoint(headers):
        return True
    deadlines = [headers[name] for name in DEADLINES if name in headers]
    return _JSON_LENGTH not in headers and all(text.lstrip(b"0").isdigit() for text in deadlines)


def _reply(answer: Answer) -> Reply:
    if answer.json_bytes is None:
        return Reply(200, answer.body)
    extra = ((_JSON_LENGTH, b"%d" % answer.json_bytes),)
    return Reply(200, answer.body, b"application/octet-stream", extra)


def _number(headers: Mapping[bytes, bytes], name: bytes) -> int | None:
    text = headers.get(name)
    return int(text) if text is not None and text.isdigit() and len(text) < 20 else None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} bytes", remedy="send smaller batches")
