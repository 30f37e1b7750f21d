"""Gate 7: does the candidate hold its objectives under load, with right answers?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.core.loadprofile import load_profile
from slipway.workflows.candidate import CANDIDATE, service_spec, started
from slipway.workflows.gate import run_gate
from slipway.workflows.records import built_image, golden_answers, tuned_options
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench


def load_test(bench: Workbench, release: Release) -> Evidence:
    """Drive the candidate with an open-loop load and hold p95, p99, errors and answers against the objectives.

    The candidate is started anew with the options that tuning chose, as production will start it, and stopped after:
    what ran before, and a try before this one, make no difference.
    """
    from slipway.loadtest import load_test as drive

    spec, files = bench.spec(release.model), bench.files(release)
    subject, image = built_image(bench, release, files)
    options = tuned_options(bench, subject, release=release.id)

    def work(out: Path) -> tuple[Subject, Findings]:
        candidate = service_spec(spec, subject, image, role=CANDIDATE, env=options.to_env())
        with started(bench, candidate, startup_seconds=spec.objectives.startup_seconds) as handle:
            found = drive(
                spec=spec,
                subject=subject,
                profile=load_profile(release.load_profile),
                golden=golden_answers(bench, subject),
                url=handle.url,
                out=out,
                progress=bench.say,
            )
        return subject, replace(found, details={**found.details, "options": options.to_json()})

    return run_gate(bench, release, Check.LOAD_TEST, subject, work)
