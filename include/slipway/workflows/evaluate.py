"""Gate 2: is this version good enough, by itself, on every declared slice, and beside the champion?"""

from __future__ import annotations

from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.workflows.gate import run_gate
from slipway.workflows.release import Release
from slipway.workflows.standing import champion_files
from slipway.workflows.workbench import Workbench


def evaluate(bench: Workbench, release: Release) -> Evidence:
    """Evaluate the version on its holdout: thresholds, slices, fairness, and the champion on the same rows."""
    from slipway.quality.evaluate import evaluate as judge_quality

    spec, files = bench.spec(release.model), bench.files(release)

    def work(out: Path) -> tuple[Subject, Findings]:
        champion = champion_files(bench, spec.registered_model, besides=files.subject.version)
        return files.subject, judge_quality(files=files, spec=spec, champion=champion, out=out)

    return run_gate(bench, release, Check.EVALUATE, files.subject, work)
