"""The load generator's process: ``python -m slipway.loadtest.locust_main config.json``.

It runs by itself since importing Locust patches the standard library for gevent; that import is the first thing
:func:`main` does, so that importing this module changes nothing. Each request is a greenlet of its own, started
at its scheduled time whatever the earlier ones do; the pool has room for all of them. Progress goes to stdout, one JSON
line every few seconds; samples and Locust's own report go to the configured folder.
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

from slipway.loadtest.samples import LOCUST_REPORT, OK, SAMPLES_FILE, GeneratorConfig, Sample, write_samples
from slipway.loadtest.schedule import plan_arrivals

PROGRESS_SECONDS = 2.0
HEAD_START_SECONDS = 0.2
DRAIN_SECONDS = 1.0
SPARE_FILES = 64
MAX_CONNECTIONS = 16_384
# Locust's page keeps settings in the browser, and stays blank where it may not, as in a sandbox: let it forget them.
STORAGE = (
    "<script>try{localStorage}catch{Object.defineProperty(window,'localStorage',"
    "{value:{getItem:()=>null,setItem(){},removeItem(){},clear(){}}})}</script>"
)
HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class Driver:
    """Sends the planned requests and keeps one sample for each."""

    def __init__(self, config: GeneratorConfig) -> None:
        self.config = config
        self.arrivals = plan_arrivals(config.stages, rows=len(config.golden.rows), seed=config.seed)
        self.bodies = [json.dumps({"dataframe_records": [dict(row)]}).encode() for row in config.golden.rows]
        self.names = {stage.index: f"{stage.label} ({stage.rate_per_s:g}/s)" for stage in config.stages}
        self.sent_at: list[float | None] = [None] * len(self.arrivals)
        self.samples: list[Sample | None] = [None] * len(self.arrivals)
        self.start = 0.0
        self.finished = False

    def run(self, client: Any) -> None:
        """Start each request at its time; then wait for the answers, no longer than a request may take."""
        group = Group()
        self.start = time.perf_counter() + HEAD_START_SECONDS
        for index, arrival in enumerate(self.arrivals):
            gevent.sleep(max(0.0, self.start + arrival.at - time.perf_counter()))
            group.spawn(self._send, client, index)
        group.join(timeout=self.config.timeout_s + DRAIN_SECONDS)
        group.kill(timeout=DRAIN_SECONDS)
        self.finished = True

    def _send(self, client: Any, index: int) -> None:
        arrival = self.arrivals[index]
        self.sent_at[index] = time.perf_counter() - self.start
        # The time limit covers the whole request; the client turns it into a failed response.
        with (
            gevent.Timeout(self.config.timeout_s),
            client.post(
                "/invocations",
                data=self.bodies[arrival.row],
                headers=HEADERS,
                name=self.names[arrival.stage],
                catch_response=True,
            ) as response,
        ):
            sample = self._judge(response, index)
            self.samples[index] = sample
            # Locust's own report, too, counts from the intended start.
            response.request_meta["response_time"] = sample.latency_ms
            if sample.error or sample.correct is False:
                response.failure(sample.error or "wrong answer")

    def _judge(self, response: Any, index: int) -> Sample:
        arrival, sent = self.arrivals[index], self.sent_at[index]
        latency = (time.perf_counter() - self.start - arrival.at) * 1000
        status = response.status_code or 0
        failure = response.request_meta["exception"]
        error = "" if status == OK and failure is None else _kind(status, failure)
        correct = self._agrees(response.content, arrival.row) if not error else None
        return Sample(
            arrival.at, arrival.at if sent is None else sent, latency, 0 if status == OK and error else status,
            correct, arrival.stage, error,
        )  # fmt: skip

    def _agrees(self, content: bytes, row: int) -> bool:
        golden = self.config.golden
        try:
            (answer,) = json.loads(content)["predictions"]
        except (ValueError, KeyError, TypeError):
            return False
        return golden.tolerance.agrees(answer, golden.answers[row])

    def all_samples(self) -> list[Sample]:
        """Return a sample for each request that was sent; what never came back has failed."""
        end = time.perf_counter() - self.start
        found = []
        for arrival, sent, sample in zip(self.arrivals, self.sent_at, self.samples, strict=True):
            if sample is not None:
                found.append(sample)
            elif sent is not None:
                latency = (end - arrival.at) * 1000
                found.append(Sample(arrival.at, sent, latency, 0, None, arrival.stage, "unanswered"))
        return found


def _kind(status: int, failure: object) -> str:
    """Return a short name for what went wrong; the client wraps the cause of a failure in its own exception."""
    cause = getattr(failure, "original", None) or failure
    if isinstance(cause, gevent.Timeout | TimeoutError):
        return "timeout"
    return f"HTTP {status}" if status and status != OK else type(cause).__name__


def main(argv: list[str]) -> int:
    """Run the test that the file ``argv[0]`` describes; 0 if every planned request was sent."""
    import locust.stats
    from locust.env import Environment
    from locust.html import get_html_report

    config = GeneratorConfig.read(Path(argv[0]))
    driver = Driver(config)
    environment = Environment(user_classes=[_user_class(driver, config)], host=config.url)
    runner = environment.create_local_runner()
    locust.stats.HISTORY_STATS_INTERVAL_SEC = 1
    gc.freeze()  # what is loaded by now needs no further collection: fewer pauses
    helpers = [gevent.spawn(locust.stats.stats_history, runner), gevent.spawn(_watch, driver, runner, os.getppid())]
    runner.start(1, spawn_rate=1)
    runner.greenlet.join()
    gevent.killall(helpers)
    write_samples(config.out / SAMPLES_FILE, driver.all_samples())
    page = get_html_report(environment, show_download_link=False).replace("<head>", f"<head>{STORAGE}", 1)
    (config.out / LOCUST_REPORT).write_text(page, encoding="utf-8")
    return 0 if driver.finished else 1


def _user_class(driver: Driver, config: GeneratorConfig) -> type:
    from locust import FastHttpUser, task

    connections = _allowed_connections()

    class ModelUser(FastHttpUser):  # type: ignore[misc]
        """The one Locust user, whose connections all requests share."""

        host = config.url
        concurrency = connections
        network_timeout = config.timeout_s
        connection_timeout = config.timeout_s

        @task  # type: ignore[untyped-decorator]
        def drive(self) -> None:
            """Run the whole schedule, once."""
            try:
                driver.run(self.client)
            finally:
                self.environment.runner.quit()

    return ModelUser


def _allowed_connections() -> int:
    """Return how many connections may be open at once, after asking for as many files as the system grants."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + SPARE_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_CONNECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(1, wanted - SPARE_FILES)


def _watch(driver: Driver, runner: Any, parent: int) -> None:
    """Print progress; end with the parent, so that a killed task leaves no load behind."""
    while True:
        gevent.sleep(PROGRESS_SECONDS)
        total = runner.stats.total
        if os.getppid() != parent:
            os._exit(1)
        progress = {
            "seconds": time.perf_counter() - driver.start,
            "requests": total.num_requests,
            "p95_ms": total.get_response_time_percentile(0.95) or 0.0,
            "failures": total.num_failures,
        }
        sys.stdout.write(json.dumps({"progress": progress}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
