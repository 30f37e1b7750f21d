"""How an interval's rows are cut into partitions, one for each mapped task. Pure.

Rules
-----
1. Partitions are disjoint and cover the interval's rows.
2. There are at most ``MAX_PARTITIONS``, however many rows there are: the partitions grow instead.
3. All partitions of one cut carry its digest (``plan``). The same cut of the same files has the same digest; rows that
   were written under another one are replaced, and never stand beside the new ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from slipway.errors import SpecError
from slipway.scoring.interval import Interval

MAX_PARTITIONS = 1000

Key = tuple[str | int, ...]
"""A place in a table's order: the time as an ISO 8601 text, then the values of key columns."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Row groups of one file.

    Attributes
    ----------
    path : str
        Below the source's folder.
    first, stop : int
        Row groups ``first`` to ``stop - 1``.
    fingerprint : str
        Of the file as it was when the partitions were planned.
    """

    path: str
    first: int
    stop: int
    fingerprint: str

    def to_json(self) -> dict[str, Any]:
        """Return the piece as JSON values."""
        return {"path": self.path, "first": self.first, "stop": self.stop, "fingerprint": self.fingerprint}


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Rows of a table from ``lower`` on (None: from the first) and before ``upper`` (None: to the last)."""

    lower: Key | None
    upper: Key | None

    def to_json(self) -> dict[str, Any]:
        """Return the range as JSON values."""
        return {"lower": self.lower and list(self.lower), "upper": self.upper and list(self.upper)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> KeyRange:
        """Read what :meth:`to_json` wrote."""
        return cls(*(None if data[end] is None else tuple(data[end]) for end in ("lower", "upper")))


Cut = tuple[Piece, ...] | KeyRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One task's share of an interval.

    Attributes
    ----------
    interval : Interval
    index, count : int
        Which of how many.
    plan : str
        Digest of the whole cut.
    rows : int
        Its rows when it was planned.
    cut : tuple of Piece, or KeyRange
        Where they are.
    """

    interval: Interval
    index: int
    count: int
    plan: str
    rows: int
    cut: Cut

    def __post_init__(self) -> None:
        """Refuse a partition that is none of its count."""
        if not 0 <= self.index < self.count <= MAX_PARTITIONS:
            raise SpecError(f"partition {self.index} of {self.count}", remedy="plan the partitions again")

    @property
    def name(self) -> str:
        """The partition in a file's name."""
        return f"part-{self.index:05d}-of-{self.count:05d}"

    def to_json(self) -> dict[str, Any]:
        """Return the partition as JSON values."""
        cut = self.cut.to_json() if isinstance(self.cut, KeyRange) else [piece.to_json() for piece in self.cut]
        return {
            "interval": self.interval.to_json(),
            "index": self.index,
            "count": self.count,
            "plan": self.plan,
            "rows": self.rows,
            "cut": cut,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Partition:
        """Read what :meth:`to_json` wrote."""
        cut = data["cut"]
        return cls(
            interval=Interval.from_json(data["interval"]),
            index=data["index"],
            count=data["count"],
            plan=data["plan"],
            rows=data["rows"],
            cut=KeyRange.from_json(cut) if isinstance(cut, Mapping) else tuple(Piece(**piece) for piece in cut),
        )


def numbered(interval: Interval, cuts: Sequence[tuple[Cut, int]]) -> tuple[Partition, ...]:
    """Return one partition for each cut and its number of rows, all with the digest of them together."""
    if len(cuts) > MAX_PARTITIONS:
        raise SpecError(f"{len(cuts)} partitions, {MAX_PARTITIONS} are allowed", remedy="allow more rows in each")
    made = [
        Partition(interval=interval, index=index, count=len(cuts), plan="", rows=rows, cut=cut)
        for index, (cut, rows) in enumerate(cuts)
    ]
    text = json.dumps([one.to_json() for one in made], sort_keys=True)
    plan = hashlib.sha256(text.encode()).hexdigest()[:16]
    return tuple(replace(one, plan=plan) for one in made)


def grouped(groups: Iterable[tuple[Piece, int]], rows: int) -> list[tuple[tuple[Piece, ...], int]]:
    """Put row groups together, in their order, into cuts of about ``rows`` rows; a group is never cut itself.

    Parameters
    ----------
    groups : iterable of (Piece, int)
        Each of one row group, with its number of rows in the interval.
    rows : int
        Wanted in each; more where there would be too many cuts.

    >>> groups = [(Piece("a", n, n + 1, ""), 10) for n in range(4)]
    >>> [(piece[0].first, piece[-1].stop, rows) for piece, rows in grouped(groups, 20)]
    [(0, 2, 20), (2, 4, 20)]
    """
    filled = [(piece, count) for piece, count in groups if count]
    # Two neighbours together hold more than the limit, so this many rows make at most MAX_PARTITIONS cuts.
    limit = max(rows, -(-2 * sum(count for _, count in filled) // (MAX_PARTITIONS - 1)))
    cuts: list[tuple[list[Piece], int]] = []
    for piece, count in filled:
        if not cuts or cuts[-1][1] + count > limit:
            cuts.append(([piece], count))
            continue
        pieces, held = cuts[-1]
        last = pieces[-1]
        if (last.path, last.stop) == (piece.path, piece.first):
            pieces[-1] = replace(last, stop=piece.stop)
        else:
            pieces.append(piece)
        cuts[-1] = pieces, held + count
    return [(tuple(pieces), count) for pieces, count in cuts]


def ranges(starts: Sequence[tuple[Key, int]], total: int) -> list[tuple[KeyRange, int]]:
    """Return the ranges between the keys with which partitions begin.

    Parameters
    ----------
    starts : sequence of (Key, int)
        In order, each with the number of rows before it; the first has none before it.
    total : int

    >>> [(cut.lower, cut.upper, rows) for cut, rows in ranges([(("a", 1), 0), (("b", 1), 10)], 15)]
    [(None, ('b', 1), 10), (('b', 1), None, 5)]
    """
    inner = [(key, before) for key, before in starts if before]
    ends: list[tuple[Key | None, int]] = [(None, 0), *inner, (None, total)]
    return [
        (KeyRange(lower, upper), after - before) for (lower, before), (upper, after) in pairwise(ends) if after > before
    ]
