"""Whether the service held its objectives in a day: from its requests one by one, or from its metrics' counts.

Rules
-----
1. A latency quantile stands on enough requests when five of them lie above it: 100 for the 95th, 500 for the 99th.
2. A quantile's interval is that of its rank (binomial): the quantiles a little below and above. Judged as every
   estimate: a broken objective fails when the whole interval breaks it.
3. An error is an answer of 5xx, or none (status 0). A refusal of a request that breaks the signature (4xx) is not one.
4. From a histogram, a quantile is interpolated within its bucket; one beyond the last edge counts as that edge, which
   it is at least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from slipway.core.spec import Objectives
from slipway.core.verdict import Bound, Measurement
from slipway.errors import EvidenceError
from slipway.monitoring.estimates import Estimate, Z, judged, share
from slipway.monitoring.values import CheckResult

CHECK = "service"
_ABOVE = 5
_QUANTILES = ((0.95, "p95_ms"), (0.99, "p99_ms"))


@dataclass(frozen=True, slots=True)
class Served:
    """A day of requests: how many, how many failed, and their latency at a rank in [0, 1], in ms."""

    requests: int
    errors: int
    latency_at: Callable[[float], float]

    @classmethod
    def of_requests(cls, latencies_ms: ArrayLike, statuses: ArrayLike) -> Served:
        """Read requests one by one; both of shape (n,); EvidenceError if their lengths differ."""
        ordered, answered = np.sort(np.asarray(latencies_ms, dtype=np.float64)), np.asarray(statuses)
        if ordered.shape != answered.shape or ordered.ndim != 1:
            raise EvidenceError("latencies and statuses are not of the same requests", remedy="give one of each")
        errors = int(((answered >= 500) | (answered == 0)).sum())
        return cls(len(ordered), errors, lambda rank: float(np.quantile(ordered, rank)))

    @classmethod
    def of_counts(cls, edges_ms: Sequence[float], counts: Sequence[int], *, errors: int) -> Served:
        """Read a histogram.

        Parameters
        ----------
        edges_ms : sequence of float
            Upper edges of the buckets, rising, in ms.
        counts : sequence of int
            Requests in each bucket (not accumulated); one more than edges, for those beyond the last.
        errors : int
            How many of them failed.

        Raises
        ------
        EvidenceError
            If edges and counts do not fit together.
        """
        if len(counts) != len(edges_ms) + 1 or list(edges_ms) != sorted(edges_ms) or min(counts) < 0:
            raise EvidenceError("the histogram contradicts itself", remedy="give rising edges and a count more")
        reached = np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.float64)
        edges, total = np.concatenate(([0.0], edges_ms)), int(sum(counts))
        return cls(total, errors, lambda rank: float(np.interp(rank * total, reached, edges)))


def service_result(
    served: Served, objectives: Objectives, *, model: str, version: int, day: date, report: str = ""
) -> CheckResult:
    """Return the day's latency quantiles and error rate, held against the declared objectives."""
    quantiles = [_quantile(served, q, name, getattr(objectives, name)) for q, name in _QUANTILES]
    errors = judged(
        f"{CHECK}.error_rate", share(served.errors, served.requests), objectives.error_rate, Bound.MAX, required=1
    )
    count = Measurement(name=f"{CHECK}.requests", value=served.requests, unit="requests", n=served.requests)
    return CheckResult(
        model=model, version=version, day=day, check=CHECK, measurements=(*quantiles, errors, count), report=report
    )


def _quantile(served: Served, q: float, name: str, limit: float) -> Measurement:
    n = served.requests
    if n == 0:
        found = Estimate(math.nan, math.nan, math.nan, 0)
    else:
        half = Z * math.sqrt(q * (1 - q) / n)
        low, high = served.latency_at(max(0.0, q - half)), served.latency_at(min(1.0, q + half))
        found = Estimate(served.latency_at(q), low, high, n)
    return judged(f"{CHECK}.{name}", found, limit, Bound.MAX, required=round(_ABOVE / (1 - q)), unit="ms")
