"""Answers in a table: a partition's rows are replaced in one transaction.

Beside the table ``<name>`` there is ``<name>_cuts``, with the cut that each interval's rows belong to. A transaction
that writes reads it under a lock; so after a run with another cut has begun, a straggler of the older one writes
nothing. Two that write the same partition come one after the other.

The answers are on the disk before the transaction begins: it lasts as long as the copying, and not as the scoring.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from slipway.databases import POSTGRES
from slipway.scoring import answers
from slipway.scoring.bulk import copy_into
from slipway.scoring.faults import SinkError, Superseded
from slipway.scoring.interval import Interval
from slipway.scoring.partition import Partition
from slipway.scoring.staging import Staged, staged, sweep
from slipway.scoring.tables import database_of, reflected
from slipway.scoring.target import Target, refuse_overlap
from slipway.scoring.urls import Table

_ROWS = 20_000
_MOMENT = sa.DateTime(timezone=True)


class SqlSink:
    """A table of answers; :class:`slipway.scoring.target.Sink` says what its methods do.

    Parameters
    ----------
    place : Table
        Made when it is not there.
    staging : Path
        A folder of this machine for the rows of partitions under way.
    """

    def __init__(self, place: Table, *, staging: Path) -> None:
        self._place, self._staging = place, staging
        self._database = database_of(place)
        self._cuts = sa.Table(
            f"{place.name}_cuts",
            sa.MetaData(),
            sa.Column("model", sa.String(63), primary_key=True),
            sa.Column("model_version", sa.Integer, primary_key=True),
            sa.Column("data_interval_start", _MOMENT, primary_key=True),
            sa.Column("data_interval_end", _MOMENT, primary_key=True),
            sa.Column("cut", sa.String(64), nullable=False),
            schema=place.schema,
        )

    def begin(self, target: Target, partitions: Sequence[Partition]) -> None:
        """Make ready for a cut: rows of another one are removed; all of them if it has no partitions.

        Raises
        ------
        SinkError
            If another interval of the version overlaps this one, or the database does not answer.
        """
        cut = _cut(partitions[0]) if partitions else None
        with self._transaction(target) as connection:
            refuse_overlap(target, self._others(connection, target))
            if cut is not None and self._current(connection, target) == cut:
                return
            table = reflected(connection, self._place)
            if table is not None:
                self._require_stamps(table)
                connection.execute(sa.delete(table).where(_of(table, target)))
            connection.execute(sa.delete(self._cuts).where(_of(self._cuts, target)))
            if cut is not None:
                self._remember(connection, target, cut)

    @contextmanager
    def stage(self, target: Target, partition: Partition) -> Iterator[Staged]:
        """Begin a file for a partition's rows; what a killed writer left on this machine is removed."""
        sweep(self._staging)
        with staged(self._staging, f"{target.model}-v{target.version}-{partition.name}") as file:
            yield file

    def commit(self, file: Staged, target: Target, partition: Partition) -> None:
        """Replace the partition's rows with those of a finished file, in one transaction.

        Raises
        ------
        Superseded
            If the interval was cut anew since.
        SinkError
            If the table does not take the rows, or the database does not answer.
        """
        with self._transaction(target, partition) as connection:
            current = self._current(connection, target)
            if current is None:
                refuse_overlap(target, self._others(connection, target))
                self._remember(connection, target, _cut(partition))
            elif current != _cut(partition):
                raise Superseded(str(target))
            table = reflected(connection, self._place)
            if table is not None:
                self._require_stamps(table)
                same = table.columns[answers.PARTITION] == partition.index
                connection.execute(sa.delete(table).where(_of(table, target), same))
            if file.rows:
                self._fill(connection, table, file)

    def counts(self, target: Target) -> Mapping[int, int]:
        """Return how many rows each partition holds."""
        with self._database.reading() as connection:
            table = reflected(connection, self._place)
            if table is None:
                return {}
            place = table.columns[answers.PARTITION]
            query = sa.select(place, sa.func.count()).where(_of(table, target)).group_by(place)
            return {int(index): int(count) for index, count in connection.execute(query)}

    def _fill(self, connection: sa.Connection, table: sa.Table | None, file: Staged) -> None:
        with pq.ParquetFile(file.path) as rows:
            if table is None:
                table = _table_for(rows.schema_arrow, self._place)
                table.create(connection)
            lost = sorted(set(rows.schema_arrow.names) - set(table.columns.keys()))
            if lost:
                raise SinkError(
                    f"{self._place.name} has no column {', '.join(lost)}",
                    remedy="add the columns, or name another table",
                )
            batches = rows.iter_batches(batch_size=_ROWS)
            if connection.dialect.name == POSTGRES:
                copy_into(connection, table, rows.schema_arrow, batches)
                return
            for batch in batches:
                connection.execute(sa.insert(table), batch.to_pylist())

    @contextmanager
    def _transaction(self, target: Target, partition: Partition | None = None) -> Iterator[sa.Connection]:
        """Begin to write an interval (nobody else writes it then), or one partition of it (nobody else writes that)."""
        with self._database.writing() as connection:
            if connection.dialect.name == POSTGRES:
                self._take_locks(connection, target, partition)
            self._cuts.create(connection, checkfirst=True)
            yield connection

    def _take_locks(self, connection: sa.Connection, target: Target, partition: Partition | None) -> None:
        """Take PostgreSQL's locks, always in this order, until the transaction ends; SQLite has one for everything."""
        name, known = f"{self._place.schema}.{self._place.name}", sa.inspect(connection)
        if not all(known.has_table(one, schema=self._place.schema) for one in (self._place.name, self._cuts.name)):
            _lock(connection, name)  # tables are made by one at a time
        _lock(connection, f"{name}/{target.model}/{target.version}", shared=partition is not None)
        if partition is not None:
            _lock(connection, f"{name}/{target}/{partition.index}")

    def _current(self, connection: sa.Connection, target: Target) -> str | None:
        return connection.execute(sa.select(self._cuts.c.cut).where(_of(self._cuts, target))).scalar_one_or_none()

    def _remember(self, connection: sa.Connection, target: Target, cut: str) -> None:
        values = {**_key(target), "cut": cut}
        if connection.dialect.name == POSTGRES:
            from sqlalchemy.dialects.postgresql import insert

            # Partitions of one run may come here at the same time when nothing was begun.
            connection.execute(insert(self._cuts).values(values).on_conflict_do_nothing())
            if self._current(connection, target) != cut:
                raise Superseded(str(target))
            return
        connection.execute(sa.insert(self._cuts).values(values))

    def _others(self, connection: sa.Connection, target: Target) -> list[Interval]:
        cuts = self._cuts.c
        version = sa.and_(cuts.model == target.model, cuts.model_version == target.version)
        found = connection.execute(sa.select(cuts.data_interval_start, cuts.data_interval_end).where(version))
        return [Interval(*(end.replace(tzinfo=UTC) if end.tzinfo is None else end for end in ends)) for ends in found]

    def _require_stamps(self, table: sa.Table) -> None:
        lost = sorted(set(answers.STAMPS) - set(table.columns.keys()))
        if lost:
            raise SinkError(
                f"the table {self._place.name} is not one of answers: it has no {', '.join(lost)}",
                remedy="name another table; it is made when it is not there",
            )


