"""Points as a search would have measured them."""

import pytest

from slipway.core.spec import Objectives
from slipway.tuning.points import Point, Repeat


def repeat(throughput, p99=5.0, **changes):
    given = {"saturated": 500, "p50_ms": p99 / 5, "p95_ms": p99 / 2, "p99_ms": p99, "paced": 20, **changes}
    return Repeat(throughput=throughput, **given)


def point(options, *throughputs, p99=5.0, **changes):
    """One repeat for each throughput; ``p99`` is one for all, or one for each."""
    latencies = p99 if isinstance(p99, tuple) else (p99,) * len(throughputs)
    pairs = zip(throughputs, latencies, strict=True)
    return Point(options=options, repeats=tuple(repeat(t, late, **changes) for t, late in pairs))


@pytest.fixture
def objectives():
    return Objectives(p95_ms=50, p99_ms=100, arrival_rate_per_s=20)
