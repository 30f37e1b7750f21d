"""The smallest thing that shows what a gate found: a request, rows and rules, a function, an interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.evidence import Check, Evidence
from slipway.core.verdict import Measurement, Outcome
from slipway.errors import shorten
from slipway.reporting.tables import number

MAX_LINES = 6
MAX_TEXT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One example.

    Attributes
    ----------
    title : str
    lines : tuple of str
        What it shows, a sentence each.
    command : str
        What shows it again, to be copied; empty if nothing does.
    """

    title: str
    lines: tuple[str, ...] = ()
    command: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"title": self.title, "lines": list(self.lines), "command": self.command}


def example_of(evidence: Evidence) -> Example | None:
    """Return the smallest example that a gate left; None where it left none, or in a form that is not known."""
    make = _MAKERS.get(evidence.check)
    try:
        found = make(evidence) if make else None
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
    ):  # details are for the reader; a page never fails on them
        return None
    return found if found is not None and (found.lines or found.command) else None


def _scenarios(evidence: Evidence) -> Example | None:
    failures = evidence.details.get("smallest_failures") or []
    if not failures:
        return None
    first = failures[0]
    served, expected = first.get("served"), first.get("expected")
    lines = [str(first["message"])]
    if served is not None and expected is not None and not first["message"]:
        lines.append(f"served {served}, the reference says {expected}")
    if first.get("columns"):
        lines.append("It depends on " + ", ".join(first["columns"]) + ".")
    lines += [f"The answers are {cause}." for cause in first.get("causes", ())]
    similar = int(first.get("similar", 1))
    if similar > 1:
        lines.append(f"{similar:,} cases of the class {first.get('class')} fail in the same way.")
    title = f"Smallest failing request ({first.get('case')})"
    return Example(title=title, lines=tuple(lines), command=shorten(str(first.get("curl", "")), MAX_TEXT))


def _data(evidence: Evidence) -> Example:
    details, lines = evidence.details, []
    for what in ("signature", "contract"):
        for split, found in (details.get(what) or {}).items():
            lines += [f"{split}, {what}: {sentence}" for sentence in found]
    more = len(lines) - MAX_LINES
    shown = lines[:MAX_LINES] + ([f"and {more} more in the report"] if more > 0 else [])
    return Example(title="Rows and rules", lines=tuple(shown))


def _evaluation(evidence: Evidence) -> Example | None:
    champion = evidence.details.get("champion") or {}
    stopped = _stopping(evidence)
    if stopped is None or not stopped.name.startswith("champion.") or not champion.get("interval"):
        return None
    low, high = champion["interval"]
    return Example(
        title="The interval",
        lines=(
            f"On {champion['rows_compared']:,} rows the difference to {champion['name']} lies between {number(low)} "
            f"and {number(high)} (95 %); positive is better.",
        ),
    )


def _profile(evidence: Evidence) -> Example:
    details, lines = evidence.details, []
    for change in (details.get("regressed") or [])[:3]:
        name = change.get("function") or change.get("name")
        if name:
            lines.append(f"slower than in the champion: {name}" + _change(change))
    if details.get("sentence"):
        lines.append(str(details["sentence"]))
    return Example(title="Where the time goes", lines=tuple(lines))


def _change(change: Mapping[str, Any]) -> str:
    before, now = change.get("before_ms"), change.get("now_ms")
    if before is None or now is None:
        return ""
    return f", {number(before, 'ms')} a request before, {number(now, 'ms')} now"


def _load(evidence: Evidence) -> Example:
    overall = evidence.details.get("overall") or {}
    lines = [
        f"{name}: {number(part['value'], 'ms')}, 95 % interval {number(part['low'], 'ms')} to "
        + ("more than the slowest request" if part.get("high") is None else number(part["high"], "ms"))
        for name in ("p50", "p95", "p99")
        if (part := overall.get(name)) and part.get("value") is not None
    ]
    kinds = evidence.details.get("error_kinds") or {}
    lines += [f"{count:,} requests ended with {kind}" for kind, count in kinds.items()]
    return Example(title="Under load", lines=tuple(lines[:MAX_LINES]))


def _stopping(evidence: Evidence) -> Measurement | None:
    return next((m for m in evidence.measurements if m.outcome not in (None, Outcome.PASSED)), None)


_MAKERS = {
    Check.VALIDATE_DATA: _data,
    Check.EVALUATE: _evaluation,
    Check.RUN_SCENARIOS: _scenarios,
    Check.PROFILE_SERVING: _profile,
    Check.LOAD_TEST: _load,
}
