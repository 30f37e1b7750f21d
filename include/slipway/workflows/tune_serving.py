"""Gate 6: with which serving options does this host get the most out of the model, objectives and answers kept?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.identity import Subject
from slipway.core.loadprofile import load_profile
from slipway.core.serving_options import ServingOptions
from slipway.workflows.candidate import TUNE, service_spec, started
from slipway.workflows.gate import run_gate
from slipway.workflows.records import built_image, golden_answers
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench


def tune_serving(bench: Workbench, release: Release) -> Evidence:
    """Compare configurations in containers of the same image; the load test and production start with the chosen one.

    The candidate itself stays as it is; nothing here depends on it, so the step may be run again.
    """
    from slipway.tuning import tune

    spec, files = bench.spec(release.model), bench.files(release)
    subject, image = built_image(bench, release, files)

    @contextmanager
    def launch(options: ServingOptions) -> Iterator[str]:
        twin = service_spec(spec, subject, image, role=TUNE, env=options.to_env(), suffix=_suffix(options))
        with started(bench, twin, startup_seconds=spec.objectives.startup_seconds) as handle:
            yield handle.url

    def work(out: Path) -> tuple[Subject, Findings]:
        return subject, tune(
            spec=spec,
            subject=subject,
            golden=golden_answers(bench, subject),
            profile=load_profile(release.load_profile),
            launch=launch,
            out=out,
            progress=bench.say,
        )

    return run_gate(bench, release, Check.TUNE_SERVING, subject, work)


def _suffix(options: ServingOptions) -> str:
    """Return what tells the twin of these options from the others; they run at the same time.

    >>> _suffix(ServingOptions(batch_rows=32, batch_wait_ms=0.5))
    '-auto-1-32-0.5-1'
    """
    return "".join(f"-{value:g}" if isinstance(value, float) else f"-{value}" for value in options.to_json().values())
