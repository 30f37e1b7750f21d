"""Put rows through a backend as the server does: the same policies, the same check of answers; and time it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import DType, Signature
from slipway.errors import SlipwayError
from slipway.serving.backends.base import matrix_of
from slipway.serving.backends.compare import Answers
from slipway.serving.codec import Table
from slipway.serving.policies import Policies
from slipway.serving.predictor import Predictor

CHUNK = 8192
_MOST_FAILURES = 2000
Arrays = Mapping[str, NDArray[Any]]


class TooManyFailures(Exception):
    """More rows got no answer than can be looked at one by one."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that have been through the policies; ``whole``: none of them misses a value."""

    columns: Arrays
    rows: int
    whole: bool


def chunks(tables: Iterator[Arrays], signature: Signature) -> Iterator[Chunk]:
    """Give the rows, after the policies, a bounded number at a time.

    Parameters
    ----------
    tables : iterator of mappings of str to array
        float64 with NaN for missing; for strings objects with None.
    """
    policies = Policies(signature)
    for table in tables:
        rows = len(next(iter(table.values())))
        for start in range(0, rows, CHUNK):
            part = {name: values[start : start + CHUNK] for name, values in table.items()}
            sent = {column.name: _as_sent(part[column.name], column.dtype) for column in signature.inputs}
            count = min(CHUNK, rows - start)
            columns = policies.apply(Table(rows=count, columns=sent)).columns
            yield Chunk(columns, count, all(_complete(values) for values in columns.values()))


def _as_sent(values: NDArray[Any], dtype: DType) -> list[Any]:
    """Return values as a request's JSON holds them."""
    if dtype is DType.STRING:
        return list(values)
    kind: Callable[[Any], Any] = {DType.BOOL: bool, DType.INT: int}.get(dtype, float)
    if not np.isnan(values).any():
        return values.tolist() if kind is float else [kind(value) for value in values.tolist()]
    return [None if value != value else kind(value) for value in values.tolist()]


def _complete(values: NDArray[Any]) -> bool:
    return not np.isnan(values).any() if values.dtype.kind == "f" else values.dtype != object


def answers(predictor: Predictor, chunk: Chunk) -> Answers:
    """Return what a backend says to a chunk; rows that it fails on are found by halving.

    Raises
    ------
    TooManyFailures
    """
    matrix = None
    if predictor.takes_matrix and chunk.whole:
        matrix = matrix_of(chunk.columns, list(chunk.columns))
    left = [_MOST_FAILURES]

    def ask(start: int, stop: int) -> list[tuple[int, NDArray[Any]]]:
        try:
            if matrix is not None:
                return [(start, predictor.predict_matrix(np.ascontiguousarray(matrix[start:stop])))]
            return [(start, predictor.predict({n: v[start:stop] for n, v in chunk.columns.items()}))]
        except SlipwayError as error:
            left[0] -= 1
            if left[0] < 0:
                raise TooManyFailures(str(error)) from error
            if stop - start == 1:
                return []
            middle = (start + stop) // 2
            return ask(start, middle) + ask(middle, stop)

    parts = ask(0, chunk.rows)
    failed = np.ones(chunk.rows, dtype=np.bool_)
    values: NDArray[Any] = np.zeros(chunk.rows, dtype=parts[0][1].dtype if parts else np.float64)
    for start, part in parts:
        values[start : start + len(part)] = part
        failed[start : start + len(part)] = False
    return Answers(values, failed)


def microseconds(predictor: Predictor, columns: Arrays, rows: int, *, seconds: float) -> float:
    """Return the time of a call with this many rows: those given, none of which misses a value, over and over.

    The lower quartile of many calls: what else runs on the host can only add.
    """
    picked = {name: np.resize(values, rows) for name, values in columns.items()}
    call: Callable[[], object]
    if predictor.takes_matrix:
        matrix = matrix_of(picked, list(picked))
        call = lambda: predictor.predict_matrix(matrix)  # noqa: E731
    else:
        call = lambda: predictor.predict(picked)  # noqa: E731
    taken: list[float] = []
    call()
    ends_at = time.perf_counter() + seconds
    while len(taken) < 3 or (time.perf_counter() < ends_at and len(taken) < 2000):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return float(np.quantile(taken, 0.25)) * 1e6
