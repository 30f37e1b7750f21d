"""Which newly registered version is released next, by itself. Pure: the caller reads registry, ledger and clock.

Rules
-----
1. What was registered before anybody looked is not new, but for the newest version: it is released if no release of it
   was ever begun.
2. A version of which a release has begun, or ended before it could begin, is never taken again: whether it passed, was
   rejected, failed or crashed. A person may still release it.
3. Versions are offered in their order, one at a time: the next one when the ledger knows of the one before.
4. An offer that came to nothing, since its run was lost, is made again; but not while a release of the model is under
   way, which it may be waiting for, and not before :data:`PATIENCE_S` have gone by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

ON_NEW_VERSION = "on_new_version"
"""Who asks for a release that begins by itself: a program, and so nobody whose approval would be of their own wish."""

PATIENCE_S = 120.0
UNDER_WAY = timedelta(days=1)
BEGUN, ENDED = "release_started", "release_ended"


class Step(Protocol):
    """An entry of the ledger, as far as it matters here."""

    @property
    def kind(self) -> str:
        """What happened."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def version(self) -> int | None:
        """The version that it is about."""

    @property
    def payload(self) -> Mapping[str, Any]:
        """Names the release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a watch remembers.

    Attributes
    ----------
    after : int
        Only versions above it are new.
    offered : int
        The last version that was offered; 0 before the first.
    offered_at : float
        When, in seconds since 1970.
    """

    after: int
    offered: int = 0
    offered_at: float = 0.0

    @classmethod
    def first(cls, versions: Iterable[int]) -> Seen:
        """Return what a watch remembers that has never looked: the newest version alone is new."""
        return cls(after=max(max(versions, default=0) - 1, 0))

    def with_offer(self, version: int, *, now: float) -> Seen:
        """Return the memory after an offer."""
        return replace(self, offered=version, offered_at=now)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"after": self.after, "offered": self.offered, "offered_at": self.offered_at}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Seen:
        """Read what :meth:`to_json` wrote."""
        return cls(after=int(data["after"]), offered=int(data["offered"]), offered_at=float(data["offered_at"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """What the ledger knows of a model's releases.

    Attributes
    ----------
    settled : frozenset of int
        Versions that are never taken again by themselves.
    under_way : bool
        Whether a release has begun within the last day and has not ended.
    quiet_since : float
        When the last release began or ended, in seconds since 1970; 0 if there was none.
    """

    settled: frozenset[int]
    under_way: bool = False
    quiet_since: float = 0.0

    @classmethod
    def of(cls, entries: Iterable[Step], *, now: datetime) -> Releases:
        """Read a model's entries, oldest first."""
        last: dict[str, Step] = {}
        settled = set()
        for entry in entries:
            if entry.kind in (BEGUN, ENDED):
                last[entry.payload["release"]] = entry
                settled.add(entry.version)
        return cls(
            settled=frozenset(version for version in settled if version is not None),
            under_way=any(entry.kind == BEGUN and now - entry.at < UNDER_WAY for entry in last.values()),
            quiet_since=max((entry.at.timestamp() for entry in last.values()), default=0.0),
        )


def next_version(versions: Iterable[int], seen: Seen, known: Releases, *, now: float) -> int | None:
    """Return the version to be offered now; None if there is none, or the last offer is still to be taken.

    >>> next_version([1, 2, 3], Seen(after=1), Releases(settled=frozenset()), now=0.0)
    2
    """
    due = sorted(version for version in versions if version > seen.after and version not in known.settled)
    if not due:
        return None
    if seen.offered not in due:
        return due[0]
    patient = now - max(seen.offered_at, known.quiet_since) < PATIENCE_S
    return None if known.under_way or patient else seen.offered


def released_before(entries: Iterable[Step], *, version: int, release: str) -> bool:
    """Tell whether another release of a version has begun or ended: then none of them begins by itself any more."""
    others = (entry for entry in entries if entry.kind in (BEGUN, ENDED) and entry.payload["release"] != release)
    return any(entry.version == version for entry in others)
