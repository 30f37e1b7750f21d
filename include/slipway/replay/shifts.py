"""What may move in replayed data, and whether it can.

A kind says what ``size`` means:

=============== =============================================================================================
none            nothing moves; a replay without shifts is the same
mean            a numeric input is moved by ``size`` of its standard deviations
variance        a numeric input's standard deviation becomes ``size`` times as large, about its mean
category        rows with ``category`` (of a string or bool input) become more frequent: their share rises by ``size``
missing         a share ``size`` of an input's values goes missing
label_prior     the label's distribution moves and what the inputs look like at a given label stays: the positives'
                share rises by ``size``; for a regression, the label's mean by ``size`` standard deviations
label_concept   the inputs stay and what they mean moves: a share ``size`` of a classification's labels is turned
                round; a regression's labels rise by ``size`` standard deviations
=============== =============================================================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from slipway.core.signature import DType
from slipway.core.spec import ModelSpec, Task
from slipway.errors import SpecError

if TYPE_CHECKING:
    import pandas as pd

FIRST_DAY = 1


class ShiftKind(StrEnum):
    """What moves."""

    NONE = "none"
    MEAN = "mean"
    VARIANCE = "variance"
    CATEGORY = "category"
    MISSING = "missing"
    LABEL_PRIOR = "label_prior"
    LABEL_CONCEPT = "label_concept"

    @property
    def moves_label(self) -> bool:
        """Whether it is the label that moves."""
        return self in (ShiftKind.LABEL_PRIOR, ShiftKind.LABEL_CONCEPT)

    @property
    def moves_mix(self) -> bool:
        """Whether other rows are drawn, rather than the drawn rows changed."""
        return self in (ShiftKind.CATEGORY, ShiftKind.LABEL_PRIOR)


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift.

    Attributes
    ----------
    kind : ShiftKind
    column : str
        The input that moves; the label for a label's shift; empty for ``none``.
    size : float
        How much, in the kind's own measure (see above).
    from_day : int
        The first day on which it is in force; days count from 1.
    category : str or bool, optional
        The value that becomes more frequent, for ``category`` alone.

    >>> Shift(ShiftKind.MEAN, "bmi", 0.5, from_day=10).in_force(9)
    False
    """

    kind: ShiftKind
    column: str = ""
    size: float = 0.0
    from_day: int = FIRST_DAY
    category: str | bool | None = None

    def __post_init__(self) -> None:
        """Refuse a shift that means nothing."""
        problem = self._problem()
        if problem:
            raise SpecError(f"shift {self}: {problem}", remedy="correct its kind, column, size, first day or category")

    def _problem(self) -> str:
        if self.from_day < FIRST_DAY:
            return f"days count from {FIRST_DAY}"
        if self.kind is ShiftKind.NONE:
            return "nothing moves, so it has neither column nor size" if self.column or self.size else ""
        if not self.column:
            return "it names no column"
        if not math.isfinite(self.size) or self.size == 0:
            return "its size must be a number other than 0"
        if self.kind is ShiftKind.VARIANCE and (self.size <= 0 or self.size == 1):
            return "its size is a factor on the standard deviation: positive and not 1"
        if self.kind is ShiftKind.MISSING and not 0 < self.size <= 1:
            return "its size is a share of the rows: above 0, at most 1"
        if (self.kind is ShiftKind.CATEGORY) != (self.category is not None):
            return "a category goes with the kind category, and only with it"
        return ""

    def in_force(self, day: int) -> bool:
        """Tell whether it moves anything on a day."""
        return self.kind is not ShiftKind.NONE and day >= self.from_day

    def __str__(self) -> str:
        """Return it as a person would say it."""
        what = f" of {self.column}" if self.column else ""
        value = "" if self.category is None else f" ({self.category})"
        return f"{self.kind.value}{what}{value} by {self.size:g} from day {self.from_day}"


def cannot_apply(shift: Shift, spec: ModelSpec, base: pd.DataFrame) -> str:
    """Return why a shift cannot be applied to a model's rows; empty if it can.

    ``base`` holds every input and the label.
    """
    if shift.kind is ShiftKind.NONE:
        return ""
    label = spec.quality.label
    if shift.kind.moves_label:
        return _label_problem(shift, spec, base) if shift.column == label else f"the label is {label!r}"
    signature = spec.to_signature()
    if shift.column not in signature.names:
        return f"there is no input {shift.column!r}; there are {', '.join(signature.names)}"
    dtype = signature.column(shift.column).dtype
    if shift.kind in (ShiftKind.MEAN, ShiftKind.VARIANCE):
        return _spread_problem(shift.column, base) if dtype.is_numeric else f"{shift.column} is a {dtype}, not a number"
    if shift.kind is ShiftKind.CATEGORY:
        return _mix_problem(shift, dtype, base)
    return ""


def _spread_problem(name: str, base: pd.DataFrame) -> str:
    return "" if float(base[name].std(ddof=0)) > 0 else f"{name} has one value alone, so it has no standard deviation"


def _mix_problem(shift: Shift, dtype: DType, base: pd.DataFrame) -> str:
    if dtype.is_numeric:
        return f"{shift.column} is a number and has no categories; shift its mean or variance"
    return _share_problem(float((base[shift.column] == shift.category).mean()), shift.size, f"{shift.category!r}")


def _label_problem(shift: Shift, spec: ModelSpec, base: pd.DataFrame) -> str:
    if spec.task is Task.REGRESSION:
        return _reach_problem(shift, base) or _spread_problem(shift.column, base)
    if shift.kind is ShiftKind.LABEL_PRIOR:
        return _share_problem(float(base[shift.column].astype(float).mean()), shift.size, "the positives")
    return "" if 0 < shift.size <= 1 else "its size is the share of the labels that is turned round: above 0, at most 1"


def _reach_problem(shift: Shift, base: pd.DataFrame) -> str:
    """Say so if no mix of the given rows has the wanted mean."""
    label = base[shift.column].astype(float)
    wanted = label.mean() + shift.size * label.std(ddof=0)
    if shift.kind is ShiftKind.LABEL_CONCEPT or label.min() < wanted < label.max():
        return ""
    return f"no mix of the rows has the mean {wanted:.4g}; the labels reach from {label.min():.4g} to {label.max():.4g}"


def _share_problem(share: float, size: float, who: str) -> str:
    if 0 < share < 1 and 0 < share + size < 1:
        return ""
    return f"{who} have a share of {share:.3g}; it must be between 0 and 1, before and after"
