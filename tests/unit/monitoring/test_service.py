import numpy as np
import pytest

from slipway.core.spec import Objectives
from slipway.core.verdict import Outcome
from slipway.errors import EvidenceError
from slipway.monitoring.service import Served, service_result

EDGES = [1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 1000]
PASSED, FAILED, UNTOLD = Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE


def latencies(n, *, slow=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < slow, rng.uniform(400, 900, n), rng.lognormal(2.0, 0.5, n))


def counted(values):
    return np.bincount(np.searchsorted(EDGES, values), minlength=len(EDGES) + 1).tolist()


def outcomes(served, on, **declared):
    result = service_result(served, Objectives(**declared), model="churn", version=1, day=on(1))
    return {m.name.removeprefix("service."): m.outcome for m in result.measurements}


DAYS = {
    "a good day": ({"n": 5000}, {}, {"p95_ms": PASSED, "p99_ms": PASSED, "error_rate": PASSED}),
    "a slow tail": ({"n": 5000, "slow": 0.03}, {}, {"p95_ms": PASSED, "p99_ms": FAILED, "error_rate": PASSED}),
    "a slow day": ({"n": 5000, "slow": 0.2}, {}, {"p95_ms": FAILED, "p99_ms": FAILED, "error_rate": PASSED}),
    "errors": ({"n": 5000}, {"errors": 60}, {"p95_ms": PASSED, "p99_ms": PASSED, "error_rate": FAILED}),
    "few requests": ({"n": 150}, {}, {"p95_ms": PASSED, "p99_ms": UNTOLD, "error_rate": PASSED}),
    "no request": ({"n": 0}, {}, {"p95_ms": UNTOLD, "p99_ms": UNTOLD, "error_rate": UNTOLD}),
}


@pytest.mark.parametrize("form", ["requests", "counts"])
@pytest.mark.parametrize(("drawn", "given", "expected"), DAYS.values(), ids=DAYS)
def test_a_day_is_judged_alike_from_requests_and_from_counts(drawn, given, expected, form, on):
    values, errors = latencies(**drawn), given.get("errors", 0)
    statuses = np.where(np.arange(len(values)) < errors, 503, 200)
    by_one = Served.of_requests(values, statuses)
    served = by_one if form == "requests" else Served.of_counts(EDGES, counted(values), errors=errors)
    found = outcomes(served, on, error_rate=0.001)
    assert {name: found[name] for name in expected} == expected
    assert found["requests"] is None


def test_a_refusal_is_no_error_and_no_answer_is_one():
    assert Served.of_requests([1.0] * 5, [200, 422, 404, 500, 0]).errors == 2


def test_a_quantile_from_counts_is_in_the_bucket_of_the_exact_one():
    values = latencies(20_000)
    exact = Served.of_requests(values, np.full(20_000, 200))
    told = Served.of_counts(EDGES, counted(values), errors=0)
    for rank in (0.5, 0.95, 0.99):
        places = np.searchsorted(EDGES, [exact.latency_at(rank), told.latency_at(rank)])
        assert places[0] == places[1]


def test_requests_beyond_the_last_bucket_break_the_objective_and_do_not_vanish(on):
    assert outcomes(Served.of_counts([10, 500], [100, 0, 4900], errors=0), on)["p95_ms"] is FAILED


MUDDLED = {"counts too few": ([1, 2], [1, 2]), "edges that fall": ([2, 1], [1, 1, 1]), "less than none": ([1], [1, -1])}


@pytest.mark.parametrize(("edges", "counts"), MUDDLED.values(), ids=MUDDLED)
def test_a_histogram_that_contradicts_itself_is_refused(edges, counts):
    with pytest.raises(EvidenceError, match="contradicts itself"):
        Served.of_counts(edges, counts, errors=0)


def test_latencies_and_statuses_are_of_the_same_requests():
    with pytest.raises(EvidenceError, match="not of the same requests"):
        Served.of_requests([1.0, 2.0], [200])
