"""What a run leaves behind: the report, one line for each case, and the golden answers."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.core.golden import Golden, Tolerance
from slipway.core.verdict import Outcome, decide
from slipway.scenarios.explain import before_file, body_file
from slipway.scenarios.found import largest_ulps
from slipway.scenarios.measure import counts, json_safe
from slipway.scenarios.report import Story, page
from slipway.scenarios.suite import CaseClass, Form, Result

GOLDEN_ROWS = 200


def golden(results: Sequence[Result], tolerance: Tolerance) -> Golden:
    """Return the first ``GOLDEN_ROWS`` in-range rows with the reference's answers; the real rows come first."""
    single = [r for r in results if r.case.kind is CaseClass.IN_RANGE and len(r.case.rows) == 1]
    chosen = single[:GOLDEN_ROWS]
    return Golden(
        rows=tuple(r.expectation.rows[0] for r in chosen),
        answers=tuple(r.expectation.answers[0] for r in chosen),
        tolerance=tolerance,
        served=tuple(r.answers[0] for r in chosen) if all(r.answers for r in chosen) else (),
    )


def write(out: Path, story: Story, *, tolerance: Tolerance) -> dict[str, str]:
    """Write the files; return each one's path and title. Golden answers are written only for a run that passed."""
    for stale in (*out.glob("failure-*.body"), out / "golden.json"):
        stale.unlink(missing_ok=True)
    table = out / "scenarios.jsonl"
    table.write_text("".join(json.dumps(_line(result), ensure_ascii=False) + "\n" for result in story.results))
    report = out / "scenarios.html"
    report.write_text(page(story), encoding="utf-8")
    reports = {str(report): "Scenarios: every answer against the reference", str(table): "Every scenario, one a line"}
    for number, one in enumerate(story.explained, start=1):
        path = out / body_file(number)
        path.write_bytes(one.body)
        reports[str(path)] = f"Smallest failing request {number}: {one.original}"
        if one.before:
            path = out / before_file(number)
            path.write_bytes(one.before)
            reports[str(path)] = f"What is sent before it {number}: {one.original}"
    if decide(story.measurements).outcome is Outcome.PASSED:
        path = out / "golden.json"
        path.write_text(json.dumps(golden(story.results, tolerance).to_json()))
        reports[str(path)] = "Golden answers for the load test and the deployment"
    return reports


def _line(result: Result) -> dict[str, Any]:
    failure = result.failure
    answered = result.expectation.answered
    few = len(result.case.rows) == 1
    line: dict[str, Any] = {
        "name": result.case.name,
        "class": result.case.kind.value,
        "form": "raw" if result.case.body is not None else result.case.form.value,
        "rows": len(result.case.rows),
        "expected": "answer" if answered else "rejection",
        "sent": result.sent,
        "status": result.status,
        "difference": result.difference,
        "failed": failure is not None,
    }
    if result.expectation.answers and few:
        line["reference"] = json_safe(result.expectation.answers[0])
        line["served"] = json_safe(result.answers[0]) if result.answers else None
        line["flags"] = sorted({flag.column for flag in result.expectation.flags})
    if failure is not None:
        line["failure"] = {"kind": failure.kind.value, "message": failure.message, "row": failure.row}
    return line


def details(story: Story) -> dict[str, Any]:
    """Return what the evidence keeps, as strict JSON values: the smallest failures, the counts, what was looked at."""
    single = story.spec.reference.single_precision
    return {
        "smallest_failures": [one.to_json() for one in story.explained],
        "cases": {kind.value: {"cases": n, "failed": bad} for kind, (n, bad) in counts(story.results).items()},
        "forms": {form.value: sum(r.case.form is form and r.case.body is None for r in story.results) for form in Form},
        "seed": story.seed,
        "stopped": story.stopped,
        "detection_power": dict(story.power),
        "in_range_rows": dict(story.sources),
        "invariances": [
            {
                "name": held.invariance.value,
                "cases": held.compared,
                "broken": held.broken,
                "largest_difference": held.largest,
                "first_broken": held.example,
            }
            for held in story.held
        ],
        "latency_alone_ms": {kind.value: _times(times) for kind, times in story.alone.items() if times},
        "largest_difference_ulps": largest_ulps(story.results, single=single),
        "told_to_wait": story.waits,
    }


def _times(times: Sequence[float]) -> dict[str, float]:
    return {"n": len(times), "p50": round(statistics.median(times), 3), "max": round(max(times), 3)}
