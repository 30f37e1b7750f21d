"""The scoring task by itself: ``python -m bench.batch.worker`` with a job on standard input; prints what came of it.

It scores every partition, one after the other, as a worker of the scheduler does with its mapped tasks.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from bench.batch.data import DAY, KEY, TIME
from bench.batch.memory import peak_mb
from slipway.core.identity import Subject
from slipway.core.signature import Signature
from slipway.core.verdict import Outcome
from slipway.scoring import Job, Stamp, interval_measurements, open_sink, open_source, plan_partitions, score_partition


def job_of(given: dict[str, Any]) -> Job:
    """Return the job that a description means."""
    staging = Path(given["staging"])
    stamp = Stamp(
        subject=Subject.from_json(given["subject"]),
        run_id=given["run_id"],
        scored_at=datetime.fromisoformat(given["scored_at"]),
    )
    return Job(
        source=open_source(given["source"], time_column=TIME, keys=(KEY,)),
        sink=open_sink(given["sink"], staging=staging),
        quarantine=open_sink(given["quarantine"], staging=staging),
        url=given["url"],
        signature=Signature.from_json(given["signature"]),
        keys=(KEY, TIME),
        stamp=stamp,
    )


def main() -> None:
    """Plan, score and check; print the seconds, this process's peak memory and the counts."""
    given = json.load(sys.stdin)
    started, used = time.perf_counter(), time.process_time()
    job = job_of(given)
    partitions = plan_partitions(open_source(given["source"], time_column=TIME, keys=(KEY,)), DAY, given["rows"])
    target = job.stamp.target(DAY)
    for place in (job.sink, job.quarantine):
        place.begin(target, partitions)
    results = [score_partition(partition, job) for partition in partitions]
    failed = [m.sentence() for m in interval_measurements(partitions, results, job) if m.outcome is Outcome.FAILED]
    report = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - used,
        "peak_mb": peak_mb(psutil.Process()),
        "partitions": len(partitions),
        "read": sum(result.counts.read for result in results),
        "written": sum(result.counts.written for result in results),
        "failed": failed,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
