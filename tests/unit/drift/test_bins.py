import json

import numpy as np
import pytest

from slipway.drift.bins import MAX_BINS, MAX_NAMES, Bins, fit_bins
from slipway.drift.tables import Kind, Named

RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": RNG.normal(size=5000),
    "half noughts": np.maximum(RNG.normal(size=5000), 0.0),
    "three values": RNG.choice([1.0, 2.0, 7.0], 5000),
    "constant": np.full(5000, 3.0),
    "gaps": np.where(RNG.random(5000) < 0.5, np.nan, RNG.normal(size=5000)),
    "nothing": np.full(5000, np.nan),
    "few rows": RNG.normal(size=30),
}


def fitted(values):
    return fit_bins(values, np.arange(len(values)))


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_every_value_has_one_bin_and_missing_ones_the_last(values):
    bins = fitted(values)
    counts = bins.count(values)
    assert counts.sum() == len(values)
    assert len(counts) == bins.size <= 250
    assert counts[-1] == np.isnan(values).sum()


@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "nothing"])
def test_what_the_reference_has_never_seen_falls_in_the_end_bins(name):
    bins = fitted(COLUMNS[name])
    counts = bins.count(np.array([-1e9, 1e9, np.inf, -np.inf]))
    assert counts[-1] == 0
    assert counts[0] + counts[-2] == 4


def test_a_continuous_column_is_cut_into_about_equal_shares():
    counts = fitted(COLUMNS["normal"]).count(COLUMNS["normal"])[1:-2]
    assert len(counts) == MAX_BINS
    assert counts.max() < 1.1 * len(COLUMNS["normal"]) / MAX_BINS


@pytest.mark.parametrize(("name", "value"), [("half noughts", 0.0), ("three values", 2.0), ("constant", 3.0)])
def test_a_value_that_stands_alone_has_a_bin_of_its_own(name, value):
    bins = fitted(COLUMNS[name])
    near = np.array([value, value - 1e-9, value + 1e-9])
    assert len(set(bins.encode(near).tolist())) == 3


def test_names_are_counted_the_most_frequent_first_and_all_others_together():
    values = Named(np.repeat([0, 1, 2, -1], [50, 100, 3, 7]), ("b", "a", "rare"))
    bins = fitted(values)
    assert bins.names == ("a", "b")
    assert bins.count(values).tolist() == [100, 50, 3, 7]
    assert bins.count(Named(np.array([0, 1]), ("new", "a"))).tolist() == [1, 0, 1, 0]


def test_a_column_of_very_many_names_has_bounded_bins():
    codes = np.arange(5000) % 200
    bins = fitted(Named(codes, tuple(f"n{at}" for at in range(200))))
    assert bins.size == MAX_NAMES + 2


@pytest.mark.parametrize(
    "values", [COLUMNS["normal"], Named(np.zeros(50, dtype=np.intp), ("a",))], ids=["number", "name"]
)
def test_bins_survive_json(values):
    bins = fitted(values)
    assert Bins.from_json(json.loads(json.dumps(bins.to_json()))) == bins
    assert bins.kind is (Kind.CATEGORY if isinstance(values, Named) else Kind.NUMBER)
