"""The tuning: search, choose, measure, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.core.evidence import Findings
from slipway.core.golden import Golden
from slipway.core.identity import Subject
from slipway.core.loadprofile import LoadProfile
from slipway.core.verdict import Bound, Measurement, decide
from slipway.tuning.candidates import DEFAULT, candidates, name
from slipway.tuning.choose import Choice, Standing, choose, frontier
from slipway.tuning.generator import Generator
from slipway.tuning.points import Point
from slipway.tuning.search import Effort, Launch, Search, Searched

if TYPE_CHECKING:
    from slipway.core.spec import ModelSpec, Objectives

REPORT = "tune_serving.html"
LOG = "generator.log"
TIMEOUT_OVER_P99 = 10.0
MIN_TIMEOUT_S, MAX_TIMEOUT_S = 1.0, 5.0
PACED_REQUIRED = 10
LIMITED = "the generator set the pace: the service can do more"


def tune(
    *,
    spec: ModelSpec,
    subject: Subject,
    golden: Golden,
    profile: LoadProfile,
    launch: Launch,
    out: Path,
    progress: Callable[[str], None] = lambda _text: None,
) -> Findings:
    """Search the serving options of this host for the most throughput that keeps the model's objectives.

    The rules of the search are in :mod:`slipway.tuning.search`, those of the choice in :mod:`slipway.tuning.choose`.

    Parameters
    ----------
    spec : ModelSpec
        Its objectives are the limits, its processors bound what is tried.
    subject : Subject
        What is tuned, for the report.
    golden : Golden
        Rows to send and the answers to expect: no configuration may change an answer.
    profile : LoadProfile
        Says about how long it may take; limits of its own are those that the load test will hold.
    launch : callable
        Starts a service with the given options for the length of a ``with`` block, and gives its address.
    out : Path
        Folder for the report; made if missing.
    progress : callable, optional
        Gets a line for a person now and then.

    Returns
    -------
    Findings
        ``details["options"]`` are the chosen ones. A wrong answer of any configuration FAILED.

    Raises
    ------
    ServiceError
        If the default configuration does not start.
    CommandError
        If the generator failed.
    """
    out.mkdir(parents=True, exist_ok=True)
    objectives = _objectives(spec.objectives, profile)
    timeout_s = min(MAX_TIMEOUT_S, max(MIN_TIMEOUT_S, TIMEOUT_OVER_P99 * objectives.p99_ms / 1000))
    rate = objectives.arrival_rate_per_s
    with Generator(golden, rate_per_s=rate, timeout_s=timeout_s, log=out / LOG) as generator:
        found = Search(
            launch=launch,
            generator=generator,
            objectives=objectives,
            effort=Effort.within(profile.tuning_seconds),
            say=progress,
        ).run(candidates(objectives.cpus, host_cpus=os.cpu_count() or 1))
    return findings(objectives, subject, found, out)


def _objectives(declared: Objectives, profile: LoadProfile) -> Objectives:
    p95_ms, p99_ms = profile.stricter(declared.p95_ms, declared.p99_ms)
    return declared.model_copy(update={"p95_ms": p95_ms, "p99_ms": p99_ms})


def findings(objectives: Objectives, subject: Subject, found: Searched, out: Path) -> Findings:
    """Choose, and write the report."""
    from slipway.tuning.report import render

    choice = choose(found.points, objectives)
    best = frontier([*found.points, *found.screened])
    measurements = measure(choice, found, objectives)
    page = render(
        subject, choice=choice, found=found, best=best, objectives=objectives, measurements=measurements,
        outcome=decide(measurements).outcome,
    )  # fmt: skip
    (out / REPORT).write_text(page, encoding="utf-8")
    return Findings(
        measurements=measurements,
        reports={str((out / REPORT).resolve()): "Serving options: throughput against p99"},
        details={
            "options": choice.point.options.to_json(),
            "reason": choice.reason,
            "generator_limited": [name(p.options) for p in found.points if p.generator_limited],
            "points": [p.to_json() for p in found.points],
            "screened": [p.to_json() for p in found.screened],
            "unmeasured": {name(options): why for options, why in found.unmeasured.items()},
            "frontier": [p.options.to_json() for p in best],
        },
    )


def measure(choice: Choice, found: Searched, objectives: Objectives) -> tuple[Measurement, ...]:
    """Return the measurements of a tuning.

    What cannot be told about the chosen configuration has no value, which is INCONCLUSIVE; the load test judges its
    latency in full.
    """
    chosen = choice.point
    default = next(point for point in found.points if point.options == DEFAULT)
    return (
        _throughput(chosen, objectives, choice.reason),
        _latency("p99", chosen.p99_ms, objectives.p99_ms, choice),
        _wrong_answers([*found.points, *found.screened]),
        _latency("p95", chosen.p95_ms, objectives.p95_ms, choice),
        Measurement(
            name="chosen.error_rate",
            value=chosen.error_rate,
            threshold=objectives.error_rate,
            bound=Bound.MAX,
            n=chosen.requests,
            note=next((r.note for r in chosen.repeats if r.errors), ""),
        ),
        Measurement(
            name="default.throughput",
            value=default.throughput,
            unit="1/s",
            n=default.requests,
            note=LIMITED if default.generator_limited else "",
        ),
        Measurement(name="default.p99", value=default.p99_ms, unit="ms", n=default.paced),
        Measurement(
            name="throughput.gain",
            value=chosen.throughput / default.throughput if default.throughput else None,
            n=len(chosen.repeats),
            note=choice.reason,
        ),
    )


def _throughput(chosen: Point, objectives: Objectives, reason: str) -> Measurement:
    rate = objectives.arrival_rate_per_s
    unknown = chosen.generator_limited and chosen.throughput < rate
    return Measurement(
        name="chosen.throughput",
        value=None if unknown else chosen.throughput,
        threshold=rate,
        bound=Bound.MIN,
        unit="1/s",
        n=chosen.requests,
        note=LIMITED if chosen.generator_limited else reason,
    )


def _latency(quantile: str, value: float | None, limit: float, choice: Choice) -> Measurement:
    unclear = choice.standing is Standing.UNCLEAR
    return Measurement(
        name=f"chosen.{quantile}",
        value=None if unclear else value,
        threshold=limit,
        bound=Bound.MAX,
        unit="ms",
        n=choice.point.paced,
        n_required=PACED_REQUIRED,
        note=f"{choice.reason}; free the host and repeat" if unclear else "at the arrival rate",
    )


def _wrong_answers(points: Iterable[Point]) -> Measurement:
    measured = list(points)
    first = next((f"{name(p.options)}, {r.note}" for p in measured for r in p.repeats if r.wrong), "")
    return Measurement(
        name="wrong_answers",
        value=float(sum(p.wrong for p in measured)),
        threshold=0.0,
        bound=Bound.MAX,
        unit="answers",
        n=sum(p.requests for p in measured),
        note=first or "of all configurations",
    )
