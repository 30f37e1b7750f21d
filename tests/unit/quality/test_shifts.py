import numpy as np
import pandas as pd
import pytest

from slipway.quality.shifts import Kind, column_shifts


def normal(seed, rows=300, scale=1.0):
    return pd.Series(np.random.default_rng(seed).normal(10, scale, rows))


def some_missing(values, share):
    return values.where(np.random.default_rng(9).random(len(values)) >= share)


SEX = pd.Series(["F"] * 160 + ["M"] * 140)
CASES = {
    "another unit": (normal(1), normal(2) / 10, Kind.PLACE, 1.0),
    "half the rows in another unit": (normal(1), normal(2).where(normal(2).index % 2 == 0, 1), Kind.PLACE, 0.5),
    "a third of the spread": (normal(1), normal(2, scale=0.33), Kind.SPREAD, 0.4),
    "a stuck sensor": (normal(1), normal(2).where(normal(2).index >= 210, 10.0), Kind.ONE_VALUE, 0.7),
    "zeros that became something": (normal(1).where(normal(1).index >= 150, 0.0), normal(2), Kind.ONE_VALUE, 0.5),
    "nobody over the 80th percentile": (normal(1), normal(2)[lambda s: s < 10.84], Kind.BAND, 0.2),
    "a gap in the middle": (normal(1), normal(2)[lambda s: (s - 10.2).abs() > 0.25], Kind.BAND, 0.2),
    "a population that was never there": (normal(1)[lambda s: s < 10.84], normal(2), Kind.BAND, 0.2),
    "half of the men are women": (SEX, SEX.where((SEX.index < 160) | (SEX.index % 2 == 0), "F"), Kind.CATEGORY, 0.23),
    "a category of its own": (SEX, SEX.where(SEX.index < 240, "X"), Kind.CATEGORY, 0.2),
    "a third is missing": (normal(1), some_missing(normal(2), 0.33), Kind.MISSING, 0.33),
}


@pytest.mark.parametrize(("before", "now", "kind", "effect"), CASES.values(), ids=CASES)
def test_a_gross_shift_has_its_kind_its_size_and_is_no_chance(before, now, kind, effect):
    found = max((s for s in column_shifts(before, now) if s.kind is kind), key=lambda s: s.effect)
    assert found.effect == pytest.approx(effect, abs=0.09)
    assert found.chance < 1e-6


def test_another_sample_of_the_same_population_is_chance():
    shifts = [s for seed in range(0, 60, 2) for s in column_shifts(normal(seed), normal(seed + 1))]
    assert min(s.chance for s in shifts) > 0.002


def test_ties_of_whole_numbers_are_no_gaps_and_no_stuck_sensor():
    first, second = (pd.Series(np.random.default_rng(s).integers(0, 8, 300)) for s in (1, 2))
    assert min(s.chance for s in column_shifts(first, second)) > 0.01


def test_names_are_compared_by_what_is_missing_alone():
    first, second = (pd.Series([f"{word} {n}" for n in range(100)]) for word in ("patient", "case"))
    assert [s.kind for s in column_shifts(first, second)] == [Kind.MISSING]


EMPTY = {
    "no rows": pd.Series([], dtype=float),
    "nothing known": pd.Series([np.nan] * 50),
    "text": pd.Series(["x"] * 50),
}


@pytest.mark.parametrize("now", EMPTY.values(), ids=EMPTY)
def test_a_column_that_says_nothing_does_not_break_the_comparison(now):
    assert all(s.effect <= 1 for s in column_shifts(normal(1), now))
