import numpy as np
import pandas as pd
import pytest

from slipway.quality.twins import exact_twins, near_twins

NAMES = [f"x{n}" for n in range(6)]
LIMIT = 0.01


def table(seed, rows=300):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(100, 20, (rows, 6)), columns=NAMES)
    return frame.assign(sex=np.where(rng.random(rows) < 0.5, "F", "M"), y=rng.normal(size=rows))


def leaked(change, share=0.3):
    train, holdout = table(1), table(2, 150)
    seen = holdout.head(int(share * 150)).copy()
    return pd.concat([train, change(seen)], ignore_index=True), holdout


def jittered(by):
    rng = np.random.default_rng(0)
    return lambda f: f.assign(**{n: f[n] * (1 + by * rng.standard_normal(len(f))) for n in NAMES})


NEAR = {
    "to the last digit": lambda f: f,
    "by a ten-thousandth": jittered(1e-4),
    "by a thousandth": jittered(1e-3),
    "by half a hundredth": jittered(5e-3),
    "rounded": lambda f: f.round(1),
    "in single precision": lambda f: f.assign(**{n: f[n].astype("float32").astype(float) for n in NAMES}),
    "with other labels": lambda f: jittered(1e-3)(f).assign(y=0.0),
}


@pytest.mark.parametrize("change", NEAR.values(), ids=NEAR)
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_holdout_rows_in_training_are_found_however_they_were_moved(change, share):
    train, holdout = leaked(change, share)
    assert near_twins(train, holdout, [*NAMES, "sex"]).excess > LIMIT


def test_rows_repeated_in_training_do_not_excuse_those_that_cross():
    train, holdout = leaked(jittered(1e-4))
    doubled = pd.concat([train, train], ignore_index=True)
    assert near_twins(doubled, holdout, NAMES).excess > LIMIT


def discrete(seed, rows, columns):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({f"x{n}": rng.integers(0, 5, rows) for n in range(columns)}).assign(y=rng.integers(0, 2, rows))


@pytest.mark.parametrize("columns", [1, 2, 3, 5])
def test_heavy_ties_in_discrete_data_are_chance(columns):
    names, blocked = [f"x{n}" for n in range(columns)], 0
    for seed in range(0, 40, 2):
        train, holdout = discrete(seed, 300, columns), discrete(seed + 1, 150, columns)
        found = exact_twins(train, holdout, [*names, "y"]), near_twins(train, holdout, names)
        blocked += any(twins.excess > LIMIT for twins in found)
    assert blocked == 0


@pytest.mark.parametrize("columns", [1, 2, 3, 6])
def test_rows_of_few_columns_come_near_to_each_other_by_chance(columns):
    found = [near_twins(table(s), table(s + 1, 150), NAMES[:columns]).excess > LIMIT for s in range(0, 40, 2)]
    assert sum(found) == 0


def test_missing_equals_missing_and_nothing_else():
    train, holdout = leaked(lambda f: f)
    gaps = [f.assign(x0=f["x0"].where(f.index % 3 == 0)) for f in (train, holdout)]
    assert near_twins(gaps[0], holdout, NAMES).found < 45
    same = holdout.assign(x0=np.nan)
    assert near_twins(pd.concat([train.head(300), same], ignore_index=True), same, NAMES).excess > 0.9


def test_no_rows_have_no_twins():
    assert near_twins(table(1), table(2).head(0), NAMES).excess is None
    assert exact_twins(table(1).head(0), table(2), NAMES).excess == 0
