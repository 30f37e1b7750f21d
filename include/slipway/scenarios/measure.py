"""What the results of a suite amount to: measurements, counts, and values that are safe in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from slipway.core.verdict import Bound, Measurement
from slipway.scenarios.suite import CaseClass, FailureKind, Result

MIN_REQUESTS = 1000
FAULT_SHARE = 0.005
MIN_POWER = 0.99


def measure(results: Sequence[Result], *, requests: int, exhausted: bool, unit: str) -> tuple[Measurement, ...]:
    """Return the measurements that the gate decides on.

    Parameters
    ----------
    requests : int
        HTTP requests that were sent.
    exhausted : bool
        Whether the in-range rows are all that the signature lets through.
    unit : str
        Of the answers.
    """
    judged = [result for result in results if result.sent]
    failed = [result for result in judged if result.failure is not None]
    differences = [result.difference for result in judged if result.difference is not None]
    rows = distinct_in_range_rows(judged)
    found = [
        _none("scenarios.failed", len(failed), len(judged), note=first_failure(failed)),
        _none("scenarios.unsent", len(results) - len(judged), len(results), note="cases that could not be sent"),
        Measurement(
            name="scenarios.requests",
            value=requests,
            threshold=MIN_REQUESTS,
            bound=Bound.MIN,
            unit="requests",
            n=requests,
        ),
        Measurement(
            name="detection.power_at_half_percent",
            value=1.0 if exhausted and rows else power(rows),
            threshold=MIN_POWER,
            bound=Bound.MIN,
            n=rows,
            note=f"chance that a fault which touches {FAULT_SHARE:.1%} of the rows meets one of {rows} in-range rows",
        ),
        Measurement(
            name="answers.largest_difference",
            value=max(differences, default=None),
            unit=unit,
            n=len(differences),
            note="served against the reference, over every answered case",
        ),
        _none("identity.mismatches", mismatches(failed), len(judged), note="replies of another model or version"),
    ]
    for kind, (total, bad) in counts(results).items():
        if total:
            found.append(_none(f"{kind}.failed", bad, total))
    return tuple(found)


def speed(alone_ms: float | None, *, limit_ms: float) -> Measurement:
    """Return how long a request takes that is sent alone; far too long ends the suite at once."""
    note = "requests sent one after another, before any load; the rest of the suite was not sent"
    late = alone_ms is not None and alone_ms > limit_ms
    return Measurement(
        name="latency.alone_p50",
        value=alone_ms,
        threshold=limit_ms,
        bound=Bound.MAX,
        unit="ms",
        note=note if late else "",
    )


def power(n: int, share: float = FAULT_SHARE) -> float:
    """Return the chance that ``n`` rows meet a fault that touches ``share`` of all rows.

    >>> round(power(919), 4), round(power(1000), 4)
    (0.99, 0.9933)
    """
    return float(-math.expm1(n * math.log1p(-share)))


def distinct_in_range_rows(results: Sequence[Result]) -> int:
    """Return how many different in-range rows were judged."""
    return len(
        {
            json.dumps(row, sort_keys=True)
            for result in results
            if result.case.kind is CaseClass.IN_RANGE
            for row in result.expectation.rows
        }
    )


def counts(results: Sequence[Result]) -> dict[CaseClass, tuple[int, int]]:
    """Return for each class how many cases were judged, and how many of them failed."""
    return {
        kind: (
            sum(result.case.kind is kind and result.sent for result in results),
            sum(result.case.kind is kind and result.failure is not None for result in results),
        )
        for kind in CaseClass
    }


def mismatches(failed: Sequence[Result]) -> int:
    """Return how many failures are answers of another model or version."""
    return sum(result.failure is not None and result.failure.kind is FailureKind.WRONG_VERSION for result in failed)


def first_failure(failed: Sequence[Result]) -> str:
    """Return the first failure as a sentence; empty if there is none."""
    for result in failed:
        if result.failure is not None:
            return f"first: {result.case.name!r} ({result.case.kind}): {result.failure.message}"
    return ""


def json_safe(value: Any) -> Any:
    """Return a value as strict JSON can carry it: what is not finite, or is huge, becomes text.

    >>> json_safe({"a": float("nan"), "b": [1, 10**400]})["a"]
    'nan'
    """
    if isinstance(value, Mapping):
        return {str(key): json_safe(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(inner) for inner in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else f"{str(value)[:12]}… ({len(str(value))} digits)"
    return value if isinstance(value, float) and math.isfinite(value) else str(value)


def _none(name: str, value: int, n: int, *, note: str = "") -> Measurement:
    return Measurement(name=name, value=value, threshold=0, bound=Bound.MAX, unit="cases", n=n, note=note)
