"""A model's real rows, replayed: any day can be made by itself, and is the same each time.

Rules
-----
1. A day is a function of (seed, day) alone. It does not matter which other days were made, or in which order.
2. What moves is what was asked for: each column has random numbers of its own, so that a shift of one input leaves
   all other values of the day as they were. Shifts of the mix (category, label_prior) draw other rows.
3. Values keep their declared dtype and stay in their declared range: what a jitter or a shift would carry past it is
   set to the range's end, which makes a large shift smaller. Only ``missing`` makes values that a model may refuse.
4. A value that one real row in ``TIED`` or more has is repeated exactly: ties are part of a distribution.
5. Whole numbers that can be missing are doubles, as in the models' own snapshots: pandas' int64 has no missing value.

Rows are drawn with replacement and jittered: to a row's numbers, a small multiple of the difference of two other rows
is added, and the whole is drawn together about the mean so that means, variances and correlations stay as they are. In
a classification all three rows are of one class, so that this holds in each class.

Reference: B. W. Silverman, G. A. Young, The bootstrap: to smooth or not to smooth? Biometrika 74 (1987), for the
smoothed bootstrap with its variance kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Column, DType
from slipway.core.spec import ModelSpec, Task
from slipway.errors import SpecError
from slipway.replay.mix import Array, row_weights
from slipway.replay.shifts import FIRST_DAY, Shift, ShiftKind, cannot_apply

if TYPE_CHECKING:
    import pandas as pd

ROW_ID, AT, KNOWN_AT = "row_id", "at", "known_at"
TIED = 50
_DAY_US = 86_400_000_000
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """What is replayed, and how it moves.

    Attributes
    ----------
    spec : ModelSpec
        Names the inputs, their types and ranges, and the label.
    base : DataFrame
        Real rows: every input and the label, for instance a version's snapshot. Not changed.
    first_day : date
        The date of day 1.
    seed : int
        Not negative.
    rows_per_day : int
    rows_on : mapping of int to int
        Rows of single days, by their number, where they differ; 0 makes an empty day, with all its columns.
    shifts : tuple of Shift
    label_delay_days : int or None
        Days until a row's label is known; None: labels never come.
    jitter : float
        How far a row is moved from the real one, in the data's own spread: 0 repeats real rows.

    Raises
    ------
    SpecError
        Lists every column that is missing and every shift that cannot be applied.
    """

    spec: ModelSpec
    base: pd.DataFrame
    first_day: date
    seed: int = 0
    rows_per_day: int = 500
    rows_on: Mapping[int, int] = field(default_factory=dict)
    shifts: tuple[Shift, ...] = ()
    label_delay_days: int | None = 3
    jitter: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what cannot be replayed."""
        problems = [*_problems(self)]
        if problems:
            raise SpecError(
                f"{self.spec.name} cannot be replayed:\n  " + "\n  ".join(problems),
                remedy="correct the rows or the shifts",
            )

    def date_of(self, day: int) -> date:
        """Return a day's date; SpecError for a day before the first."""
        if day < FIRST_DAY:
            raise SpecError(f"there is no day {day}", remedy=f"days count from {FIRST_DAY}")
        return self.first_day + timedelta(days=day - FIRST_DAY)

    def in_force(self, day: int) -> tuple[Shift, ...]:
        """Return the shifts that move something on a day."""
        return tuple(shift for shift in self.shifts if shift.in_force(day))

    def may_miss(self, column: Column) -> bool:
        """Tell whether a column's values may be missing on any day."""
        shifted = any(s.kind is ShiftKind.MISSING and s.column == column.name for s in self.shifts)
        return shifted or column.nullable or bool(self.base[column.name].isna().any())


