"""The scenario report: one self-contained HTML page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from slipway.core.identity import Subject
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Measurement, decide
from slipway.errors import shorten
from slipway.reporting.page import card, own_file, tiles
from slipway.reporting.page import page as framed
from slipway.reporting.tables import chip, measurement_table, table
from slipway.scenarios.explain import Explained
from slipway.scenarios.measure import counts, json_safe
from slipway.scenarios.metamorphic import Held
from slipway.scenarios.method import DERIVED, METHOD
from slipway.scenarios.plot import scatter
from slipway.scenarios.shown import invariance_table, power_table, time_table
from slipway.scenarios.suite import CaseClass, FailureKind, Result

SAMPLES = 12
CELL = 90
TICKED = re.compile("`([^`]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that the report tells."""

    spec: ModelSpec
    subject: Subject
    measurements: tuple[Measurement, ...]
    results: Sequence[Result]
    explained: Sequence[Explained]
    seed: int
    stopped: str = ""
    held: Sequence[Held] = ()
    alone: Mapping[CaseClass, Sequence[float]] = field(default_factory=dict)
    waits: int = 0
    power: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)


def page(story: Story) -> str:
    """Return the report as HTML; nothing in it is loaded from elsewhere."""
    by_name = {m.name: m for m in story.measurements}
    failed = int(by_name["scenarios.failed"].value or 0)
    stopped = f'<p class="note bad">Stopped early: {escape(story.stopped)}.</p>' if story.stopped else ""
    parts = [
        tiles(_figures(story, by_name, failed)),
        stopped,
        card("What decided", measurement_table(story.measurements)),
        card("By class of request", _classes(story.results)),
        card("What this can find", _power(story)) if story.power else "",
        card("What no answer may depend on", invariance_table(story.held)) if story.held else "",
        card("Failures", _failures(story.explained, failed)),
        _plot(story),
        card("Some of the cases", *(_samples(kind, story.results) for kind in CaseClass)),
        card("How long a request takes by itself", time_table(story.alone, limit_ms=story.spec.objectives.p99_ms)),
        card("How the cases were derived", f"<p>{escape(METHOD.format(seed=story.seed))}</p>"),
        '<p class="footnote">Every case, one a line: <a href="scenarios.jsonl">scenarios.jsonl</a></p>',
    ]
    return framed(
        "Scenarios",
        story.subject,
        parts,
        outcome=decide(story.measurements).outcome,
        lead="The running service over HTTP, against an independent reference.",
        css=own_file(__file__, "report.css"),
    )


def _figures(story: Story, values: Mapping[str, Measurement], failed: int) -> list[tuple[str, object, str]]:
    largest = values["answers.largest_difference"].value
    power = values["detection.power_at_half_percent"]
    reference = story.spec.reference
    return [
        ("cases", len(story.results), ""),
        ("HTTP requests", int(values["scenarios.requests"].value or 0), ""),
        ("failed", failed, "bad" if failed else "good"),
        ("largest difference from the reference", "none" if largest is None else f"{largest:.2g}", ""),
        (
            f"relative tolerance, and {reference.absolute_tolerance:g} absolute",
            f"{reference.relative_tolerance:g}",
            "",
        ),
        (f"chance to find a fault in 0.5 % of rows ({power.n:,} rows)", f"{power.value or 0:.2%}", ""),
    ]


def _classes(results: Sequence[Result]) -> str:
    rows = []
    for kind, (total, bad) in counts(results).items():
        share = 100 * bad / total if total else 0
        if not total:
            unsent = any(result.case.kind is kind for result in results)
            said = chip("not sent", "INCONCLUSIVE") if unsent else chip("no case applies")
        else:
            said = chip(f"{bad:,} failed", "FAILED") if bad else chip("all as expected", "PASSED")
        bar = f'<div class="share"><i style="width:{100 - share:.1f}%"></i></div>' if total else ""
        rows.append((said, f"<b>{_words(kind)}</b>", escape(DERIVED[kind]), f"{total:,}", bar))
    return table(("Verdict", "Class", "Derived from", "Cases", ""), rows, numeric=(3,))


def _power(story: Story) -> str:
    by_name = {m.name: m for m in story.measurements}
    said = f"<p>In range: {escape(by_name['detection.power_at_half_percent'].note)}.</p>"
    return said + power_table(story.power, story.sources)


def _failures(explained: Sequence[Explained], failed: int) -> str:
    if not failed:
        return '<p class="note good">Every answer agreed with the reference; every policy held.</p>'
    cases = "1 case" if failed == 1 else f"{failed:,} cases"
    head = f"<p>{cases} failed. The smallest failing requests, one of each kind first:</p>"
    return head + "".join(_failure(number, one) for number, one in enumerate(explained, start=1))


