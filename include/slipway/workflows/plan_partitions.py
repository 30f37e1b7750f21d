"""Cut an interval into partitions, and settle which version answers."""

from __future__ import annotations

from slipway.scoring import Target
from slipway.scoring import plan_partitions as cut
from slipway.workflows.scoring_run import (
    Assignment,
    ScoringRun,
    answering_now,
    declared_scoring,
    quarantine_of,
    sink_of,
    source_of,
)
from slipway.workflows.tell import tell_scoring
from slipway.workflows.workbench import Workbench


def plan_partitions(bench: Workbench, run: ScoringRun) -> tuple[Assignment, ...]:
    """Return one assignment for each partition of the interval; none if it has no rows.

    Sink and quarantine are made ready for this cut: what an earlier run of the interval wrote under another cut goes.

    Raises
    ------
    EvidenceError
        If no version serves, or its bytes have changed since they were judged.
    SourceError
        If the source is not there or not as declared.
    SinkError
        If rows of an overlapping interval are there already.
    """
    scoring = declared_scoring(bench, run.model)
    answering = answering_now(bench, run.model)
    partitions = cut(source_of(bench, run), run.interval, scoring.partition_rows)
    planned_at = bench.now()
    made = tuple(
        Assignment(run_id=run.id, planned_at=planned_at, answering=answering, partition=one) for one in partitions
    )
    subject = answering.subject
    target = Target(subject.model, subject.version, run.interval)
    for sink in (sink_of(bench, run), quarantine_of(bench)):
        sink.begin(target, partitions)
    rows = sum(one.rows for one in partitions)
    bench.say(f"{run.interval}: {rows} rows in {len(partitions)} partitions, answered by {subject}")
    tell_scoring(bench, run, subject, None)
    return made
