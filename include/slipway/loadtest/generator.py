"""The adapter around the generator's process: started, followed, bounded in time, ended."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway.errors import CommandError
from slipway.loadtest.samples import SAMPLES_FILE, GeneratorConfig, Sample, read_samples

MODULE = "slipway.loadtest.locust_main"
CONFIG_FILE = "generator.json"
LOG_FILE = "generator.log"
LOG_TAIL = 1500


def generate(config: GeneratorConfig, *, limit_s: float, on_progress: Callable[[dict[str, Any]], None]) -> list[Sample]:
    """Run the planned load and return its samples.

    Parameters
    ----------
    config : GeneratorConfig
        ``config.out`` exists; samples, Locust's report and the process's log are written there.
    limit_s : float
        The process is killed after this many seconds.
    on_progress : callable
        Gets {"seconds", "requests", "p95_ms", "failures"} every few seconds.

    Raises
    ------
    CommandError
        If the process does not end in time or ends with an error: nothing is known about the service then.
    """
    config_file, log_file = config.out / CONFIG_FILE, config.out / LOG_FILE
    config.write(config_file)
    command = [sys.executable, "-m", MODULE, str(config_file)]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        timed_out = threading.Event()

        def expire() -> None:
            timed_out.set()
            process.kill()  # it has no children of its own, so this ends all of it

        alarm = threading.Timer(limit_s, expire)
        alarm.start()
        try:
            _follow(process, on_progress)
            code = process.wait()
        finally:
            alarm.cancel()
            process.kill()
            process.wait()
    if code != 0:
        why = (
            f"was ended after {limit_s:.0f} s"
            if timed_out.is_set()
            else f"ended with exit code {code}: {_tail(log_file)}"
        )
        raise CommandError(f"the load generator {why}", remedy=f"see {log_file}, then run the load test again")
    return read_samples(config.out / SAMPLES_FILE)


def _follow(process: subprocess.Popen[bytes], on_progress: Callable[[dict[str, Any]], None]) -> None:
    if process.stdout is None:
        return
    with process.stdout as lines:
        for line in lines:
            try:
                on_progress(dict(json.loads(line)["progress"]))
            except (ValueError, KeyError, TypeError):
                continue  # a library's own words on stdout


def _tail(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    return text[-LOG_TAIL:] or "it said nothing"
