"""What happened during a deployment, when, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slipway.core.service import ServiceHandle

Progress = Callable[[str], None]


def silent(_text: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    at: datetime
    text: str


@dataclass(slots=True)
class Journal:
    """Collects events and durations, and tells each event to ``progress`` as it happens."""

    progress: Progress = silent
    events: list[Event] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Write down an event."""
        self.events.append(Event(datetime.now(UTC), text))
        self.progress(text)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the block's duration in seconds to the timing ``name``."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.timings[name] = round(self.timings.get(name, 0.0) + time.monotonic() - started, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A version that serves, and how it came to.

    Attributes
    ----------
    model, version, handle
        What serves now.
    previous : tuple of int and ServiceHandle, or None
        The version that is kept warm, if any.
    replaced : int or None
        The version that served before; None if none did, or if ``version`` already served.
    events : tuple of Event
    timings : mapping of str to float
        Seconds: ``start``, ``smoke``, ``switch``, ``watch``.
    """

    model: str
    version: int
    handle: ServiceHandle
    previous: tuple[int, ServiceHandle] | None
    replaced: int | None
    events: tuple[Event, ...]
    timings: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "model": self.model,
            "version": self.version,
            "handle": self.handle.to_json(),
            "previous": self.previous and {"version": self.previous[0], "handle": self.previous[1].to_json()},
            "replaced": self.replaced,
            "events": [{"at": event.at.isoformat(), "text": event.text} for event in self.events],
            "timings": dict(self.timings),
        }
