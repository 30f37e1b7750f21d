"""The stretch of time whose rows one run scores: half-open, in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slipway.errors import SpecError

_FORM = "%Y%m%dT%H%M%S.%fZ"
_SLUG = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)_(\d{8}T\d{6}\.\d{6}Z)")


@dataclass(frozen=True, slots=True)
class Interval:
    """``[start, end)``: a row at ``start`` is in it, one at ``end`` is in the next.

    Attributes
    ----------
    start, end : datetime
        Aware; kept in UTC.

    >>> day = Interval(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    >>> Interval.from_slug(day.slug) == day
    True
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse times without a zone, and an interval that is empty or runs backwards."""
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise SpecError(
                f"the interval {self.start} to {self.end} has no time zone", remedy="give both times in UTC"
            )
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.start >= self.end:
            raise SpecError(f"the interval {self.start} to {self.end} is empty", remedy="let it end after its start")

    @property
    def slug(self) -> str:
        """The interval as a folder's name."""
        return f"{self.start.strftime(_FORM)}_{self.end.strftime(_FORM)}"

    @classmethod
    def from_slug(cls, text: str) -> Interval | None:
        """Return the interval that a folder is named after; None for any other name."""
        found = _SLUG.fullmatch(text)
        if found is None:
            return None
        start, end = (datetime.strptime(part, _FORM).replace(tzinfo=UTC) for part in found.groups())
        return cls(start, end)

    def overlaps(self, other: Interval) -> bool:
        """Tell whether a moment lies in both."""
        return self.start < other.end and other.start < self.end

    def to_json(self) -> dict[str, str]:
        """Return both ends as ISO 8601 texts."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Interval:
        """Read what :meth:`to_json` wrote."""
        return cls(datetime.fromisoformat(data["start"]), datetime.fromisoformat(data["end"]))

    def __str__(self) -> str:
        """Return both ends, to the second."""
        return f"{self.start:%Y-%m-%d %H:%M:%S} to {self.end:%Y-%m-%d %H:%M:%S} UTC"
