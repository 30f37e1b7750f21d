"""The inventory's rows: what is declared, what the ledger says and what the watch says about one model, put together.

Rules
-----
1. Objectives are met if the champion's newest load test PASSED and its percentiles are within what is declared now: a
   declaration that was tightened since shows.
2. Drift is told from open alerts, and only while the watch is not more than ``STALE_DAYS`` behind.
3. What cannot be told is said to be so; it never reads as good news.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from slipway.core.verdict import Outcome
from slipway.fleet.dates import next_retention
from slipway.fleet.values import Declared, Load, Summary, Watched

STALE_DAYS = 3


class Drift(StrEnum):
    """How a model stands with its watch, the worst first."""

    PAGE = "page"
    NOTE = "note"
    BEHIND = "behind"
    UNKNOWN = "unknown"
    QUIET = "quiet"
    UNWATCHED = "not watched"


class Met(StrEnum):
    """Whether the champion holds its objectives, the worst first."""

    NO = "missed"
    UNKNOWN = "not told"
    YES = "met"
    NONE = "no champion"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model; ``watched`` is None where the nightly numbers cannot be told.

    What follows from it is worked out once, when it is first asked for: an inventory asks a thousand rows.
    """

    declared: Declared
    summary: Summary
    watched: Watched | None
    at: datetime
    folder: bool = True

    @property
    def model(self) -> str:
        """Its name."""
        return self.declared.model

    @property
    def problem(self) -> str:
        """What is wrong with its declaration; empty if nothing is."""
        return self.declared.problem if self.folder else "it has no folder in include/models any more"

    @cached_property
    def champion(self) -> int | None:
        """The version that the ledger says is champion."""
        return self.summary.champion.version if self.summary.champion else None

    @property
    def age_days(self) -> int | None:
        """How many days it has been champion."""
        champion = self.summary.champion
        return None if champion is None or champion.version is None else (self.at - champion.since).days

    @cached_property
    def load(self) -> Load | None:
        """The champion's newest load test."""
        return next((load for load in reversed(self.summary.loads) if load.version == self.champion), None)

    @cached_property
    def met(self) -> Met:
        """Whether the champion holds its objectives (rule 1)."""
        if self.champion is None:
            return Met.NONE
        load = self.load
        if load is None or load.outcome == Outcome.INCONCLUSIVE.value or None in (load.p95, load.p99):
            return Met.UNKNOWN
        pairs = ((load.p95, self.limit("p95")), (load.p99, self.limit("p99")))
        within = all(value <= limit for value, limit in pairs if value is not None and limit is not None)
        return Met.YES if within and load.outcome == Outcome.PASSED.value else Met.NO

    def limit(self, name: str) -> float | None:
        """Return the limit of ``p95`` or ``p99``, in ms: what is declared now, else what was tested against."""
        declared: float | None = getattr(self.declared, f"{name}_ms")
        tested: float | None = getattr(self.load, f"{name}_limit") if self.load else None
        return declared if declared is not None else tested

    @cached_property
    def drift(self) -> Drift:
        """How it stands with its watch (rule 2)."""
        watched = self.watched
        if watched is None:
            return Drift.UNKNOWN
        if watched.pages:
            return Drift.PAGE
        if watched.notes:
            return Drift.NOTE
        if watched.day is None:
            return Drift.BEHIND if self.declared.monitored and self.champion is not None else Drift.UNWATCHED
        return Drift.BEHIND if (self.at.date() - date.fromisoformat(watched.day)).days > STALE_DAYS else Drift.QUIET

    @cached_property
    def retention(self) -> tuple[datetime, int] | None:
        """When the next version is past its time, and which."""
        return next_retention(self.declared, self.summary)

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        champion, live, release = self.summary.champion, self.summary.live, self.summary.release
        load, due = self.load, self.retention
        return {
            "name": self.model,
            "purpose": self.declared.purpose or None,
            "owner": self.declared.team or None,
            "contact": self.declared.contact or None,
            "risk_tier": self.declared.tier or None,
            "problem": self.problem or None,
            "champion": champion.model_dump(mode="json") if champion and champion.version is not None else None,
            "age_days": self.age_days,
            "live": live.model_dump(mode="json") if live else None,
            "newest": self.summary.newest,
            "last_release": release.model_dump(mode="json") if release else None,
            "last_scored": self.summary.scored.model_dump(mode="json") if self.summary.scored else None,
            "drift": {"state": self.drift.value} | (self.watched.model_dump(mode="json") if self.watched else {}),
            "objectives": {
                "state": self.met.value,
                **{name: _pair(getattr(load, name) if load else None, self.limit(name)) for name in ("p95", "p99")},
            },
            "next_retention": None if due is None else {"at": due[0].isoformat(), "version": due[1]},
            "entries": self.summary.entries,
            "last_entry": self.summary.last_seq or None,
        }


def rows_of(
    declared: Mapping[str, Declared],
    summaries: Mapping[str, Summary],
    watched: Mapping[str, Watched] | None,
    *,
    at: datetime,
    models: Iterable[str] | None = None,
) -> list[Row]:
    """Return one row for each model that is declared or in the ledger, by name; only ``models`` if given."""
    names = sorted({*declared, *summaries} if models is None else models)
    return [
        Row(
            declared=declared.get(name) or Declared(model=name),
            summary=summaries.get(name) or Summary(model=name),
            watched=None if watched is None else watched.get(name, Watched()),
            at=at,
            folder=name in declared,
        )
        for name in names
    ]


def _pair(value: float | None, limit: float | None) -> dict[str, float | None]:
    return {"value_ms": value, "limit_ms": limit}
