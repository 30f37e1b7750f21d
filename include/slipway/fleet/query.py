"""Which rows are shown, in which order: a filter and a sort that stand in the page's address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from slipway.fleet.rows import Drift, Met, Row

PER_PAGE = 100
_LONGEST = 200
_TIERS = {"low": 0, "medium": 1, "high": 2}

# Each order is of what is known; a row of which it is not known comes last, whichever way.
SORTS: Mapping[str, Callable[[Row], Any]] = {
    "model": lambda row: row.model,
    "owner": lambda row: row.declared.team.casefold() or None,
    "tier": lambda row: _TIERS.get(row.declared.tier),
    "champion": lambda row: row.champion,
    "age": lambda row: row.age_days,
    "released": lambda row: row.summary.release.at if row.summary.release else None,
    "scored": lambda row: row.summary.scored.at if row.summary.scored else None,
    "drift": lambda row: list(Drift).index(row.drift),
    "objectives": lambda row: list(Met).index(row.met),
    "retention": lambda row: row.retention[0] if row.retention else None,
}
RELEASES = ("PASSED", "FAILED", "INCONCLUSIVE", "going on", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a reader asked for; a value that makes no sense is as none."""

    text: str = ""
    tier: str = ""
    owner: str = ""
    drift: str = ""
    met: str = ""
    release: str = ""
    sort: str = "model"
    down: bool = False
    page: int = 1

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Query:
        """Read an address's query."""

        def text(name: str) -> str:
            return given.get(name, "").strip()[:_LONGEST]

        page = text("page")
        return cls(
            text=text("text"),
            tier=text("tier"),
            owner=text("owner"),
            drift=text("drift"),
            met=text("met"),
            release=text("release"),
            sort=text("sort") if text("sort") in SORTS else "model",
            down=text("down") == "1",
            page=min(max(int(page), 1), 1_000_000) if page.isdecimal() and page.isascii() else 1,
        )

    def address(self, **changes: Any) -> str:
        """Return the query of an address that asks for this, with changes; a change goes back to the first page."""
        asked = replace(self, **({"page": 1} | changes))
        named = {name: getattr(asked, name) for name in ("text", "tier", "owner", "drift", "met", "release")}
        if asked.sort != "model":
            named["sort"] = asked.sort
        if asked.down:
            named["down"] = "1"
        if asked.page > 1:
            named["page"] = str(asked.page)
        return "?" + urlencode({name: value for name, value in named.items() if value})

    def choose(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows that match, in order; not only one page of them."""
        found = [row for row in rows if self._matches(row)]
        key = SORTS[self.sort]
        known = [row for row in found if key(row) is not None]
        return sorted(known, key=key, reverse=self.down) + [row for row in found if key(row) is None]

    def _matches(self, row: Row) -> bool:
        return (
            (not self.tier or self.tier == row.declared.tier)
            and (not self.owner or self.owner == row.declared.team)
            and (not self.drift or self.drift == row.drift.value)
            and (not self.met or self.met == row.met.value)
            and (not self.release or self.release == release_word(row))
            and (not self.text or self._says(row))
        )

    def _says(self, row: Row) -> bool:
        said = (row.model, row.declared.purpose, row.declared.team, row.declared.contact, row.problem)
        words = self.text.casefold().split()
        return all(any(word in text.casefold() for text in said) for word in words)


def release_word(row: Row) -> str:
    """Return how a model's newest release stands, as the filter has it."""
    release = row.summary.release
    if release is None:
        return "never"
    return "going on" if release.outcome is None else release.outcome
