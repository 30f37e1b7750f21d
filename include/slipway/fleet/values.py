"""What the fleet's page knows about a model: small values, folded from the ledger and kept as JSON.

They cross an edge, the file that :mod:`slipway.fleet.store` keeps them in, and so are pydantic parts: frozen, and read
back strictly. A field that a later version of Slipway does not know makes the file one to be made anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from slipway.core.part import Part
from slipway.core.retention import Stage

LOADS_KEPT = 60


class Number(Part):
    """One measurement that decided something; ``outcome`` is its verdict, by name."""

    name: str
    value: float | None
    threshold: float
    bound: str
    unit: str
    n: int
    outcome: str


class Cell(Part):
    """The newest evidence of one check on one version; ``numbers`` has the worst first, ``report`` its page."""

    version: int
    check: str
    outcome: str
    seq: int
    at: datetime
    release: str
    report: str
    page: str = ""
    numbers: tuple[Number, ...] = ()
    more: int = 0
    reason: str = ""


class Load(Part):
    """What one load test measured, each percentile beside its limit, in milliseconds."""

    version: int
    at: datetime
    outcome: str
    p95: float | None
    p99: float | None
    p95_limit: float | None
    p99_limit: float | None
    report: str = ""


class Champion(Part):
    """Who the ledger says is champion, and since when."""

    version: int | None
    artifact_sha256: str | None
    since: datetime


class Live(Part):
    """What serves, or served at some moment: the ledger's entry that put it there."""

    version: int
    artifact_sha256: str | None
    image_digest: str | None
    since: datetime
    seq: int
    kind: str
    actor: str
    release: str


class Ended(Part):
    """How a release ended, or that one goes on: then its ``outcome`` is None. ``page`` tells all of it."""

    release: str
    page: str = ""
    version: int | None
    at: datetime
    outcome: str | None = None
    step: str = ""
    reason: str = ""


class Scored(Part):
    """The newest interval that was scored in batch."""

    version: int | None
    at: datetime
    start: str
    end: str
    rows: int


class Known(Part):
    """A version that the ledger has met; ``page`` is its newest release's.

    ``stage`` is how far its removal has come, ``held`` whether a command holds it. ``artifact_sha256`` is of its newest
    entry, ``standing_sha256`` of what was promoted or put back.
    """

    since: datetime
    restored: datetime | None = None
    stage: Stage = Stage.PRESENT
    held: bool = False
    artifact_sha256: str | None = None
    standing_sha256: str | None = None
    image_digest: str | None = None
    release: str = ""
    page: str = ""


class Summary(Part):
    """All that the ledger says about one model that an inventory shows.

    Attributes
    ----------
    entries, last_seq, last_at
        How many entries are about it, and which is the newest.
    champion : Champion or None
        None if the ledger has never known one.
    live : Live or None
        None before the first deployment, and after what served was retired.
    release : Ended or None
        The newest release, gone on or ended.
    loads : tuple of Load
        The newest ``LOADS_KEPT`` load tests, oldest first.
    versions : mapping of int to Known
    """

    model: str
    entries: int = 0
    last_seq: int = 0
    last_at: datetime | None = None
    champion: Champion | None = None
    live: Live | None = None
    release: Ended | None = None
    scored: Scored | None = None
    loads: tuple[Load, ...] = ()
    versions: Mapping[int, Known] = {}

    @property
    def newest(self) -> int | None:
        """The newest version that the ledger has met."""
        return max(self.versions, default=None)


class Declared(Part):
    """What model.yaml says that an inventory shows; ``problem`` is why it does not hold, then the rest is empty."""

    model: str
    purpose: str = ""
    team: str = ""
    contact: str = ""
    tier: str = ""
    stakeholders: tuple[str, ...] = ()
    p95_ms: float | None = None
    p99_ms: float | None = None
    keep_versions: int | None = None
    keep_days: int | None = None
    legal_hold: tuple[int, ...] = ()
    scores: bool = False
    monitored: bool = False
    problem: str = ""


class Watched(Part):
    """What the nightly watch says about a model: the newest day, and its open alerts."""

    day: str | None = None
    pages: int = 0
    notes: int = 0
