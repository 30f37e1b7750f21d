"""What the rows that were compared can find, class by class, and how far the answers lay from the reference's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from slipway.core.golden import ulps_between
from slipway.core.signature import Signature
from slipway.scenarios.compare import is_number
from slipway.scenarios.measure import power, power_sentence
from slipway.scenarios.pools import RowClass, row_class
from slipway.scenarios.suite import CaseClass, Result

BY_THEMSELVES = "by_themselves"


def detection_power(results: Sequence[Result], signature: Signature) -> dict[str, Any]:
    """Return, for each class of row, how many different ones were compared, and the chance that they meet a rare fault.

    The chance is that of a fault in half a percent of the rows *of that class*. It holds for faults that pick rows
    regardless of how they were drawn; one that hides in a corner of the ranges is met as often as rows are drawn there.
    """
    rows: dict[RowClass, set[str]] = {kind: set() for kind in RowClass}
    classes: dict[str, RowClass | None] = {}
    single: set[str] = set()
    for result in results:
        for row in result.case.rows if result.compared else ():
            key = json.dumps(row, sort_keys=True)
            if key not in classes:
                classes[key] = row_class(row, signature)
            if len(result.case.rows) == 1:
                single.add(key)
    for key, kind in classes.items():
        if kind is not None:
            rows[kind].add(key)
    return {
        kind.value: {
            "rows": len(keys),
            BY_THEMSELVES: len(keys & single),
            "power": power(len(keys)),
            "sentence": power_sentence(len(keys)),
        }
        for kind, keys in rows.items()
    }


def sources(results: Sequence[Result]) -> dict[str, int]:
    """Return how many of the different in-range rows that were compared come from where."""
    told = {
        json.dumps(row, sort_keys=True): source
        for result in results
        if result.case.kind is CaseClass.IN_RANGE and result.compared
        for row, source in zip(result.case.rows, result.case.sources, strict=False)
    }
    return dict(Counter(told.values()))


def largest_ulps(results: Sequence[Result], *, single: bool) -> Mapping[str, Any] | None:
    """Return the answer that lies the most units in the last place from the reference's; None if there is no number."""
    furthest: tuple[int, float, float] | None = None
    for result in results:
        for got, want in zip(result.answers, result.expectation.answers, strict=False):
            if is_number(got) and is_number(want):
                far = ulps_between(float(got), float(want), single=single)
                furthest = max(furthest or (-1, 0.0, 0.0), (far, float(got), float(want)), key=lambda one: one[0])
    if furthest is None:
        return None
    precision = "single" if single else "double"
    return {"ulps": furthest[0], "served": furthest[1], "reference": furthest[2], "precision": precision}