def _cut(partition: Partition) -> str:
    return f"{partition.plan}/{partition.count}"


def _key(target: Target) -> dict[str, Any]:
    return {
        answers.MODEL: target.model,
        answers.VERSION: target.version,
        answers.START: target.interval.start,
        answers.END: target.interval.end,
    }


def _of(table: sa.Table, target: Target) -> sa.ColumnElement[bool]:
    return sa.and_(*(table.columns[name] == value for name, value in _key(target).items()))


def _lock(connection: sa.Connection, name: str, *, shared: bool = False) -> None:
    take = sa.func.pg_advisory_xact_lock_shared if shared else sa.func.pg_advisory_xact_lock
    number = int.from_bytes(hashlib.sha256(f"slipway/{name}".encode()).digest()[:8], "big", signed=True)
    connection.execute(sa.select(take(number)))


def _table_for(schema: pa.Schema, place: Table) -> sa.Table:
    columns: list[Any] = [sa.Column(one.name, _kind(one.type), nullable=one.nullable) for one in schema]
    names = (answers.MODEL, answers.VERSION, answers.START, answers.PARTITION)
    index = sa.Index(f"{place.name}_by_interval"[:63], *names)
    return sa.Table(place.name, sa.MetaData(), *columns, index, schema=place.schema)


def _kind(kind: pa.DataType) -> sa.types.TypeEngine[Any]:
    types = pa.types
    if types.is_timestamp(kind):
        return sa.DateTime(timezone=kind.tz is not None)
    tests: tuple[tuple[Any, type[sa.types.TypeEngine[Any]]], ...] = (
        (types.is_boolean, sa.Boolean),
        (types.is_integer, sa.BigInteger),
        (types.is_floating, sa.Double),
        (types.is_date, sa.Date),
        (types.is_decimal, sa.Numeric),
        (types.is_binary, sa.LargeBinary),
    )
    for holds, made in tests:
        if holds(kind):
            return made()
    return sa.Text()
