"""Sends what the load generator is told to, through Locust's client, and judges each answer.

Each request of a stretch is a greenlet of its own, started at its scheduled time whatever the earlier ones do; the
client's pool has room for all of them.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping
from typing import Any

import gevent
from gevent.pool import Group

from slipway.loadtest.fresh import fresh_rows
from slipway.loadtest.samples import OK, REFUSALS, TIMEOUT, UNANSWERED, UNKNOWN, GeneratorConfig, Sample
from slipway.loadtest.schedule import Arrival, Part, PlannedStage, Target, plan_arrivals

HEAD_START_SECONDS = 0.1
DRAIN_SECONDS = 1.0
MAX_BURST_REQUESTS = 20_000
MAX_BURST_ERRORS = 50
REFUSAL_PAUSE_SECONDS = 0.01
PATH = "/invocations"
HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class Driver:
    """Sends what it is told to and keeps one sample for each request."""

    def __init__(self, config: GeneratorConfig) -> None:
        self.config = config
        self.bodies = [_body(row) for row in config.golden.rows]
        self._fresh = fresh_rows(config.golden.rows, seed=config.seed)
        self.zero = time.perf_counter()
        self.samples: list[Sample] = []
        self.stopped = False
        self._runs = 0

    def run(self, client: Any, stages: tuple[PlannedStage, ...]) -> tuple[float, list[Sample]]:
        """Send what the stretches hold; return when their clock began, in seconds since ``zero``, and the samples."""
        begin = time.perf_counter() - self.zero + HEAD_START_SECONDS
        self._runs += 1
        if stages[0].part is Part.BURST:
            found = self._burst(client, stages[0], begin)
        else:
            found = self._paced(client, stages, begin)
        self.samples += found
        return begin, found

    def _paced(self, client: Any, stages: tuple[PlannedStage, ...], begin: float) -> list[Sample]:
        """Start each request at its time; then wait for the answers, no longer than a request may take."""
        planned = plan_arrivals(stages, rows=len(self.bodies), seed=self.config.seed + self._runs)
        arrivals = [arrival._replace(at=arrival.at + begin) for arrival in planned]
        targets = {stage.index: stage for stage in stages}
        sent: dict[int, float] = {}
        found: dict[int, Sample] = {}
        group = Group()
        for number, arrival in enumerate(arrivals):
            gevent.sleep(max(0.0, self.zero + arrival.at - time.perf_counter()))
            group.spawn(self._keep, client, targets[arrival.stage], (number, arrival), sent, found)
        group.join(timeout=self.config.timeout_s + DRAIN_SECONDS)
        group.kill(timeout=DRAIN_SECONDS)
        end = time.perf_counter() - self.zero
        for number, at in sent.items():  # what never came back has failed
            if number not in found:
                arrival = arrivals[number]
                latency = (end - arrival.at) * 1000
                found[number] = Sample(arrival.at, at, latency, 0, None, arrival.stage, UNANSWERED, arrival.row)
        return [found[number] for number in sorted(found)]

    def _keep(
        self,
        client: Any,
        stage: PlannedStage,
        numbered: tuple[int, Arrival],
        sent: dict[int, float],
        found: dict[int, Sample],
    ) -> None:
        number, arrival = numbered
        sent[number] = time.perf_counter() - self.zero
        found[number] = self._send(client, stage, arrival, sent[number])

    def _burst(self, client: Any, stage: PlannedStage, begin: float) -> list[Sample]:
        """Let a few callers ask on as soon as they are answered: for a time, or until told to stop.

        By turns they send a golden row, and one that nobody has sent: its answer is not known, only that there is one.
        """
        self.stopped = False
        found: list[Sample] = []
        end = self.zero + begin + stage.seconds
        gevent.sleep(max(0.0, self.zero + begin - time.perf_counter()))

        def ask_on(first: int) -> None:
            turns, failed = itertools.count(), 0
            while time.perf_counter() < end and not self.stopped and len(found) < MAX_BURST_REQUESTS:
                now, turn = time.perf_counter() - self.zero, next(turns)
                row = UNKNOWN if turn % 2 else (first + turn // 2 * stage.connections) % len(self.bodies)
                arrival = Arrival(now, stage.index, row)
                found.append(self._send(client, stage, arrival, now))
                failed = 0 if found[-1].answered else failed + 1
                if failed >= MAX_BURST_ERRORS:
                    return  # nobody is there any more
                if failed:
                    gevent.sleep(REFUSAL_PAUSE_SECONDS)

        group = Group()
        for first in range(stage.connections):
            group.spawn(ask_on, first)
        group.join(timeout=stage.seconds + self.config.timeout_s + DRAIN_SECONDS)
        group.kill(timeout=DRAIN_SECONDS)
        return found

    def _send(self, client: Any, stage: PlannedStage, arrival: Arrival, sent: float) -> Sample:
        rate = f"{stage.rate_per_s:g}/s" if stage.rate_per_s else f"{stage.connections} callers"
        # The time limit covers the whole request; the client turns it into a failed response.
        with (
            gevent.Timeout(self.config.timeout_s),
            client.post(
                self.config.urls[stage.target] + PATH,
                data=_body(next(self._fresh)) if arrival.row == UNKNOWN else self.bodies[arrival.row],
                headers=HEADERS,
                name=f"{stage.label} ({rate})",
                catch_response=True,
            ) as response,
        ):
            known = stage.target is Target.CANDIDATE and arrival.row != UNKNOWN
            sample = self._judge(response, arrival, sent, known=known)
            # Locust's own report, too, counts from the intended start.
            response.request_meta["response_time"] = sample.latency_ms
            if sample.error or sample.correct is False:
                response.failure(sample.error or "wrong answer")
            return sample

    def _judge(self, response: Any, arrival: Arrival, sent: float, *, known: bool) -> Sample:
        latency = (time.perf_counter() - self.zero - arrival.at) * 1000
        status = response.status_code or 0
        failure = response.request_meta["exception"]
        error = "" if status == OK and failure is None else _kind(status, failure)
        correct = self._agrees(response.content, arrival.row) if known and not error else None
        return Sample(
            arrival.at, sent, latency, 0 if status == OK and error else status, correct, arrival.stage, error,
            arrival.row, status in REFUSALS and "retry-after" in response.headers,
        )  # fmt: skip

    def _agrees(self, content: bytes, row: int) -> bool:
        golden = self.config.golden
        try:
            (answer,) = json.loads(content)["predictions"]
        except (ValueError, KeyError, TypeError):
            return False
        return golden.tolerance.agrees(answer, golden.answers[row])


def _body(row: Mapping[str, Any]) -> bytes:
    return json.dumps({"dataframe_records": [dict(row)]}).encode()


def _kind(status: int, failure: object) -> str:
    """Return a short name for what went wrong; the client wraps the cause of a failure in its own exception."""
    cause = getattr(failure, "original", None) or failure
    if isinstance(cause, gevent.Timeout | TimeoutError):
        return TIMEOUT
    return f"HTTP {status}" if status and status != OK else type(cause).__name__
