"""Reconcile what was written with what was read, look at the answers, and enter the run into the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slipway.core.verdict import Measurement, Outcome, decide
from slipway.errors import GateStopped
from slipway.ledger.entries import EntryKind
from slipway.scoring import Job, Result, Summary, interval_measurements
from slipway.workflows.scoring_run import (
    Answering,
    Assignment,
    ScoringRun,
    answering_now,
    declared_scoring,
    last_summaries,
    limits_of,
    quarantine_of,
    sink_of,
    source_of,
)
from slipway.workflows.tell import tell_scoring
from slipway.workflows.workbench import Workbench

ACTOR = "slipway score"


def check_scores(
    bench: Workbench, run: ScoringRun, planned: Sequence[Assignment], scored: Sequence[Result]
) -> dict[str, Any]:
    """Return the run's summary, and enter it into the ledger once; an interval without rows is entered as that.

    Raises
    ------
    GateStopped
        If rows are unaccounted for, too many were set aside, or the answers are not as declared.
    """
    answering = planned[0].answering if planned else answering_now(bench, run.model)
    measurements = _measurements(bench, run, planned, scored)
    outcome = decide(measurements).outcome if measurements else Outcome.INCONCLUSIVE
    scoring = declared_scoring(bench, run.model)
    stores = {"source": scoring.source.label, "sink": scoring.sink.label}
    summary = _summary(run, answering, scored, measurements) | {"outcome": outcome.value, **stores}
    _record(bench, run, answering, summary)
    tell_scoring(bench, run, answering.subject, outcome, summary["rows"]["written"])
    failed = [m.sentence() for m in measurements if m.outcome is Outcome.FAILED]
    if failed:
        raise GateStopped(
            f"{run.interval} does not hold: {'; '.join(failed)}",
            remedy="look at the partitions' logs and the rows set aside, then clear the tasks that were at fault",
        )
    rows = summary["rows"]
    bench.say(
        f"{run.interval}: {rows['read']} read, {rows['written']} written, {rows['set_aside']} set aside; {outcome}"
        if planned
        else f"{run.interval}: the source has no rows"
    )
    return summary


def _measurements(
    bench: Workbench, run: ScoringRun, planned: Sequence[Assignment], scored: Sequence[Result]
) -> tuple[Measurement, ...]:
    if not planned:
        return ()
    scoring = declared_scoring(bench, run.model)
    job = Job(
        source=source_of(bench, run),
        sink=sink_of(bench, run),
        quarantine=quarantine_of(bench),
        url="",
        signature=bench.spec(run.model).to_signature(),
        keys=scoring.keys,
        stamp=planned[0].stamp,
        limits=limits_of(scoring),
        history=last_summaries(bench, run),
    )
    return interval_measurements([one.partition for one in planned], scored, job)


def _summary(
    run: ScoringRun, answering: Answering, scored: Sequence[Result], measurements: Sequence[Measurement]
) -> dict[str, Any]:
    counts = [result.counts for result in scored]
    return {
        "run": run.id,
        "subject": answering.subject.to_json(),
        "interval": run.interval.to_json(),
        "partitions": len(scored),
        "rows": {name: sum(getattr(one, name) for one in counts) for name in ("read", "written", "set_aside")},
        "summary": sum((result.summary for result in scored), start=Summary()).to_json(),
        "measurements": [measurement.to_json() for measurement in measurements],
    }


def _record(bench: Workbench, run: ScoringRun, answering: Answering, summary: dict[str, Any]) -> None:
    """Enter the run, unless just this was entered already by an earlier try."""
    entries = bench.ledger.entries(model=run.model, kinds=[EntryKind.SCORING])
    if any(entry.payload == summary for entry in entries):
        return
    bench.ledger.append(
        EntryKind.SCORING, model=run.model, version=answering.subject.version, actor=ACTOR, payload=summary
    )
