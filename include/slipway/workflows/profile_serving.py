"""Gate 5: where does the time of a request go, and is that worse than in the champion?"""

from __future__ import annotations

from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.workflows.candidate import PROFILE, running_candidate, service_spec, started
from slipway.workflows.champion import champion_beside
from slipway.workflows.gate import run_gate
from slipway.workflows.records import golden_answers
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench

PROFILE_ENV = {"SLIPWAY_SERVING_PROFILE": "1"}


def profile_serving(bench: Workbench, release: Release) -> Evidence:
    """Profile a second container of the same image, so that the candidate itself stays as production runs it.

    A container of the champion's image is profiled in turns with it.
    """
    from slipway.profiling import Rival
    from slipway.profiling import profile_serving as profile

    spec, files = bench.spec(release.model), bench.files(release)
    subject, image, _ = running_candidate(bench, release, files)

    def work(out: Path) -> tuple[Subject, Findings]:
        twin = service_spec(spec, subject, image, role=PROFILE, env=PROFILE_ENV)
        with (
            started(bench, twin, startup_seconds=spec.objectives.startup_seconds) as handle,
            champion_beside(bench, spec, subject, role=PROFILE, env=PROFILE_ENV) as champion,
        ):
            rival = Rival(url=champion.handle.url if champion.handle else None, absent=champion.absent)
            return subject, profile(
                spec=spec,
                subject=subject,
                golden=golden_answers(bench, subject),
                url=handle.url,
                out=out,
                rival=rival,
            )

    return run_gate(bench, release, Check.PROFILE_SERVING, subject, work)
