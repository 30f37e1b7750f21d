"""Whose rows a write replaces: one version's, of one interval, of one partition. And what a sink can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from slipway.core.identity import Subject
from slipway.errors import SpecError
from slipway.scoring.faults import SinkError
from slipway.scoring.interval import Interval
from slipway.scoring.partition import Partition
from slipway.scoring.staging import Staged


@dataclass(frozen=True, slots=True)
class Target:
    """The rows of one version for one interval.

    Attributes
    ----------
    model : str
    version : int
    interval : Interval
    """

    model: str
    version: int
    interval: Interval

    def __str__(self) -> str:
        """Return all three."""
        return f"{self.model} version {self.version}, {self.interval}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What every answer carries: who made it, and when.

    Attributes
    ----------
    subject : Subject
        With the digest of the image that answers.
    run_id : str
    scored_at : datetime
        Aware; one for the whole run, so that a repeated partition is the same to the last byte.
    """

    subject: Subject
    run_id: str
    scored_at: datetime

    def __post_init__(self) -> None:
        """Refuse a stamp that does not tell which image answered."""
        if self.subject.image_digest is None or self.scored_at.tzinfo is None:
            raise SpecError(
                "a stamp needs an image's digest and a time with its zone", remedy="score in the champion's image"
            )
        object.__setattr__(self, "scored_at", self.scored_at.astimezone(UTC))

    def target(self, interval: Interval) -> Target:
        """Return whose rows a run with this stamp replaces."""
        return Target(self.subject.model, self.subject.version, interval)


class Sink(Protocol):
    """Keeps answers.

    Every write of a partition replaces what the same partition held before, and nothing else; twice is as good as once.
    """

    def begin(self, target: Target, partitions: Sequence[Partition]) -> None:
        """Make ready for a cut of the interval: rows that were written under another one are removed.

        Without partitions the interval is emptied. SinkError if another interval of the version overlaps it.
        """
        ...

    def stage(self, target: Target, partition: Partition) -> AbstractContextManager[Staged]:
        """Begin to write a partition's rows down, beside what is there. What a killed writer left is removed."""
        ...

    def commit(self, file: Staged, target: Target, partition: Partition) -> None:
        """Replace the partition's rows with those of a finished file, all at once. Superseded after a newer cut."""
        ...

    def counts(self, target: Target) -> Mapping[int, int]:
        """Return how many rows each partition holds."""
        ...


def refuse_overlap(target: Target, others: Iterable[Interval]) -> None:
    """Raise SinkError if the version's rows of another interval would be there twice."""
    for other in others:
        if other != target.interval and other.overlaps(target.interval):
            raise SinkError(
                f"{target} overlaps the rows of {other} that are there: some would be there twice",
                remedy="score the schedule's own intervals, or clear the other interval first",
            )


def plan_of(partitions: Sequence[Partition]) -> dict[str, Any] | None:
    """Return what a sink remembers of a cut; None for one without partitions."""
    return {"plan": partitions[0].plan, "count": len(partitions)} if partitions else None
