"""The adapter around the generator's process: started, told what to send, bounded in time, ended."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from slipway.errors import CommandError
from slipway.loadtest.samples import GeneratorConfig, Sample
from slipway.loadtest.schedule import PlannedStage

MODULE = "slipway.loadtest.locust_main"
CONFIG_FILE = "generator.json"
LOG_FILE = "generator.log"
LOG_TAIL = 1500
LAST_WORDS_S = 5.0

Progress = Callable[[dict[str, Any]], None]


class Generator:
    """The running generator; use it as a context manager.

    Parameters
    ----------
    config : GeneratorConfig
        ``config.out`` exists; samples, Locust's report and the process's log are written there, at the end.
    limit_s : float
        The process is killed after this many seconds, whatever it does.
    on_progress : callable
        Gets {"seconds", "requests", "p95_ms", "failures"} every few seconds.

    Attributes
    ----------
    zero : float
        The moment, on :func:`time.perf_counter`'s clock, from which its times count.
    """

    def __init__(self, config: GeneratorConfig, *, limit_s: float, on_progress: Progress) -> None:
        self._config, self._limit_s, self._on_progress = config, limit_s, on_progress
        self._log_file = config.out / LOG_FILE
        self._timed_out = threading.Event()
        self.zero = 0.0

    def __enter__(self) -> Generator:
        """Start the process and wait until it can send."""
        config_file = self._config.out / CONFIG_FILE
        self._config.write(config_file)
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(config_file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
            )
        self._alarm = threading.Timer(self._limit_s, self._expire)
        self._alarm.daemon = True
        self._alarm.start()
        try:
            self.zero = float(self._reply("ready")["ready"])
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let it write its report, if all went well; it is gone in any case.

        Raises CommandError if it does not end well by itself.
        """
        try:
            if kind is None:
                self._close_input()
                for _ in self._lines():
                    pass
                if self._process.wait() != 0:
                    raise self._ended()
        finally:
            self._kill()

    def run(self, stages: Sequence[PlannedStage]) -> tuple[list[PlannedStage], list[Sample]]:
        """Send what the stretches hold; return them at the time at which they were, and the samples.

        Raises
        ------
        CommandError
            If the process ends, or did not finish in time: nothing is known about the service then.
        """
        first = stages[0].start
        self._tell({"stages": [replace(stage, start=stage.start - first).to_json() for stage in stages]})
        reply = self._reply("samples")
        placed = [replace(stage, start=stage.start - first + reply["begin"]) for stage in stages]
        return placed, [Sample(*sample) for sample in reply["samples"]]

    def stop_burst(self) -> None:
        """End a burst before its time; from any thread, and no harm where there is none."""
        with contextlib.suppress(CommandError):
            self._tell({"stop": True})

    def _tell(self, line: dict[str, Any]) -> None:
        stdin = self._process.stdin
        try:
            if stdin is not None:
                stdin.write(json.dumps(line) + "\n")
                stdin.flush()
        except (OSError, ValueError) as error:
            raise self._ended() from error

    def _reply(self, key: str) -> dict[str, Any]:
        for line in self._lines():
            if key in line:
                return line
        raise self._ended()

    def _lines(self) -> Iterator[dict[str, Any]]:
        if self._process.stdout is None:
            return
        while text := self._process.stdout.readline():
            try:
                line = dict(json.loads(text))
            except (ValueError, TypeError):
                continue  # a library's own words on stdout
            if "progress" in line:
                self._on_progress(line["progress"])
            yield line

    def _expire(self) -> None:
        self._timed_out.set()
        self._process.kill()  # it has no children of its own, so this ends all of it

    def _close_input(self) -> None:
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _kill(self) -> None:
        self._alarm.cancel()
        self._process.kill()
        self._process.wait()
        self._close_input()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ended(self) -> CommandError:
        try:
            code = self._process.wait(timeout=LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        why = f"ended with exit code {code}: {self._tail()}"
        if self._timed_out.is_set():
            why = f"was ended after {self._limit_s:.0f} s"
        return CommandError(f"the load generator {why}", remedy=f"see {self._log_file}, then run the load test again")

    def _tail(self) -> str:
        text = self._log_file.read_text(encoding="utf-8", errors="replace").strip()
        return text[-LOG_TAIL:] or "it said nothing"
