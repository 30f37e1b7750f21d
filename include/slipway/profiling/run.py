"""Profile a candidate, name what limits its rate, hold it against the champion, draw it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.core.evidence import Findings
from slipway.core.golden import Golden
from slipway.core.identity import Subject
from slipway.core.verdict import Bound, Measurement
from slipway.errors import ServiceError
from slipway.profiling.callgraph import CallGraph, build, hot_functions
from slipway.profiling.capture import BATCH_ROWS, Capture, capture, host_fingerprint
from slipway.profiling.instance import Document
from slipway.profiling.interval import NEEDED
from slipway.profiling.regression import MAX_ADDED_SHARE, MAX_REGRESSION, Comparison, compare

if TYPE_CHECKING:
    from slipway.core.spec import ModelSpec

REPORT = "callgraph.html"
PROFILE = "profile.json"
REQUESTS_REQUIRED = 100
TOP = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """The champion's instance to compare with; without a ``url``, ``absent`` says why there is none."""

    url: str | None = None
    absent: str = "There is no champion to compare with."


def profile_serving(
    *,
    spec: ModelSpec,
    subject: Subject,
    golden: Golden,
    url: str,
    out: Path,
    rival: Rival,
    requests: int = 400,
) -> Findings:
    """Profile the service at ``url``, an instance of the candidate's image that was started in profile mode.

    Parameters
    ----------
    spec : ModelSpec
        Its p95 objective bounds the mean ms a request, without the profiler's own cost.
    subject : Subject
        What is profiled; the report names it.
    golden : Golden
        Rows to send.
    url : str
        Base address of the instance, started with SLIPWAY_SERVING_PROFILE=1.
    out : Path
        Folder for ``callgraph.html`` and ``profile.json``; made if missing.
    rival : Rival
        An instance of the champion's image, started likewise. It gets the same requests in turns with the candidate;
        :mod:`slipway.profiling.regression` has the rules of the comparison.
    requests : int
        Single-row requests, at least one; below 100 the findings are INCONCLUSIVE.

    Returns
    -------
    Findings
        Measurements ``profile.requests``, ``profile.errors``, ``profile.ms_per_request`` and, with a champion,
        ``profile.regression_ratio``: it has a limit where the time that was added is large against the objective, and
        is only recorded where it is not. Details name the rate-limiting function, the ten hottest and those that cost
        more than in the champion.

    Raises
    ------
    ServiceError
        If the service does not answer, was not started in profile mode, or hands out no profile.
    """
    captured = capture(url, golden, requests=requests, champion_url=rival.url)
    graph, document = _fastest(captured)
    document = {"host": host_fingerprint(), "ms_per_request": graph.ms_per_request, **document}
    compared, said = _compare(captured, rival)
    measurements = _measure(spec, captured, graph, compared)
    out.mkdir(parents=True, exist_ok=True)
    report, kept = out.resolve() / REPORT, out.resolve() / PROFILE
    kept.write_text(json.dumps(document), encoding="utf-8")
    report.write_text(_page(subject, graph, measurements, compared, said), encoding="utf-8")
    details = {
        "sentence": graph.sentence(),
        "rate_limiting": graph.rate_limiting.to_json(),
        "top": [node.to_json() for node in hot_functions(graph, TOP)],
        "regressed": [change.to_json() for change in compared.regressed[:TOP]] if compared else [],
        "compared": said,
        "ratio": compared.ratio.to_json() if compared else None,
        "added_ms": compared.added_ms.to_json() if compared else None,
    }
    return Findings(
        measurements=measurements, reports={str(report): "Call graph", str(kept): "Profile"}, details=details
    )


def _page(
    subject: Subject,
    graph: CallGraph,
    measurements: tuple[Measurement, ...],
    compared: Comparison | None,
    said: str,
) -> str:
    from slipway.profiling.report import render

    return render(subject, graph=graph, measurements=measurements, compared=compared, said=said)


