"""The tables of a card: declared parts, inputs, data facts, and what else changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.cards.facts import CardFacts, Rival
from slipway.cards.snapshot import FileFacts
from slipway.core.evidence import Check, Evidence
from slipway.core.signature import Policy
from slipway.core.spec import ColumnSpec, ModelSpec, QualitySpec, Task
from slipway.reporting.tables import number

MAX_ROWS = 30
Rows = tuple[tuple[str, ...], ...]


def factors(quality: QualitySpec) -> Rows:
    """Return each declared part and group with what it must hold."""
    rows = [
        (part.label, part.metric.value, f"{'≥' if part.metric.higher_is_better else '≤'} {part.threshold:g}",
         f"{part.min_rows:,}")
        for part in quality.slices
    ]  # fmt: skip
    rows += [
        (
            fair.column if fair.split_at is None else f"{fair.column}, below and from {fair.split_at:g}",
            f"difference of {fair.metric}",
            f"≤ {fair.max_difference:g}",
            f"{fair.min_rows:,}",
        )
        for fair in quality.fairness
    ]
    return tuple(rows)


def threshold_note(spec: ModelSpec) -> str:
    """Return how answers become decisions in these metrics."""
    if spec.task is Task.CLASSIFICATION:
        return f"An answer of {spec.quality.positive_threshold:g} or more counts as positive."
    return ""


def file_facts(own: FileFacts, spec: ModelSpec) -> tuple[tuple[str, str], ...]:
    """Return the facts of one file of the snapshot."""
    gaps = sum(column.missing for column in own.columns.values())
    return (
        ("Dataset", spec.dataset),
        ("Rows", f"{own.rows:,}"),
        (f"Label, {spec.quality.label}", own.label),
        ("Missing values in inputs", f"{gaps:,}"),
        ("Digest", own.sha256),
    )


def inputs(facts: CardFacts) -> Rows:
    """Return one row for each declared input."""
    held = {} if facts.data is None else facts.data.train.columns
    rows = []
    for column in facts.spec.signature.inputs:
        own = held.get(column.name)
        rows.append(
            (
                column.name,
                column.dtype.value,
                "" if column.unit == "1" else column.unit,
                _declared(column),
                own.held if own else "-",
                f"{own.missing:,}" if own else "-",
                _policy(column.on_missing),
                _policy(column.on_out_of_range),
            )
        )
    return tuple(rows)


def output(spec: ModelSpec) -> str:
    """Return the output's name, range and unit."""
    out = spec.signature.output
    unit = "" if out.unit == "1" else f" {out.unit}"
    return f"{out.name}, {out.dtype.value}, {_bounds(out.min, out.max)}{unit}"


def changes(facts: CardFacts, rival: Rival) -> Rows:
    """Return what differs besides what was measured: data, packages, options; the other version's value first."""
    theirs = {item.check: item for item in rival.evidence}
    rows: list[tuple[str, ...]] = []
    if facts.data is not None and rival.data is not None:
        rows += _files("Training", rival.data.train, facts.data.train)
        rows += _files("Evaluation", rival.data.holdout, facts.data.holdout)
    for title, check, path in (
        ("Locked packages", Check.BUILD_IMAGE, ("image", "lock_sha256")),
        ("Python", Check.BUILD_IMAGE, ("image", "python_version")),
        ("Serving options", Check.TUNE_SERVING, ("options",)),
    ):
        there, here = _detail(theirs.get(check), path), _detail(facts.evidence.get(check), path)
        if there and here:
            rows.append((title, there, "the same" if there == here else here))
    return tuple(rows)


def _files(title: str, there: FileFacts, here: FileFacts) -> Rows:
    if there.sha256 == here.sha256:
        return ((f"{title} data", f"{there.rows:,} rows, sha256 {there.sha256[7:19]}…", "the same file"),)
    return tuple(
        (f"{title} {what}", before, now)
        for what, before, now in (
            ("rows", f"{there.rows:,}", f"{here.rows:,}"),
            ("label", there.label, here.label),
            ("file", f"sha256 {there.sha256[7:19]}…", f"sha256 {here.sha256[7:19]}…"),
        )
    )


def _detail(item: Evidence | None, path: tuple[str, ...]) -> str:
    found: Any = None if item is None else item.details
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is None:
        return ""
    if isinstance(found, Mapping):
        return ", ".join(f"{name} {value}" for name, value in sorted(found.items()))
    return f"{found[:19]}…" if str(found).startswith("sha256:") else str(found)


def _declared(column: ColumnSpec) -> str:
    if column.categories:
        return ", ".join(column.categories)
    return _bounds(column.min, column.max)


def _bounds(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "any"
    if low is None or high is None:
        return f"≤ {number(high)}" if low is None else f"≥ {number(low)}"
    return f"{number(low)} to {number(high)}"


def _policy(policy: Policy) -> str:
    said = policy.to_json()
    if isinstance(said, dict):
        return ", ".join(f"{name} {value}" for name, value in said.items())
    return str(said)
