"""The load generator's process: ``python -m slipway.loadtest.locust_main config.json``.

It runs by itself since importing Locust patches the standard library for gevent; that import is the first thing
:func:`main` does, so that importing this module changes nothing. What to send comes on stdin, a line for each run of
stretches: ``{"stages": [...]}``; ``{"stop": true}`` ends a burst. To stdout go progress, one JSON line every few
seconds, and each run's samples. With the end of its input Locust's own report and all samples go to the configured
folder.
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

from slipway.loadtest.driver import Driver
from slipway.loadtest.samples import LOCUST_REPORT, SAMPLES_FILE, GeneratorConfig, write_samples
from slipway.loadtest.schedule import PlannedStage, Target

PROGRESS_SECONDS = 2.0
SPARE_FILES = 64
MAX_CONNECTIONS = 16_384
# Locust's page keeps settings in the browser, and stays blank where it may not, as in a sandbox: let it forget them.
STORAGE = (
    "<script>try{localStorage}catch{Object.defineProperty(window,'localStorage',"
    "{value:{getItem:()=>null,setItem(){},removeItem(){},clear(){}}})}</script>"
)


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
