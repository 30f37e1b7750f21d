import math

import pytest

from bench.serving.figures import Cell, Cells, Sample, quantile, ratio


def sample(value, *, round=0, n=10, errors=0, measure="throughput_c16"):
    return Sample(
        model="gbm100", system="slipway", measure=measure, unit="1/s", round=round, value=value, n=n, errors=errors
    )


def test_the_rounds_of_one_figure_become_one_cell():
    cell = Cells.of([sample(3.0, round=0), sample(1.0, round=1), sample(2.0, round=2, errors=4)]).get(
        "gbm100", "slipway", "throughput_c16"
    )
    assert (cell.median, cell.low, cell.high, cell.n, cell.errors) == (2.0, 1.0, 3.0, 30, 4)


def test_what_was_not_measured_is_not_made_up():
    assert Cells.of([]).get("gbm100", "slipway", "throughput_c16") is None


@pytest.mark.parametrize(
    ("values", "share", "lost", "expected"),
    [
        ([5.0, 1.0, 3.0], 0.5, 0, 3.0),
        ([float(n) for n in range(1, 101)], 0.99, 0, 99.0),
        ([1.0] * 99, 0.99, 1, 1.0),
        ([1.0] * 98, 0.99, 2, math.inf),
        ([7.0], 0.99, 0, 7.0),
    ],
    ids=["median", "99 of 100", "one lost of 100", "two lost of 100", "one alone"],
)
def test_a_quantile_counts_lost_requests_as_late(values, share, lost, expected):
    assert quantile(values, share, lost=lost) == expected


def test_no_request_at_all_gives_no_quantile():
    assert math.isnan(quantile([], 0.99))


def test_a_ratio_pairs_the_rounds():
    ours, theirs = Cell("1/s", {0: 10.0, 1: 40.0, 2: 30.0}, 3), Cell("1/s", {0: 5.0, 1: 10.0, 2: 10.0}, 3)
    found = ratio(ours, theirs)
    assert (found.median, found.low, found.high, found.rounds) == (3.0, 2.0, 4.0, 3)


def test_a_peer_that_lost_requests_is_infinitely_slower_not_left_out():
    assert ratio(Cell("ms", {0: 2.0}, 1), Cell("ms", {0: math.inf}, 1)).median == 0.0


@pytest.mark.parametrize("theirs", [{1: 5.0}, {0: 0.0}, {0: math.nan}], ids=["other round", "zero", "none"])
def test_there_is_no_ratio_without_both_sides(theirs):
    assert ratio(Cell("1/s", {0: 10.0}, 1), Cell("1/s", theirs, 1)) is None


def test_an_infinite_figure_is_null_in_json():
    assert Cell("ms", {0: math.inf}, 1).to_json()["median"] is None
