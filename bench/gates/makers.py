"""Ways to make a version wrong, or odd: each returns what a :class:`bench.gates.case.Case` has as its ``make``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.gates.context import Context, Fault

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Make = Callable[[Context], int]
Change = Callable[["pd.DataFrame"], "pd.DataFrame"]


def wrapped(*, setup: str = "", before: str = "", after: str = "") -> Make:
    """The right model with lines of code around it: a fault in the code that serves."""
    fault = Fault(setup=setup, before=before, after=after)
    return lambda context: context.wrap(fault)


def snapshot(change: Change, *, only: str = "") -> Make:
    """A version made from changed data, trained on them in good faith: a fault in the data.

    ``only`` names the file that is changed, ``train`` or ``holdout``; both are if left out.
    """

    def make(context: Context) -> int:
        train, holdout = context.honest.train, context.honest.holdout
        train = train if only == "holdout" else change(train).reset_index(drop=True)
        holdout = holdout if only == "train" else change(holdout).reset_index(drop=True)
        return context.register(context.honest.fit(train), train=train, holdout=holdout)

    return make


def retrained(change: Change | None = None, **params: Any) -> Make:
    """A version whose training went another way than its snapshot says: what it learnt from was ``change``d.

    With ``params`` alone: an ordinary version with other hyperparameters.
    """

    def make(context: Context) -> int:
        rows = context.honest.train
        return context.register(context.honest.fit(rows if change is None else change(rows), **params))

    return make


def served_as(change: Callable[[Any, Context], Any]) -> Make:
    """A version whose registered pipeline is not the one that was trained: ``change`` gets a copy and returns it.

    The reference stays that of the right pipeline.
    """

    def make(context: Context) -> int:
        from sklearn.base import clone

        right = context.honest
        copy = clone(right.pipeline).fit(right.train.drop(columns=right.label), right.train[right.label])
        reference = right.module.export_reference(right.pipeline)
        return context.register(change(copy, context), reference=reference)

    return make


def swapped(first: str, second: str) -> Make:
    """What is served sees two numeric columns in each other's place; for a pipeline that goes by position."""

    def change(pipeline: Any, context: Context) -> Any:
        from sklearn.compose import ColumnTransformer
        from sklearn.pipeline import Pipeline

        inputs = context.honest.train.drop(columns=context.honest.label)
        other = {first: second, second: first}
        order = [other.get(name, name) for name in inputs.columns]
        swap = ColumnTransformer([("swap", "passthrough", order)]).fit(inputs)
        return Pipeline([("swap", swap), ("model", pipeline)])

    return served_as(change)


def scaled(column: str, factor: float) -> Change:
    """Return a change that puts a column into another unit."""
    return lambda frame: frame.assign(**{column: frame[column] * factor})


def labels_moved(label: str, rows: Callable[[pd.DataFrame], pd.Series], by: float) -> Change:
    """Return a change that moves a numeric label on some rows, never past the ends of what there is."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        moved = (frame[label] + by).clip(frame[label].min(), frame[label].max())
        return frame.assign(**{label: frame[label].mask(rows(frame), moved)})

    return change


def holes(columns: tuple[str, ...], share: float, seed: int) -> Change:
    """Return a change that takes a share of the values of some columns away."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        chance = rng(seed + len(frame))
        for column in columns:
            frame.loc[chance.random(len(frame)) < share, column] = float("nan")
        return frame

    return change


def rng(seed: int) -> np.random.Generator:
    """Return a generator of random numbers; the same seed gives the same."""
    import numpy

    return numpy.random.default_rng(seed)
