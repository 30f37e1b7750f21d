"""Score one partition in a container of the version that the run was planned with."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from slipway.core.service import ServiceSpec
from slipway.core.verdict import Outcome
from slipway.errors import GateStopped
from slipway.quality.row_rules import RowRules
from slipway.quality.suite import load_suite
from slipway.scoring import Job, Partition, Result
from slipway.scoring import score_partition as score
from slipway.scoring.rows import Check
from slipway.scoring.score import Source
from slipway.workflows.candidate import started
from slipway.workflows.scoring_run import (
    Assignment,
    Connect,
    ScoringRun,
    declared_scoring,
    last_summaries,
    limits_of,
    quarantine_of,
    sink_of,
    source_of,
)
from slipway.workflows.workbench import Workbench

JUDGED_ROWS = 100_000
ROLE = "score"


def score_partition(bench: Workbench, assignment: Assignment, *, connect: Connect) -> Result:
    """Score a partition: its rows are in the sink, or set aside with their reason, or the task fails and nothing is.

    Raises
    ------
    GateStopped
        If too many rows were set aside, or the answers are not as declared; the sink keeps what it had.
    SlipwayError
        If the rows cannot be read or written, or the service does not answer as declared.
    """
    subject, partition = assignment.answering.subject, assignment.partition
    run = ScoringRun(id=assignment.run_id, model=subject.model, interval=partition.interval, connect=connect)
    spec = bench.spec(run.model)
    scoring = declared_scoring(bench, run.model)
    source = source_of(bench, run)
    check = _contract(bench, source, partition, run)
    with started(bench, _service(bench, assignment), startup_seconds=spec.objectives.startup_seconds) as handle:
        result = score(
            partition,
            Job(
                source=source,
                sink=sink_of(bench, run),
                quarantine=quarantine_of(bench),
                url=handle.url,
                signature=spec.to_signature(),
                keys=scoring.keys,
                stamp=assignment.stamp,
                limits=limits_of(scoring),
                check=check,
                history=last_summaries(bench, run),
            ),
        )
    counts = result.counts
    bench.say(f"{partition.name}: {counts.read} read, {counts.written} written, {counts.set_aside} set aside")
    failed = [m.sentence() for m in result.measurements if m.outcome is Outcome.FAILED]
    if failed:
        raise GateStopped(
            f"{partition.name} of {run.interval} was not written: {'; '.join(failed)}",
            remedy=f"look at the rows set aside, below var/scoring/quarantine/{run.model}, then clear the task",
        )
    return result


def _service(bench: Workbench, assignment: Assignment) -> ServiceSpec:
    """Return what answers: the image that passed the gates, started as production starts it, without traffic or log."""
    answering = assignment.answering
    objectives = bench.spec(answering.subject.model).objectives
    return ServiceSpec(
        name=assignment.service_name,
        image=answering.image,
        subject=answering.subject,
        memory_mb=objectives.memory_mb,
        cpus=objectives.cpus,
        env=answering.options.to_env(),
        labels={"slipway.role": ROLE},
    )


def _contract(bench: Workbench, source: Source, partition: Partition, run: ScoringRun) -> Check:
    """Judge the partition by the dataset's suite, many rows at a time; return what tells a batch's bad rows.

    Great Expectations takes as long for a few rows as for many, and the service is asked a few thousand at a time.
    """
    spec = bench.spec(run.model)
    rules = RowRules(load_suite(bench.settings.expectations / spec.dataset), spec.to_signature().names)
    bad: dict[int, str] = {}
    seen = 0
    for batch in source.batches(partition, rows=JUDGED_ROWS):
        bad |= {seen + row: why for row, why in rules.broken(batch.to_pandas()).items()}
        seen += batch.num_rows
    if bad:
        bench.say(f"{partition.name}: {len(bad)} of {seen} rows break the dataset's contract")
    return InTurn(bad)


class InTurn:
    """Tells which rows of each batch are bad, of batches that come in the partition's order."""

    def __init__(self, bad: Mapping[int, str]) -> None:
        self._bad = sorted(bad.items())
        self._seen = 0
        self._next = 0

    def __call__(self, batch: pa.RecordBatch) -> dict[int, str]:
        """Return the positions of the next batch's bad rows, with their reasons."""
        start, self._seen = self._seen, self._seen + batch.num_rows
        found = {}
        while self._next < len(self._bad) and self._bad[self._next][0] < self._seen:
            row, why = self._bad[self._next]
            found[row - start] = why
            self._next += 1
        return found