def day_frame(replay: Replay, day: int) -> pd.DataFrame:
    """Return a day's rows, in the order of their times.

    Parameters
    ----------
    replay : Replay
    day : int
        From 1.

    Returns
    -------
    DataFrame
        ``row_id`` (text, never twice in a replay), ``at`` (UTC, within the day), then the inputs in declared order.
    """
    import pandas as pd

    drawn = _Drawn(replay, day)
    columns = {column.name: drawn.column(column) for column in replay.spec.to_signature().inputs}
    return pd.DataFrame({ROW_ID: drawn.row_ids(), AT: drawn.times(), **columns})


def day_labels(replay: Replay, day: int) -> pd.DataFrame:
    """Return the labels of a day's rows: ``row_id``, the label, and ``known_at``, the time from which it is known.

    Empty, with all its columns, where labels never come.
    """
    import pandas as pd

    drawn = _Drawn(replay, day)
    delay = pd.Timedelta(days=replay.label_delay_days or 0)
    label = replay.spec.quality.label
    frame = pd.DataFrame({ROW_ID: drawn.row_ids(), label: drawn.labels(), KNOWN_AT: drawn.times() + delay})
    return frame.iloc[:0] if replay.label_delay_days is None else frame


class _Drawn:
    """One day's draw: which real rows, and the two others that jitter each of them."""

    def __init__(self, replay: Replay, day: int) -> None:
        self._replay, self._day = replay, day
        self._date = replay.date_of(day)
        self._rows = replay.rows_on.get(day, replay.rows_per_day)
        self._shifts = replay.in_force(day)
        weights = row_weights(self._shifts, replay.base, replay.spec.task)
        places = np.searchsorted(np.cumsum(weights), self._random("rows").random(self._rows), side="right")
        self._picks: Index = np.minimum(places, len(replay.base) - 1)
        self._strata = _strata(replay)
        self._others = tuple(self._companions(purpose) for purpose in ("first", "second"))

    def row_ids(self) -> Any:
        """Return the rows' names."""
        import pandas as pd

        start = f"{self._replay.spec.name}-{self._date:%Y%m%d}-"
        return pd.Series([f"{start}{at:07d}" for at in range(self._rows)], dtype=object)

    def times(self) -> pd.DatetimeIndex:
        """Return times within the day, ascending."""
        import pandas as pd

        midnight = datetime(self._date.year, self._date.month, self._date.day, tzinfo=UTC)
        within = np.sort(self._random("times").integers(0, _DAY_US, self._rows)).astype("timedelta64[us]")
        return pd.DatetimeIndex(np.datetime64(midnight.replace(tzinfo=None), "us") + within, tz="UTC")

    def column(self, column: Column) -> Any:
        """Return one input's values, jittered, shifted, in range, in their dtype."""
        values = self._replay.base[column.name]
        if not column.dtype.is_numeric:
            picked = values.to_numpy(dtype=object)[self._picks]
            return self._typed(self._lose(column, picked), column)
        known = values.to_numpy(dtype=np.float64)
        moved = self._moved(column.name, self._jittered(known))
        if column.dtype is DType.INT:
            moved = np.round(moved)
        low, high = _whole_range(column)
        return self._typed(self._lose(column, np.clip(moved, low, high)), column)

    def labels(self) -> Any:
        """Return the labels, shifted."""
        label = self._replay.spec.quality.label
        known = self._replay.base[label].to_numpy(dtype=np.float64)
        concept = [s for s in self._shifts if s.kind is ShiftKind.LABEL_CONCEPT]
        if self._replay.spec.task is Task.REGRESSION:
            possible = np.clip(self._jittered(known), known.min(), known.max())
            return possible + sum(s.size for s in concept) * known.std()
        picked = known[self._picks].astype(np.int64)
        for shift in concept:
            turned = self._random(f"concept {shift}").random(self._rows) < shift.size
            picked = np.where(turned, 1 - picked, picked)
        return picked

    def _random(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self._replay.seed, self._day, zlib.crc32(purpose.encode())])

    def _companions(self, purpose: str) -> Index:
        order, starts, counts = np.argsort(self._strata, kind="stable"), *_runs(self._strata)
        mine = self._strata[self._picks]
        within = (self._random(purpose).random(self._rows) * counts[mine]).astype(np.intp)
        return np.asarray(order[starts[mine] + within])

    def _jittered(self, known: Array) -> Array:
        h, (first, second) = self._replay.jitter, self._others
        means = _stratum_means(known, self._strata)[self._strata[self._picks]]
        noise = np.nan_to_num(h * (known[first] - known[second]) / np.sqrt(2.0))
        picked = known[self._picks]
        return np.where(_tied(known)[self._picks], picked, means + (picked - means + noise) / np.sqrt(1 + h * h))

    def _moved(self, name: str, values: Array) -> Array:
        known = self._replay.base[name].to_numpy(dtype=np.float64)
        mean, sd = np.nanmean(known), np.nanstd(known)
        for shift in self._shifts:
            if shift.column == name and shift.kind is ShiftKind.MEAN:
                values = values + shift.size * sd
            elif shift.column == name and shift.kind is ShiftKind.VARIANCE:
                values = mean + (values - mean) * shift.size
        return values

    def _lose(self, column: Column, values: NDArray[Any]) -> NDArray[Any]:
        for shift in self._shifts:
            if shift.kind is ShiftKind.MISSING and shift.column == column.name:
                lost = self._random(f"missing {shift}").random(self._rows) < shift.size
                values = values.copy()
                values[lost] = np.nan if column.dtype.is_numeric else None
        return values

    def _typed(self, values: NDArray[Any], column: Column) -> Any:
        import pandas as pd

        missing = self._replay.may_miss(column)
        if column.dtype is DType.STRING:
            texts = values.copy()
            texts[pd.isna(values)] = None
            return pd.Series(texts, dtype=object)
        if column.dtype is DType.BOOL:
            return pd.Series(values, dtype="boolean" if missing else "bool")
        return values.astype(np.int64 if column.dtype is DType.INT and not missing else np.float64)


