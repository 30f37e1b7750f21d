"""One partition: read, checked, answered by the champion's service, written. In bounded memory, whatever its size.

Rules
-----
1. Each row that is read is written or set aside, with its reason; the counts are compared before anything is written.
2. Nothing is visible before everything is there: answers are written down beside their place, checked, and put in place
   at once. If a check failed, the partition's place in the sink is left alone, and the rows set aside can be looked at.
3. Done twice is as good as done once, at the same time too; what a killed one left is removed by the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from slipway.core.signature import Signature
from slipway.core.verdict import Measurement, Outcome
from slipway.scoring.answers import Scored
from slipway.scoring.checks import Counts, Limits, run_measurements
from slipway.scoring.client import Answered, ServiceClient
from slipway.scoring.parquet_sink import ParquetSink
from slipway.scoring.partition import Partition
from slipway.scoring.quarantine import set_aside
from slipway.scoring.rows import Check, judge, split
from slipway.scoring.staging import Staged
from slipway.scoring.summary import Summary, summarise
from slipway.scoring.target import Sink, Stamp

REQUEST_BYTES = 4 << 20
MOST_ROWS, FEWEST_ROWS = 20_000, 256
_WIDTH = 2  # the service computes one request while the next one is on its way


class Source(Protocol):
    """Where rows come from."""

    def batches(self, partition: Partition, *, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield a partition's rows, at most so many at a time; SourceError if they cannot be read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that scoring needs beside the partition.

    Attributes
    ----------
    source, sink : Source, Sink
    quarantine : ParquetSink
        Keeps the rows that are set aside.
    url : str
        Where the champion's service answers.
    signature : Signature
    keys : tuple of str
        Columns of the source that go to the sink.
    stamp : Stamp
        Its subject is the version that must answer.
    limits : Limits
    check : callable, optional
        A further contract for rows: see :data:`slipway.scoring.rows.Check`.
    history : tuple of Summary
        Of the last runs; without, the answers' distribution is not judged.
    """

    source: Source
    sink: Sink
    quarantine: ParquetSink
    url: str
    signature: Signature
    keys: tuple[str, ...]
    stamp: Stamp
    limits: Limits = field(default_factory=Limits)
    check: Check | None = None
    history: tuple[Summary, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a partition.

    Attributes
    ----------
    partition : int
    counts : Counts
        ``written`` rows are in the sink only if ``committed``.
    summary : Summary
    measurements : tuple of Measurement
    committed : bool
        False if a check failed: the sink was left as it was.
    """

    partition: int
    counts: Counts
    summary: Summary
    measurements: tuple[Measurement, ...]
    committed: bool

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "partition": self.partition,
            "counts": {"read": self.counts.read, "written": self.counts.written, "set_aside": self.counts.set_aside},
            "summary": self.summary.to_json(),
            "measurements": [m.to_json() for m in self.measurements],
            "committed": self.committed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """Read what :meth:`to_json` wrote."""
        return cls(
            partition=data["partition"],
            counts=Counts(**data["counts"]),
            summary=Summary.from_json(data["summary"]),
            measurements=tuple(Measurement.from_json(m) for m in data["measurements"]),
            committed=data["committed"],
        )


def score_partition(partition: Partition, job: Job) -> Result:
    """Score a partition and replace its rows in the sink.

    Raises
    ------
    SourceError
        If the rows cannot be read, or are not any more what was planned.
    ScoringStopped
        If the service does not answer as declared.
    SinkError
        If the answers cannot be written; Superseded if the interval was cut anew meanwhile.
    StorageError
        If the disk is full.
    """
    target = job.stamp.target(partition.interval)
    with ExitStack() as stack:
        out = stack.enter_context(job.sink.stage(target, partition))
        aside = stack.enter_context(job.quarantine.stage(target, partition))
        client = stack.enter_context(
            ServiceClient(job.url, subject=job.stamp.subject, signature=job.signature, width=_WIDTH)
        )
        run = _Run(partition, job, client, out=out, aside=aside)
        run.score()
        counts = Counts(read=run.read, written=out.rows, set_aside=aside.rows)
        measurements = run_measurements(
            counts, run.summary, job.signature.output, limits=job.limits, history=job.history
        )
        good = all(m.outcome is not Outcome.FAILED for m in measurements)
        aside.finish()
        job.quarantine.commit(aside, target, partition)
        if good:
            out.finish()
            job.sink.commit(out, target, partition)
    return Result(
        partition=partition.index, counts=counts, summary=run.summary, measurements=measurements, committed=good
    )


def interval_measurements(
    partitions: Sequence[Partition],
    results: Sequence[Result],
    job: Job,
) -> tuple[Measurement, ...]:
    """Return the checks over an interval whose partitions are all done; what is written is counted in the sink itself.

    A partition without a result, or one that was not committed, leaves rows unaccounted for.
    """
    by_index = {result.partition: result for result in results}
    done = [by_index[one.index] for one in partitions if one.index in by_index]
    held = job.sink.counts(job.stamp.target(partitions[0].interval)) if partitions else {}
    lost = sum(one.rows for one in partitions if one.index not in by_index)
    counts = Counts(
        read=sum(result.counts.read for result in done) + lost,
        written=sum(held.values()),
        set_aside=sum(result.counts.set_aside for result in done),
    )
    summary = sum((result.summary for result in done), start=Summary())
    return run_measurements(counts, summary, job.signature.output, limits=job.limits, history=job.history)


def request_rows(signature: Signature) -> int:
    """Return how many rows go into one request: about four MiB of numbers."""
    return max(FEWEST_ROWS, min(MOST_ROWS, REQUEST_BYTES // (8 * len(signature.inputs))))


@dataclass(frozen=True, slots=True)
class _Sent:
    """Rows under way: the batch they are from, their positions in it, their inputs, the answers to come.

    The inputs are held here so that this thread lets go of them: memory that one thread takes and another gives back is
    reused late, and the process grows.
    """

    batch: pa.RecordBatch
    rows: NDArray[np.int64]
    inputs: Mapping[str, pa.Array]
    answered: Future[Answered]


class _Run:
    """A partition under way: rows read, judged, sent, and received in their order."""

    def __init__(self, partition: Partition, job: Job, client: ServiceClient, *, out: Staged, aside: Staged) -> None:
        self._partition, self._job, self._client = partition, job, client
        self._out, self._aside = out, aside
        self._scored = Scored(job.keys, job.signature, job.stamp, partition)
        self._under_way: deque[_Sent] = deque()
        self.read = 0
        self.summary = Summary()

    def score(self) -> None:
        """Send everything, and write everything that comes back."""
        pool = ThreadPoolExecutor(_WIDTH, thread_name_prefix="score")
        try:
            for batch in self._job.source.batches(self._partition, rows=request_rows(self._job.signature)):
                self._take(pool, batch)
            while self._under_way:
                self._receive()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _take(self, pool: ThreadPoolExecutor, batch: pa.RecordBatch) -> None:
        self.read += batch.num_rows
        judged = judge(batch, self._job.signature, self._job.check)
        inputs, kept = judged.inputs, np.arange(batch.num_rows)
        if judged.reasons:
            bad, kept = split(batch, list(judged.reasons))
            self._set_aside(bad, list(judged.reasons.values()))
            inputs = {name: array.take(pa.array(kept)) for name, array in inputs.items()}
        while len(self._under_way) >= self._client.width:
            self._receive()
        if len(kept):
            self._under_way.append(_Sent(batch, kept, inputs, pool.submit(self._client.score, inputs)))
        elif not self._out.rows:
            self._out.write(self._scored.rows(batch, kept, self._no_answers()))

    def _receive(self) -> None:
        sent = self._under_way.popleft()
        answered = sent.answered.result()
        kept, answers = sent.rows, answered.answers
        if answered.refused:
            refused = np.array(sorted(answered.refused), dtype=np.int64)
            bad = sent.batch.take(pa.array(kept[refused]))
            self._set_aside(bad, [answered.refused[int(row)] for row in refused])
            mask = np.ones(len(kept), dtype=np.bool_)
            mask[refused] = False
            kept, answers = kept[mask], answers[mask] if mask.any() else self._no_answers()
        self.summary += summarise(answers, self._job.signature.output)
        self._out.write(self._scored.rows(sent.batch, kept, answers))

    def _set_aside(self, rows: pa.RecordBatch, reasons: Sequence[str]) -> None:
        self._aside.write(set_aside(rows, reasons, run_id=self._job.stamp.run_id, at=self._job.stamp.scored_at))

    def _no_answers(self) -> NDArray[Any]:
        return np.empty(0, dtype=object)
