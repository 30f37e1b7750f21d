"""The generator for given rates and for large requests: one thread, raw sockets, standard library only.

Run as a program on the generator's own core: a job in JSON on standard input, the measurements on standard output.
It spins while it waits for an answer or for a moment that is near, because a timer's resolution of a millisecond would
be larger than what is measured.

* ``open``: Poisson arrivals at a rate, sent at their time whether or not earlier ones were answered, over as many
  connections as that takes. A latency counts from the moment at which the request was due, so that a server which
  stalls is charged with every request that it kept waiting.
* ``sequential``: one request after the other on one connection; a latency is from the first byte sent to the last
  received.
"""

from __future__ import annotations

import gc
import json
import random
import select
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REFUSALS = (429, 503)
_NEAR_S = 0.002
_CHUNK = 1 << 20


@dataclass(slots=True)
class Connection:
    """One connection: what is still to send, what was received, and when its request was due."""

    socket: socket.socket
    due: float = 0.0
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    received: bytearray = field(default_factory=bytearray)
    expected: int = 0

    def begin(self, request: bytes, due: float) -> None:
        """Send as much of a request as the socket takes at once."""
        self.due, self.unsent, self.expected = due, memoryview(request), 0
        self.received.clear()
        self.send()

    def send(self) -> None:
        """Send more, if there is more."""
        while self.unsent:
            try:
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
            except BlockingIOError:
                return

    def receive(self) -> int | None:
        """Read what there is; return the status once the response is whole; ConnectionError if it ends before."""
        try:
            chunk = self.socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self.received += chunk
        if not self.expected:
            self.expected = whole_length(self.received)
        if self.expected and len(self.received) >= self.expected:
            return int(self.received[9:12])
        return None


def whole_length(received: bytes | bytearray) -> int:
    r"""Return how long the whole response is, 0 while its head is not complete.

    >>> whole_length(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
    40
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return 0
    for line in bytes(received[:end]).lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return end + 4 + int(value)
    raise ValueError("the response has no content-length")


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Return the moments of Poisson arrivals, in seconds from the start; the same for the same seed."""
    draw = random.Random(seed)
    moments, now = [], draw.expovariate(rate)
    while now < seconds:
        moments.append(now)
        now += draw.expovariate(rate)
    return moments


class Load:
    """Sends requests at their moments and notes how each one ended."""

    def __init__(self, address: tuple[str, int], request: bytes, *, most: int = 512) -> None:
        self._address, self._request, self._most = address, request, most
        self._poll = select.epoll()
        self._busy: dict[int, Connection] = {}
        self._idle: deque[Connection] = deque()
        self._waiting: deque[float] = deque()
        self.latencies: list[float] = []
        self.refused = self.errors = 0

    def warm(self, connections: int) -> None:
        """Open some connections before the clock starts."""
        self._idle.extend(self._open() for _ in range(connections))

    def run(self, moments: list[float], *, grace_s: float) -> float:
        """Send one request at each moment; return the seconds until the last answer, or until ``grace_s`` was over."""
        start = time.perf_counter() + 0.01
        last = start + (moments[-1] if moments else 0.0) + grace_s
        upcoming = deque(start + moment for moment in moments)
        while upcoming or self._busy or self._waiting:
            now = time.perf_counter()
            if now > last:
                break
            while upcoming and upcoming[0] <= now:
                self._waiting.append(upcoming.popleft())
            self._send_waiting()
            near = self._busy or self._waiting or (upcoming and upcoming[0] - now < _NEAR_S)
            self._receive(0.0 if near else min(0.05, upcoming[0] - now - _NEAR_S / 2))
        self.errors += len(self._busy) + len(self._waiting) + len(upcoming)
        return time.perf_counter() - start

    def one(self) -> float:
        """Send one request and return its latency in seconds; it counts as an error if it fails."""
        before = len(self.latencies)
        self.run([0.0], grace_s=120)
        return self.latencies[-1] if len(self.latencies) > before else float("nan")

    def _send_waiting(self) -> None:
        while self._waiting and (self._idle or len(self._busy) < self._most):
            connection = self._idle.pop() if self._idle else self._open()
            self._busy[connection.socket.fileno()] = connection
            connection.begin(self._request, self._waiting.popleft())
            if connection.unsent:
                self._poll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)

    def _receive(self, timeout: float) -> None:
        for number, event in self._poll.poll(timeout):
            connection = self._busy.get(number)
            if connection is None:
                self._close_idle(number)
                continue
            try:
                if event & select.EPOLLOUT:
                    connection.send()
                    if not connection.unsent:
                        self._poll.modify(connection.socket, select.EPOLLIN)
                status = connection.receive() if event & ~select.EPOLLOUT else None
            except (OSError, ValueError):
                self._failed(number)
                continue
            if status is not None:
                self._done(number, status)

    def _done(self, number: int, status: int) -> None:
        connection = self._busy.pop(number)
        if status == 200:
            self.latencies.append(time.perf_counter() - connection.due)
        elif status in REFUSALS and b"retry-after:" in bytes(connection.received[:1000]).lower():
            self.refused += 1
        else:
            self.errors += 1
        if b"connection: close" in bytes(connection.received[:1000]).lower():
            connection.socket.close()
        else:
            self._idle.append(connection)

    def _failed(self, number: int) -> None:
        self._busy.pop(number).socket.close()
        self.errors += 1

    def _close_idle(self, number: int) -> None:
        for connection in [c for c in self._idle if c.socket.fileno() == number]:
            self._idle.remove(connection)
            connection.socket.close()

    def _open(self) -> Connection:
        made = socket.create_connection(self._address, timeout=10)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        self._poll.register(made, select.EPOLLIN)
        return Connection(made)


def request_bytes(job: dict[str, Any]) -> bytes:
    """Return the whole HTTP request of a job."""
    body = Path(job["body"]).read_bytes()
    headers = {"Host": f"{job['host']}:{job['port']}", **dict(job["headers"]), "Content-Length": str(len(body))}
    head = f"POST {job['path']} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return head.encode() + b"\r\n" + body


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job and return the latencies of what was answered, in ms, and what became of the rest.

    Who is refused with a Retry-After is counted apart from an error.
    """
    load = Load((job["host"], job["port"]), request_bytes(job))
    if job["kind"] == "open":
        load.warm(8)
        moments = arrivals(job["rate"], job["seconds"], job["seed"])
        seconds = load.run(moments, grace_s=job.get("grace_s", 3.0))
        offered = len(moments)
    else:
        started, offered = time.perf_counter(), 0
        load.one()  # the connection, and memory of that size on both sides
        load.latencies.clear()
        while offered < job["least"] or (time.perf_counter() - started < job["seconds"] and offered < job["most"]):
            load.one()
            offered += 1
        seconds = time.perf_counter() - started
    latencies = [round(value * 1e3, 4) for value in load.latencies]
    told = {"errors": load.errors, "refused": load.refused, "offered": offered, "seconds": seconds}
    return {"latencies_ms": latencies, **told}


def main() -> None:
    """Read a job, do it, print what came of it."""
    job = json.load(sys.stdin)
    gc.disable()
    print(json.dumps(work(job)))


if __name__ == "__main__":
    main()
