"""Quiet windows, resampled from the reference: what :mod:`slipway.drift.calibrate` takes its thresholds from."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.drift.calibration import Plan, harmonic
from slipway.drift.reference import SAMPLE_ROWS, Codes, Loss, Profile, Reference
from slipway.drift.tables import Array

MOST_ROWS = 5_000
LEAST_DAYS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """What quiet windows have more than their reference.

    ``known`` of shape (draws, k - 1) of the known values' shares, ``missing`` (draws,) of the share of missing values.
    """

    known: Array
    missing: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """The draws that all columns share, so that a window's columns belong together.

    Attributes
    ----------
    plan : Plan
    reference_rows : int
    rows : array of shape (draws, m)
        Which of the sampled rows a window has.
    day_weights : array of shape (draws, days)
        How much of each day's difference it has; no columns where days are not told apart.
    """

    plan: Plan
    reference_rows: int
    rows: NDArray[np.int32]
    day_weights: Array

    @classmethod
    def draw(cls, reference: Reference, plan: Plan) -> Windows:
        """Draw the windows of a plan; the same for the same seed."""
        rng = np.random.default_rng(plan.seed)
        sampled = min(reference.rows, SAMPLE_ROWS)
        size = int(np.clip(harmonic(plan.rows, reference.rows), 1, MOST_ROWS))
        return cls(
            plan=plan,
            reference_rows=reference.rows,
            rows=rng.integers(0, sampled, (plan.draws, size), dtype=np.int32),
            day_weights=rng.standard_normal((plan.draws, reference.days)),
        )

    def of(self, profile: Profile) -> Moved:
        """Return the quiet windows' differences in one column."""
        size = self.rows.shape[1]
        counts = _counted(profile.sample, self.rows, profile.bins.size).astype(np.float64)
        shares = np.bincount(profile.sample, minlength=profile.bins.size) / len(profile.sample)
        known = counts[:, :-1] / np.maximum(counts[:, :-1].sum(axis=1, keepdims=True), 1)
        own = Moved(known - _of_known(shares[:-1]), counts[:, -1] / size - shares[-1])
        factor = np.sqrt(size * self._rows_variance(self.reference_rows, self.plan.rows))
        days = self._of_days(profile)
        return Moved(factor * own.known + days.known, factor * own.missing + days.missing)

    def of_loss(self, loss: Loss) -> Array:
        """Return what quiet windows' mean loss is above the reference's, shape (draws,)."""
        size = int(np.clip(harmonic(self.plan.labelled, loss.rows), 1, MOST_ROWS))
        rng = np.random.default_rng([self.plan.seed, 1])
        rows = rng.integers(0, len(loss.sample), (self.plan.draws, size), dtype=np.int32)
        own = loss.sample[rows].mean(axis=1) - loss.sample.mean()
        factor = np.sqrt(size * self._rows_variance(loss.rows, self.plan.labelled))
        means = np.where(np.isfinite(loss.day_means), loss.day_means - loss.mean, 0.0)
        return np.asarray(factor * own + self._day_part(means[:, None], "loss")[:, 0])

    def _rows_variance(self, reference_rows: int, rows: int) -> float:
        """Return what one row's variance is multiplied by; with days, only what they do not bring themselves."""
        days = self.day_weights.shape[1]
        if not days:
            return 1 / rows + 1 / reference_rows
        return max(0.0, 1 / rows - float(days) / reference_rows)

    def _of_days(self, profile: Profile) -> Moved:
        days = profile.by_day.astype(np.float64)
        rows, known = days.sum(axis=1), days[:, :-1].sum(axis=1, keepdims=True)
        overall = _of_known(profile.counts[:-1].astype(np.float64))
        shares = np.where(known > 0, days[:, :-1] / np.maximum(known, 1), overall) - overall
        missing = np.where(rows > 0, days[:, -1] / np.maximum(rows, 1), profile.missing) - profile.missing
        both = self._day_part(np.column_stack([shares, missing]), profile.name)
        return Moved(both[:, :-1], both[:, -1])

    def _day_part(self, differences: Array, name: str) -> Array:
        """Return a new day's differences, shape (draws, columns): Student's t with the days' covariance."""
        days = len(differences)
        if not days:
            return np.zeros((self.plan.draws, differences.shape[1]))
        rng = np.random.default_rng([self.plan.seed, zlib.crc32(name.encode())])
        wide = np.sqrt((days - 1) / rng.chisquare(days - 1, (self.plan.draws, 1)))
        return np.asarray(self.day_weights @ differences * (wide * np.sqrt((1 + 1 / days) / (days - 1))))


def _of_known(counts: Array) -> Array:
    return np.asarray(counts / max(counts.sum(), 1e-300))


def _counted(codes: Codes, rows: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    return np.stack([np.bincount(codes[window], minlength=size) for window in rows])
