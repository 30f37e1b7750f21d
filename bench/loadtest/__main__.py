"""One stalling server, closed loops and our load test: ``python -m bench.loadtest`` -> bench/results/loadtest.*."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import results
from bench.loadtest.closed import closed_loop
from bench.loadtest.picture import picture
from bench.results import Claim
from slipway.core.evidence import Findings
from slipway.core.golden import Golden, Tolerance
from slipway.core.identity import Subject
from slipway.core.loadprofile import LoadProfile, Stage
from slipway.core.verdict import decide
from slipway.loadtest import load_test
from slipway.loadtest.quantiles import quantile
from slipway.loadtest.samples import SAMPLES_FILE, read_samples
from slipway.specs import parse_model

EVERY, STALL = 8.0, 0.8
RATE, CALLERS = 20.0, 4
P95_MS, P99_MS = 200.0, 300.0
FASTEST_MS = 1.0
CLOSED, PACED, OURS = "closed loop, 4 callers, flat out", "closed loop, 1 caller, 20/s", "Slipway: open loop, 20/s"
MODEL = {
    "name": "doubler",
    "purpose": "doubles",
    "owner": {"team": "bench", "contact": "bench@example.org"},
    "risk_tier": "low",
    "dataset": "numbers",
    "registered_model": "doubler",
    "task": "regression",
    "signature": {"inputs": [{"name": "x", "dtype": "float"}], "output": {"name": "y"}},
    "quality": {"label": "y", "metrics": [{"name": "rmse", "threshold": 1}], "champion_metric": "rmse"},
    "objectives": {"arrival_rate_per_s": RATE, "p95_ms": P95_MS, "p99_ms": P99_MS},
}


def main(argv: Sequence[str]) -> int:
    """Run the three tests, one after the other, and write the figures and the picture."""
    parser = argparse.ArgumentParser(prog="python -m bench.loadtest", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each of the three tests lasts")
    seconds = parser.parse_args(argv).seconds
    started = datetime.now(UTC)
    latencies, found = {}, None
    with stalling_server() as port, tempfile.TemporaryDirectory() as folder:
        print(f"a server that stands still for {STALL:g} s every {EVERY:g} s; each test takes {seconds:g} s")
        latencies[CLOSED] = closed_loop(port, callers=CALLERS, seconds=seconds)
        latencies[PACED] = closed_loop(port, callers=1, seconds=seconds, per_s=RATE)
        found, latencies[OURS] = slipway(port, seconds, Path(folder))
    write(latencies, found, started)
    return 0


@contextmanager
def stalling_server() -> Iterator[int]:
    """Run the server in a process of its own; give its port."""
    command = [sys.executable, "-m", "bench.loadtest.server", str(EVERY), str(STALL)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline() if process.stdout else "")
    finally:
        process.kill()
        process.wait()


def slipway(port: int, seconds: float, out: Path) -> tuple[Findings, list[float]]:
    """Return what the load test finds, and the latencies that it counts, ascending."""
    rows = tuple({"x": float(i)} for i in range(20))
    golden = Golden(rows=rows, answers=tuple(2 * row["x"] for row in rows),
                    tolerance=Tolerance(absolute=1e-9, relative=1e-9))  # fmt: skip
    profile = LoadProfile(
        name="demonstration", description="", stages=(Stage(seconds),), warmup_seconds=2, window_seconds=seconds / 6,
        max_windows=6,
    )  # fmt: skip
    findings = load_test(
        spec=parse_model(MODEL),
        subject=Subject(model="doubler", version=1, artifact_sha256="sha256:" + "0" * 64),
        profile=profile,
        golden=golden,
        url=f"http://127.0.0.1:{port}",
        out=out,
    )
    counted = {window["index"] for window in findings.details["windows"] if not window["set_aside"]}
    return findings, sorted(s.latency_ms for s in read_samples(out / SAMPLES_FILE) if s.stage in counted)


def truth(q: float) -> float:
    """Return the ``q`` quantile in ms of what a caller meets who comes at any moment.

    Who comes while the server stands still waits for the rest of it: the share of callers that wait longer than w is
    (STALL - w) / EVERY.
    """
    return max(FASTEST_MS, (STALL - (1 - q) * EVERY) * 1000)


def write(latencies: dict[str, list[float]], found: Findings, started: datetime) -> None:
    """Write the picture and the figures; print what each test would have said."""
    figures: dict[str, Any] = {"a caller at any moment, calculated": {f"p{q * 100:g}": truth(q) for q in (0.95, 0.99)}}
    for name, ordered in latencies.items():
        points = {f"p{q * 100:g}": quantile(ordered, q) for q in (0.50, 0.95, 0.99)}
        values = {key: point.value for key, point in points.items() if point is not None}
        verdict = "PASSED" if values["p95"] <= P95_MS and values["p99"] <= P99_MS else "FAILED"
        figures[name] = {"n": len(ordered), **values, "verdict": verdict}
    figures[OURS]["verdict"] = decide(found.measurements).outcome.value
    for name, one in figures.items():
        shown = "  ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                          for key, value in one.items())  # fmt: skip
        print(f"{name:<42} {shown}")
    curve = [(q / 1000, truth(q / 1000)) for q in range(1000)]
    drawn = picture(latencies, truth=curve, limits={"p95": P95_MS, "p99": P99_MS})
    results.RESULTS.mkdir(exist_ok=True)
    (results.RESULTS / "loadtest.svg").write_text(drawn, encoding="utf-8")
    claims = [
        Claim(
            name=f"loadtest.{level}_over_closed_loop",
            value=figures[OURS][level] / figures[CLOSED][level],
            unit="x",
            n=figures[OURS]["n"],
            against=f"{CLOSED}: {figures[CLOSED][level]:.3g} ms; ours {figures[OURS][level]:.3g} ms, "
            f"calculated {truth(0.95 if level == 'p95' else 0.99):.3g} ms",
        )
        for level in ("p95", "p99")
    ]
    more = {
        "server": {"stall_seconds": STALL, "every_seconds": EVERY},
        "limits_ms": {"p95": P95_MS, "p99": P99_MS},
        "tests": figures,
        "measurements": [m.to_json() for m in found.measurements],
    }
    results.write("loadtest", claims, started_at=started, more=more)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
