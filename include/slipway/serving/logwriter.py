"""Writes the prediction log from a thread of its own. A request never waits for it: what it cannot take is counted."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.serving.codec import Table
from slipway.serving.config import LogLimits
from slipway.serving.predictionlog import SUFFIX, Encoder, Header, Line

_LOG = logging.getLogger(__name__)
_EVERY_S = 0.5
_WAKE_AT = 1000  # entries that are not left until the time is up
_BLOCK_REQUESTS = 256  # in one line: other threads wait while it is encoded
_BLOCK_ROWS = 2_000  # a large request is a block of its own, so that its rows need not be copied together with others
_COMPLAIN_EVERY_S = 10.0
_FEW_ROWS = 4  # a request of so few is small
_BYTES_PER_VALUE = 16  # of a row that is kept as JSON values: about


class PredictionLog:
    """Takes answered requests, and writes them in batches.

    Parameters
    ----------
    folder : Path
        Created when the first batch is written.
    header : Header
    limits : LogLimits, optional

    Attributes
    ----------
    written, lost : int
        Requests. Lost: the queue was full, or the disk did not take them.
    """

    def __init__(self, folder: Path, header: Header, *, limits: LogLimits | None = None) -> None:
        self.written = 0
        self._overflowed = 0
        self._failed = 0
        self._limits = limits or LogLimits()
        self._most = self._limits.entries
        self._segments = _Segments(folder, header, self._limits)
        self._encoder = Encoder(header)
        self._queue: deque[Line] = deque()
        self._large_bytes = 0
        self._lock = threading.Lock()  # for the sum above; small requests go without
        self._wake = threading.Event()
        self._closing = False
        self._complained, self._told = -_COMPLAIN_EVERY_S, 0
        self._thread = threading.Thread(target=self._work, name="prediction-log", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Requests that could not be taken or written."""
        return self._overflowed + self._failed

    def counts(self) -> tuple[int, int]:
        """Return how many requests were written and lost."""
        return self.written, self.lost

    def record(
        self, request_id: bytes, sent: NDArray[Any] | Table, answers: NDArray[Any], flags: Sequence[Any] = ()
    ) -> None:
        """Take one answered request; at once, and without an error whatever happens."""
        queue = self._queue
        waiting = len(queue)
        if waiting >= self._most or (len(answers) > _FEW_ROWS and not self._has_room(_size(sent))):
            self._overflowed += 1
            return
        queue.append((time.time(), request_id, sent, answers, flags))
        if waiting == _WAKE_AT:
            self._wake.set()

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what waits, and end; what is not written within the time is lost."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout_s)
        left = len(self._queue)
        if left:
            self._failed += left
            _LOG.warning("the prediction log ends too early", extra={"fields": {"lost": left}})

    def _has_room(self, size: int) -> bool:
        with self._lock:
            fits = self._large_bytes + size <= self._limits.queue_bytes
            self._large_bytes += size if fits else 0
        return fits

    def _work(self) -> None:
        while not self._closing:
            self._wake.wait(_EVERY_S)
            self._wake.clear()
            self._write_all()
        self._write_all()
        self._segments.close()

    def _write_all(self) -> None:
        while self._queue:
            entries = self._taken()
            self._append(self._encoded(entries))
            time.sleep(0)
        self._complain()

    def _taken(self) -> list[Line]:
        """Take the next requests off the queue: as many as make a block."""
        entries: list[Line] = []
        rows = 0
        while self._queue and len(entries) < _BLOCK_REQUESTS and rows < _BLOCK_ROWS:
            at, request_id, sent, answers, flags = self._queue.popleft()
            rows += len(answers)
            if len(answers) > _FEW_ROWS:
                with self._lock:
                    self._large_bytes -= _size(sent)
            entries.append((at, request_id, sent.columns if isinstance(sent, Table) else sent, answers, flags))
        return entries

    def _encoded(self, entries: Sequence[Line]) -> list[tuple[tuple[bytes, ...], int]]:
        """Return lines, and how many requests are in each; one that cannot be written costs no other its place."""
        try:
            return [(self._encoder.block(entries), len(entries))]
        except (ValueError, TypeError, OverflowError):
            if len(entries) > 1:
                return [line for entry in entries for line in self._encoded([entry])]
            self._failed += 1
            return []

    def _append(self, lines: Sequence[tuple[tuple[bytes, ...], int]]) -> None:
        for line, count in lines:
            error = self._segments.append(line)
            if error is None:
                self.written += count
            else:
                self._failed += count
                self._complain(str(error))

    def _complain(self, reason: str = "more was answered than could be written") -> None:
        """Say, now and then, how many were lost since it was last said."""
        lost = self.lost
        now = time.monotonic()
        if lost > self._told and now - self._complained >= _COMPLAIN_EVERY_S:
            fields = {"lost": lost - self._told, "reason": reason}
            _LOG.warning("requests are missing in the prediction log", extra={"fields": fields})
            self._complained, self._told = now, lost


class _Segments:
    """The files: appended to, begun anew when they are large or old, removed when they are too many."""

    def __init__(self, folder: Path, header: Header, limits: LogLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._first = Encoder(header).first
        self._name = f"{header.subject.model}-v{header.subject.version}-"
        self._writer = secrets.token_hex(4)
        self._path: Path | None = None
        self._file = -1
        self._size = 0
        self._begun = 0.0
        self._torn = False  # the last write may have ended in the middle of a line

    def append(self, line: Sequence[bytes]) -> OSError | None:
        """Write a line, given in pieces; return why it is not in the file, if it is not."""
        try:
            if self._is_due():
                self._begin()
            start = (b"\n",) if self._torn else ()
            self._torn = True
            self._write(*start, *line)
            self._torn = False
        except OSError as error:
            return error
        return None

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _is_due(self) -> bool:
        if self._file < 0 or self._size >= self._limits.segment_bytes:
            return True
        if time.monotonic() - self._begun >= self._limits.segment_seconds:
            return True
        assert self._path is not None
        try:
            there = self._path.stat()
        except OSError:  # somebody removed it, or the folder
            return True
        return there.st_ino != os.fstat(self._file).st_ino

    def _begin(self) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._make_room()
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        self._path = self._folder / f"{self._name}{now}-{self._writer}{SUFFIX}"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o644)
        self._size, self._begun, self._torn = 0, time.monotonic(), False
        try:
            self._write(self._first)
        except OSError:
            self.close()
            self._path.unlink(missing_ok=True)
            raise

    def _write(self, *pieces: bytes) -> None:
        left = [memoryview(piece) for piece in pieces]
        while left:
            done = os.writev(self._file, left)
            self._size += done
            while left and done >= len(left[0]):
                done -= len(left.pop(0))
            left[:1] = [piece[done:] for piece in left[:1]]

    def _make_room(self) -> None:
        """Remove the oldest segments until a whole new one fits."""
        found = sorted(self._folder.glob(f"{self._name}*{SUFFIX}"))
        sizes = {path: _file_size(path) for path in found}
        room = self._limits.folder_bytes - self._limits.segment_bytes
        total, removed = sum(sizes.values()), 0
        for path in found:
            if total <= room:
                break
            path.unlink(missing_ok=True)
            total -= sizes[path]
            removed += 1
        if removed:
            fields = {"segments": removed, "limit_bytes": self._limits.folder_bytes}
            _LOG.info("old segments of the prediction log were removed", extra={"fields": fields})


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _size(sent: NDArray[Any] | Table) -> int:
    if isinstance(sent, np.ndarray):
        return sent.nbytes
    return sent.rows * max(1, len(sent.columns)) * _BYTES_PER_VALUE
