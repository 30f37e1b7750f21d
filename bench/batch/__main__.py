"""``python -m bench.batch [--quick] [--rows N]`` -> bench/results/batch.json; about ten minutes, quick about two.

A quick run, or one of another size, writes batch-partial.json instead. Ends with 1 if a row was lost or doubled.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.batch import beside, data, kills, postgres
from bench.batch.claims import Found, make_claims
from bench.batch.copying import rows_per_second
from bench.batch.memory import peak_mb
from bench.batch.service import process_of, serving
from bench.results import write
from bench.serving import models
from bench.serving.slipway_side import Image, bench_settings, build
from slipway.core.service import ServiceHandle
from slipway.errors import ServiceError
from slipway.runtime.files import locked
from slipway.settings import Settings

MODEL = "gbm100"
_BESIDE_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is done.

    Attributes
    ----------
    rows, partition_rows : int
        Scored from Parquet to Parquet.
    native_rows, native_passes : int
        The bare model's: the rows in memory, and how often it passes over them before and after.
    loop_rows : int
        The pandas loop's.
    copied_rows : int
        Into PostgreSQL, in each of several writes.
    killed_rows, kills : int
        Scored while the process is killed; half a run's kills into Parquet, as many into PostgreSQL.
    """

    rows: int = 10_000_000
    partition_rows: int = 1_000_000
    native_rows: int = 1_000_000
    native_passes: int = 3
    loop_rows: int = 1_000_000
    copied_rows: int = 500_000
    killed_rows: int = 500_000
    kills: int = kills.KILLS


QUICK = Plan(
    rows=1_000_000, native_rows=200_000, loop_rows=200_000, copied_rows=100_000, killed_rows=100_000, kills=3,
    native_passes=1,
)  # fmt: skip


class Bench:
    """One run of the benchmark, in a folder of its own."""

    def __init__(self, plan: Plan, folder: Path, say: Callable[[str], None]) -> None:
        self.plan, self._say = plan, say
        self._folder, self._work = folder / "batch", folder / "batch" / "work"
        self._settings = bench_settings(folder / "slipway")
        self.model = models.provide(MODEL, folder=folder / "models", say=say)
        self.image: Image = build(self.model, self._settings, say)

    def run(self) -> Found:
        """Measure everything, one thing after the other."""
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(parents=True)
        source = data.provide(self.plan.rows, folder=self._folder, say=self._say)
        small = data.provide(
            self.plan.killed_rows, folder=self._folder, say=self._say, group_rows=self.plan.killed_rows // 20
        )
        try:
            loop = self._loop()
            native = [self._native()]
            self._say(f"{self.plan.rows:,} rows, Parquet to Parquet")
            with serving(self.image, self._settings) as handle:
                worker = kills.run_worker(self._job(handle, source, str(self._work / "sink"), self.plan.partition_rows))
                service_mb = peak_mb(process_of(handle))
            native.append(self._native())
            with serving(self.image, self._settings) as handle, postgres.server() as url:
                self._say("PostgreSQL, bulk copy")
                copied = rows_per_second(
                    f"{url}#copied", self.model, rows=self.plan.copied_rows, staging=self._work / "staging"
                )
                killed = self._killed(handle, small, url)
        finally:
            shutil.rmtree(self._work, ignore_errors=True)
        return Found(
            rows=self.plan.rows, worker=worker, service_mb=service_mb, native=native, loop=loop, copied=copied,
            copied_rows=self.plan.copied_rows, killed=killed,
        )  # fmt: skip

    def _killed(self, handle: ServiceHandle, source: Path, url: str) -> dict[str, kills.Killed]:
        rows = self.plan.killed_rows // 20
        found = {}
        for seed, (name, place, read) in enumerate(
            (("parquet", str(self._work), kills.read_folder), ("postgresql", url, kills.read_table)), start=1
        ):
            self._say(f"{self.plan.kills} kills, {name}")
            sinks = [f"{place}#{one}" if name == "postgresql" else f"{place}/{one}" for one in ("peace", "killed")]
            jobs = [self._job(handle, source, sink, rows) for sink in sinks]
            found[name] = kills.kill_and_compare(*jobs, kills=self.plan.kills, seed=seed, read=read)
        return found

    def _job(self, handle: ServiceHandle, source: Path, sink: str, rows: int) -> dict[str, Any]:
        return {
            "source": str(source),
            "sink": sink,
            "quarantine": str(self._work / "quarantine"),
            "staging": str(self._work / "staging"),
            "url": handle.url,
            "subject": self.image.files.subject.with_image(self.image.image.digest).to_json(),
            "signature": self.model.spec.to_signature().to_json(),
            "run_id": "bench",
            "scored_at": data.DAY.end.isoformat(),
            "rows": rows,
        }

    def _native(self) -> dict[str, list[float]]:
        self._say("the bare model, on arrays in memory")
        rows = self._work / "rows.npy"
        if not rows.exists():
            np.save(rows, data.matrix(self.plan.native_rows, seed=5))
        told = self._beside(self.image.python, rows=str(rows), passes=self.plan.native_passes)
        found: dict[str, list[float]] = told["rows_per_second"]
        return found

    def _loop(self) -> float:
        self._say("mlflow.pyfunc in a pandas loop")
        source = data.provide(self.plan.loop_rows, folder=self._folder, say=self._say)
        (file,) = sorted(source.glob("*.parquet"))
        names = list(self.model.spec.to_signature().names)
        job = {"source": str(file), "sink": str(self._work / "loop.parquet"), "names": names}
        return float(self._beside(sys.executable, **job, keys=[data.KEY, data.TIME])["rows_per_second"])

    def _beside(self, python: str | Path, **job: Any) -> dict[str, Any]:
        done = subprocess.run(
            [str(python), "-I", beside.__file__], input=json.dumps({"folder": str(self.model.folder), **job}),
            env={"PATH": "/usr/bin:/bin", "HOME": str(self._work), "OMP_NUM_THREADS": "1",
                 "MLFLOW_DISABLE_TELEMETRY": "true"},
            capture_output=True, text=True, timeout=_BESIDE_S,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{beside.__file__}: {done.stderr[-1500:]}")
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and write its figures; return the exit code."""
    plan = _plan(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is running is stopped on the way out
    started = datetime.now(UTC)

    def say(line: str) -> None:
        print(f"{(datetime.now(UTC) - started).total_seconds():7.1f} s  {line}", flush=True)

    folder = Settings.load().var / "bench"
    try:
        with locked(folder / "batch.lock", timeout_s=0):  # two at once would measure each other
            bench = Bench(plan, folder, say)
            found = bench.run()
    except (ServiceError, postgres.NoServer, kills.WorkerFailed) as error:
        raise SystemExit(str(error)) from error
    name = "batch" if plan == Plan() else "batch-partial"  # a part of the whole must not take its place
    more = {"plan": asdict(plan), "model": MODEL, "backend": bench.image.backends[0], "found": asdict(found)}
    write(name, make_claims(found), started_at=started, more=more)
    return 1 if any(one.wrong for one in found.killed.values()) else 0


def _plan(arguments: Sequence[str] | None) -> Plan:
    parser = argparse.ArgumentParser(prog="bench.batch", description="Batch scoring, measured.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, three kills: rough figures")
    parser.add_argument("--rows", type=int, help="rows that are scored from Parquet to Parquet")
    given = parser.parse_args(arguments)
    plan = QUICK if given.quick else Plan()
    return replace(plan, rows=given.rows) if given.rows else plan


if __name__ == "__main__":
    sys.exit(main())
