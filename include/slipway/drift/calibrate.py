"""How far a quiet window may lie from its reference: thresholds for a stated rate of false alarms.

Rules
-----
1. Windows are resampled from the reference's rows, all columns of a row together, and judged by the code that judges a
   day. What a window of n rows and a reference of N rows differ by has the variance of n N / (n + N) rows; windows of
   more than ``MOST_ROWS`` are drawn with so many and their differences scaled, as shares are close to normal by then.
2. Where the reference's days are told apart, a resampled window is a day: the days' differences from their mean,
   combined with random normal weights, have the days' covariance over all bins and columns. As few days tell their
   own variance badly, each column's is divided by a chi-squared draw (which makes Student's t of a normal), and what
   rows a window has fewer than a day are added as in rule 1.
3. One threshold for all: the largest standardised distance over all columns and checks of a resampled window. Its
   quantile holds the rate of the whole run, whatever the columns' dependence; a column's threshold is that quantile in
   the column's own unit.
4. The stated rate is an upper bound. The reference is a sample itself, so ``AIM`` of the rate is aimed at. Where fewer
   than ``LEAST_DRAWS`` resampled windows lie past the quantile, it is taken from an exponential tail, and said so.

References: P. H. Westfall, S. S. Young, Resampling-Based Multiple Testing (1993), chapter 2 (the largest statistic);
V. Chernozhukov, D. Chetverikov, K. Kato, Annals of Statistics 41 (2013) 2786 (normal weights, more columns than days);
P. J. Bickel, A. Sakov, Statistica Sinica 18 (2008) 967 (windows of fewer rows, scaled).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from slipway.drift.calibration import Calibration, Plan, Thresholds, harmonic
from slipway.drift.distance import Check, distances, least_thresholds
from slipway.drift.power import gaps_found, rise_found, smallest_found
from slipway.drift.reference import WORKERS, Profile, Reference, in_turn
from slipway.drift.tables import Array
from slipway.drift.windows import Moved, Windows

AIM, TAIL, LEAST_DRAWS = 0.6, 0.05, 20
POWER_DRAWS = 400


@dataclass(frozen=True, slots=True, eq=False)
class _Quiet:
    """A column's quiet windows: each check's mean and spread, the largest standardised distance, some windows."""

    moments: Mapping[Check, tuple[float, float]]
    largest: Array
    some: Moved
    rows: float


def calibrate(reference: Reference, plan: Plan, *, workers: int = WORKERS) -> Calibration:
    """Return the thresholds of every column for windows as planned; the same for the same reference and plan.

    ``workers`` columns are worked on at the same time; memory is about 4 bytes x draws x 5000 rows.
    """
    windows = Windows.draw(reference, plan)
    names = list(reference.columns)
    found = in_turn(lambda name: _quiet(reference.columns[name], windows), names, workers)
    rises = windows.of_loss(reference.loss) if reference.loss is not None and plan.labelled else None
    largest = [quiet.largest for quiet in found] + ([] if rises is None else [_standard(rises)])
    critical, extrapolated = _quantile(np.max(largest, axis=0), AIM * plan.rate) if largest else (0.0, False)
    quiet_by_name = dict(zip(names, found, strict=True))
    thresholds = in_turn(
        lambda name: _thresholds(reference.columns[name], quiet_by_name[name], critical, plan.rows), names, workers
    )
    limit = None if rises is None else float(rises.mean() + critical * rises.std())
    return Calibration(
        reference=reference.digest,
        plan=plan,
        critical=critical,
        columns=dict(zip(names, thresholds, strict=True)),
        loss_limit=limit,
        loss_found=None if rises is None or limit is None else rise_found(rises, limit),
        extrapolated=extrapolated,
    )


def known_rows(profile: Profile, rows: int) -> float:
    """Return the rows behind a difference in a column's known values, if as many are missing as in the reference."""
    return max(harmonic(rows * (1 - profile.missing), profile.known), 1.0)


def _quiet(profile: Profile, windows: Windows) -> _Quiet:
    moved, rows = windows.of(profile), known_rows(profile, windows.plan.rows)
    shares = profile.counts[:-1] / max(profile.known, 1)
    apart = {**distances(moved.known, shares, profile.kind, rows=rows), Check.MISSING: np.abs(moved.missing)}
    moments = {check: (float(values.mean()), float(values.std())) for check, values in apart.items()}
    largest = np.max([_standard(values) for values in apart.values()], axis=0)
    some = Moved(moved.known[:POWER_DRAWS].copy(), moved.missing[:POWER_DRAWS].copy())
    return _Quiet(moments, largest, some, rows)


def _standard(values: Array) -> Array:
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)


def _thresholds(profile: Profile, quiet: _Quiet, critical: float, rows: int) -> Thresholds:
    least = least_thresholds(profile.kind, profile.missing, rows=quiet.rows)
    limits = {check: max(mean + critical * spread, least[check]) for check, (mean, spread) in quiet.moments.items()}
    return Thresholds(
        limits=limits,
        shift_found=smallest_found(profile, quiet.some, limits, rows=quiet.rows),
        missing_found=gaps_found(profile, quiet.some, limits[Check.MISSING], rows=rows),
    )


def _quantile(largest: Array, rate: float) -> tuple[float, bool]:
    """Return what a share ``rate`` of the values lies above, and whether it had to be extrapolated."""
    if rate * len(largest) >= LEAST_DRAWS:
        return float(np.quantile(largest, 1 - rate)), False
    start = float(np.quantile(largest, 1 - TAIL))
    beyond = np.maximum(largest - start, 0.0).mean() / TAIL
    return start + float(beyond) * float(np.log(TAIL / rate)), True
