"""Files that are written beside their place and put there whole; what a killed writer left is found and removed.

A file under way has a hidden name and is locked by its writer. The kernel drops the lock when the writer dies, however
it dies: so what nobody has locked is a leftover.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from slipway.errors import StorageError
from slipway.runtime.files import storage_error
from slipway.scoring.faults import SinkError

_SUFFIX = ".unfinished"
_GROUP_ROWS = 1 << 17


class Staged:
    """A Parquet file under way; made by :func:`staged`.

    Attributes
    ----------
    path : Path
        Where it is for now.
    rows : int
        Written so far.
    """

    def __init__(self, path: Path, handle: int) -> None:
        self.path, self.rows = path, 0
        self._handle = handle
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.RecordBatch] = []
        self._held_rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; the first batch, which may be empty, decides the columns."""
        with _translated(self.path):
            if self._writer is None:
                self._writer = _writer(self.path, batch.schema)
            elif batch.schema != self._writer.schema:
                batch = batch.cast(self._writer.schema)
            self._held.append(batch)
            self._held_rows += batch.num_rows
            self.rows += batch.num_rows
            if self._held_rows >= _GROUP_ROWS:
                self._flush()

    def finish(self) -> None:
        """Write what is held, and wait until the disk has it all."""
        with _translated(self.path):
            self._flush()
            if self._writer is not None:
                self._writer.close()
            os.fsync(self._handle)

    def close(self) -> None:
        """Forget what is held, as it is."""
        if self._writer is not None and self._writer.is_open:
            with contextlib.suppress(OSError, pa.ArrowException):
                self._writer.close()

    def _flush(self) -> None:
        if self._writer is not None and self._held_rows:
            self._writer.write_table(pa.Table.from_batches(self._held), row_group_size=_GROUP_ROWS * 2)
        self._held, self._held_rows = [], 0


@contextlib.contextmanager
def staged(folder: Path, name: str) -> Iterator[Staged]:
    """Begin a file in a folder; what is not put in its place by the end is removed.

    Raises
    ------
    StorageError
        If the disk is full, or the folder cannot be written.
    """
    with _translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path, handle = _locked_file(folder, name)
    file = Staged(path, handle)
    try:
        yield file
    finally:
        file.close()
        path.unlink(missing_ok=True)
        os.close(handle)


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # Numbers seldom repeat: to look for repetitions in them costs more than all the rest of writing.
    texts = [field.name for field in schema if _is_text(field.type)]
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=texts, store_schema=False)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def put(file: Staged, place: Path) -> None:
    """Give a finished file its place; a reader sees the file that was there before, or this one, whole."""
    with _translated(place):
        file.path.replace(place)
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows a folder's names."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> int:
    """Remove what killed writers left in a folder; return how many files that were."""
    removed = 0
    for path in folder.glob(f".*{_SUFFIX}") if folder.is_dir() else ():
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            removed += 1
    return removed


def _locked_file(folder: Path, name: str) -> tuple[Path, int]:
    while True:
        path = folder / f".{name}.{secrets.token_hex(6)}{_SUFFIX}"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if path.exists():  # else a sweep came between the two
            return path, handle
        os.close(handle)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        known: StorageError | None = storage_error(error)
        raise known or SinkError(
            f"{path} cannot be written: {error}", remedy="see that its disk works and the columns keep their types"
        ) from error
