"""A version beside the champion: the same measurement of both, as the ledger has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.evidence import Check, Evidence
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.reporting.release.facts import Champion

MAX_LINES = 16
NEGLIGIBLE = 0.001
_COUNTED = ("rows.", "host.", "generator.", "detection.", "arrival_rate.", "profile.requests", "profile.regression")
SAME_ROWS = "champion."
ALSO = frozenset({"image.size_mb", "latency.p50", "profile.batch_ms_per_row", "answers.largest_difference"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One measurement of both versions; ``same_rows`` tells that both were measured in this very release."""

    check: Check
    name: str
    unit: str
    here: float
    there: float
    bound: Bound | None
    same_rows: bool = False

    @property
    def better(self) -> bool | None:
        """Whether this version's value is the better one; None if they hardly differ, or neither is better."""
        if self.bound is None or abs(self.here - self.there) < NEGLIGIBLE * max(abs(self.here), abs(self.there)):
            return None
        return (self.here < self.there) is (self.bound is Bound.MAX)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "check": self.check.value,
            "name": self.name,
            "unit": self.unit,
            "version": self.here,
            "champion": self.there,
            "better": self.better,
            "same_rows": self.same_rows,
        }


def compare(
    latest: Mapping[Check, Evidence], champion: Champion | None, *, same_rows: bool = True
) -> tuple[Compared, ...]:
    """Return what both were measured by, in the gates' order; nothing without a champion.

    A quality metric that this release measured on the champion too counts more than the champion's own release;
    ``same_rows`` is False where ``champion`` is not the version that it was measured on.
    """
    if champion is None:
        return ()
    theirs = {item.check: item for item in champion.evidence if item.outcome is Outcome.PASSED}
    of_model = [check for check in Check if check in latest and check is not Check.VALIDATE_DATA]
    lines = [line for check in of_model for line in _lines(latest[check], theirs.get(check), same_rows=same_rows)]
    return tuple(lines[:MAX_LINES])


def _lines(ours: Evidence, theirs: Evidence | None, *, same_rows: bool) -> Iterator[Compared]:
    measured = [m for m in ours.measurements if same_rows and m.name.startswith(SAME_ROWS)]
    beside = {m.name.removeprefix(SAME_ROWS): m for m in measured}
    there = {m.name: m for m in theirs.measurements} if theirs else {}
    for m in ours.measurements:
        other = beside.get(m.name) or there.get(m.name)
        if other is None or m.value is None or other.value is None or not _telling(m):
            continue
        if m.value == other.value == 0:
            continue
        yield Compared(
            check=ours.check,
            name=m.name,
            unit=m.unit,
            here=m.value,
            there=other.value,
            bound=m.bound or (Bound.MAX if m.name in ALSO else None),
            same_rows=m.name in beside,
        )


def _telling(m: Measurement) -> bool:
    """Tell whether a difference says something: counts, minimum sizes and what is a comparison itself do not."""
    counted = m.name.startswith(_COUNTED)
    return m.name in ALSO or (
        bool(m.threshold) and not counted and not m.name.startswith(SAME_ROWS) and m.unit != "requests"
    )
