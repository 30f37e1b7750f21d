"""The load test: plan, generate, summarise, judge, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.evidence import Findings
from slipway.core.golden import Golden
from slipway.core.identity import Subject
from slipway.core.loadprofile import LoadProfile
from slipway.core.verdict import Measurement
from slipway.loadtest.generator import Generator
from slipway.loadtest.host import HostWatch
from slipway.loadtest.samples import LOCUST_REPORT, GeneratorConfig
from slipway.loadtest.schedule import Target, plan_stages
from slipway.loadtest.target import require_private
from slipway.loadtest.watch import MEMORY, Sample, ServiceWatch

if TYPE_CHECKING:
    from slipway.core.spec import ModelSpec
    from slipway.loadtest.conduct import Course, Terms

REPORT = "load_test.html"
GRACE_SECONDS = 60.0
MIN_TIMEOUT_S, MAX_TIMEOUT_S = 2.0, 30.0
TIMEOUT_OVER_P99 = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What surrounds a load test.

    Attributes
    ----------
    kinds : tuple of str
        What kind of request each golden row is; empty: all are of one kind.
    champion_url : str or None
        The champion's private service, who is asked in between.
    champion_absent : str
        Why there is none.
    seed : int
        Of the arrival times and the choice of rows.
    before : tuple of Measurement
        What was found on the version before the load, to be judged and shown with it.
    """

    kinds: tuple[str, ...] = ()
    champion_url: str | None = None
    champion_absent: str = ""
    seed: int = 0
    before: tuple[Measurement, ...] = ()

    def kind(self, row: int) -> str:
        """Return the kind of a golden row; empty where nothing was said."""
        return self.kinds[row] if 0 <= row < len(self.kinds) else ""


ALONE = Setting()


def load_test(
    *,
    spec: ModelSpec,
    subject: Subject,
    profile: LoadProfile,
    golden: Golden,
    url: str,
    out: Path,
    setting: Setting = ALONE,
    progress: Callable[[str], None] | None = None,
) -> Findings:
    """Load the service at ``url`` as ``profile`` says and hold what it did against the model's objectives.

    Open loop: requests leave at scheduled times whatever the earlier ones do, and latency counts from the *intended*
    start, so a stall shows in every request that queued behind it. Each answer is compared with the golden one. The
    measured stage is cut into windows, those that are still warm-up are set aside, and further ones follow while the
    verdict is open; :mod:`slipway.loadtest.conduct` says what is sent when, :mod:`slipway.loadtest.judge` what the
    numbers mean. What cannot be told has no value, which is INCONCLUSIVE.

    Parameters
    ----------
    spec : ModelSpec
        Its objectives are the limits and the arrival rate, unless the profile asks for more.
    subject : Subject
        What is loaded; the report names it.
    profile : LoadProfile
    golden : Golden
        Rows to send and the answers to expect.
    url : str
        Base address of the service: plain HTTP, loopback or private.
    out : Path
        Folder for the reports, the raw samples and the generator's log; made if missing.
    setting : Setting
    progress : callable, optional
        Gets a line for a person every few seconds.

    Returns
    -------
    Findings
        Reports: ``load_test.html`` and Locust's own. A service that answers nothing is a finding too: it FAILED.

    Raises
    ------
    ServiceError
        If a URL is not loopback or private.
    CommandError
        If the generator itself failed or did not end in time.
    SpecError
        If the profile judges no stage.
    """
    from slipway.loadtest.conduct import Terms
    from slipway.loadtest.limits import Limits

    limits = Limits.of(spec.objectives, profile)
    rate = spec.objectives.arrival_rate_per_s
    plan_stages(profile, rate)  # a profile that judges nothing is refused before anything is sent
    urls = {Target.CANDIDATE: require_private(url)}
    if setting.champion_url is not None:
        urls[Target.CHAMPION] = require_private(setting.champion_url)
    config = GeneratorConfig(
        urls=urls,
        golden=golden,
        seed=setting.seed,
        timeout_s=min(MAX_TIMEOUT_S, max(MIN_TIMEOUT_S, TIMEOUT_OVER_P99 * limits.p99_ms / 1000)),
        out=out.resolve(),
    )
    terms = Terms(
        profile=profile, limits=limits, rate_per_s=rate, timeout_ms=config.timeout_s * 1000,
        champion=setting.champion_url is not None,
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    test = _Test(config, terms, say=progress or _silent)
    course = test.run()
    course.champion_absent = course.champion_absent or setting.champion_absent
    return test.findings(course, subject, setting)


class _Test:
    """One load test: its generator, its watches, and what they say."""

    def __init__(self, config: GeneratorConfig, terms: Terms, *, say: Callable[[str], None]) -> None:
        self._config, self._terms, self._say = config, terms, say
        self._host = HostWatch()
        self._generator: Generator | None = None
        self._watch = ServiceWatch(config.urls[Target.CANDIDATE], on_sample=self._guard)
        self._zero = 0.0

    def run(self) -> Course:
        """Run it."""
        from slipway.loadtest.conduct import Conductor, most_seconds

        limit = most_seconds(self._terms.profile, self._config.timeout_s) + GRACE_SECONDS
        generator = Generator(self._config, limit_s=limit, on_progress=self._followed)
        with self._host, self._watch, generator:
            self._generator, self._zero = generator, generator.zero
            conductor = Conductor(generator, self._terms, host=self._host, service=self._watch, say=self._say)
            return conductor.run()

    def findings(self, course: Course, subject: Subject, setting: Setting) -> Findings:
        """Summarise, judge and write the report."""
        from slipway.loadtest.judge import measure
        from slipway.loadtest.report import Story, render
        from slipway.loadtest.summary import beyond_of, details, summarise

        terms, out, noise = self._terms, self._config.out, self._host.noise()
        results = summarise(course, noise, zero=self._zero, timeout_ms=terms.timeout_ms)
        beyond = beyond_of(course, results, watch=self._watch, limits=terms.limits, rate_per_s=terms.rate_per_s)
        measurements = (*measure(results, terms.limits, noise, beyond), *setting.before)
        story = Story(
            profile=terms.profile.name,
            course=course,
            limits=terms.limits,
            results=results,
            beyond=beyond,
            measurements=measurements,
            points={name: self._watch.points(name, zero=self._zero) for name in beyond.growth},
            noise=noise,
            kind=setting.kind,
        )
        (out / REPORT).write_text(render(subject, story), encoding="utf-8")
        return Findings(
            measurements=measurements,
            reports={str(out / REPORT): "Load test", str(out / LOCUST_REPORT): "Locust's own report"},
            details={
                "title": f"Load test, profile {terms.profile.name}: {subject.model} version {subject.version}",
                "seed": self._config.seed,
                "timeout_s": self._config.timeout_s,
                "host": None if noise is None else noise.to_json(),
                **details(course, results, beyond, terms.limits, setting.kind),
            },
        )

    def _followed(self, state: dict[str, Any]) -> None:
        self._host.sample()
        self._say(progress_line(state, self._terms.profile.seconds))

    def _guard(self, sample: Sample) -> None:
        """End a burst that drives memory past its limit: that is known then, and the host is spared the rest."""
        if sample.used.get(MEMORY, 0.0) > self._terms.limits.memory_mb and self._generator is not None:
            self._generator.stop_burst()


def _silent(_line: str) -> None:
    return


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
