"""The load generator's process: ``python -m slipway.loadtest.locust_main config.json``.

It runs by itself since importing Locust patches the standard library for gevent; that import is the first thing
:func:`main` does, so that importing this module changes nothing. What to send comes on stdin, a line for each run of
stretches: ``{"stages": [...]}``; ``{"stop": true}`` ends a burst. Each request of a stretch is a greenlet of its own,
started at its scheduled time whatever the earlier ones do; the pool has room for all of them. To stdout go progress,
one JSON line every few seconds, and each run's samples. With the end of its input Locust's own report and all samples
go to the configured folder.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import gevent
from gevent.pool import Group

from slipway.loadtest.samples import (
    LOCUST_REPORT,
    OK,
    REFUSALS,
    SAMPLES_FILE,
    TIMEOUT,
    UNANSWERED,
    GeneratorConfig,
    Sample,
    write_samples,
)
from slipway.loadtest.schedule import Arrival, Part, PlannedStage, Target, plan_arrivals

PROGRESS_SECONDS = 2.0
HEAD_START_SECONDS = 0.1
DRAIN_SECONDS = 1.0
SPARE_FILES = 64
MAX_BURST_REQUESTS = 20_000
MAX_BURST_ERRORS = 50
REFUSAL_PAUSE_SECONDS = 0.01
PATH = "/invocations"
MAX_CONNECTIONS = 16_384
# Locust's page keeps settings in the browser, and stays blank where it may not, as in a sandbox: let it forget them.
STORAGE = (
    "<script>try{localStorage}catch{Object.defineProperty(window,'localStorage',"
    "{value:{getItem:()=>null,setItem(){},removeItem(){},clear(){}}})}</script>"
)
HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class Driver:
    """Sends what it is told to and keeps one sample for each request."""

    def __init__(self, config: GeneratorConfig) -> None:
        self.config = config
        self.bodies = [json.dumps({"dataframe_records": [dict(row)]}).encode() for row in config.golden.rows]
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
        """Let a few callers ask on as soon as they are answered: for a time, or until told to stop."""
        self.stopped = False
        found: list[Sample] = []
        end = self.zero + begin + stage.seconds
        gevent.sleep(max(0.0, self.zero + begin - time.perf_counter()))

        def ask_on(first: int) -> None:
            row, failed = first, 0
            while time.perf_counter() < end and not self.stopped and len(found) < MAX_BURST_REQUESTS:
                now = time.perf_counter() - self.zero
                arrival = Arrival(now, stage.index, row % len(self.bodies))
                found.append(self._send(client, stage, arrival, now))
                failed = 0 if found[-1].answered else failed + 1
                if failed >= MAX_BURST_ERRORS:
                    return  # nobody is there any more
                if failed:
                    gevent.sleep(REFUSAL_PAUSE_SECONDS)
                row += stage.connections

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
                data=self.bodies[arrival.row],
                headers=HEADERS,
                name=f"{stage.label} ({rate})",
                catch_response=True,
            ) as response,
        ):
            sample = self._judge(response, arrival, sent, known=stage.target is Target.CANDIDATE)
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


def _kind(status: int, failure: object) -> str:
    """Return a short name for what went wrong; the client wraps the cause of a failure in its own exception."""
    cause = getattr(failure, "original", None) or failure
    if isinstance(cause, gevent.Timeout | TimeoutError):
        return TIMEOUT
    return f"HTTP {status}" if status and status != OK else type(cause).__name__


def main(argv: list[str]) -> int:
    """Run the test that the file ``argv[0]`` describes and stdin goes on to tell; 0 if that came to its end."""
    import locust.stats
    from locust.env import Environment
    from locust.html import get_html_report

    config = GeneratorConfig.read(Path(argv[0]))
    driver = Driver(config)
    environment = Environment(user_classes=[_user_class(driver, config)], host=config.urls[Target.CANDIDATE])
    runner = environment.create_local_runner()
    locust.stats.HISTORY_STATS_INTERVAL_SEC = 1
    gc.freeze()  # what is loaded by now needs no further collection: fewer pauses
    helpers = [gevent.spawn(locust.stats.stats_history, runner), gevent.spawn(_watch, driver, runner, os.getppid())]
    runner.start(1, spawn_rate=1)
    runner.greenlet.join()
    gevent.killall(helpers)
    write_samples(config.out / SAMPLES_FILE, driver.samples)
    page = get_html_report(environment, show_download_link=False).replace("<head>", f"<head>{STORAGE}", 1)
    (config.out / LOCUST_REPORT).write_text(page, encoding="utf-8")
    return 0


def _user_class(driver: Driver, config: GeneratorConfig) -> type:
    from gevent.queue import Queue
    from locust import FastHttpUser, task

    connections = _allowed_connections()

    class ModelUser(FastHttpUser):  # type: ignore[misc]
        """The one Locust user, whose connections all requests share."""

        host = config.urls[Target.CANDIDATE]
        concurrency = connections
        network_timeout = config.timeout_s
        connection_timeout = config.timeout_s

        @task  # type: ignore[untyped-decorator]
        def drive(self) -> None:
            """Do what the lines of stdin say, until they end."""
            asked: Any = Queue()
            reader = gevent.spawn(_read, driver, asked)
            try:
                _say({"ready": driver.zero})
                while (stages := asked.get()) is not None:
                    begin, samples = driver.run(self.client, stages)
                    _say({"begin": begin, "samples": samples})
            finally:
                reader.kill()
                self.environment.runner.quit()

    return ModelUser


def _read(driver: Driver, asked: Any) -> None:
    """Hand over what stdin says; a thread waits for it, so that nothing else does."""
    pool = gevent.get_hub().threadpool
    while line := pool.apply(sys.stdin.readline):
        told = json.loads(line)
        if "stop" in told:
            driver.stopped = True
        else:
            asked.put(tuple(PlannedStage.from_json(stage) for stage in told["stages"]))
    asked.put(None)


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _allowed_connections() -> int:
    """Return how many connections may be open at once, after asking for as many files as the system grants."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + SPARE_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_CONNECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(1, wanted - SPARE_FILES)


def _watch(driver: Driver, runner: Any, parent: int) -> None:
    """Tell how it goes; end with the parent, so that a killed task leaves no load behind."""
    while True:
        gevent.sleep(PROGRESS_SECONDS)
        total = runner.stats.total
        if os.getppid() != parent:
            os._exit(1)
        progress = {
            "seconds": time.perf_counter() - driver.zero,
            "requests": total.num_requests,
            "p95_ms": total.get_response_time_percentile(0.95) or 0.0,
            "failures": total.num_failures,
        }
        _say({"progress": progress})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
