"""Simulated days of a model's inputs: twenty dependent columns with the marginals that real tables have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slipway.drift.tables import Kind

COLUMNS = 20
NAMES = tuple(f"c{at:02d}" for at in range(COLUMNS))
KIND_NAMES = ("alpha", "beta", "gamma", "delta", "rare")
Array = NDArray[np.float64]
CATEGORY, FLAG, ANSWER = "c02", "c11", "c07"
KINDS = {name: Kind.CATEGORY if name in (CATEGORY, FLAG) else Kind.NUMBER for name in NAMES}
NUMBERS = tuple(name for name in NAMES if KINDS[name] is Kind.NUMBER)


@dataclass(frozen=True)
class Source:
    """One model's data: columns hang together as ``seed`` has it; days differ by ``day_spread`` standard deviations."""

    seed: int
    day_spread: float = 0.0

    def day(self, number: int, rows: int) -> pd.DataFrame:
        """Return one day, the same for the same number."""
        rng = np.random.default_rng([self.seed, 7, number])
        mix = np.random.default_rng(self.seed).normal(size=(COLUMNS, COLUMNS)) * 0.5 / np.sqrt(COLUMNS)
        base = rng.normal(size=(rows, COLUMNS)) @ (np.eye(COLUMNS) + mix)
        base /= np.sqrt(((np.eye(COLUMNS) + mix) ** 2).sum(axis=0))
        return _shaped(base + self.day_spread * rng.normal(size=COLUMNS), rng)


def shifted(day: pd.DataFrame, name: str, by: float, spread: float) -> pd.DataFrame:
    """Return a day with one column moved by ``by`` of its standard deviations ``spread``."""
    return day.assign(**{name: day[name] + by * spread})


def _shaped(base: Array, rng: np.random.Generator) -> pd.DataFrame:
    """Return the normal columns with the marginals of amounts, counts, ratings, shares, kinds, flags and gaps."""
    frame = pd.DataFrame(base, columns=list(NAMES))
    frame["c00"] = np.exp(2.0 * base[:, 0])  # an amount: heavy tail
    frame["c01"] = np.round(2 * base[:, 1])  # a rating: ties
    frame[CATEGORY] = np.array(KIND_NAMES)[np.digitize(base[:, 2], (-0.5, 0.4, 1.2, 2.6))]
    frame["c03"] = np.maximum(base[:, 3], 0.0)  # half of it nought
    frame["c04"] = np.where(rng.random(len(base)) < 0.03, np.nan, base[:, 4])
    frame["c05"] = rng.standard_t(3, len(base))
    frame["c06"] = rng.poisson(np.exp(0.5 * base[:, 6]))  # a count
    frame["c07"] = 1 / (1 + np.exp(-2 * base[:, 7]))  # a share: the answer
    frame["c08"] = np.exp(0.7 * base[:, 8]).round(2)
    frame["c09"] = np.where(rng.random(len(base)) < 0.3, np.nan, base[:, 9])
    frame["c10"] = 20 + 60 * rng.beta(2, 4, len(base))
    frame[FLAG] = np.where(base[:, 11] > 1.5, "yes", "no")
    return frame
