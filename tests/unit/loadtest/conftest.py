"""A tiny model service with a temper, and the values that a load test needs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from slipway.core.golden import Golden, Tolerance
from slipway.core.spec import ModelSpec
from slipway.specs import parse_model

GOLDEN = Golden(
    rows=tuple({"x": float(i)} for i in range(10)),
    answers=tuple(2.0 * i for i in range(10)),
    tolerance=Tolerance(absolute=1e-9, relative=1e-9),
)


MIB = 2**20
STEADY = {"process_resident_memory_bytes": 100 * MIB, "process_open_fds": 12, "process_threads": 9}


@dataclass
class Service:
    """Doubles x. ``delay_s`` holds each answer, one at a time if ``one_worker``; ``answer`` may lie; ``status`` too.
    ``retry_after`` goes with a 429 or 503.

    ``uses`` says what its metrics tell of its process, by the number of requests answered; ``asked`` holds the bodies.
    """

    delay_s: float = 0.0
    one_worker: bool = False
    answer: Callable[[float], float] = lambda x: 2 * x
    status: Callable[[int], int] = lambda _: 200
    retry_after: bool = False
    dies_after: int | None = None
    uses: Callable[[int], dict[str, float]] = lambda served: STEADY
    served: int = 0
    asked: set[bytes] = field(default_factory=set)
    turn: threading.Lock = field(default_factory=threading.Lock)
    count: threading.Lock = field(default_factory=threading.Lock)


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave in one packet

        def do_GET(self) -> None:
            used = service.uses(service.served)
            lines = [f"{name} {value}" for name, value in used.items()]
            lines.append(f'slipway_requests_total{{route="invocations",status="200"}} {service.served}')
            self._send(200, "\n".join(lines).encode(), "text/plain")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with service.count:
                service.served += 1
                number = service.served
                service.asked.add(body)
            if service.dies_after is not None and number > service.dies_after:
                self.close_connection = True
                self.server.socket.close()  # nobody can connect any more
                return
            if service.one_worker:
                with service.turn:
                    time.sleep(service.delay_s)
            else:
                time.sleep(service.delay_s)
            (row,) = json.loads(body)["dataframe_records"]
            self._reply(service.status(number), {"predictions": [service.answer(row["x"])]})

        def _reply(self, status: int, content: object) -> None:
            self._send(status, json.dumps(content).encode(), "application/json")

        def _send(self, status: int, data: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            if service.retry_after and status in (429, 503):
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            return

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up is no news."""


@contextmanager
def _running(service: Service) -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _handler(service))
    address = f"http://127.0.0.1:{server.server_address[1]}"

    def serve() -> None:
        try:
            server.serve_forever(poll_interval=0.02)
        except (OSError, ValueError):
            return  # it died, as it was told to

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        if thread.is_alive():
            server.shutdown()
        server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Service], str]]:
    """Start a service; it ends with the test."""
    with ExitStack() as stack:
        yield lambda service: stack.enter_context(_running(service))


@pytest.fixture
def service() -> type[Service]:
    return Service


@pytest.fixture
def golden() -> Golden:
    return GOLDEN


@pytest.fixture
def spec() -> ModelSpec:
    return parse_model(
        {
            "name": "doubler",
            "purpose": "doubles",
            "owner": {"team": "t", "contact": "c"},
            "risk_tier": "low",
            "dataset": "numbers",
            "registered_model": "doubler",
            "task": "regression",
            "signature": {"inputs": [{"name": "x", "dtype": "float"}], "output": {"name": "y"}},
            "quality": {
                "label": "y",
                "metrics": [{"name": "rmse", "threshold": 1}],
                "champion_metric": "rmse",
            },
            "objectives": {"arrival_rate_per_s": 165},
        }
    )