def _fastest(captured: Capture) -> tuple[CallGraph, Document]:
    """Return the round that noise has disturbed least."""
    rounds = [(build(document), document) for document in captured.rounds if document.get("requests")]
    if not rounds:
        raise ServiceError(
            f"no request was profiled: {captured.errors} of {captured.sent} failed",
            remedy="look at the service's log, then release the version again",
        )
    return min(rounds, key=lambda pair: pair[0].ms_per_request)


def _compare(captured: Capture, rival: Rival) -> tuple[Comparison | None, str]:
    """Return what the champion's rounds say, and the sentence for it or for why there is nothing to say."""
    if rival.url is None:
        return None, rival.absent
    pairs = [p for p in zip(captured.rounds, captured.champion, strict=False) if all(d.get("requests") for d in p)]
    if not pairs:
        why = captured.champion_problem or "the candidate did not answer enough requests"
        return None, f"Nothing was compared: the champion's instance was asked, but {why}."
    whole = len(captured.timed) == len(captured.champion_timed) == len(pairs)
    timed = [*zip(captured.timed, captured.champion_timed, strict=True)] if whole else []
    compared = compare([(build(now), build(before)) for now, before in pairs], timed)
    return compared, compared.sentence()


def _measure(
    spec: ModelSpec, captured: Capture, graph: CallGraph, compared: Comparison | None
) -> tuple[Measurement, ...]:
    n = sum(int(document["requests"]) for document in captured.rounds)
    needed = REQUESTS_REQUIRED
    found = [
        Measurement(
            name="profile.requests", value=float(n), threshold=float(needed), bound=Bound.MIN, unit="requests", n=n,
            n_required=needed,
        ),
        Measurement(
            name="profile.errors", value=float(captured.errors), threshold=0.0, bound=Bound.MAX, unit="requests",
            n=captured.sent, note="requests that were not answered with 200" if captured.errors else "",
        ),
        _took(spec, captured, graph),
    ]  # fmt: skip
    if compared is not None:
        found.append(_regression(compared, spec.objectives.p95_ms))
    if captured.batches and captured.batches.get("requests"):
        batch = build(captured.batches)
        found.append(
            Measurement(
                name="profile.batch_ms_per_row", value=batch.ms_per_request / BATCH_ROWS, unit="ms",
                n=batch.requests * BATCH_ROWS,
            )
        )  # fmt: skip
    return tuple(found)


def _took(spec: ModelSpec, captured: Capture, graph: CallGraph) -> Measurement:
    """Return the mean ms a request of the fastest round, without the profiler where the image knows that."""
    value, n, how = graph.ms_per_request, sum(int(d["requests"]) for d in captured.rounds), "profiler included"
    if captured.timed:
        value, n, how = min(captured.timed), captured.timed_requests, "without the profiler"
    return Measurement(
        name="profile.ms_per_request",
        value=value,
        threshold=spec.objectives.p95_ms,
        bound=Bound.MAX,
        unit="ms",
        n=n,
        n_required=REQUESTS_REQUIRED,
        note=f"mean of the fastest round, {how}",
    )


def _regression(compared: Comparison, p95_ms: float) -> Measurement:
    """Return the ratio as it counts: what is proven (the interval's lower end) is held against the limit."""
    worst = f"; most in {compared.regressed[0].function}" if compared.regressed else ""
    added = f"{compared.added_ms.text(' ms')} added"
    if not compared.material(p95_ms):
        note = f"{added}, not more than {MAX_ADDED_SHARE:.0%} of the p95 objective of {p95_ms:g} ms{worst}"
        return Measurement(name="profile.regression_ratio", value=compared.ratio.median, n=compared.ratio.n, note=note)
    return Measurement(
        name="profile.regression_ratio",
        value=compared.ratio.low,
        threshold=MAX_REGRESSION,
        bound=Bound.MAX,
        n=compared.ratio.n,
        n_required=NEEDED,
        note=f"lower end of {compared.ratio.text()}; {added}{worst}",
    )
