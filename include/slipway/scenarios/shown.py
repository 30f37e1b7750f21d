"""The report's tables of what was looked at: power for each class of row, invariances, times."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from slipway.reporting.tables import chip, number, table
from slipway.scenarios.found import BY_THEMSELVES
from slipway.scenarios.measure import MIN_POWER
from slipway.scenarios.metamorphic import Held
from slipway.scenarios.pools import RowClass
from slipway.scenarios.suite import CaseClass, Invariance

ROWS = {
    RowClass.IN_RANGE: "complete and in range",
    RowClass.BOUNDARY: "with a value at the end of its range",
    RowClass.GAP: "with a gap that a policy lets through",
    RowClass.OUT_OF_RANGE: "with a value out of range that a policy lets through",
}
UNCHANGED = {
    Invariance.ROW_ORDER: "the rows of a batch turned round, moved and shuffled",
    Invariance.BATCH_SIZE: "each row by itself and in batches of 2 to 129, around the powers of two",
    Invariance.DUPLICATES: "the same row several times in a batch",
    Invariance.COLUMN_ORDER: "the columns in other orders, in every form",
    Invariance.FORM: "the same rows in every form of request",
    Invariance.REPEATED: "the same request several times",
    Invariance.PREVIOUS: "after another row, a gap, a value out of range, a rejected row, no JSON, a batch",
    Invariance.CONCURRENT: "many requests at once, some of them rejected",
}


def power_table(classes: Mapping[str, Mapping[str, Any]], sources: Mapping[str, int]) -> str:
    """Return the chance to find a fault in half a percent of the rows, class by class."""
    rows = [
        (
            f"<b>{kind.value.replace('_', ' ').capitalize()}</b>",
            escape(ROWS[kind]),
            f"{classes[kind.value]['rows']:,}",
            f"{classes[kind.value][BY_THEMSELVES]:,}",
            _chance(classes[kind.value]),
        )
        for kind in RowClass
    ]
    told = ", ".join(f"{n:,} from {source}" for source, n in sources.items())
    head = ("Rows", "", "Different ones compared", "of them alone", "Finds a fault in 1 of 200")
    note = (
        f"In-range rows: {told}. The chance is that of a fault in half a percent of the rows of that class, wherever "
        "they lie; one in a corner of the ranges is met as often as rows are drawn there."
    )
    return table(head, rows, numeric=(2, 3, 4)) + f'<p class="small">{escape(note)}</p>'


def _chance(found: Mapping[str, Any]) -> str:
    if not found["rows"]:
        return chip("no such row is let through")
    tone = "PASSED" if found["power"] >= MIN_POWER else "INCONCLUSIVE"
    return chip(f"{int(found['power'] * 10_000) / 100:.2f} %", tone)


def invariance_table(held: Sequence[Held]) -> str:
    """Return what no answer may depend on, and whether any did."""
    rows = []
    for one in held:
        if one.broken:
            said = chip(f"{one.broken:,} broken", "FAILED")
        else:
            said = chip("holds", "PASSED") if one.compared else chip("not compared", "INCONCLUSIVE")
        rule = "identical" if one.invariance.exact else "within the tolerance"
        rows.append(
            (
                said,
                f"<b>{one.invariance.value.replace('_', ' ').capitalize()}</b>",
                escape(UNCHANGED[one.invariance]) + (f"<br>first: {escape(one.example)}" if one.example else ""),
                rule,
                f"{one.compared:,}",
                number(one.largest),
            )
        )
    head = ("Verdict", "Not on", "What was changed", "Answers must be", "Compared", "Largest difference")
    return table(head, rows, numeric=(4, 5))


def time_table(alone: Mapping[CaseClass, Sequence[float]], *, limit_ms: float) -> str:
    """Return how long the requests of each class took, one at a time."""
    rows = [
        (
            f"<b>{kind.value.replace('_', ' ').capitalize()}</b>",
            f"{len(times):,}",
            f"{statistics.median(times):.2f} ms",
            f"{max(times):.2f} ms",
        )
        for kind, times in alone.items()
        if times
    ]
    note = f"The objective is {limit_ms:g} ms. What took longer was asked again, beside a plain row."
    return table(("Class", "Requests", "Median", "Longest"), rows, numeric=(1, 2, 3)) + f'<p class="small">{note}</p>'
