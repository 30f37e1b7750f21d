"""Profile a candidate, name what limits its rate, hold it against the champion, draw it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.evidence import Findings
from slipway.core.golden import Golden
from slipway.core.identity import Subject
from slipway.core.verdict import Bound, Measurement
from slipway.errors import ServiceError
from slipway.profiling.callgraph import CallGraph, build, hot_functions
from slipway.profiling.capture import BATCH_ROWS, Capture, capture, host_fingerprint
from slipway.profiling.regression import Change, regressions, same_host

if TYPE_CHECKING:
    from slipway.core.spec import ModelSpec

REPORT = "callgraph.html"
PROFILE = "profile.json"
REQUESTS_REQUIRED = 100
MAX_REGRESSION = 1.5
TOP = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the champion's profile said, or why it says nothing: ``ratio`` is candidate over champion, ms a request."""

    ratio: float | None
    changes: tuple[Change, ...]
    text: str


def profile_serving(
    *,
    spec: ModelSpec,
    subject: Subject,
    golden: Golden,
    url: str,
    out: Path,
    champion_profile: Mapping[str, Any] | None,
    requests: int = 400,
) -> Findings:
    """Profile the service at ``url``, an instance of the candidate's image that was started in profile mode.

    Parameters
    ----------
    spec : ModelSpec
        Its p95 objective bounds the mean ms a request, even with the profiler's own cost on top.
    subject : Subject
        What is profiled; the report names it.
    golden : Golden
        Rows to send.
    url : str
        Base address of the instance, started with SLIPWAY_SERVING_PROFILE=1.
    out : Path
        Folder for ``callgraph.html`` and ``profile.json``; made if missing.
    champion_profile : mapping or None
        What the champion's own run kept as ``profile.json``. It is held against the candidate if it comes from the same
        kind of host; the mean ms a request may then be at most 1.5 times the champion's.
    requests : int
        Single-row requests, at least one; below 100 the findings are INCONCLUSIVE.

    Returns
    -------
    Findings
        Measurements ``profile.requests``, ``profile.errors``, ``profile.ms_per_request`` and, with a comparable
        champion, ``profile.regression_ratio``; details name the rate-limiting function, the ten hottest and those that
        have regressed.

    Raises
    ------
    ServiceError
        If the service does not answer, was not started in profile mode, or hands out no profile.
    """
    captured = capture(url.rstrip("/"), golden, requests=requests)
    graph, document = _fastest(captured)
    document = {"host": host_fingerprint(), "ms_per_request": graph.ms_per_request, **document}
    compared = _compare(graph, document, champion_profile)
    measurements = _measure(spec, captured, graph, compared)
    out.mkdir(parents=True, exist_ok=True)
    report, kept = out.resolve() / REPORT, out.resolve() / PROFILE
    kept.write_text(json.dumps(document), encoding="utf-8")
    report.write_text(_page(subject, graph, measurements, compared), encoding="utf-8")
    details = {
        "sentence": graph.sentence(),
        "rate_limiting": graph.rate_limiting.to_json(),
        "top": [node.to_json() for node in hot_functions(graph, TOP)],
        "regressed": [change.to_json() for change in compared.changes[:TOP]],
        "compared": compared.text,
    }
    return Findings(
        measurements=measurements, reports={str(report): "Call graph", str(kept): "Profile"}, details=details
    )


def _page(subject: Subject, graph: CallGraph, measurements: tuple[Measurement, ...], compared: Comparison) -> str:
    from slipway.profiling.report import render

    return render(
        subject,
        graph=graph,
        measurements=measurements,
        changes=compared.changes,
        compared=compared.text,
    )


def _fastest(captured: Capture) -> tuple[CallGraph, dict[str, Any]]:
    """Return the round that noise has disturbed least."""
    rounds = [(build(document), document) for document in captured.rounds if document.get("requests")]
    if not rounds:
        raise ServiceError(
            f"no request was profiled: {captured.errors} of {captured.sent} failed",
            remedy="look at the service's log, then release the version again",
        )
    return min(rounds, key=lambda pair: pair[0].ms_per_request)


def _compare(graph: CallGraph, document: Mapping[str, Any], champion: Mapping[str, Any] | None) -> Comparison:
    if champion is None:
        return Comparison(ratio=None, changes=(), text="There is no champion's profile to compare with.")
    if not same_host(document, champion):
        return Comparison(
            ratio=None, changes=(), text="The champion was profiled on another kind of host: nothing was compared."
        )
    before = build(champion)
    ratio = graph.ms_per_request / before.ms_per_request
    changes = regressions(graph, before)
    text = (
        f"{graph.ms_per_request:.3g} ms a request, {before.ms_per_request:.3g} ms for the champion: {ratio:.2f} times. "
        f"{len(changes)} function{' has' if len(changes) == 1 else 's have'} become slower."
    )
    return Comparison(ratio=ratio, changes=changes, text=text)


def _measure(spec: ModelSpec, captured: Capture, graph: CallGraph, compared: Comparison) -> tuple[Measurement, ...]:
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
        Measurement(
            name="profile.ms_per_request", value=graph.ms_per_request, threshold=spec.objectives.p95_ms,
            bound=Bound.MAX, unit="ms", n=n, n_required=needed, note="mean of the fastest round, profiler included",
        ),
    ]  # fmt: skip
    if compared.ratio is not None:
        worst = f"most in {compared.changes[0].function}" if compared.changes else ""
        found.append(
            Measurement(
                name="profile.regression_ratio", value=compared.ratio, threshold=MAX_REGRESSION, bound=Bound.MAX, n=n,
                n_required=needed, note=worst,
            )
        )  # fmt: skip
    if captured.batches and captured.batches.get("requests"):
        batch = build(captured.batches)
        found.append(
            Measurement(
                name="profile.batch_ms_per_row", value=batch.ms_per_request / BATCH_ROWS, unit="ms",
                n=batch.requests * BATCH_ROWS,
            )
        )  # fmt: skip
    return tuple(found)
