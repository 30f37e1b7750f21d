"""The prediction log: what a version was asked and what it answered, in a form that is quick to write and to read.

A folder of segments, ``<model>-v<version>-<time>-<writer>.jsonl``. A segment's first line is its :class:`Header`; each
further line is a block of answered requests, in the order in which they were answered::

    {"times": [1769860800.123456, ...], "request_ids": ["...", ...], "rows": [2, ...], "numbers": "<base64>",
     "answers": "<base64>", "strings": {"colour": ["red", null, ...]}, "bools": {"new": [true, false, ...]},
     "flags": [[request, row, column, policy, reason], ...]}

``times`` are seconds since 1970; ``rows`` tells how many rows each request had, and all else is one row after another.
``numbers`` are the numeric columns as they were sent, before any policy: little-endian doubles, NaN for missing.
``answers`` are doubles too, or a JSON array where they are texts or whole numbers that no double holds. ``strings``,
``bools`` and ``flags`` are there when there are any. Many requests in one line cost the writer a fraction of a line
each. What a crash tore off in the middle of a line is left out, and counted.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pybase64
from numpy.typing import NDArray

from slipway.core.identity import Subject
from slipway.core.signature import DType, Signature

SUFFIX = ".jsonl"
FORMAT = 1

_DOUBLES = np.dtype("<f8")
_EXACT = 2**53  # beyond it, not every whole number is a double
Line = tuple[float, bytes, Any, NDArray[Any], Sequence[Any]]
"""An answered request as it waits to be written: time, id, rows as sent (a matrix, or columns), answers, flags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What all requests of a segment have in common: whose they are, and the columns' names."""

    subject: Subject
    output: str
    numbers: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    bools: tuple[str, ...] = ()

    @classmethod
    def of(cls, subject: Subject, signature: Signature) -> Header:
        """Return the header for one served version."""

        def named(*dtypes: DType) -> tuple[str, ...]:
            return tuple(column.name for column in signature.inputs if column.dtype in dtypes)

        return cls(
            subject=subject,
            output=signature.output.name,
            numbers=named(DType.FLOAT, DType.INT),
            strings=named(DType.STRING),
            bools=named(DType.BOOL),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as a segment's first line has it."""
        return {
            "slipway_prediction_log": FORMAT,
            "model": self.subject.model,
            "version": self.subject.version,
            "artifact_sha256": self.subject.artifact_sha256,
            "output": self.output,
            "numbers": self.numbers,
            "strings": self.strings,
            "bools": self.bools,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Header:
        """Read what :meth:`to_json` wrote; KeyError, TypeError or ValueError for anything else."""
        if data["slipway_prediction_log"] != FORMAT:
            raise ValueError(f"format {data['slipway_prediction_log']!r}")
        columns = {kind: tuple(data[kind]) for kind in ("numbers", "strings", "bools")}
        return cls(subject=Subject.from_json(data), output=data["output"], **columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One answered request.

    Attributes
    ----------
    time : datetime
        When it was answered; UTC.
    request_id, model, version : str, str, int
    columns : tuple of str
        Names of the numeric columns.
    numbers : float64 array of shape (rows, columns)
        As sent; NaN where a value was missing.
    strings, bools : mapping of str to list
        The other columns, None where a value was missing.
    answers : array of shape (rows,)
        float64, or object for texts.
    flags : tuple of (row, column, policy, reason)
    """

    time: datetime
    request_id: str
    model: str
    version: int
    columns: tuple[str, ...]
    numbers: NDArray[np.float64]
    answers: NDArray[Any]
    strings: Mapping[str, list[str | None]] = field(default_factory=dict)
    bools: Mapping[str, list[bool | None]] = field(default_factory=dict)
    flags: tuple[tuple[int, str, str, str], ...] = ()

    @property
    def rows(self) -> int:
        """How many rows it had."""
        return len(self.answers)


class LoggedRequests(Iterator[LoggedRequest]):
    """The requests of a folder, in the order of their times.

    Attributes
    ----------
    damaged : int
        Lines, so far, that could not be read: torn off by a crash or a full disk.
    """

    def __init__(self, folder: Path, since: datetime | None, until: datetime | None) -> None:
        self.damaged = 0
        self._since, self._until = since, until
        # Each segment is in the order of time, but several writers may have been at it.
        segments = [self._segment(path) for path in sorted(folder.glob("*" + SUFFIX))]
        self._merged = heapq.merge(*segments, key=lambda request: request.time)

    def __next__(self) -> LoggedRequest:
        """Return the next request."""
        return next(self._merged)

    def _segment(self, path: Path) -> Iterator[LoggedRequest]:
        try:
            with path.open("rb") as lines:
                yield from self._wanted(lines)
        except OSError:  # it was rotated away since the folder was listed
            return

    def _wanted(self, lines: Iterable[bytes]) -> Iterator[LoggedRequest]:
        header: Header | None = None
        for line in lines:
            try:
                if header is None:
                    header = Header.from_json(orjson.loads(line))
                    continue
                requests = _requests(line, header)
            except (ValueError, KeyError, TypeError, IndexError, OverflowError):
                self.damaged += 1
                if header is None:
                    return
                continue
            for request in requests:
                if self._until is not None and request.time >= self._until:
                    return
                if self._since is None or request.time >= self._since:
                    yield request


def read_log(folder: Path, since: datetime | None = None, until: datetime | None = None) -> LoggedRequests:
    """Return the requests in a folder that were answered from ``since`` on and before ``until``, in order of time.

    Reads as it goes: a line at a time of each segment. Needs no server; a folder that is missing has no requests.
    """
    return LoggedRequests(folder, since, until)


class Encoder:
    """Writes requests of one header as lines."""

    def __init__(self, header: Header) -> None:
        self.first = orjson.dumps(header.to_json()) + b"\n"
        self._header = header

    def block(self, entries: Sequence[Line]) -> tuple[bytes, ...]:
        """Return the line of at least one request, in pieces that are not copied together: numbers are most of it.

        ValueError, TypeError or OverflowError if a request has no place there.
        """
        header = self._header
        document: dict[str, Any] = {
            "times": [entry[0] for entry in entries],
            "request_ids": [entry[1].decode("ascii") for entry in entries],
            "rows": [len(entry[3]) for entry in entries],
            "answers": _answers([entry[3] for entry in entries]),
        }
        for kind, names in (("strings", header.strings), ("bools", header.bools)):
            if names:
                document[kind] = {name: [v for entry in entries for v in _column(entry, name)] for name in names}
        flags = [
            [place, flag.row, flag.column, flag.policy.value, flag.reason]
            for place, entry in enumerate(entries)
            for flag in entry[4]
        ]
        if flags:
            document["flags"] = flags
        numbers = pybase64.b64encode(_joined([self._numbers(entry) for entry in entries]))
        return orjson.dumps(document)[:-1], b',"numbers":"', numbers, b'"}\n'

    def _numbers(self, entry: Line) -> NDArray[np.float64]:
        sent, names = entry[2], self._header.numbers
        if type(sent) is np.ndarray:
            if sent.shape != (len(entry[3]), len(names)):
                raise ValueError(f"rows of shape {sent.shape}")
            return sent
        numbers = np.full((len(entry[3]), len(names)), np.nan)
        for place, name in enumerate(names):
            if name in sent:
                numbers[:, place] = [np.nan if value is None else value for value in sent[name]]
        return numbers


def _column(entry: Line, name: str) -> Sequence[Any]:
    values: Sequence[Any] | None = entry[2].get(name)
    return [None] * len(entry[3]) if values is None else values


def _joined(arrays: Sequence[NDArray[Any]]) -> memoryview:
    joined = np.concatenate(arrays) if len(arrays) > 1 else np.ascontiguousarray(arrays[0])
    return joined.astype(_DOUBLES, copy=False).data


def _answers(answers: Sequence[NDArray[Any]]) -> Any:
    if answers[0].dtype == object or any(_is_beyond_doubles(one) for one in answers):
        return [value for one in answers for value in one.tolist()]
    return pybase64.b64encode_as_string(_joined(answers))


def _is_beyond_doubles(answers: NDArray[Any]) -> bool:
    return answers.dtype == np.int64 and bool((np.abs(answers) > _EXACT).any())


def _requests(line: bytes, header: Header) -> list[LoggedRequest]:
    if not line.endswith(b"\n"):
        raise ValueError("torn off")
    data = orjson.loads(line)
    times, sizes, answers = data["times"], data["rows"], data["answers"]
    values = _unpacked(answers) if isinstance(answers, str) else np.array(answers, dtype=object)
    numbers = _unpacked(data["numbers"]).reshape(len(values), len(header.numbers))
    if sum(sizes) != len(values):
        raise ValueError(f"{len(values)} answers for {sum(sizes)} rows")
    flags: dict[int, list[tuple[int, str, str, str]]] = {}
    for place, row, column, policy, reason in data.get("flags", ()):
        flags.setdefault(place, []).append((row, column, policy, reason))
    found, start = [], 0
    for place, (at, request_id, size) in enumerate(zip(times, data["request_ids"], sizes, strict=True)):
        part = slice(start, start := start + size)
        found.append(
            LoggedRequest(
                time=datetime.fromtimestamp(at, UTC),
                request_id=request_id,
                model=header.subject.model,
                version=header.subject.version,
                columns=header.numbers,
                numbers=numbers[part],
                answers=values[part],
                strings={name: column[part] for name, column in data.get("strings", {}).items()},
                bools={name: column[part] for name, column in data.get("bools", {}).items()},
                flags=tuple(flags.get(place, ())),
            )
        )
    return found


def _unpacked(text: str) -> NDArray[np.float64]:
    return np.frombuffer(pybase64.b64decode(text, validate=True), dtype=_DOUBLES)
