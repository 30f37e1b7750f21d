"""The data gate's report: every expectation, what broke it, and what each column looks like."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from slipway.core.identity import Subject
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Measurement, decide
from slipway.errors import shorten
from slipway.quality.drift_report import against_champion
from slipway.quality.suite import RuleResult, Severity, Status
from slipway.quality.svg import histogram
from slipway.reporting.page import card, own_file, page, tiles
from slipway.reporting.tables import chip, measurement_table, table

if TYPE_CHECKING:
    import pandas as pd

    from slipway.quality.validate import DataReview

DATA_DOCS = '<p>The same as Great Expectations shows it: <a href="data_docs/index.html">Data Docs</a></p>'
BINS, MAX_FIGURES, MAX_QUARANTINED_SHOWN, MAX_TEXT = 24, 60, 20, 240


def render(review: DataReview, measurements: tuple[Measurement, ...], *, spec: ModelSpec, subject: Subject) -> str:
    """Return the report as one self-contained HTML page."""
    verdict = decide(measurements)
    held = sum(r.status is Status.HELD for r in review.results)
    figures = [
        *((f"rows in {name}", len(frame)) for name, frame in review.frames.items()),
        ("expectations held", f"{held} of {len(review.results)}"),
        ("rows set aside", sum(len(s.reasons) for s in review.splits.values())),
    ]
    parts = [
        tiles(figures),
        card("What decided", measurement_table(measurements)),
        _violations(review),
        against_champion(review, spec),
        card(
            f"Expectations of suite {review.suite.name}",
            _expectations(review.results),
            DATA_DOCS,
            note="fail stops the release; quarantine sets rows aside; warn is recorded and never blocks",
        ),
        _quarantined(review),
        card(
            "Columns of the training file",
            f'<div class="grid">{"".join(_figures(review.frames["train"], spec))}</div>',
        ),
    ]
    return page("Data validation", subject, parts, outcome=verdict.outcome, css=own_file(__file__, "report.css"))


def result_word(result: RuleResult) -> str:
    """Return the word for a result: what it means for the release, given its severity."""
    if result.rule.severity is Severity.QUARANTINE and result.rows:
        return "QUARANTINED"
    if result.status is Status.HELD:
        return "PASSED"
    if result.rule.severity is Severity.WARN:
        return "WARNING"
    return "INCONCLUSIVE" if result.status is Status.ERROR else "FAILED"


def _expectations(results: tuple[RuleResult, ...]) -> str:
    order = ["FAILED", "INCONCLUSIVE", "QUARANTINED", "WARNING"]
    broken = sorted((r for r in results if result_word(r) != "PASSED"), key=lambda r: order.index(result_word(r)))
    held = [r for r in results if result_word(r) == "PASSED"]
    shown = _result_table(broken) if broken else "<p>Every expectation held.</p>"
    return f"{shown}<details><summary>{len(held)} that held</summary>{_result_table(held)}</details>"


def _result_table(results: list[RuleResult]) -> str:
    rows = [
        (
            chip(result_word(r)),
            escape(r.file),
            f"<code>{escape(shorten(r.rule.sentence, MAX_TEXT))}</code>",
            escape(r.rule.severity.value),
            escape(shorten(r.message or r.observed, MAX_TEXT)),
            f"<code>{escape(', '.join(r.examples))}</code>",
            f'<span class="small">{escape(r.rule.why)}</span>',
        )
        for r in results
    ]
    return table(("Verdict", "File", "Expectation", "Severity", "Observed", "Unexpected values", "Why"), rows)


def _violations(review: DataReview) -> str:
    rows = [
        (chip("FAILED"), escape(source), escape(name), f"<code>{escape(v.column)}</code>", escape(v.sentence()))
        for source, by_file in (("signature", review.signature), ("contract", review.contract))
        for name, found in by_file.items()
        for v in found
    ]
    if not rows:
        return ""
    return card("Broken promises", table(("Verdict", "Declared in", "File", "Column", "What is wrong"), rows))


def _quarantined(review: DataReview) -> str:
    rows = [
        (escape(name), str(row), escape(reason))
        for name, split in review.splits.items()
        for row, reason in split.reasons.items()
    ]
    if not rows:
        return ""
    shown = table(("File", "Row", "Reason"), rows[:MAX_QUARANTINED_SHOWN], numeric=(1,))
    return card("Rows set aside", shown, note=f"{len(rows)} rows; all of them are in quarantine.parquet")


def _figures(frame: pd.DataFrame, spec: ModelSpec) -> Iterator[str]:
    names = [n for n in (*spec.to_signature().names, spec.quality.label) if n in frame.columns]
    for name in names[:MAX_FIGURES]:
        missing = int(frame[name].isna().sum())
        unit = {c.name: c.unit for c in spec.to_signature().inputs}.get(name, "1")
        said = f"{name}{'' if unit == '1' else f' [{unit}]'}" + (f", {missing} missing" if missing else "")
        yield f"<figure>{_drawn(frame[name])}<figcaption>{escape(said)}</figcaption></figure>"


def _drawn(series: pd.Series) -> str:
    if series.dtype.kind in "iuf":
        values = series.to_numpy(dtype=float, na_value=np.nan)
        values = values[np.isfinite(values)]
        if len(values):
            counts, edges = np.histogram(values, bins=BINS)
            return histogram(counts.tolist(), edges.tolist())
    top = series.astype(str).value_counts().head(3)
    return f'<p class="small">{escape(", ".join(f"{value}: {count}" for value, count in top.items()))}</p>'
