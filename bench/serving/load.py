"""Runs the generators on their core: wrk for saturation, `client.py` for given rates and for large requests."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.serving.payloads import Payload
from bench.serving.processes import HOST, pinned
from slipway.runtime.commands import run

_HERE = Path(__file__).parent
_RESULT = re.compile(r"^RESULT (\{.*\})$", re.MULTILINE)
_SLACK_S = 180


@dataclass(frozen=True, slots=True)
class Target:
    """Where a payload goes."""

    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Saturation:
    """What a closed loop came to; only answers with a 2xx count as answered."""

    per_second: float
    p50_ms: float
    p99_ms: float
    answered: int
    errors: int


class Generator:
    """Loads a server from one core.

    Parameters
    ----------
    core : int
    """

    def __init__(self, core: int) -> None:
        wrk = shutil.which("wrk")
        if wrk is None:
            raise SystemExit("wrk is not installed. What to do: install it (Debian: apt-get install wrk).")
        self._wrk = wrk
        self._core = core

    def saturate(self, target: Target, payload: Payload, *, connections: int, seconds: float) -> Saturation:
        """Keep some connections busy and return the throughput; CommandError if wrk fails."""
        with _body_file(payload) as body:
            env = {
                "PATH": "/usr/bin:/bin",
                "BENCH_BODY": str(body),
                "BENCH_HEADERS": "\n".join(f"{name}:{value}" for name, value in payload.headers),
            }
            url = f"http://{HOST}:{target.port}{target.path}"
            options = ("-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", "--timeout", "60s")
            with pinned(self._core):
                done = run((self._wrk, *options, "-s", _HERE / "post.lua", url), timeout_s=seconds + _SLACK_S, env=env)
        return parse_wrk(done.stdout)

    def at_rate(self, target: Target, payload: Payload, *, rate: float, seconds: float, seed: int) -> dict[str, Any]:
        """Send at a rate, open loop; see `client.py`."""
        return self._client(target, payload, kind="open", rate=rate, seconds=seconds, seed=seed)

    def one_by_one(self, target: Target, payload: Payload, *, seconds: float, least: int, most: int) -> dict[str, Any]:
        """Send one request after the other; see `client.py`."""
        return self._client(target, payload, kind="sequential", seconds=seconds, least=least, most=most)

    def _client(self, target: Target, payload: Payload, **job: Any) -> dict[str, Any]:
        with _body_file(payload) as body:
            job |= {"host": HOST, "port": target.port, "path": target.path}
            job |= {"body": str(body), "headers": payload.headers}
            with pinned(self._core):
                done = run(
                    (sys.executable, "-I", _HERE / "client.py"),
                    timeout_s=job["seconds"] + _SLACK_S,
                    input=json.dumps(job),
                    max_output=16 << 20,
                )
        return dict(json.loads(done.stdout))


def parse_wrk(said: str) -> Saturation:
    """Return what `post.lua` printed.

    >>> parse_wrk('RESULT {"requests":20,"seconds":2,"status":4,"socket":0,"p50_ms":1,"p99_ms":2}').per_second
    8.0
    """
    found = _RESULT.search(said)
    if found is None:
        raise ValueError(f"wrk told no result: {said[-500:]}")
    told = json.loads(found[1])
    answered = told["requests"] - told["status"]
    return Saturation(
        per_second=answered / told["seconds"],
        p50_ms=told["p50_ms"],
        p99_ms=told["p99_ms"],
        answered=answered,
        errors=told["status"] + told["socket"],
    )


@contextmanager
def _body_file(payload: Payload) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(prefix="bench-body-") as file:
        file.write(payload.body)
        file.flush()
        yield Path(file.name)
