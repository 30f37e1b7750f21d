from itertools import islice

import pytest

from slipway.loadtest.fresh import fresh_rows

KNOWN = [
    {"x": 1.0, "n": 3, "kind": "a", "on": True},
    {"x": 4.0, "n": 9, "kind": "b", "on": False},
    {"x": None, "n": 7, "kind": "b", "on": True},
]


def first(n, seed=0):
    return list(islice(fresh_rows(KNOWN, seed=seed), n))


def test_no_row_was_there_before():
    rows = list(islice(fresh_rows([row for row in KNOWN if row["x"]], seed=0), 300))
    assert len({row["x"] for row in rows}) == 300
    assert not any(row in KNOWN for row in rows)


def test_of_one_row_alone_nothing_else_can_be_made():
    assert next(fresh_rows(KNOWN[:1], seed=0)) == KNOWN[0]


@pytest.mark.parametrize("name", ["n", "kind", "on"])
def test_what_is_no_decimal_number_is_taken_over(name):
    assert {row[name] for row in first(300)} == {row[name] for row in KNOWN}
    assert {type(row[name]) for row in first(300)} == {type(KNOWN[0][name])}


def test_a_decimal_number_lies_between_two_known_ones_or_is_missing_like_one():
    found = [row["x"] for row in first(300)]
    assert None in found
    assert all(1.0 <= x <= 4.0 for x in found if x is not None)


def test_the_same_seed_gives_the_same_rows():
    assert first(20, seed=3) == first(20, seed=3) != first(20, seed=4)
