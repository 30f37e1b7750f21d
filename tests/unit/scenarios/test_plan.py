import pytest

from slipway.scenarios.holdout import read_holdout
from slipway.scenarios.measure import MIN_REQUESTS
from slipway.scenarios.plan import ALONE, TIMED, Pace, plan
from slipway.scenarios.suite import CaseClass
from slipway.scenarios.treat import expect


@pytest.fixture
def suite(tiny):
    holdout = read_holdout(tiny.files.holdout, tiny.signature, seed=0)
    return plan(tiny.signature, holdout, model_folder=tiny.folder, seed=0)


def stage(suite, name):
    [found] = [one for one in suite.stages if one.name == name]
    return found


def test_no_case_is_lost_or_sent_twice(suite):
    names = [case.name for case in suite.cases]
    assert len(set(names)) == len(names)
    assert len(suite.first) == ALONE


def test_requests_of_every_class_are_timed_alone_before_anything_is_sent_in_parallel(tiny, suite):
    first = suite.stages[0]
    assert first.pace is Pace.ALONE
    assert {case.kind for case in first.cases} == set(TIMED) - {CaseClass.NAMED}, "this model has no named cases"
    assert all(len(case.rows) == 1 and expect(case, tiny.signature).answered for case in first.cases)
    touched = {name for case in first.cases if case.kind is CaseClass.MISSING for name in case.columns}
    assert {"a", "c", "e"} <= touched


def test_the_flood_comes_last_and_holds_only_more_of_the_same(suite):
    assert [one.flood for one in suite.stages] == [False] * (len(suite.stages) - 1) + [True]
    seen = {case.kind for one in suite.stages[:-1] for case in one.cases}
    assert {case.kind for case in suite.stages[-1].cases} <= seen


def test_batches_are_spread_among_the_single_rows(suite):
    flood = suite.stages[-1].cases
    first = next(i for i, case in enumerate(flood) if len(case.rows) > 1)
    assert first < 40


@pytest.mark.parametrize("alone_ms", [100.0, 250.0])
def test_a_slow_service_gets_fewer_requests_with_the_same_rows(suite, alone_ms):
    def rows(one):
        return {repr(sorted(row.items())) for case in one.cases for row in case.rows if case.kind is CaseClass.IN_RANGE}

    thin = suite.thinned(alone_ms)
    assert MIN_REQUESTS <= len(thin.cases) < len(suite.cases)
    # a few rows are sent by themselves alone when the pool is larger than its batches
    assert rows(thin) == rows(suite)


def test_a_quick_service_gets_them_all(suite):
    assert suite.thinned(2.0) == suite
