"""Gate 6: does the candidate hold its objectives under load, with right answers?"""

from __future__ import annotations

from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.core.loadprofile import load_profile
from slipway.workflows.candidate import running_candidate
from slipway.workflows.gate import run_gate
from slipway.workflows.records import golden_answers
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench


def load_test(bench: Workbench, release: Release) -> Evidence:
    """Drive the candidate with an open-loop load and hold p95, p99, errors and answers against the objectives."""
    from slipway.loadtest import load_test as drive

    spec, files = bench.spec(release.model), bench.files(release)
    subject, _, handle = running_candidate(bench, release, files)

    def work(out: Path) -> tuple[Subject, Findings]:
        return subject, drive(
            spec=spec,
            profile=load_profile(release.load_profile),
            golden=golden_answers(bench, subject),
            url=handle.url,
            out=out,
            progress=bench.say,
        )

    return run_gate(bench, release, Check.LOAD_TEST, subject, work)
