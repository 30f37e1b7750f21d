"""What the quality gate found, as measurements: the comparison with the champion, and parts that nobody declared."""

from __future__ import annotations

from typing import Any

from slipway.core.spec import ModelSpec
from slipway.core.verdict import Bound, Measurement
from slipway.quality.compare import Comparison
from slipway.quality.discover import MATERIAL, MATERIAL_ALONE, MATERIAL_LOSS, Found, Harm, Search

FAIR_ROWS = 30


def comparison_measurements(comparison: Comparison, spec: ModelSpec, *, fair: bool = True) -> tuple[Measurement, ...]:
    """Return the judged upper end of the differences, and beside it what is only recorded.

    ``fair`` is whether the champion was trained on none of the rows.
    """
    name, rows, margin = comparison.metric, comparison.rows, spec.quality.champion_margin
    low, high, upper = comparison.low, comparison.high, comparison.upper
    seen = "the interval is not defined" if low is None or high is None else f"95 % interval [{low:.4g}, {high:.4g}]"
    note = f"upper end; positive is better than the champion; {seen}, estimate {comparison.difference:.4g}"
    if upper is not None and upper >= 0 > comparison.difference:
        note += "; not worse at all with 99 % confidence"
    if not fair and upper is not None and upper < -margin:
        upper, note = None, f"the champion was trained on most of these rows, which flatters it; {note}"
    return (
        Measurement(
            name=f"champion.{name}_difference",
            value=upper,
            threshold=0.0 - margin,
            bound=Bound.MIN,
            n=rows,
            n_required=min(FAIR_ROWS, spec.quality.min_rows),
            note=note,
        ),
        Measurement(name=f"champion.{name}", value=comparison.champion, n=rows, note="the champion on the same rows"),
        Measurement(name=f"champion.{name}_difference_estimate", value=comparison.difference, n=rows),
        Measurement(
            name=f"champion.{name}_resolution",
            value=comparison.resolution,
            n=rows,
            note="half the width of the 95 % interval",
        ),
        Measurement(
            name=f"champion.{name}_detectable",
            value=comparison.detectable(margin),
            n=rows,
            note="a version that is truly so much worse is stopped with a probability of 80 %",
        ),
        Measurement(
            name=f"champion.{name}_within_margin",
            value=comparison.within(margin),
            n=rows,
            note="the share of the bootstrap's draws in which the version is not worse by more than the margin",
        ),
    )


def search_measurements(parts: Search) -> list[Measurement]:
    """Return the largest sure excess of undeclared parts, held against what matters; only recorded without a search."""
    limits = {Harm.BIAS: MATERIAL if parts.beside else MATERIAL_ALONE}
    if parts.beside:
        limits[Harm.LOSS] = MATERIAL_LOSS
    said = f"{parts.asked} of {parts.parts} parts asked about"
    found = []
    for harm, limit in limits.items():
        shown = [part for part in parts.found if part.harm is harm and (part.harmful or not part.sure)]
        worst = f"; worst: {shown[0].sentence()}" if shown else ""
        found.append(
            Measurement(
                name=f"undeclared_parts.{harm}",
                value=parts.worst(harm),
                threshold=limit if parts.parts else None,
                bound=Bound.MAX if parts.parts else None,
                n=parts.rows,
                note=said + worst if parts.parts else "too few rows to cut into parts",
            )
        )
    found.append(
        Measurement(
            name="undeclared_parts.detectable_bias",
            value=parts.detectable,
            n=parts.rows,
            note="so large a mean error on a fifth of the rows is found with a probability of 80 %",
        )
    )
    return found


def part_json(part: Found) -> dict[str, Any]:
    """Return a part as JSON values."""
    shown = ("label", "rows", "value", "low", "high", "rival", "excess", "limit", "chance")
    return {"harm": part.harm.value, "harmful": part.harmful} | {name: getattr(part, name) for name in shown}