def _failure(number: int, one: Explained) -> str:
    failure = one.result.failure
    if failure is None:
        return ""
    told = (TICKED.sub(r"<code>\1</code>", escape(cause)) for cause in one.causes)
    causes = "".join(f"<li>The served answers are the reference's <b>{cause}</b>.</li>" for cause in told)
    columns = ", ".join(f"<code>{escape(column)}</code>" for column in one.columns) or "no single one"
    similar = f" and {one.similar - 1:,} more like it" if one.similar > 1 else ""
    return (
        f"<article><h3>{number}. {_words(failure.kind)} "
        f"<small>{escape(one.result.case.kind.value)} · “{escape(one.original)}”{similar}</small></h3>"
        f"<p>{escape(shorten(failure.message, 600))}</p>{f'<ul>{causes}</ul>' if causes else ''}"
        f'<div class="two"><div><span>served (HTTP {one.result.status or "none"})</span>'
        f"<pre>{_shown(failure.served)}</pre></div>"
        f"<div><span>expected</span><pre>{_shown(failure.expected)}</pre></div></div>"
        f"<p>Features that matter: {columns}</p><span>smallest payload</span>"
        f"<pre>{_payload(one)}</pre><span>to repeat it (a click selects all of it)</span>"
        f'<pre class="copy">{escape(shorten(one.curl, 14_000))}</pre></article>'
    )


def _payload(one: Explained) -> str:
    """Return the payload with the features that matter marked."""
    if one.result.case.body is not None or len(one.result.case.rows) != 1:
        return escape(shorten(one.body.decode("utf-8", "replace"), 4000))
    lines = []
    for name, value in one.result.case.rows[0].items():
        text = escape(f"{json.dumps(name, ensure_ascii=False)}: {_json(value)}")
        lines.append(f"<mark>{text}</mark>" if name in one.columns else text)
    return "{" + ", ".join(lines) + "}"


def _plot(story: Story) -> str:
    points = [
        (want, got, result.failure is not None)
        for result in story.results
        if result.case.kind is not CaseClass.OUT_OF_RANGE
        for got, want in zip(_numbers(result.answers), _numbers(result.expectation.answers), strict=False)
        if got is not None and want is not None
    ]
    picture = scatter(points, unit=escape(story.spec.signature.output.unit))
    caption = "Each dot is an answer: the reference's across, the served one up. Right answers lie on the line; "
    caption += "out-of-range cases are left out."
    drawn = f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"
    return card("Served against reference", drawn) if picture else ""


def _samples(kind: CaseClass, results: Sequence[Result]) -> str:
    members = [result for result in results if result.case.kind is kind]
    if not members:
        return ""
    # Failures first, then an even sample, so that a class of a thousand shows more than its first dozen.
    wrong = [r for r in members if r.failure is not None][:SAMPLES]
    right = [r for r in members if r.failure is None]
    shown = wrong + right[:: max(1, len(right) // SAMPLES)][:SAMPLES]
    cases = table(("Verdict", "Case", "Sent", "Expected", "Got"), [_sample(result) for result in shown])
    return (
        f"<details><summary>{_words(kind)} <small>{len(shown)} of {len(members):,}</small></summary>{cases}</details>"
    )


def _sample(result: Result) -> tuple[str, ...]:
    case, expected = result.case, result.expectation
    if case.body is not None:
        sent = case.body.decode("utf-8", "replace")
    elif len(case.rows) == 1 and case.columns:
        sent = ", ".join(f"{name} = {_json(case.rows[0].get(name))}" for name in case.columns)
    else:
        sent = f"{len(case.rows)} row{'s' if len(case.rows) > 1 else ''} as {case.form.value}"
    wanted = (
        _answers(expected.answers) if expected.answered else f"HTTP {' or '.join(map(str, sorted(expected.statuses)))}"
    )
    flags = sorted({flag.column for flag in expected.flags})
    wanted += f" · flags {', '.join(flags)}" if flags else ""
    got = _answers(result.answers) if result.answers else f"HTTP {result.status}" if result.status else "nothing"
    if result.failure is not None:
        state = chip("failed", "FAILED")
    else:
        state = chip("passed", "PASSED") if result.sent else chip("unsent", "INCONCLUSIVE")
    cells = (case.name, shorten(sent, CELL), shorten(wanted, CELL), shorten(got, CELL))
    return (state, *(escape(cell) for cell in cells))


def _words(name: CaseClass | FailureKind) -> str:
    return escape(name.value.replace("_", " ").capitalize())


def _answers(answers: Sequence[Any]) -> str:
    few = ", ".join(f"{a:.6g}" if isinstance(a, float) else repr(a) for a in answers[:3])
    return few + (f", … ({len(answers)})" if len(answers) > 3 else "")


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else _json(value)
    return escape(shorten(text, 800))


def _json(value: Any) -> str:
    return json.dumps(json_safe(value), ensure_ascii=False)


def _numbers(answers: Sequence[Any]) -> list[float | None]:
    """Return the first few answers; None for one that is not a number to draw."""
    safe = [json_safe(answer) for answer in answers[:20]]
    return [float(a) if isinstance(a, int | float) and not isinstance(a, bool) else None for a in safe]
