import numpy as np
import pytest
from scipy.stats import norm

from slipway.drift.distance import Check, distances, least_thresholds
from slipway.drift.tables import Kind

EDGES = norm.ppf(np.arange(1, 32) / 32)
FLAT = np.full(32, 1 / 32)


def shares(place=0.0, spread=1.0):
    return np.diff(np.concatenate([[0.0], norm.cdf((EDGES - place) / spread), [1.0]]))


@pytest.mark.parametrize("shift", [0.02, 0.1, 0.3, -0.3])
def test_a_normal_shift_has_its_own_size_as_distance(shift):
    apart = distances(shares(shift) - FLAT, FLAT, Kind.NUMBER, rows=1e6)[Check.DISTRIBUTION]
    assert apart == pytest.approx(abs(shift), rel=0.06)


@pytest.mark.parametrize("kind", Kind)
def test_equal_shares_have_no_distance(kind):
    found = distances(np.zeros(32), FLAT, kind, rows=100)
    assert {float(value) for value in found.values()} == {0.0}


def test_a_wider_spread_is_seen_though_the_place_is_the_same():
    apart = distances(shares(spread=1.5) - FLAT, FLAT, Kind.NUMBER, rows=1e6)[Check.DISTRIBUTION]
    assert apart > 0.1


def test_one_bin_that_gains_is_seen_by_the_value_check_far_sooner_than_by_the_distribution():
    stuck = 0.97 * FLAT
    stuck[10] += 0.03
    found = distances(stuck - FLAT, FLAT, Kind.NUMBER, rows=2500)
    errors = np.sqrt(2500) * found[Check.VALUE]
    assert errors > 8
    assert np.sqrt(2500) * found[Check.DISTRIBUTION] < 2


def test_one_row_of_a_value_never_seen_is_no_drift_and_twenty_are():
    before = np.array([0.0, 1.0, 0.0])

    def errors(rows):
        moved = np.array([rows / 5000, -rows / 5000, 0.0])
        return np.sqrt(5000) * distances(moved, before, Kind.NUMBER, rows=5000)[Check.VALUE]

    assert errors(1) < 1
    assert errors(20) > 4


def test_many_windows_are_judged_at_once():
    moved = np.stack([shares(0.1) - FLAT, np.zeros(32)])
    found = distances(moved, FLAT, Kind.NUMBER, rows=1000)
    assert found[Check.DISTRIBUTION].shape == (2,)
    assert found[Check.VALUE][1] == 0


@pytest.mark.parametrize(("kind", "checks"), [(Kind.NUMBER, 3), (Kind.CATEGORY, 2)])
def test_a_column_that_never_varied_still_has_thresholds_above_nought(kind, checks):
    least = least_thresholds(kind, 0.0, rows=5000)
    assert len(least) == checks
    assert min(least.values()) > 0
