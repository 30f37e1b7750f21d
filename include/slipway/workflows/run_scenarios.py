"""Gate 4: does the container answer what the independent reference answers, and refuse what it must refuse?"""

from __future__ import annotations

from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.specs import model_folder
from slipway.workflows.candidate import running_candidate
from slipway.workflows.gate import run_gate
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench


def run_scenarios(bench: Workbench, release: Release) -> Evidence:
    """Send the scenario suite to the candidate and compare every answer."""
    from slipway.scenarios.gate import run_scenarios as replay

    spec, files = bench.spec(release.model), bench.files(release)
    subject, _, handle = running_candidate(bench, release, files)

    def work(out: Path) -> tuple[Subject, Findings]:
        folder = model_folder(bench.settings, release.model)
        return subject, replay(files=files, spec=spec, model_folder=folder, url=handle.url, out=out, progress=bench.say)

    return run_gate(bench, release, Check.RUN_SCENARIOS, subject, work)
