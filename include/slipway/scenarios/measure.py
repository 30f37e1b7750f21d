"""What the results of a suite amount to: measurements, counts, and values that are safe in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from slipway.core.verdict import Bound, Measurement
from slipway.scenarios.metamorphic import Held
from slipway.scenarios.slow import Watch
from slipway.scenarios.suite import CaseClass, FailureKind, Result

MIN_REQUESTS = 1000
FAULT_SHARE = 0.005
MIN_POWER = 0.99
ROWS_NEEDED = math.ceil(math.log1p(-MIN_POWER) / math.log1p(-FAULT_SHARE))


def measure(
    results: Sequence[Result], *, requests: int, exhausted: bool, unit: str, held: Sequence[Held] = ()
) -> tuple[Measurement, ...]:
    """Return the measurements that the gate decides on.

    What was not sent, too few requests and too few rows leave it open whether the service is right: they are
    INCONCLUSIVE. Only a wrong reply is FAILED.

    Parameters
    ----------
    requests : int
        HTTP requests that were sent.
    exhausted : bool
        Whether the in-range rows are all that the signature lets through.
    unit : str
        Of the answers.
    held : sequence of Held
        How the invariances came out.
    """
    judged = [result for result in results if result.sent]
    failed = [result for result in judged if result.failure is not None]
    differences = [result.difference for result in judged if result.difference is not None]
    rows = distinct_in_range_rows(judged)
    found = [
        _none("scenarios.failed", len(failed), len(judged), note=first_failure(failed)),
        _none(
            "scenarios.unsent",
            len(results) - len(judged),
            len(judged),
            n_required=len(results),
            note="cases that were not sent",
        ),
        Measurement(
            name="scenarios.requests",
            value=requests,
            threshold=MIN_REQUESTS,
            bound=Bound.MIN,
            unit="requests",
            n=requests,
            n_required=MIN_REQUESTS,
        ),
        Measurement(
            name="detection.power_at_half_percent",
            value=1.0 if exhausted and rows else power(rows),
            threshold=MIN_POWER,
            bound=Bound.MIN,
            n=rows,
            n_required=1 if exhausted else ROWS_NEEDED,
            note=power_sentence(rows, exhausted=exhausted),
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
    return (*found, *(_invariance(one) for one in held))


def _invariance(held: Held) -> Measurement:
    return Measurement(
        name=f"invariance.{held.invariance}.broken",
        value=held.broken if held.compared else None,
        threshold=0,
        bound=Bound.MAX,
        unit="cases",
        n=held.compared,
        note=f"first: {held.example!r}" if held.example else "",
    )


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


def slow_cases(watch: Watch | None, *, timed: int) -> tuple[Measurement, ...]:
    """Return how many requests are late although nobody else asks; nothing where that was not looked at.

    Parameters
    ----------
    watch : Watch or None
    timed : int
        Requests whose time was taken.
    """
    if watch is None:
        return ()
    found = Measurement(
        name="latency.slow_cases",
        value=None if watch.unclear and not watch.confirmed else watch.confirmed,
        threshold=0,
        bound=Bound.MAX,
        unit="requests",
        n=timed,
        note=f"single rows later than {watch.limit_ms:g} ms each time, though alone; a plain row beside them was not",
    )
    return (found,)


def power(n: int, share: float = FAULT_SHARE) -> float:
    """Return the chance that ``n`` rows meet a fault that touches ``share`` of all rows.

    Each of ``n`` different rows is met with probability ``share``, independently: 1 - (1 - share)**n.

    >>> round(power(919), 4), round(power(918), 4)
    (0.99, 0.99)
    >>> power(919) >= 0.99 > power(918)
    True
    """
    return float(-math.expm1(n * math.log1p(-share)))


def power_sentence(n: int, *, exhausted: bool = False) -> str:
    """Return what ``n`` different rows can find, in words.

    >>> power_sentence(1000)
    'a fault in 1 of 200 rows is found with a chance of 99.33 %: 1,000 different rows were compared'
    """
    if exhausted and n:
        return f"all {n:,} rows that the signature lets through were compared: no fault in them can hide"
    chance = math.floor(10_000 * power(n)) / 100  # never rounded up
    found = f"a fault in 1 of {1 / FAULT_SHARE:.0f} rows is found with a chance of {chance:.2f} %"
    return f"{found}: {n:,} different rows were compared"


def distinct_in_range_rows(results: Sequence[Result]) -> int:
    """Return how many different rows of the in-range class got an answer that was compared with the reference's."""
    return len(
        {
            json.dumps(row, sort_keys=True)
            for result in results
            if result.case.kind is CaseClass.IN_RANGE and result.compared
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


def _none(name: str, value: int, n: int, *, n_required: int = 1, note: str = "") -> Measurement:
    return Measurement(
        name=name, value=value, threshold=0, bound=Bound.MAX, unit="cases", n=n, n_required=n_required, note=note
    )
