"""Gate 2: is this version good enough, by itself, on every declared slice, and beside the champion?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.core.verdict import Outcome
from slipway.errors import EvidenceError
from slipway.workflows.gate import run_gate
from slipway.workflows.records import read_report
from slipway.workflows.release import Release
from slipway.workflows.standing import DETAIL, champion_files, standing
from slipway.workflows.workbench import Workbench


def evaluate(bench: Workbench, release: Release) -> Evidence:
    """Evaluate the version on its holdout: thresholds, slices, fairness, and the champion on the same rows.

    Rows that this release's data gate has set aside are not scored; the evidence says how many. It also names the
    champion, on whom ledger and registry must agree: a bar that was lowered by hand is none.
    """
    from slipway.quality.evaluate import evaluate as judge_quality

    spec, files = bench.spec(release.model), bench.files(release)

    def work(out: Path) -> tuple[Subject, Findings]:
        set_aside = _set_aside(bench, release, files.subject)
        present = standing(bench, release.model)
        champion = champion_files(bench, present, besides=files.subject)
        found = judge_quality(files=files, spec=spec, champion=champion, out=out, set_aside=set_aside)
        beside = {**present.to_json(), "compared": champion is not None}
        if champion is not None:
            beside["artifact_sha256"] = champion.subject.artifact_sha256
        return files.subject, replace(found, details={**found.details, DETAIL: beside})

    return run_gate(bench, release, Check.EVALUATE, files.subject, work)


def _set_aside(bench: Workbench, release: Release, subject: Subject) -> tuple[int, ...]:
    """Return the holdout rows that the data gate of this release has set aside; EvidenceError if it has not passed."""
    from slipway.quality.quarantine import QUARANTINE_FILE, rows_set_aside

    passed = [
        evidence
        for evidence in bench.ledger.evidence(subject.model, subject.version)
        if evidence.check is Check.VALIDATE_DATA
        and evidence.release == release.id
        and evidence.outcome is Outcome.PASSED
        and evidence.subject.artifact_sha256 == subject.artifact_sha256
    ]
    kept = [report for evidence in passed[-1:] for report in evidence.reports if report.path.endswith(QUARANTINE_FILE)]
    if not kept:
        raise EvidenceError(
            f"no validate_data with its {QUARANTINE_FILE} has PASSED for {subject} in release {release.id}",
            remedy="clear validate_data, so that the data is judged before the model",
        )
    return rows_set_aside(read_report(bench, kept[0].path, kept[0].sha256), "holdout")
