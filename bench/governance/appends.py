"""How many entries a second four writers append to one ledger: SQLite, and a PostgreSQL server of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.batch import postgres
from bench.results import Claim
from slipway.ledger import Ledger

_NAME = "ledger.appends_per_second"
WRITERS = 4
SECONDS = 10.0
_LATE_S = 120
PAYLOAD_BYTES = 1000

WRITER = """
import sys, time
from slipway.ledger import Ledger
ledger, until, payload = Ledger(sys.argv[1]), float(sys.argv[3]), {"text": "x" * int(sys.argv[4])}
ledger.append("approval", model="bench", version=1, actor=sys.argv[2], payload=payload)
print("ready", flush=True)
sys.stdin.readline()
begin, done = time.time(), 0
while time.time() - begin < until:
    ledger.append("approval", model="bench", version=1, actor=sys.argv[2], payload=payload)
    done += 1
print(done, time.time() - begin, flush=True)
"""


def measure(*, quick: bool = False, say: Callable[[str], None] = print) -> list[Claim]:
    """Return the rate of each database; each chain is verified afterwards."""
    seconds = SECONDS / 5 if quick else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        claims = [_claim("sqlite", f"sqlite:///{Path(folder) / 'ledger.db'}", seconds, say)]
    with postgres.server() as url:
        claims.append(_claim("postgresql", url, seconds, say))
    slower = min(claims, key=lambda claim: claim.value)
    return [
        replace(slower, name=_NAME, against=f"the slower database: {slower.name.removeprefix(f'{_NAME}_')}"),
        *claims,
    ]


def _claim(name: str, url: str, seconds: float, say: Callable[[str], None]) -> Claim:
    appended, took = _write(url, seconds)
    held = Ledger(url).verify().entries
    if held != appended + WRITERS:
        raise SystemExit(f"{name}: {appended + WRITERS} entries were appended, the chain holds {held}")
    say(f"{name}: {appended} entries in {took:.1f} s by {WRITERS} processes; the chain holds")
    return Claim(
        name=f"{_NAME}_{name}",
        value=appended / took,
        unit="1/s",
        n=appended,
        against=f"{WRITERS} processes, {PAYLOAD_BYTES} bytes each, durable when it returns",
    )


def _write(url: str, seconds: float) -> tuple[int, float]:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, f"writer{n}", str(seconds), str(PAYLOAD_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(WRITERS)
    ]
    try:
        for writer in writers:  # all have opened the ledger before the first begins
            if _line(writer) != "ready":
                raise SystemExit("a writer did not start")
        begin = time.monotonic()
        for writer in writers:
            _tell(writer)
        told = [_line(writer).split() for writer in writers]
        took = time.monotonic() - begin
        for writer in writers:
            writer.wait(_LATE_S)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    return sum(int(done) for done, _ in told), took


def _line(writer: subprocess.Popen[str]) -> str:
    assert writer.stdout is not None
    return writer.stdout.readline().strip()


def _tell(writer: subprocess.Popen[str]) -> None:
    assert writer.stdin is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()
