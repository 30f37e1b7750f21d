"""SQLite's values as the types of their columns. It lets any column hold anything: what does not fit is told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

MOMENT = pa.timestamp("us", tz="UTC")


class _Astray(Exception):
    """A value is not of its column's type."""


def typed(values: Sequence[Any], kind: pa.DataType) -> tuple[pa.Array, dict[int, Any]]:
    """Return a column's values as their type, null where one does not fit; and those that do not, by row.

    Parameters
    ----------
    values : sequence
        As the driver gives them: None, int, float, str or bytes.
    kind : DataType
        Microseconds in UTC, date32, bool, int64, float64, string or binary.

    >>> array, astray = typed([1, "a lot", None], pa.int64())
    >>> array.to_pylist(), astray
    ([1, None, None], {1: 'a lot'})
    """
    read = _READERS.get(kind)
    if read is None:
        if set(map(type, values)) <= {*_TYPES[kind], type(None)}:
            return pa.array(values, kind), {}
        read = _of(_TYPES[kind])
    kept, astray = [], {}
    for row, value in enumerate(values):
        try:
            kept.append(None if value is None else read(value))
        except (_Astray, ValueError, OverflowError):
            kept.append(None)
            astray[row] = value
    return pa.array(kept, kind), astray


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise _Astray
    found = datetime.fromisoformat(value.strip())
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _date(value: object) -> date:
    if not isinstance(value, str):
        raise _Astray
    return date.fromisoformat(value.strip())


def _bool(value: object) -> bool:
    if value not in (0, 1):
        raise _Astray
    return bool(value)


def _of(types: tuple[type, ...]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) not in types:
            raise _Astray
        return value

    return read


# Arrow itself would cut the fraction off a number in a column of whole ones.
_TYPES: Mapping[pa.DataType, tuple[type, ...]] = {
    pa.int64(): (int,),
    pa.float64(): (int, float),
    pa.string(): (str,),
    pa.binary(): (bytes,),
}
_READERS: Mapping[pa.DataType, Callable[[Any], Any]] = {MOMENT: _moment, pa.date32(): _date, pa.bool_(): _bool}
