import math

import pytest

from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.scenarios.adversarial import adversarial
from slipway.scenarios.derive import derive
from slipway.scenarios.draws import Draws
from slipway.scenarios.edges import edges
from slipway.scenarios.holdout import Holdout, read_holdout
from slipway.scenarios.invariance import one_by_one
from slipway.scenarios.suite import CaseClass
from slipway.scenarios.treat import expect, treat


@pytest.fixture
def holdout(tiny):
    return read_holdout(tiny.files.holdout, tiny.signature, seed=0)


@pytest.fixture
def cases(tiny, holdout):
    draws = Draws(tiny.signature, holdout, seed=1)
    return [*derive(tiny.signature, holdout, seed=0), *edges(draws), *adversarial(draws, seed=0), *one_by_one(draws)]


def of(cases, kind):
    return [case for case in cases if case.kind is kind]


def test_the_in_range_rows_are_enough_to_find_a_fault_in_half_a_percent(tiny, cases):
    rows = {repr(sorted(case.rows[0].items())) for case in of(cases, CaseClass.IN_RANGE) if len(case.rows) == 1}
    assert 1 - 0.995 ** len(rows) >= 0.99
    assert all(treat(row, tiny.signature).plain for case in of(cases, CaseClass.IN_RANGE) for row in case.rows)


def test_the_holdout_is_divided_by_what_the_policies_do(holdout, tiny):
    assert holdout.base == tiny.base
    assert len(holdout.plain) == 300
    assert len(holdout.other) == 2


@pytest.mark.parametrize("kind", [CaseClass.OUT_OF_RANGE, CaseClass.MISSING, CaseClass.WRONG_TYPE])
def test_every_column_that_can_be_wrong_is(tiny, cases, kind):
    touched = {name for case in of(cases, kind) if len(case.columns) == 1 for name in case.columns}
    ranged = {c.name for c in tiny.signature.inputs if c.min is not None or c.categories}
    assert touched == (ranged if kind is CaseClass.OUT_OF_RANGE else set(tiny.signature.names))


def test_boundaries_come_from_both_sides(cases):
    values = {case.name: case.rows[0]["b"] for case in of(cases, CaseClass.BOUNDARY) if case.name.startswith("b ")}
    assert values == {
        "b at min": -1.0,
        "b just inside min": math.nextafter(-1, 0),
        "b just outside min": math.nextafter(-1, -2),
        "b at max": 1.0,
        "b just inside max": math.nextafter(1, 0),
        "b just outside max": math.nextafter(1, 2),
    }


def test_a_value_of_the_wrong_type_is_always_rejected(tiny, cases):
    assert all(not expect(case, tiny.signature).answered for case in of(cases, CaseClass.WRONG_TYPE))


def test_an_out_of_range_case_is_out_of_range(tiny, cases):
    for case in of(cases, CaseClass.OUT_OF_RANGE):
        assert not treat(case.rows[0], tiny.signature).plain


def test_the_model_never_sees_an_enormous_value_by_a_flag(tiny, cases):
    seen = [row["c"] for case in cases for row in expect(case, tiny.signature).rows]
    assert max(abs(value) for value in seen if value is not None) < 1e10


def test_names_are_given_once(cases):
    names = [case.name for case in cases]
    assert len(set(names)) == len(names)


def test_the_same_seed_gives_the_same_cases_and_another_gives_others(tiny, holdout, cases):
    again = derive(tiny.signature, holdout, seed=0)
    assert cases[: len(again)] == again
    assert derive(tiny.signature, holdout, seed=1) != again


def test_a_signature_with_few_possible_rows_is_tried_out_whole():
    inputs = (
        Column(name="k", dtype=DType.INT, min=1, max=5),
        Column(name="s", dtype=DType.STRING, categories=("u", "v")),
        Column(name="t", dtype=DType.BOOL, on_missing=Policy.parse({"impute": True})),
    )
    signature = Signature(inputs=inputs, output=Output(name="y"))
    found = Holdout.of([{"k": 1, "s": "u", "t": True}], signature)
    single = [case for case in derive(signature, found, seed=0) if case.name.startswith("in range ")]
    assert len(single) == 1000
    assert len({tuple(case.rows[0].values()) for case in single}) == 20
    assert Draws(signature, found, seed=0).domain_size() == 20
