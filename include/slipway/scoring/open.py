"""Sources and sinks by their URL; see :mod:`slipway.scoring.urls` for what a URL looks like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slipway.errors import SpecError
from slipway.scoring.interval import Interval
from slipway.scoring.parquet_sink import ParquetSink
from slipway.scoring.parquet_source import ParquetSource
from slipway.scoring.partition import Partition
from slipway.scoring.sql_sink import SqlSink
from slipway.scoring.sql_source import SqlSource
from slipway.scoring.urls import Folder, parse_place


def open_source(
    url: str, *, time_column: str, keys: Sequence[str] = (), table: str | None = None
) -> ParquetSource | SqlSource:
    """Return a source.

    Parameters
    ----------
    url : str
    time_column : str
        What an interval is cut out by.
    keys : sequence of str
        Columns that name a row.
    table : str, optional
        ``[schema.]name``, if the URL does not name it.

    Raises
    ------
    SpecError, SourceError
        If the URL names no place that rows can be read from.
    """
    place = parse_place(url, table=table)
    if isinstance(place, Folder):
        return ParquetSource(place.path, time_column=time_column)
    return SqlSource(place, time_column=time_column, keys=keys)


def open_sink(url: str, *, staging: Path, table: str | None = None) -> ParquetSink | SqlSink:
    """Return a sink; ``staging`` is a folder of this machine for rows that wait to go into a database.

    Raises
    ------
    SpecError, SourceError
        If the URL names no place that rows can be written to.
    """
    place = parse_place(url, table=table)
    return ParquetSink(place.path) if isinstance(place, Folder) else SqlSink(place, staging=staging)


def plan_partitions(source: ParquetSource | SqlSource, interval: Interval, rows: int) -> tuple[Partition, ...]:
    """Return an interval's partitions, one for each mapped task: at most a thousand, none if there are no rows.

    Parameters
    ----------
    source : ParquetSource or SqlSource
    interval : Interval
    rows : int
        Wanted in each, at least 1. A Parquet partition is at least one row group; where there would be more than a
        thousand partitions, they are larger.

    Raises
    ------
    SpecError
        If ``rows`` is less than 1.
    SourceError
        If the source cannot be read.
    """
    if rows < 1:
        raise SpecError(f"partitions of {rows} rows", remedy="ask for at least one row in each")
    return source.plan(interval, rows)
