"""The adapter around the generator's process: started once, asked for measurements, bounded in time, ended."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from slipway.core.golden import Golden
from slipway.errors import CommandError
from slipway.tuning.points import Repeat

MODULE = "slipway.tuning.drive"
CONNECTIONS = 16
GRACE_SECONDS = 15.0
END_SECONDS = 5.0
LOG_TAIL = 1500


class Generator:
    """Measures services with one process of its own.

    Parameters
    ----------
    golden : Golden
        Rows to send and the answers to expect.
    rate_per_s : float
        The arrival rate of the stretch that latency is measured in.
    timeout_s : float
        A request without a whole answer after this long has failed.
    log : Path
        Where the process's errors go.
    """

    def __init__(self, golden: Golden, *, rate_per_s: float, timeout_s: float, log: Path) -> None:
        self._setup = {"golden": golden.to_json(), "timeout_s": timeout_s}
        self._rate = rate_per_s
        self._timeout_s = timeout_s
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start the process."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        try:
            self._write(self._setup)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it; it ends by itself when its input does."""
        process = self._process
        if process is None:
            return
        try:
            process.communicate(timeout=END_SECONDS)
        except (subprocess.TimeoutExpired, OSError, ValueError):
            pass  # it is busy with a measurement that nobody waits for
        finally:
            process.kill()
            process.wait()

    def measure(self, url: str, *, saturate_s: float, paced_s: float, seed: int) -> Repeat:
        """Measure the service at ``url``: first at saturation, then at the arrival rate; seconds each.

        Raises
        ------
        CommandError
            If the process ended, or did not answer in time: nothing is known about the service then.
        """
        asked = {"url": url, "saturate_s": saturate_s, "paced_s": paced_s, "seed": seed, "rate": self._rate}
        line = self._answer(
            {**asked, "connections": CONNECTIONS}, limit_s=saturate_s + paced_s + 2 * self._timeout_s + GRACE_SECONDS
        )
        try:
            return Repeat.from_json(json.loads(line))
        except (ValueError, TypeError) as error:
            raise CommandError(
                f"the tuning generator said {line[:200]!r}", remedy=f"see {self._log}, then tune again"
            ) from error

    def _write(self, what: Any) -> None:
        try:
            stdin = self._running().stdin
            assert stdin is not None  # opened as a pipe
            stdin.write(json.dumps(what) + "\n")
            stdin.flush()
        except OSError as error:
            raise self._ended() from error

    def _answer(self, what: Any, *, limit_s: float) -> str:
        process = self._running()
        alarm = threading.Timer(limit_s, process.kill)
        alarm.start()
        try:
            self._write(what)
            assert process.stdout is not None  # opened as a pipe
            line = process.stdout.readline()
        finally:
            alarm.cancel()
        if not line:
            raise self._ended()
        return line

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise CommandError("the tuning generator does not run", remedy="use it inside a with block")
        return self._process

    def _ended(self) -> CommandError:
        said = self._log.read_text(encoding="utf-8", errors="replace").strip()[-LOG_TAIL:]
        return CommandError(
            f"the tuning generator ended: {said or 'it was killed, or took too long'}",
            remedy=f"see {self._log}, then tune again",
        )
