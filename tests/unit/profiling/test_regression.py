from __future__ import annotations

import random

import pytest

from slipway.profiling.callgraph import build
from slipway.profiling.regression import compare

ROUNDS = 12


def graph(*, walk=0.7, line=3, host=1.0):
    """A profile of ten requests; ``host`` is how much slower everything ran."""
    called = {"ncalls": 10, "primitive_calls": 10, "callers": []}
    times = {"walk": walk * host, "predict": 0.3 * host}
    functions = [
        {"file": f"sklearn/{name}.py", "line": line, "name": name, "tottime": seconds, "cumtime": seconds, **called}
        for name, seconds in times.items()
    ]
    return build({"requests": 10, "functions": functions})


def rounds(*, seed=0, noise=0.0, **changes):
    """Pairs of the changed version and the champion; each pair on a host of its own speed, each round with noise."""
    found = random.Random(seed)
    pairs = []
    for _ in range(ROUNDS):
        host = found.uniform(1, 3)
        now, before = (host * (1 + noise * found.random()) for _ in range(2))
        pairs.append((graph(host=now, **changes), graph(host=before)))
    return pairs


def test_the_same_profile_has_not_regressed():
    found = compare(rounds())
    assert found.ratio.median == found.ratio.low == 1
    assert found.regressed == ()


def test_a_function_that_costs_more_is_named_with_both_times_and_an_interval():
    (change,) = compare([(graph(walk=1.4), graph())] * ROUNDS).regressed
    assert change.function == "sklearn.walk.walk"
    assert (round(change.before_ms), round(change.now_ms)) == (70, 140)
    assert round(change.more_ms.low) == round(change.more_ms.high) == 70


def test_a_function_that_moved_to_another_line_is_the_same():
    assert compare(rounds(line=99)).regressed == ()


def test_a_function_that_became_faster_is_no_regression():
    assert compare(rounds(walk=0.1)).regressed == ()


def test_a_host_that_gets_three_times_slower_slows_both_and_shows_nothing():
    found = compare([(graph(host=1 + i / 4), graph(host=1 + i / 4)) for i in range(ROUNDS)])
    assert found.ratio.median == 1
    assert found.regressed == ()


@pytest.mark.parametrize("seed", range(50))
def test_noise_of_a_half_on_every_round_is_never_a_regression(seed):
    found = compare(rounds(seed=seed, noise=0.5))
    assert found.ratio.low < 1.2
    assert found.regressed == ()


@pytest.mark.parametrize("seed", range(50))
def test_twice_the_time_is_found_through_noise_of_a_half(seed):
    found = compare(rounds(seed=seed, noise=0.5, walk=2.4))
    assert found.ratio.low > 1.5
    assert [change.function for change in found.regressed] == ["sklearn.walk.walk"]


def test_an_addition_is_material_only_where_it_eats_a_fifth_of_the_objective():
    found = compare([(graph(walk=1.4), graph())] * ROUNDS)  # 70 ms a request more
    assert found.material(p95_ms=300)
    assert not found.material(p95_ms=400)


def test_times_without_the_profiler_judge_and_profiles_say_where():
    found = compare([(graph(walk=1.4), graph())] * ROUNDS, [(22.0, 20.0)] * ROUNDS)
    assert (found.ratio.median, found.added_ms.low, found.champion_ms) == (1.1, 2.0, 20.0)
    assert (found.timed, round(found.profiled_ms)) == (True, 100)
    assert [change.function for change in found.regressed] == ["sklearn.walk.walk"]
    assert not found.material(p95_ms=20)


def test_one_pair_shows_nothing_for_certain():
    found = compare([(graph(walk=7), graph())])
    assert found.ratio.median > 5
    assert found.regressed == ()
    assert not found.material(p95_ms=1)
