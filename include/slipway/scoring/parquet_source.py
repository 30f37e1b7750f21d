"""Rows of a Parquet folder, by time: planned from the files' footers, read as a stream of record batches.

A partition is made of whole row groups: they are the smallest part of a file that can be read by itself. What of a
group lies outside of the interval is left out when it is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from slipway.scoring.faults import SourceError
from slipway.scoring.interval import Interval
from slipway.scoring.partition import KeyRange, Partition, Piece, grouped, numbered

_BUFFER = 1 << 20  # a column is read in parts of so many bytes: the memory does not grow with the row group
_TAIL = 8
_MOMENT = pa.timestamp("us", tz="UTC")


class ParquetSource:
    """A folder of Parquet files (or one file) whose rows have a time.

    Parameters
    ----------
    folder : Path
        Files whose name, or a folder's on the way, begins with ``.`` or ``_`` are left out.
    time_column : str
        A timestamp (without a zone: UTC) or a date.
    """

    def __init__(self, folder: Path, *, time_column: str) -> None:
        self._root = folder.parent if folder.is_file() else folder
        self._folder = folder
        self._time = time_column

    def plan(self, interval: Interval, rows: int) -> tuple[Partition, ...]:
        """Return the interval's partitions, of about ``rows`` rows each; none if it has no rows.

        Raises
        ------
        SourceError
            If the folder is not there, or a file cannot be read or has no such time column.
        """
        groups = (group for path in self._files() for group in self._groups(path, interval))
        return numbered(interval, grouped(groups, rows))

    def untimed(self) -> int:
        """Return how many rows have no time, and so are in no interval."""
        return sum(self._untimed_in(path) for path in self._files())

    def batches(self, partition: Partition, *, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield a partition's rows with all their columns, at most ``rows`` at a time, in the files' order.

        Raises
        ------
        SourceError
            If a file is not any more what it was when the partition was planned.
        """
        if isinstance(partition.cut, KeyRange):
            raise SourceError(f"{partition.name} is of a table", remedy="plan the partitions of this source")
        found = 0
        for piece in partition.cut:
            for batch in self._read(piece, rows):
                kept = self._within(batch, partition.interval)
                found += kept.num_rows
                if kept.num_rows:
                    yield kept
        if found != partition.rows:
            raise SourceError(
                f"{partition.name} has {found} rows, {partition.rows} were planned",
                remedy="plan the interval's partitions again",
            )

    def _files(self) -> list[Path]:
        if self._folder.is_file():
            return [self._folder]
        if not self._folder.is_dir():
            raise SourceError(f"there is no folder {self._folder}", remedy="correct the source, or wait for its data")
        found = sorted(self._folder.rglob("*.parquet"))
        return [p for p in found if not any(part[0] in "._" for part in p.relative_to(self._folder).parts)]

    def _open(self, path: Path) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)
        except (OSError, pa.ArrowException) as error:
            raise SourceError(f"{path} cannot be read: {error}", remedy="write the file again, or remove it") from error

    def _groups(self, path: Path, interval: Interval) -> Iterator[tuple[Piece, int]]:
        with self._open(path) as file:
            place = self._place(file, path)
            name, fingerprint = str(path.relative_to(self._root)), _fingerprint(path)
            for number in range(file.metadata.num_row_groups):
                group = file.metadata.row_group(number)
                count = _all_or_none(group.column(place).statistics, group.num_rows, interval)
                if count is None:
                    column = file.read_row_group(number, columns=[self._time]).column(0)
                    count = pc.sum(_mask(column, interval)).as_py() or 0
                yield Piece(name, number, number + 1, fingerprint), count

    def _untimed_in(self, path: Path) -> int:
        with self._open(path) as file:
            place, missing = self._place(file, path), 0
            for number in range(file.metadata.num_row_groups):
                told = file.metadata.row_group(number).column(place).statistics
                if told is not None and told.has_null_count:
                    missing += told.null_count
                else:
                    missing += file.read_row_group(number, columns=[self._time]).column(0).null_count
            return missing

    def _place(self, file: pq.ParquetFile, path: Path) -> int:
        field = file.schema_arrow.field(self._time) if self._time in file.schema_arrow.names else None
        if field is None or not (pa.types.is_timestamp(field.type) or pa.types.is_date(field.type)):
            given = "no such column" if field is None else f"type {field.type}"
            raise SourceError(
                f"{path}: the time column {self._time!r} has {given}", remedy="declare a timestamp or date column"
            )
        # Nested columns beside it have several leaves each, so that its place is not that in the Arrow schema.
        return [file.schema.column(leaf).path for leaf in range(file.metadata.num_columns)].index(self._time)

    def _read(self, piece: Piece, rows: int) -> Iterator[pa.RecordBatch]:
        path = self._root / piece.path
        try:
            same = _fingerprint(path) == piece.fingerprint
        except OSError:
            same = False
        if not same:
            raise SourceError(
                f"{path} has changed since the partitions were planned", remedy="plan the interval's partitions again"
            )
        with self._open(path) as file:
            try:
                # On threads of its own a batch is not read sooner, only at more cost: the service needs the other core.
                groups = list(range(piece.first, piece.stop))
                yield from file.iter_batches(batch_size=rows, row_groups=groups, use_threads=False)
            except (OSError, pa.ArrowException) as error:
                raise SourceError(f"{path} cannot be read: {error}", remedy="write the file again") from error

    def _within(self, batch: pa.RecordBatch, interval: Interval) -> pa.RecordBatch:
        mask = _mask(batch.column(self._time), interval)
        return batch if pc.all(mask).as_py() else batch.filter(mask)


def _mask(times: Any, interval: Interval) -> Any:
    """Return which times are in the interval; one that is missing is not."""
    moments = times.cast(_MOMENT, safe=False)
    start, end = (pa.scalar(moment, _MOMENT) for moment in (interval.start, interval.end))
    inside = pc.and_(pc.greater_equal(moments, start), pc.less(moments, end))
    return pc.fill_null(inside, False)


def _all_or_none(told: Any, rows: int, interval: Interval) -> int | None:
    """Return how many rows of a group are in the interval where its statistics tell it: all, or none; else None."""
    if told is None or not told.has_min_max or not told.has_null_count:
        return None
    low, high = _moment(told.min), _moment(told.max)
    if low is None or high is None:
        return None
    if high < interval.start or low >= interval.end:
        return 0
    return rows if told.null_count == 0 and interval.start <= low and high < interval.end else None


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return None


def _fingerprint(path: Path) -> str:
    """Return a digest of a file's size and footer, which tells where each column lies and within which values."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        footer = int.from_bytes(file.read(4), "little")
        file.seek(max(0, size - _TAIL - footer))
        return hashlib.sha256(size.to_bytes(8, "little") + file.read()).hexdigest()[:16]
