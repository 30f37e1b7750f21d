"""Does a table hold what the declared signature says? One finding for each broken promise.

Rules
-----
1. Every input is present; so is the label, and every column that a slice or a fairness check names.
2. A value has the declared type; a number is finite; it lies in the declared range or categories. The serving
   policies (clip, impute, flag) do not excuse a row here: what a model was trained and judged on is as declared.
3. A missing value is allowed in a nullable column only, and never in the label.
4. The label of a classification is 0 or 1; that of a regression is a finite number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Column, DType, Value
from slipway.core.spec import ModelSpec, Task

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken promise: the column, what is wrong, in how many rows (0: the column as a whole), some values."""

    column: str
    problem: str
    rows: int = 0
    examples: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Return it as a person would say it."""
        where = f" in {self.rows} rows" if self.rows else ""
        seen = f", for instance {', '.join(self.examples)}" if self.examples else ""
        return f"{self.column}: {self.problem}{where}{seen}"


def signature_violations(frame: pd.DataFrame, spec: ModelSpec) -> tuple[Violation, ...]:
    """Return everything in which a snapshot file breaks the declared signature, by rules 1 to 4."""
    found: list[Violation] = []
    for column in spec.to_signature().inputs:
        found.extend(column_violations(frame, column))
    found.extend(_label_violations(frame, spec))
    groups = {s.column for s in spec.quality.slices} | {f.column for f in spec.quality.fairness}
    known = {*spec.to_signature().names, spec.quality.label}
    found.extend(
        Violation(column=name, problem="a slice or fairness check needs this column; it is absent")
        for name in sorted(groups - known - set(frame.columns))
    )
    return tuple(found)


def column_violations(frame: pd.DataFrame, column: Column) -> Iterator[Violation]:
    """Yield what is wrong with one declared column: absent, missing values, wrong type, out of range."""
    if column.name not in frame.columns:
        yield Violation(column=column.name, problem="the column is absent")
        return
    series = frame[column.name]
    missing = series.isna().to_numpy()
    typed = _typed(series, column.dtype)
    if not column.nullable and missing.any():
        yield Violation(column=column.name, problem="a missing value is not allowed", rows=int(missing.sum()))
    wrong = ~missing & ~typed
    if wrong.any():
        problem = f"not a finite {column.dtype}" if column.dtype.is_numeric else f"not a {column.dtype}"
        yield _rows(series, wrong, column.name, problem)
    outside = ~missing & typed & ~_in_range(series, column, typed & ~missing)
    if outside.any():
        yield _rows(series, outside, column.name, f"outside of {_declared(column)}")


def _typed(series: pd.Series, dtype: DType) -> Mask:
    kind = series.dtype.kind
    if kind in "iuf" and dtype.is_numeric:
        values = series.to_numpy(dtype=float, na_value=np.nan)
        finite = np.isfinite(values)
        return np.asarray(finite if dtype is DType.FLOAT else finite & (np.where(finite, values, 0.5) % 1 == 0))
    if kind == "b":
        return np.full(len(series), dtype is DType.BOOL)
    return np.fromiter((dtype.admits(_plain(v)) for v in series), dtype=bool, count=len(series))


def _in_range(series: pd.Series, column: Column, judged: Mask) -> Mask:
    inside = np.ones(len(series), dtype=bool)
    if column.dtype.is_numeric:
        values = np.full(len(series), np.nan)
        values[judged] = series.to_numpy()[judged].astype(float)
        if column.min is not None:
            inside &= values >= column.min
        if column.max is not None:
            inside &= values <= column.max
    elif column.categories:
        inside = series.isin(column.categories).to_numpy()
    return inside


def _declared(column: Column) -> str:
    if column.categories:
        return f"the categories {', '.join(column.categories)}"
    low = "-inf" if column.min is None else f"{column.min:g}"
    high = "inf" if column.max is None else f"{column.max:g}"
    return f"[{low}, {high}] {column.unit}"


def _label_violations(frame: pd.DataFrame, spec: ModelSpec) -> Iterator[Violation]:
    name = spec.quality.label
    if name not in frame.columns:
        yield Violation(column=name, problem="the label is absent")
        return
    series = frame[name]
    missing = series.isna().to_numpy()
    if missing.any():
        yield Violation(column=name, problem="the label is missing", rows=int(missing.sum()))
    if spec.task is Task.CLASSIFICATION:
        wrong, problem = ~missing & ~series.isin([0, 1]).to_numpy(), "the label is not 0 or 1"
    else:
        wrong, problem = ~missing & ~_typed(series, DType.FLOAT), "the label is not a finite number"
    if wrong.any():
        yield _rows(series, wrong, name, problem)


def _rows(series: pd.Series, mask: Mask, column: str, problem: str) -> Violation:
    values = list(dict.fromkeys(repr(_plain(v)) for v in series[mask].head(50)))
    return Violation(column=column, problem=problem, rows=int(mask.sum()), examples=tuple(values[:SHOWN]))


def _plain(value: object) -> Value:
    return value.item() if isinstance(value, np.generic) else value  # type: ignore[return-value]