def _strata(replay: Replay) -> Index:
    """Return each real row's class; one for all in a regression."""
    if replay.spec.task is Task.REGRESSION:
        return np.zeros(len(replay.base), dtype=np.intp)
    return replay.base[replay.spec.quality.label].to_numpy(dtype=np.intp)


def _tied(values: Array) -> NDArray[np.bool_]:
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[at] * TIED >= len(values))


def _runs(strata: Index) -> tuple[Index, Index]:
    counts = np.bincount(strata)
    return np.cumsum(counts) - counts, counts


def _stratum_means(values: Array, strata: Index) -> Array:
    known = np.isfinite(values)
    sums = np.bincount(strata, weights=np.where(known, values, 0.0))
    return np.asarray(sums / np.maximum(np.bincount(strata, weights=known.astype(float)), 1))


def _whole_range(column: Column) -> tuple[float, float]:
    low = -np.inf if column.min is None else column.min
    high = np.inf if column.max is None else column.max
    return (np.ceil(low), np.floor(high)) if column.dtype is DType.INT else (low, high)


def _problems(replay: Replay) -> Iterator[str]:
    spec, base, label = replay.spec, replay.base, replay.spec.quality.label
    missing = [name for name in (*spec.to_signature().names, label) if name not in base.columns]
    if missing:
        yield f"the rows have no column {', '.join(missing)}"
        return
    if len(base) < 2:
        yield f"{len(base)} rows are too few to draw from"
        return
    if base[label].isna().any():
        yield f"the label {label} is missing in some rows"
        return
    if spec.task is Task.CLASSIFICATION and not set(base[label].unique()) <= {0, 1}:
        yield f"the label {label} must be 0 or 1"
        return
    counts = (replay.seed, replay.rows_per_day, *replay.rows_on.values(), replay.jitter, replay.label_delay_days or 0)
    if min(counts) < 0:
        yield "seed, rows, jitter and label_delay_days cannot be negative"
    for shift in replay.shifts:
        problem = cannot_apply(shift, spec, base)
        if problem:
            yield f"shift {shift}: {problem}"
