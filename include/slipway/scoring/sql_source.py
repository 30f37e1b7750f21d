"""Rows of a table, by time: cut at keys into ranges, each read through a cursor of the server.

A range begins and ends at a value of (time, keys), so that it means the same rows whoever reads it and in whatever
order. Keys that are whole numbers or texts are used; without any, all rows of one moment stay together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from slipway.databases import SQLITE
from slipway.scoring.faults import SourceError
from slipway.scoring.interval import Interval
from slipway.scoring.partition import MAX_PARTITIONS, Key, KeyRange, Partition, numbered, ranges
from slipway.scoring.rows import UNTYPED
from slipway.scoring.sqlite_values import MOMENT, typed
from slipway.scoring.tables import database_of, reflected
from slipway.scoring.urls import Table

_SECONDS = "%Y-%m-%d %H:%M:%f"  # SQLite's own words for a time to the millisecond


class SqlSource:
    """A table whose rows have a time.

    Parameters
    ----------
    place : Table
    time_column : str
        A timestamp (without a zone: UTC) or a date; in SQLite also a text in ISO 8601.
    keys : sequence of str
        Columns that name a row.
    """

    def __init__(self, place: Table, *, time_column: str, keys: Sequence[str]) -> None:
        self._place, self._time, self._keys = place, time_column, tuple(keys)
        self._database = database_of(place)
        self._is_sqlite = self._database.backend == SQLITE

    def plan(self, interval: Interval, rows: int) -> tuple[Partition, ...]:
        """Return the interval's partitions, of about ``rows`` rows each; none if it has no rows.

        Raises
        ------
        SourceError
            If the table cannot be read, has no such columns, or a row in the interval has no key.
        """
        with self._database.reading() as connection:
            table = self._table(connection)
            inside = self._inside(table, interval)
            order = self._order(table)
            unnamed = sa.func.coalesce(sa.func.sum(sa.case((sa.or_(*(key.is_(None) for key in order)), 1), else_=0)), 0)
            total, without = connection.execute(sa.select(sa.func.count(), unnamed).where(inside)).one()
            if without:
                raise SourceError(
                    f"{without} rows of {interval} have no value in {', '.join(self._keys)}",
                    remedy="declare keys that every row has",
                )
            size = max(rows, -(-total // MAX_PARTITIONS))
            return numbered(interval, ranges(self._starts(connection, table, inside, size), total))

    def untimed(self) -> int:
        """Return how many rows have no time that can be read, and so are in no interval."""
        with self._database.reading() as connection:
            table = self._table(connection)
            query = sa.select(sa.func.count()).select_from(table).where(self._moment(table).is_(None))
            return int(connection.execute(query).scalar_one())

    def batches(self, partition: Partition, *, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield a partition's rows with all their columns, at most ``rows`` at a time, in the order of their keys."""
        if not isinstance(partition.cut, KeyRange):
            raise SourceError(f"{partition.name} is of files", remedy="plan the partitions of this source")
        with self._database.reading() as connection:
            table = self._table(connection)
            query = sa.select(*self._columns(table)).where(self._within(table, partition.interval, partition.cut))
            query = query.order_by(*self._order(table))
            streamed = connection.execution_options(stream_results=True, max_row_buffer=rows)
            for part in streamed.execute(query).partitions(rows):
                yield _batch(part, table, is_sqlite=self._is_sqlite)

    def _table(self, connection: sa.Connection) -> sa.Table:
        table = reflected(connection, self._place)
        if table is None:
            raise SourceError(f"there is no table {self._place.name}", remedy="correct the source, or have it made")
        lost = sorted({self._time, *self._keys} - set(table.columns.keys()))
        if lost:
            raise SourceError(
                f"{self._place.name} has no column {', '.join(lost)}", remedy="correct the time column and the keys"
            )
        kind = table.columns[self._time].type
        taken: tuple[type, ...] = (sa.DateTime, sa.Date, sa.String) if self._is_sqlite else (sa.DateTime, sa.Date)
        if not isinstance(kind, taken):
            raise SourceError(
                f"the time column {self._time} is {kind}", remedy="declare a column of timestamps or dates"
            )
        return table

    def _columns(self, table: sa.Table) -> list[sa.ColumnElement[Any]]:
        """Return all columns; SQLite's as they are kept, since not every value needs to be of its column's type."""
        if not self._is_sqlite:
            return list(table.columns)
        return [sa.type_coerce(column, sa.types.NullType()).label(column.name) for column in table.columns]

    def _moment(self, table: sa.Table) -> sa.ColumnElement[Any]:
        column = table.columns[self._time]
        # SQLite keeps times as texts, in more forms than one: only once they are read do they compare.
        return sa.func.strftime(_SECONDS, column) if self._is_sqlite else column

    def _bound(self, moment: datetime) -> Any:
        if self._is_sqlite:
            return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
        return moment

    def _inside(self, table: sa.Table, interval: Interval) -> sa.ColumnElement[bool]:
        moment = self._moment(table)
        return sa.and_(moment >= self._bound(interval.start), moment < self._bound(interval.end))

    def _order(self, table: sa.Table) -> list[sa.ColumnElement[Any]]:
        keys = [table.columns[name] for name in self._keys if name != self._time]
        return [self._moment(table), *(key for key in keys if isinstance(key.type, sa.Integer | sa.String))]

    def _within(self, table: sa.Table, interval: Interval, cut: KeyRange) -> sa.ColumnElement[bool]:
        order = sa.tuple_(*self._order(table))
        found = [self._inside(table, interval)]
        if cut.lower is not None:
            found.append(order >= self._key(cut.lower))
        if cut.upper is not None:
            found.append(order < self._key(cut.upper))
        return sa.and_(*found)

    def _key(self, key: Key) -> Any:
        first: Any = key[0]
        return sa.tuple_(*(first if self._is_sqlite else datetime.fromisoformat(str(first)), *key[1:]))

    def _starts(
        self, connection: sa.Connection, table: sa.Table, inside: sa.ColumnElement[bool], size: int
    ) -> list[tuple[Key, int]]:
        """Return the keys with which partitions begin, and how many rows are before each."""
        order = self._order(table)
        columns = [one.label(f"k{place}") for place, one in enumerate(order)]
        number = sa.func.row_number().over(order_by=order).label("number")
        rank = sa.func.rank().over(order_by=order).label("rank")
        inner = sa.select(*columns, number, rank).where(inside).subquery()
        query = sa.select(inner).where((inner.c.number - 1) % size == 0).order_by(inner.c.number)
        starts: dict[Key, int] = {}
        for *key, _, before in connection.execute(query):
            starts[(_text(key[0]), *key[1:])] = before - 1
        return list(starts.items())


