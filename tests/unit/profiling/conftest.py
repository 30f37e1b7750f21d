"""A service in profile mode: cProfile around a small model, over HTTP."""

from __future__ import annotations

import cProfile
import json
import pstats
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from slipway.core.golden import Golden, Tolerance
from slipway.core.spec import ModelSpec
from slipway.specs import parse_model


def slow_tree(x: float) -> float:
    total = 0.0
    for i in range(400):
        total += (x * i) % 7
    return total


def forest(x: float) -> float:
    return sum(slow_tree(x + i) for i in range(10))


def decode(body: bytes) -> list[dict[str, float]]:
    return json.loads(body)["dataframe_records"]


def handle(body: bytes) -> bytes:
    return json.dumps({"predictions": [forest(row["x"]) for row in decode(body)]}).encode()


@dataclass
class Profiled:
    """``extra_s`` makes each request sleep, ``profiler_s`` each one that is profiled.

    ``fail_every`` answers 500; ``profile_mode`` False has no debug routes, ``knows_time`` False not the one for times.
    """

    extra_s: float = 0.0
    profiler_s: float = 0.0
    knows_time: bool = True
    fail_every: int | None = None
    profile_mode: bool = True
    profile: Any = field(default_factory=cProfile.Profile)
    wall_s: float = 0.0
    requests: int = 0
    served: int = 0

    def run(self, body: bytes) -> tuple[int, bytes]:
        self.served += 1
        if self.fail_every and self.served % self.fail_every == 0:
            return 500, b"{}"
        self.requests += 1
        started = time.perf_counter()
        answered = self.answer(body) if self.profile is None else self.profile.runcall(self.answer, body)
        self.wall_s += time.perf_counter() - started
        return 200, answered

    def answer(self, body: bytes) -> bytes:
        if wait_s := self.extra_s + (0 if self.profile is None else self.profiler_s):
            time.sleep(wait_s)
        return handle(body)

    def reset(self, *, only_time: bool = False) -> None:
        self.profile, self.requests, self.wall_s = None if only_time else cProfile.Profile(), 0, 0.0

    def report(self) -> dict[str, Any]:
        stats = pstats.Stats(self.profile).stats if self.requests and self.profile else {}
        return {
            "requests": self.requests,
            "wall_seconds": self.wall_s,
            "functions": [
                {
                    **_place(place),
                    "ncalls": calls,
                    "primitive_calls": primitive,
                    "tottime": own,
                    "cumtime": cumulative,
                    "callers": [
                        {**_place(caller), "ncalls": n[0], "tottime": n[2], "cumtime": n[3]}
                        for caller, n in callers.items()
                    ],
                }
                for place, (primitive, calls, own, cumulative, callers) in stats.items()
            ],
        }


def _place(place: tuple[str, int, str]) -> dict[str, Any]:
    return dict(zip(("file", "line", "name"), place, strict=True))


def _handler(service: Profiled) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/invocations":
                self._reply(*service.run(body))
            elif self.path == "/debug/profile/reset" and service.profile_mode:
                service.reset()
                self._reply(200, b"{}")
            elif self.path == "/debug/profile/time" and service.profile_mode and service.knows_time:
                service.reset(only_time=True)
                self._reply(200, b"{}")
            else:
                self._reply(404, b"{}")

        def do_GET(self) -> None:
            found = self.path == "/debug/profile" and service.profile_mode
            self._reply(200 if found else 404, json.dumps(service.report()).encode() if found else b"{}")

        def _reply(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            return

    return Handler


@contextmanager
def _running(service: Profiled) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _handler(service))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Profiled], str]]:
    """Start a service; it ends with the test."""
    with ExitStack() as stack:
        yield lambda service: stack.enter_context(_running(service))


@pytest.fixture
def profiled() -> type[Profiled]:
    return Profiled


@pytest.fixture
def golden() -> Golden:
    return Golden(
        rows=tuple({"x": float(i)} for i in range(5)),
        answers=(0.0,) * 5,
        tolerance=Tolerance(absolute=0, relative=0),
    )


@pytest.fixture
def spec() -> ModelSpec:
    return parse_model(
        {
            "name": "forest",
            "purpose": "adds trees",
            "owner": {"team": "t", "contact": "c"},
            "risk_tier": "low",
            "dataset": "numbers",
            "registered_model": "forest",
            "task": "regression",
            "signature": {"inputs": [{"name": "x", "dtype": "float"}], "output": {"name": "y"}},
            "quality": {"label": "y", "metrics": [{"name": "rmse", "threshold": 1}], "champion_metric": "rmse"},
        }
    )
