from __future__ import annotations

import copy

from slipway.profiling.callgraph import build
from slipway.profiling.regression import regressions, same_host


def document(*, walk=0.7, line=3):
    function = {"ncalls": 10, "primitive_calls": 10, "callers": []}
    return {
        "requests": 10,
        "functions": [
            {"file": "sklearn/tree.py", "line": line, "name": "walk", "tottime": walk, "cumtime": walk, **function},
            {"file": "sklearn/pipe.py", "line": 1, "name": "predict", "tottime": 0.3, "cumtime": 1.0, **function},
        ],
    }


def test_the_same_profile_has_no_regression():
    assert regressions(build(document()), build(copy.deepcopy(document()))) == ()


def test_a_function_that_costs_more_is_named_with_both_times():
    (change,) = regressions(build(document(walk=1.4)), build(document()))
    assert change.function == "sklearn.tree.walk"
    assert round(change.before_ms) == 70
    assert round(change.now_ms) == 140


def test_a_function_that_moved_to_another_line_is_the_same():
    assert regressions(build(document(line=99)), build(document(line=3))) == ()


def test_a_function_that_became_faster_is_no_regression():
    assert regressions(build(document(walk=0.1)), build(document())) == ()


def test_profiles_without_a_host_do_not_compare():
    assert not same_host({}, {})
    assert same_host({"host": {"cpu": "x"}}, {"host": {"cpu": "x"}})