def _text(moment: Any) -> str:
    if isinstance(moment, datetime):
        return moment.isoformat()
    return datetime.combine(moment, time(), UTC).isoformat() if isinstance(moment, date) else str(moment)


def _batch(rows: Sequence[sa.Row[Any]], table: sa.Table, *, is_sqlite: bool) -> pa.RecordBatch:
    astray: list[dict[str, Any]] = [{} for _ in rows]
    arrays, fields = [], []
    for column, values in zip(table.columns, zip(*rows, strict=True), strict=True):
        kind = _arrow(column.type)
        if is_sqlite:
            array, odd = typed(values, kind)
            for row, value in odd.items():
                astray[row][column.name] = value
        else:
            array = pa.array(values, kind)
        arrays.append(array)
        fields.append(pa.field(column.name, kind))
    if is_sqlite:
        fields.append(pa.field(UNTYPED, pa.string()))
        arrays.append(pa.array([json.dumps(one, default=str) if one else None for one in astray], pa.string()))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


_KINDS: Mapping[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    Decimal: pa.float64(),
    datetime: MOMENT,
    date: pa.date32(),
    bytes: pa.binary(),
}


def _arrow(kind: sa.types.TypeEngine[Any]) -> pa.DataType:
    try:
        return _KINDS.get(kind.python_type, pa.string())
    except NotImplementedError:
        return pa.string()
