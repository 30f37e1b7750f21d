"""From which column each feature comes that a model's steps hand to its trees, for steps that treat columns apart.

Only steps that are known are followed, by their exact type: whether a feature really comes from one column, and rises
with it, is looked at again where the steps are folded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slipway.backends.ensemble import CannotCompile
from slipway.backends.preparation import column_names

Words = dict[str, set[str]]
_Origins = list[str]


def origins(step: Any, columns: Sequence[str], words: Words) -> _Origins:
    """Return the column that each feature comes from.

    Parameters
    ----------
    step : fitted transformer
    columns : sequence of str
        What it takes, in order.
    words : dict of str to set of str
        One entry for each column that holds words; gets those that the steps tell apart.

    Raises
    ------
    CannotCompile
        If a step is of a type that is not known here.
    """
    name = type(step).__name__
    follow = _KNOWN.get(name) if type(step).__module__.partition(".")[0] == "sklearn" else None
    if follow is None:
        raise CannotCompile(f"no way to fold a {name} into the trees")
    return follow(step, list(columns), words)


def _pipeline(step: Any, columns: _Origins, words: Words) -> _Origins:
    for _, inner in step.steps:
        columns = columns if _passes(inner) else origins(inner, columns, words)
    return columns


def _column_transformer(step: Any, columns: _Origins, words: Words) -> _Origins:
    found: _Origins = []
    for _, inner, taken in step.transformers_:
        if isinstance(inner, str) and inner == "drop":
            continue
        mine = column_names(taken, columns)
        found += mine if _passes(inner) or not mine else origins(inner, mine, words)
    return found


def _passes(step: Any) -> bool:
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return True
    return type(step).__name__ == "FunctionTransformer" and step.func is None


def _imputer(step: Any, columns: _Origins, words: Words) -> _Origins:
    values, missing = np.asarray(step.statistics_), step.missing_values
    if step.add_indicator or not isinstance(missing, float) or not np.isnan(missing):
        raise CannotCompile("SimpleImputer with an indicator, or for another missing value than NaN")
    if values.dtype.kind not in "fiu" or np.isnan(values).any() or set(columns) & set(words):
        raise CannotCompile("SimpleImputer for strings, or with a column that was always missing")
    return columns


def _encoder(step: Any, columns: _Origins, words: Words) -> _Origins:
    if set(columns) - set(words):
        raise CannotCompile(f"{type(step).__name__} for numbers")
    for name, known in zip(columns, step.categories_, strict=True):
        words[name] |= {word for word in known if isinstance(word, str)}
    if type(step).__name__ == "OrdinalEncoder":
        return columns
    counts = step._n_features_outs
    return [name for name, count in zip(columns, counts, strict=True) for _ in range(count)]


_KNOWN: dict[str, Callable[[Any, _Origins, Words], _Origins]] = {
    "Pipeline": _pipeline,
    "ColumnTransformer": _column_transformer,
    "SimpleImputer": _imputer,
    **dict.fromkeys(("StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler"), lambda _, columns, __: columns),
    **dict.fromkeys(("OneHotEncoder", "OrdinalEncoder"), _encoder),
}
