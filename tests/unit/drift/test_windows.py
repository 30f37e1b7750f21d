import numpy as np
import pytest

from slipway.drift.calibration import Plan
from slipway.drift.reference import fit_reference
from slipway.drift.tables import BlockTable, Kind
from slipway.drift.windows import MOST_ROWS, Windows

KINDS = {"a": Kind.NUMBER, "b": Kind.NUMBER}


def reference(rows, days=None, seed=0):
    values = np.random.default_rng(seed).normal(size=(rows, 1))
    return fit_reference(BlockTable(np.hstack([values, values]), ("a", "b")), KINDS, days=days)


@pytest.mark.parametrize(("rows", "had"), [(500, 20_000), (5000, 5000), (50_000, 20_000), (3000, 400)])
def test_resampled_windows_vary_as_two_samples_of_these_sizes_do(rows, had):
    fitted = reference(had)
    moved = Windows.draw(fitted, Plan(rows=rows, draws=1500)).of(fitted.columns["a"])
    share = fitted.columns["a"].counts[:-1] / had
    expected = share * (1 - share) * (1 / rows + 1 / had)
    middle = share > 0.02
    np.testing.assert_allclose(moved.known.var(axis=0)[middle], expected[middle], rtol=0.25)


def test_a_windows_columns_belong_together():
    fitted = reference(5000)
    windows = Windows.draw(fitted, Plan(rows=500, draws=300))
    one, two = (windows.of(fitted.columns[name]).known for name in "ab")
    np.testing.assert_allclose(one, two)


def test_large_windows_are_drawn_with_bounded_rows():
    fitted = reference(20_000)
    assert Windows.draw(fitted, Plan(rows=3_000_000, draws=200)).rows.shape == (200, MOST_ROWS)


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_days_that_differ_widen_the_windows_by_what_they_differ(spread):
    rng = np.random.default_rng(3)
    count, rows = 30, 500
    places = spread * rng.normal(size=count)
    values = (rng.normal(size=(count, rows)) + places[:, None]).reshape(-1, 1)
    days = np.repeat(np.arange(count), rows)
    told = fit_reference(BlockTable(np.hstack([values, values]), ("a", "b")), KINDS, days=days)
    moved = Windows.draw(told, Plan(rows=rows, draws=1500)).of(told.columns["a"])
    below = moved.known.cumsum(axis=1)[:, np.searchsorted(told.columns["a"].bins.edges, 0.0)]
    # The share below nought of a day: 0.5 sqrt(1/n) by chance, and 0.4 of what the days' places vary by.
    expected = np.hypot(0.5 / np.sqrt(rows), 0.4 * spread)
    assert below.std() == pytest.approx(expected, rel=0.35)


def test_rows_that_a_window_has_fewer_than_a_day_widen_it_too():
    days = np.repeat(np.arange(20), 1000)
    told = reference(20_000, days)
    small, whole = (
        Windows.draw(told, Plan(rows=rows, draws=800)).of(told.columns["a"]).known.std() for rows in (100, 1000)
    )
    assert small == pytest.approx(np.sqrt(10) * whole, rel=0.3)
