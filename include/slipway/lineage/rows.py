"""Rows of a sink by their keys, with the stamps that they carry: Parquet files or a table, whatever their keys' types.

A file's statistics tell which of its parts may hold a row, so that most of a large folder is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from slipway.errors import SlipwayError, SpecError


class SourceUnreadable(SlipwayError):
    """Rows with stamps cannot be read."""


FILE = "_file"
"""In a row that was read from a folder: its file's path, relative to the folder."""

MOST = 1000
"""Rows that one question may find; more than that share their keys, and are no rows' identity."""


def rows_in_folder(folder: Path, keys: Mapping[str, str], *, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a folder of Parquet files that have these keys, none if there is no such folder.

    Parameters
    ----------
    folder : Path
        Files and folders whose name begins with ``.`` or ``_`` are left out.
    keys : mapping of str to str
        Values as a person writes them.
    columns : sequence of str
        What is wanted of a row; those that a file has not are left out.

    Raises
    ------
    SourceUnreadable
        If a file cannot be read.
    SpecError
        If a key's text cannot be a value of its column.
    """
    found: list[dict[str, Any]] = []
    for path in sorted(folder.rglob("*.parquet")):
        place = path.relative_to(folder)
        if any(part[0] in "._" for part in place.parts):
            continue
        found += [{**row, FILE: place.as_posix()} for row in _in_file(path, keys, columns)]
        if len(found) > MOST:
            break
    return found[:MOST]


def _in_file(path: Path, keys: Mapping[str, str], columns: Sequence[str]) -> list[dict[str, Any]]:
    try:
        schema = pq.read_schema(path)
        if any(name not in schema.names for name in keys):
            return []
        wanted = [(name, "==", _as_arrow(name, text, schema.field(name).type)) for name, text in keys.items()]
        names = [name for name in dict.fromkeys([*keys, *columns]) if name in schema.names]
        rows: list[dict[str, Any]] = pq.read_table(path, columns=names, filters=wanted, partitioning=None).to_pylist()
        return rows
    except (OSError, pa.ArrowException) as error:
        raise SourceUnreadable(f"{path} cannot be read: {error}", remedy="score its interval again") from error


def _as_arrow(name: str, text: str, kind: pa.DataType) -> Any:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    try:
        return pa.scalar(text).cast(kind).as_py()
    except (pa.ArrowException, ValueError) as error:
        raise _not_of_type(name, text, str(kind)) from error


def rows_in_table(
    connection: sa.Connection, table: sa.Table, keys: Mapping[str, str], *, columns: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the rows of a table that have these keys.

    Raises
    ------
    SpecError
        If the table has no such column, or one of another type.
    """
    lost = [name for name in keys if name not in table.columns]
    if lost:
        raise SpecError(f"{table.name} has no column {', '.join(lost)}", remedy="name the row by its declared keys")
    names = [name for name in dict.fromkeys([*keys, *columns]) if name in table.columns]
    matches = [table.columns[name] == _as_sql(name, text, table.columns[name]) for name, text in keys.items()]
    query = sa.select(*(table.columns[name] for name in names)).where(*matches).limit(MOST)
    return [dict(row._mapping) for row in connection.execute(query)]


def _as_sql(name: str, text: str, column: sa.Column[Any]) -> Any:
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return text
    if kind is str:
        return text
    if kind is bool:
        return text.lower() in ("1", "true", "t")
    try:
        return kind.fromisoformat(text) if hasattr(kind, "fromisoformat") else kind(text)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise _not_of_type(name, text, kind.__name__) from error


def _not_of_type(name: str, text: str, kind: str) -> SpecError:
    return SpecError(f"{name}={text!r} names no row, since {name} is of type {kind}", remedy="write the key as it is")
