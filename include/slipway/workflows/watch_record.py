"""A night's watch in the ledger: which answers were looked at, what was found, and the pages by their digests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from slipway.core.identity import Subject, digest_bytes
from slipway.core.verdict import Outcome
from slipway.ledger.entries import EntryKind
from slipway.monitoring.values import CheckResult
from slipway.workflows.scoring_run import ScoringRun
from slipway.workflows.workbench import Workbench

ACTOR = "slipway monitor"


def record_watch(
    bench: Workbench, run: ScoringRun, champion: Subject, results: Sequence[CheckResult]
) -> dict[str, Any]:
    """Enter a night, unless just this was entered already by an earlier try; return what is entered."""
    day = run.interval.start.date()
    about = [result for result in results if result.day == day]
    payload = {
        "run": run.id,
        "model": run.model,
        "interval": run.interval.to_json(),
        "champion": champion.to_json(),
        "outcome": worst(result.outcome for result in about).value,
        "versions": sorted({result.version for result in about}),
        "checks": [
            {
                "check": result.check,
                "version": result.version,
                "outcome": None if result.outcome is None else result.outcome.value,
            }
            for result in about
        ],
        "reports": _reports(bench, {result.report for result in about if result.report}),
    }
    entries = bench.ledger.entries(model=run.model, kinds=[EntryKind.DRIFT])
    if not any(entry.payload == payload for entry in entries):
        bench.ledger.append(EntryKind.DRIFT, model=run.model, version=champion.version, actor=ACTOR, payload=payload)
    return payload


def worst(outcomes: Iterable[Outcome | None]) -> Outcome:
    """Return the worst outcome; a night of which nothing was judged is INCONCLUSIVE.

    >>> worst([Outcome.PASSED, None, Outcome.INCONCLUSIVE])
    <Outcome.INCONCLUSIVE: 'INCONCLUSIVE'>
    """
    found = set(outcomes) - {None}
    order = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED)
    return next((outcome for outcome in order if outcome in found), Outcome.INCONCLUSIVE)


def _reports(bench: Workbench, paths: Iterable[str]) -> list[dict[str, Any]]:
    """Return the pages with their digests; one that is not there any more has none."""
    found = []
    for path in sorted(paths):
        file = bench.settings.reports / path
        found.append({"path": path, "sha256": digest_bytes(file.read_bytes()) if file.is_file() else None})
    return found
