"""A small model's data: a normal column, an amount, a column of noughts, a name and a flag."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from slipway.drift.calibrate import calibrate
from slipway.drift.calibration import Plan
from slipway.drift.reference import fit_reference
from slipway.drift.tables import FrameTable, Kind

KINDS = {
    "age": Kind.NUMBER,
    "amount": Kind.NUMBER,
    "visits": Kind.NUMBER,
    "place": Kind.CATEGORY,
    "insured": Kind.CATEGORY,
    "score": Kind.NUMBER,
}


def make_rows(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(rows, 4))
    return pd.DataFrame(
        {
            "age": np.where(rng.random(rows) < 0.05, np.nan, 50 + 10 * base[:, 0]),
            "amount": np.exp(2 * base[:, 1]),
            "visits": np.maximum(np.round(2 * base[:, 2]), 0.0),
            "place": np.array(["north", "south", "east"])[np.digitize(base[:, 3], (0.0, 1.0))],
            "insured": base[:, 3] > 0.5,
            "score": 1 / (1 + np.exp(-base[:, 0] - base[:, 1])),
        }
    )


@pytest.fixture(scope="session")
def kinds():
    return KINDS


@pytest.fixture(scope="session")
def rows_of():
    return make_rows


@pytest.fixture(scope="session")
def reference():
    return fit_reference(FrameTable(make_rows(20_000, 1)), KINDS, loss=losses(20_000, 1))


@pytest.fixture(scope="session")
def calibration(reference):
    return calibrate(reference, Plan(rows=1000, labelled=400, draws=1000))


@pytest.fixture(scope="session")
def losses_of():
    return losses


def losses(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed + 1000).exponential(0.3, rows)
