"""What the ledger holds: entries, each about one model and usually one of its versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from slipway.core.identity import parse_model_name
from slipway.errors import LedgerError


class EntryKind(StrEnum):
    """What happened."""

    RELEASE_STARTED = "release_started"
    RELEASE_ENDED = "release_ended"
    EVIDENCE = "evidence"
    APPROVAL = "approval"
    REJECTION = "rejection"
    PROMOTION = "promotion"
    DEPLOYMENT = "deployment"
    ROLLBACK = "rollback"
    REFUSAL = "refusal"
    RETIREMENT = "retirement"
    SCORING = "scoring"
    REACTION = "reaction"
    DRIFT = "drift"
    ANCHOR = "anchor"
    AUDIT = "audit"
    ATTEMPT = "attempt"
    ARCHIVE = "archive"
    RESTORATION = "restoration"
    REPRODUCTION = "reproduction"
    HOLD = "hold"
    CARD = "card"


FLEET = "fleet"  # the model of entries that are about no single one


SERVING_KINDS = (EntryKind.DEPLOYMENT, EntryKind.ROLLBACK)


class Head(NamedTuple):
    """The newest entry's number and hash; ``(0, GENESIS)`` of an empty ledger.

    Kept outside the ledger, it is an anchor: :meth:`Ledger.verify` finds a truncated or rewritten chain with it.
    """

    seq: int
    hash: str


class VerifyResult(NamedTuple):
    """What a whole walk found: how many entries there are, and the head."""

    entries: int
    head: Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry before it has a place in the chain.

    Attributes
    ----------
    kind : EntryKind
    model : str
        Name of the model's folder.
    version : int or None
        The registry's version number; None where the entry is about the model as a whole.
        Of a deployment or rollback: the version that serves from then on.
    actor : str
        Who did it: a person's login, or the name of the program.
    payload : mapping
        JSON values: no NaN, no infinity, text keys.
    """

    kind: EntryKind
    model: str
    version: int | None
    actor: str
    payload: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse a malformed model or version, and an entry that nobody made."""
        parse_model_name(self.model)
        if self.version is not None and (type(self.version) is not int or self.version < 1):
            raise LedgerError(f"{self.version!r} is not a version", remedy="use the registry's number, 1 or more")
        if not self.actor.strip() or "\0" in self.actor:  # PostgreSQL keeps no NUL in text
            raise LedgerError(f"a {self.kind} entry names no actor: {self.actor!r}", remedy="say who did it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One link of the chain. ``hash`` covers everything else, ``previous`` among it.

    ``seq`` counts from 1 without gaps; ``at`` is UTC, in microseconds, and never runs backwards along the chain.
    """

    seq: int
    at: datetime
    kind: EntryKind
    model: str
    version: int | None
    actor: str
    payload: Mapping[str, Any]
    previous: str
    hash: str

    def content(self) -> dict[str, Any]:
        """Return what the hash covers, as JSON values."""
        return {
            "seq": self.seq,
            "at": format_time(self.at),
            "kind": str(self.kind),
            "model": self.model,
            "version": self.version,
            "actor": self.actor,
            "payload": self.payload,
            "previous": self.previous,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the entry as JSON values."""
        return {**self.content(), "payload": dict(self.payload), "hash": self.hash}


def format_time(moment: datetime) -> str:
    """Return an aware time as fixed-width UTC text.

    >>> format_time(datetime(2026, 1, 2, tzinfo=UTC))
    '2026-01-02T00:00:00.000000+00:00'
    """
    if moment.tzinfo is None:
        raise LedgerError(f"{moment} has no time zone", remedy="use UTC")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
