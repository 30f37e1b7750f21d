"""The generator's process: ``python -m slipway.tuning.drive``, one JSON line in, one JSON line out.

The first line holds the golden rows; each further one asks for a measurement. It ends with its input, so that a killed
task leaves no load behind. Each answer is compared with the golden one; answers already compared are known by their
bytes, so that comparing costs next to nothing.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

from slipway.core.golden import Golden
from slipway.tuning.connection import OK, Connection, request_bytes
from slipway.tuning.points import Repeat

WARM_SHARE = 0.2  # of the stretch at saturation: connections open, the service settles
KNOWN_ANSWERS = 100_000
PATH = "/invocations"
REFUSALS = (429, 503)
PAUSE_S = 0.01

Answer = tuple[int, bytes, str]  # status, body, error


class Checker:
    """Compares answers with the golden ones and counts what is not right."""

    def __init__(self, golden: Golden) -> None:
        self._golden = golden
        self._known: dict[tuple[int, bytes], bool] = {}
        self.clear()

    def clear(self) -> None:
        """Forget the counts, not what is known."""
        self.wrong = 0
        self.refused = 0
        self.kinds: Counter[str] = Counter()
        self.first_wrong = ""

    @property
    def errors(self) -> int:
        """Requests without a 200."""
        return self.kinds.total()

    @property
    def note(self) -> str:
        """The first wrong answer, else the kinds of errors."""
        return self.first_wrong or ", ".join(f"{count} x {kind}" for kind, count in self.kinds.most_common(3))

    def check(self, row: int, status: int, body: bytes, error: str, *, may_refuse: bool = False) -> bool:
        """Count one answer; True if it was a 200. A service ``may_refuse`` what is more than it can do: no error."""
        if may_refuse and status in REFUSALS:
            self.refused += 1
            return False
        if status != OK:
            self.kinds[error or f"HTTP {status}"] += 1
            return False
        key = (row, body)
        right = self._known.get(key)
        if right is None:
            right = self._agrees(row, body)
            if len(self._known) < KNOWN_ANSWERS:
                self._known[key] = right
        if not right:
            self.wrong += 1
            self.first_wrong = self.first_wrong or (
                f"golden row {row}: answered {body[:120].decode(errors='replace')}, "
                f"expected {self._golden.answers[row]!r}"
            )
        return True

    def _agrees(self, row: int, body: bytes) -> bool:
        try:
            (answer,) = json.loads(body)["predictions"]
        except (ValueError, KeyError, TypeError):
            return False
        return self._golden.tolerance.agrees(answer, self._golden.answers[row])


class Drive:
    """One measurement of the service at ``url``."""

    def __init__(self, url: str, bodies: Sequence[bytes], checker: Checker, *, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._requests = [request_bytes(parts.netloc, PATH, body) for body in bodies]
        self._checker = checker
        self._timeout_s = timeout_s
        self._idle: list[Connection] = []

    async def measure(self, *, saturate_s: float, paced_s: float, rate: float, connections: int, seed: int) -> Repeat:
        """Measure at saturation, then at the arrival rate."""
        self._checker.clear()
        rng = random.Random(seed)
        order = rng.sample(range(len(self._requests)), len(self._requests))
        try:
            throughput, saturated, share = await self._saturate(saturate_s, connections, order)
            latencies, lags = await self._pace(paced_s, rate, rng) if paced_s else ([], [])
        finally:
            for connection in self._idle:
                connection.close()
        return Repeat(
            throughput=throughput,
            saturated=saturated,
            generator_share=share,
            p50_ms=_quantile(latencies, 0.50),
            p95_ms=_quantile(latencies, 0.95),
            p99_ms=_quantile(latencies, 0.99),
            lag_p99_ms=_quantile(lags, 0.99) or 0.0,
            paced=len(latencies),
            errors=self._checker.errors,
            refused=self._checker.refused,
            wrong=self._checker.wrong,
            note=self._checker.note,
        )

    async def _saturate(self, seconds: float, connections: int, order: Sequence[int]) -> tuple[float, int, float]:
        """Closed loop: every connection asks again as soon as it was answered."""
        rows = cycle(order)
        begin = time.perf_counter() + WARM_SHARE * seconds
        end = begin + (1 - WARM_SHARE) * seconds
        counts = [0, 0]  # all answers, those in the counted stretch
        cpu_begin: list[float] = []

        async def ask_on() -> None:
            while time.perf_counter() < end:
                row = next(rows)
                status, body, error = await self._ask(row)
                now = time.perf_counter()
                if now >= begin and not cpu_begin:
                    cpu_begin.append(time.process_time())
                counts[0] += 1
                answered = self._checker.check(row, status, body, error, may_refuse=True)
                counts[1] += answered and begin <= now < end
                if not answered:
                    await asyncio.sleep(PAUSE_S)  # what refuses is not asked in a busy loop

        await asyncio.gather(*(ask_on() for _ in range(connections)))
        took = max(time.perf_counter(), end) - begin
        share = (time.process_time() - cpu_begin[0]) / took if cpu_begin else 0.0
        return counts[1] / (end - begin), counts[0], min(1.0, share)

    async def _pace(self, seconds: float, rate: float, rng: random.Random) -> tuple[list[float], list[float]]:
        """Open loop: requests leave at times planned before, whatever the earlier ones do."""
        planned = sorted(rng.uniform(0, seconds) for _ in range(max(1, round(seconds * rate))))
        rows = [rng.randrange(len(self._requests)) for _ in planned]
        latencies: list[float] = []
        lags: list[float] = []
        start = time.perf_counter()

        async def one(at: float, row: int) -> None:
            lags.append((time.perf_counter() - start - at) * 1000)
            status, body, error = await self._ask(row)
            latency = (time.perf_counter() - start - at) * 1000
            answered = self._checker.check(row, status, body, error)
            latencies.append(latency if answered else max(latency, self._timeout_s * 1000))

        tasks = []
        for at, row in zip(planned, rows, strict=True):
            await asyncio.sleep(max(0.0, start + at - time.perf_counter()))
            tasks.append(asyncio.create_task(one(at, row)))
        await asyncio.gather(*tasks)
        return sorted(latencies), sorted(lags)

    async def _ask(self, row: int) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = await self._connection()
                answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
                connection.ask(self._requests[row], partial(_hand_over, answered))
                try:
                    found = await answered
                except asyncio.CancelledError:
                    connection.close()
                    raise
        except TimeoutError:
            return 0, b"", "timeout"
        except OSError as error:
            return 0, b"", type(error).__name__
        if connection.usable:
            self._idle.append(connection)
        return found

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        _, opened = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        return opened


def _hand_over(answered: asyncio.Future[Answer], status: int, body: bytes, error: str) -> None:
    if not answered.done():
        answered.set_result((status, body, error))


def _quantile(ordered: Sequence[float], q: float) -> float | None:
    """Return an order statistic (nearest rank) of ascending values; None if there are none."""
    return ordered[max(1, math.ceil(len(ordered) * q)) - 1] if ordered else None


def main() -> int:
    """Answer measurement requests until the input ends."""
    import uvloop

    setup: Mapping[str, Any] = json.loads(sys.stdin.readline())
    golden = Golden.from_json(setup["golden"])
    bodies = [json.dumps({"dataframe_records": [dict(row)]}).encode() for row in golden.rows]
    checker = Checker(golden)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            asked: dict[str, Any] = json.loads(line)
            drive = Drive(asked.pop("url"), bodies, checker, timeout_s=setup["timeout_s"])
            sys.stdout.write(json.dumps(runner.run(drive.measure(**asked)).to_json()) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
