"""How one column differs from the same column of another snapshot: a list of shifts, each an effect and its p-value.

Every effect but the relation's is a difference of shares: how much more of one sample than of the other lies in some
set of values. So all are in [0, 1], need no unit, and can be held against limits that hold for every column.

==========  ==============================================================  ===========================================
kind        effect                                                          p-value
==========  ==============================================================  ===========================================
place       largest difference of the cumulative shares                     two-sample Kolmogorov-Smirnov
spread      the same of the distances from the median of both samples       two-sample Kolmogorov-Smirnov
category    half the sum of the differences of the categories' shares       chi-squared, contingency table
one value   the share that one single value has gained or lost              Fisher's exact test, times distinct values
band        share of one sample between neighbouring values of the other    longest run (see :func:`_band`)
missing     difference of the shares of missing values                      Fisher's exact test
==========  ==============================================================  ===========================================

"one value" is a sensor that is stuck, or a default that crept in; "band" a part of the population that is absent, or
that was never there before. A column with more categories than a tenth of its rows holds names: only its missing
values are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from slipway.quality.chance import two_shares
from slipway.quality.metrics import Array

if TYPE_CHECKING:
    import pandas as pd

ROWS_PER_CATEGORY = 10
MIN_VALUES = 20


class Kind(StrEnum):
    """In which way a column differs."""

    PLACE = "place"
    SPREAD = "spread"
    CATEGORY = "category"
    ONE_VALUE = "one value"
    BAND = "band"
    MISSING = "missing"
    REPEATED = "repeated rows"
    RELATION = "relation"


@dataclass(frozen=True, slots=True)
class Shift:
    """One difference: how large (in [0, 1]; a relation's in [0, 2]), how likely by chance, and what was seen."""

    kind: Kind
    effect: float
    chance: float
    seen: str


def column_shifts(before: pd.Series, now: pd.Series) -> Iterator[Shift]:
    """Yield every shift of a column, however small, from the champion's values to the candidate's."""
    gone, lacks = int(before.isna().sum()), int(now.isna().sum())
    if len(before) and len(now):
        was, is_now = gone / len(before), lacks / len(now)
        chance = two_shares(gone, len(before), lacks, len(now))
        yield Shift(Kind.MISSING, abs(is_now - was), chance, f"{_percent(was)} missing, now {_percent(is_now)}")
    if before.dtype.kind in "iuf" and now.dtype.kind in "iuf":
        first, second = (s.to_numpy(dtype=float, na_value=np.nan) for s in (before, now))
        first, second = first[np.isfinite(first)], second[np.isfinite(second)]
        if min(len(first), len(second)) >= MIN_VALUES:
            yield from _number_shifts(first, second)
    else:
        yield from _category_shift(before.dropna().astype(str), now.dropna().astype(str))


def _number_shifts(before: Array, now: Array) -> Iterator[Shift]:
    from scipy.stats import ks_2samp

    middles = float(np.median(before)), float(np.median(now))
    place = ks_2samp(before, now, method="asymp")
    yield Shift(Kind.PLACE, float(place.statistic), float(place.pvalue), f"median {_to(*middles)}")
    middle = np.median(np.concatenate([before, now]))  # of both: of each its own, a binary column's would jump
    away = np.abs(before - middle), np.abs(now - middle)
    spread = ks_2samp(*away, method="asymp")
    said = f"median distance from the middle {_to(*(float(np.median(a)) for a in away))}"
    yield Shift(Kind.SPREAD, float(spread.statistic), float(spread.pvalue), said)
    yield _one_value(before, now, "has gained")
    yield _one_value(now, before, "has lost")
    yield _band(before, now, "now none")
    yield _band(now, before, "before none")


def _one_value(before: Array, now: Array, verb: str) -> Shift:
    """Return the shift of the value that is most frequent in ``now``; chosen among all, so corrected for all."""
    values, counts = np.unique(now, return_counts=True)
    top = int(counts.argmax())
    had, has = int((before == values[top]).sum()), int(counts[top])
    shares = had / len(before), has / len(now)
    chance = min(1.0, two_shares(had, len(before), has, len(now)) * len(values))
    seen = f"the value {values[top]:.6g} {verb}: " + (
        f"{_percent(shares[0])}, now {_percent(shares[1])}"
        if verb == "has gained"
        else f"{_percent(shares[1])}, now {_percent(shares[0])}"
    )
    return Shift(Kind.ONE_VALUE, max(0.0, shares[1] - shares[0]), chance, seen)


def _band(before: Array, now: Array, said: str) -> Shift:
    """Return the largest share of ``before`` that lies between two neighbouring values of ``now``, or beyond its ends.

    When both are samples of one population, every order of the pooled values is as likely as another, so that k given
    places all hold values of ``before`` with the chance n (n-1) ... / (n+m) (n+m-1) ..., k factors each. There are
    m + 1 gaps (Bonferroni). Ties count for ``now``, which is on the safe side.

    Reference: N. Balakrishnan, M. V. Koutras, Runs and Scans with Applications (2002), chapter 2.
    """
    edges = np.unique(now)
    inside = before[~np.isin(before, edges)]
    gaps, counts = np.unique(np.searchsorted(edges, inside), return_counts=True)
    if not len(gaps):
        return Shift(Kind.BAND, 0.0, 1.0, "no gap")
    at, rows = int(gaps[counts.argmax()]), int(counts.max())
    steps = np.arange(rows)
    odds = np.sum(np.log(len(before) - steps) - np.log(len(before) + len(now) - steps))
    chance = float(min(1.0, np.exp(odds) * (len(now) + 1)))
    low = "the least" if at == 0 else f"{edges[at - 1]:.6g}"
    high = "the largest" if at == len(edges) else f"{edges[at]:.6g}"
    share = rows / len(before)
    return Shift(Kind.BAND, share, chance, f"{_percent(share)} of the values lie between {low} and {high}, {said}")


def _category_shift(before: pd.Series, now: pd.Series) -> Iterator[Shift]:
    import pandas as pd
    from scipy.stats import chi2_contingency

    counts = pd.DataFrame({"before": before.value_counts(), "now": now.value_counts()}).fillna(0.0).sort_index()
    if len(counts) < 2 or min(len(before), len(now)) < max(MIN_VALUES, ROWS_PER_CATEGORY * len(counts)):
        return
    table = counts.to_numpy(dtype=float).T
    shares = table / table.sum(axis=1, keepdims=True)
    moved = np.abs(shares[1] - shares[0])
    top = int(moved.argmax())
    seen = f"share of {counts.index[top]} {_percent(shares[0][top])}, now {_percent(shares[1][top])}"
    yield Shift(Kind.CATEGORY, float(moved.sum() / 2), float(chi2_contingency(table).pvalue), seen)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _to(before: float, now: float) -> str:
    return f"{before:.4g}, now {now:.4g}"
