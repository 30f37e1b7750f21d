"""The load test: plan, generate, summarise, judge, report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.evidence import Findings
from slipway.core.golden import Golden
from slipway.core.identity import Subject
from slipway.core.loadprofile import LoadProfile
from slipway.loadtest.generator import generate
from slipway.loadtest.host import HostNoise, HostWatch
from slipway.loadtest.results import results_of
from slipway.loadtest.samples import LOCUST_REPORT, GeneratorConfig, Sample
from slipway.loadtest.schedule import plan_stages
from slipway.loadtest.target import require_private

if TYPE_CHECKING:
    from slipway.core.spec import ModelSpec
    from slipway.loadtest.judge import Limits

REPORT = "load_test.html"
GRACE_SECONDS = 60.0
MIN_TIMEOUT_S, MAX_TIMEOUT_S = 2.0, 30.0
TIMEOUT_OVER_P99 = 10.0


def load_test(
    *,
    spec: ModelSpec,
    subject: Subject,
    profile: LoadProfile,
    golden: Golden,
    url: str,
    out: Path,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Findings:
    """Load the service at ``url`` as ``profile`` says and hold what it did against the model's objectives.

    Open loop: requests leave at scheduled times whatever the earlier ones do, and latency counts from the *intended*
    start, so a stall shows in every request that queued behind it. Each answer is compared with the golden one. The
    warm-up does not count. The point estimate of a percentile decides; its 95 % interval is recorded beside it. What a
    lagging generator or a disturbed host makes unclear has no value, which is INCONCLUSIVE; see
    :mod:`slipway.loadtest.judge` for the rules.

    Parameters
    ----------
    spec : ModelSpec
        Its objectives are the limits, and the arrival rate of stages that do not name one.
    subject : Subject
        What is loaded; the report names it.
    profile : LoadProfile
    golden : Golden
        Rows to send and the answers to expect.
    url : str
        Base address of the service: plain HTTP, loopback or private.
    out : Path
        Folder for the reports, the raw samples and the generator's log; made if missing.
    seed : int
        Of the arrival times and the choice of rows.
    progress : callable, optional
        Gets a line for a person every few seconds.

    Returns
    -------
    Findings
        Reports: ``load_test.html`` and Locust's own. A service that answers nothing is a finding too: it FAILED.

    Raises
    ------
    ServiceError
        If ``url`` is not loopback or private.
    CommandError
        If the generator itself failed or did not end by ``profile.seconds`` + 60 s.
    SpecError
        If the profile judges no stage.
    """
    from slipway.loadtest.judge import Limits

    limits = Limits.of(spec.objectives, profile)
    config = GeneratorConfig(
        url=require_private(url),
        golden=golden,
        stages=plan_stages(profile, spec.objectives.arrival_rate_per_s),
        seed=seed,
        timeout_s=min(MAX_TIMEOUT_S, max(MIN_TIMEOUT_S, TIMEOUT_OVER_P99 * limits.p99_ms / 1000)),
        out=out.resolve(),
    )
    watch = HostWatch()

    def followed(state: dict[str, Any]) -> None:
        watch.sample()
        if progress is not None:
            progress(progress_line(state, profile.seconds))

    out.mkdir(parents=True, exist_ok=True)
    watch.sample()
    samples = generate(config, limit_s=profile.seconds + GRACE_SECONDS, on_progress=followed)
    watch.sample()
    return _findings(subject, profile.name, config, limits, samples=samples, noise=watch.noise())


def _findings(
    subject: Subject,
    profile: str,
    config: GeneratorConfig,
    limits: Limits,
    *,
    samples: list[Sample],
    noise: HostNoise | None,
) -> Findings:
    """Summarise, judge and write the report."""
    from slipway.loadtest.judge import measure
    from slipway.loadtest.report import render

    results = results_of(samples, config.stages, timeout_ms=config.timeout_s * 1000)
    measurements = measure(results, limits, noise)
    page = render(
        subject,
        profile=profile,
        samples=samples,
        stages=config.stages,
        limits=limits,
        results=results,
        measurements=measurements,
    )
    (config.out / REPORT).write_text(page, encoding="utf-8")
    return Findings(
        measurements=measurements,
        reports={str(config.out / REPORT): "Load test", str(config.out / LOCUST_REPORT): "Locust's own report"},
        details={
            "title": f"Load test, profile {profile}: {subject.model} version {subject.version}",
            "seed": config.seed,
            "timeout_s": config.timeout_s,
            "host": None if noise is None else noise.to_json(),
            **results.to_json(),
        },
    )


def progress_line(state: dict[str, Any], seconds: float) -> str:
    """Return the generator's state as a line for a person.

    >>> progress_line({"seconds": 12.1, "requests": 240, "p95_ms": 8.1, "failures": 0}, 20)
    '12 s / 20 s, 240 requests, p95 8.1 ms, 0 errors'
    """
    at = max(0, round(state["seconds"]))
    count = state["failures"]
    return (
        f"{at} s / {seconds:g} s, {state['requests']} requests, p95 {state['p95_ms']:.3g} ms, "
        f"{count} error{'' if count == 1 else 's'}"
    )
