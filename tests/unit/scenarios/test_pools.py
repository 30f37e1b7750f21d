import json
import zlib

import pytest

from slipway.core.signature import Column, DType, Output, Signature
from slipway.scenarios.draws import Draws
from slipway.scenarios.holdout import Holdout, read_holdout
from slipway.scenarios.pools import (
    RowClass,
    boundary_pool,
    gap_pool,
    in_range_pool,
    outside_pool,
    row_class,
)
from slipway.scenarios.treat import treat


@pytest.fixture
def draws(tiny):
    return Draws(tiny.signature, read_holdout(tiny.files.holdout, tiny.signature, seed=0), seed=0)


POOLS = [
    pytest.param(boundary_pool, RowClass.BOUNDARY, id="boundary"),
    pytest.param(gap_pool, RowClass.GAP, id="gap"),
    pytest.param(outside_pool, RowClass.OUT_OF_RANGE, id="out-of-range"),
]


@pytest.mark.parametrize(("pool", "kind"), POOLS)
def test_a_pool_holds_as_many_different_rows_of_its_class_as_are_wanted(draws, tiny, pool, kind):
    rows = [drawn.row for drawn in pool(draws, 950)]
    assert len({json.dumps(row, sort_keys=True) for row in rows}) == len(rows) == 950
    assert {row_class(row, tiny.signature) for row in rows} == {kind}


@pytest.mark.parametrize(("pool", "kind"), POOLS)
def test_special_values_come_alone_and_together(draws, pool, kind):
    sizes = [len(drawn.columns) for drawn in pool(draws, 300)]
    assert sizes.count(1) > 100
    assert max(sizes) >= 3


def test_in_range_rows_are_real_ones_rows_like_them_and_rows_from_all_over_the_ranges(draws, tiny):
    pool = in_range_pool(draws, 1000)
    counts = {source: sum(drawn.source == source for drawn in pool) for source in {d.source for d in pool}}
    assert counts["holdout"] == 300
    assert counts["declared ranges"] >= 919
    assert counts["between holdout rows"] + counts["independent columns"] + counts["holdout"] >= 919
    assert [drawn.source for drawn in pool[:300]] == ["holdout"] * 300
    assert all(treat(drawn.row, tiny.signature).plain for drawn in pool)


def test_rows_between_rows_lie_between_them(draws, tiny):
    seen = draws.holdout.plain
    for _ in range(50):
        row = draws.between()
        for name in ("a", "b", "c", "e", "g"):
            assert min(r[name] for r in seen) <= row[name] <= max(r[name] for r in seen)
        assert isinstance(row["c"], int)


def test_a_class_that_the_signature_does_not_let_through_has_no_rows():
    signature = Signature(inputs=(Column(name="a", dtype=DType.FLOAT),), output=Output(name="y"))
    draws = Draws(signature, Holdout.of([{"a": 1.0}], signature), seed=0)
    assert boundary_pool(draws, 10) == gap_pool(draws, 10) == outside_pool(draws, 10) == []


def test_a_class_with_few_rows_gives_those_and_ends():
    signature = Signature(
        inputs=(Column(name="a", dtype=DType.INT, min=0, max=9), Column(name="f", dtype=DType.BOOL)),
        output=Output(name="y"),
    )
    draws = Draws(signature, Holdout.of([{"a": 1, "f": True}], signature), seed=0)
    assert {drawn.row["a"] for drawn in boundary_pool(draws, 1000)} == {0, 1, 8, 9}
    assert len(boundary_pool(draws, 1000)) == 8


@pytest.mark.parametrize(
    "pool",
    [in_range_pool, *(pytest.param(one.values[0], id=one.id) for one in POOLS)],
)
def test_a_hundred_faults_in_half_a_percent_of_the_rows_are_found_as_often_as_is_said(draws, pool):
    rows = [json.dumps(drawn.row, sort_keys=True).encode() for drawn in pool(draws, 1000)]
    found = sum(any(zlib.crc32(b"%d:" % salt + row) % 200 == 0 for row in rows) for salt in range(100))
    assert found >= 97, "99 of 100 are expected; fewer than 97 come by chance in 2 of 100 series"
