"""How quickly answers go into PostgreSQL: from the rows that wait on the disk to the commit, index and all."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.batch.data import DAY, KEY, TIME
from bench.serving.models import BenchModel
from slipway.scoring import Stamp, open_sink
from slipway.scoring.answers import Scored
from slipway.scoring.partition import KeyRange, numbered

TIMES = 5
_BATCH = 20_000


def rows_per_second(url: str, model: BenchModel, *, rows: int, staging: Path) -> list[float]:
    """Return the speed of each of several writes; all but the first replace the rows of the one before."""
    signature, subject = model.spec.to_signature(), model.files.subject.with_image("sha256:" + "0" * 64)
    stamp = Stamp(subject=subject, run_id="copying", scored_at=DAY.end)
    (partition,) = numbered(DAY, [(KeyRange(None, None), rows)])
    sink, target = open_sink(url, staging=staging), stamp.target(DAY)
    scored = Scored((KEY, TIME), signature, stamp, partition)
    answers = np.random.default_rng(1).random(rows)
    speeds = []
    for _ in range(TIMES):
        with sink.stage(target, partition) as file:
            for start in range(0, rows, _BATCH):
                keys = np.arange(start, min(rows, start + _BATCH))
                times = [DAY.start + timedelta(milliseconds=int(key)) for key in keys]
                batch = pa.RecordBatch.from_pydict({KEY: keys, TIME: pa.array(times, pa.timestamp("us", tz="UTC"))})
                file.write(scored.rows(batch, np.arange(len(keys)), answers[keys]))
            file.finish()
            started = time.perf_counter()
            sink.commit(file, target, partition)
            speeds.append(rows / (time.perf_counter() - started))
    assert sink.counts(target) == {0: rows}
    return speeds
