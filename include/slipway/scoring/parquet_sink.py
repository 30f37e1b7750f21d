"""Answers, or rows that were set aside, as a Parquet folder: one file a partition, replaced whole.

``<folder>/<model>/v<version>/<interval>/part-00003-of-00010.parquet``. Beside the files of an interval lies
``_plan.json``: the cut that they belong to. A writer puts its file in place under the version's lock, and only while
that file names its own cut; so after a run with another cut has begun, a straggler of the older one writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from slipway.errors import ServiceError
from slipway.runtime.files import locked, read_json, write_json
from slipway.scoring.faults import SinkError, Superseded
from slipway.scoring.interval import Interval
from slipway.scoring.partition import Partition
from slipway.scoring.staging import Staged, put, staged, sweep, sync_folder
from slipway.scoring.target import Target, plan_of, refuse_overlap

_PLAN, _LOCK, _LOCK_S = "_plan.json", "_lock", 120
_NAME = re.compile(r"part-(\d{5})-of-\d{5}\.parquet")


class ParquetSink:
    """A folder of answers; see the module for its layout, :class:`slipway.scoring.target.Sink` for its methods."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, target: Target, partitions: Sequence[Partition]) -> None:
        """Make ready for a cut: rows of another one are removed; all of them if it has no partitions.

        Raises
        ------
        SinkError
            If another interval of the version overlaps this one.
        """
        folder, plan = self.folder_of(target), plan_of(partitions)
        with self._lock(target):
            refuse_overlap(target, self._others(target))
            sweep(folder)
            if plan is None or read_json(folder / _PLAN) != plan:
                (folder / _PLAN).unlink(missing_ok=True)
                for path in self._parts(folder):
                    path.unlink()
                if plan is not None:
                    write_json(folder / _PLAN, plan, synced=True)
                    sync_folder(folder)

    @contextmanager
    def stage(self, target: Target, partition: Partition) -> Iterator[Staged]:
        """Begin a partition's file, hidden; what a killed writer left in the interval's folder is removed."""
        folder = self.folder_of(target)
        sweep(folder)
        with staged(folder, partition.name) as file:
            yield file

    def commit(self, file: Staged, target: Target, partition: Partition) -> None:
        """Put a finished file in its place; one without rows and columns only removes what was there.

        Raises
        ------
        Superseded
            If the interval was cut anew since.
        """
        folder, plan = self.folder_of(target), {"plan": partition.plan, "count": partition.count}
        with self._lock(target):
            current = read_json(folder / _PLAN)
            if current is None:
                refuse_overlap(target, self._others(target))
                write_json(folder / _PLAN, plan, synced=True)
            elif current != plan:
                raise Superseded(str(target))
            place = folder / f"{partition.name}.parquet"
            if file.rows:
                put(file, place)
            else:
                place.unlink(missing_ok=True)

    def counts(self, target: Target) -> Mapping[int, int]:
        """Return how many rows each partition holds, from the files' footers."""
        found = {}
        for path in self._parts(self.folder_of(target)):
            name = _NAME.fullmatch(path.name)
            try:
                found[int(name[1]) if name else -1] = int(pq.read_metadata(path).num_rows)
            except (OSError, pa.ArrowException) as error:
                raise SinkError(f"{path} cannot be read: {error}", remedy="score the interval again") from error
        return found

    def folder_of(self, target: Target) -> Path:
        """Return where an interval's files are."""
        return self._version(target) / target.interval.slug

    def _version(self, target: Target) -> Path:
        return self._folder / target.model / f"v{target.version}"

    def _parts(self, folder: Path) -> list[Path]:
        return [path for path in sorted(folder.glob("part-*.parquet")) if _NAME.fullmatch(path.name)]

    def _others(self, target: Target) -> list[Interval]:
        plans = self._version(target).glob(f"*/{_PLAN}")
        return [interval for path in plans if (interval := Interval.from_slug(path.parent.name)) is not None]

    @contextmanager
    def _lock(self, target: Target) -> Iterator[None]:
        """Hold the version's lock for a moment: to put a file in place, or to make room for a new cut."""
        try:
            with locked(self._version(target) / _LOCK, timeout_s=_LOCK_S):
                yield
        except ServiceError as error:
            raise SinkError(error.reason, remedy=error.remedy) from error
