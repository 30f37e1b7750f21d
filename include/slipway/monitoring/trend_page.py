"""One page for a model's weeks: newest verdict, open alerts, every check day by day. It loads nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from html import escape
from itertools import groupby
from pathlib import Path

from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.monitoring.alerts import Alert, AlertState
from slipway.monitoring.sparks import spark, strip
from slipway.monitoring.trend import Series, Trend
from slipway.monitoring.values import Severity
from slipway.reporting.page import card, document, own_file, tiles
from slipway.reporting.tables import chip, number, outcome_chip, table
from slipway.runtime.files import write_text

SHORT_DAYS = 30
_RECENT = 20
_SMALL = 4
_MANY, _FIRST = 48, 24
Link = Callable[[str], str]


def write_trend(trend: Trend, path: Path, *, link: Link = str) -> Path:
    """Write the page; a reader sees the old one or the new one."""
    write_text(path, trend_page(trend, link=link))
    return path


def trend_page(trend: Trend, *, link: Link = str) -> str:
    """Return the page.

    Parameters
    ----------
    trend : Trend
    link : callable
        Turns a report's path, as it was recorded, into an address that the page can point to.
    """
    outcome = trend.outcome
    verdict = "" if outcome is None else f" {outcome_chip(outcome)}"
    heading = f"<h1>{escape(f'Monitoring: {trend.model}')}{verdict}</h1>"
    if not trend.series:
        empty = card("Nothing recorded", note=f"No check has run from {trend.since} to {trend.until}.")
        return document(f"Monitoring: {trend.model}", [heading, empty], css=own_file(__file__, "trend.css"), wide=True)
    parts = [
        heading,
        f'<p class="lead">{escape(_lead(trend))}</p>',
        tiles(_figures(trend)),
        _standing(trend),
        *_switch(trend),
        _verdicts(trend, link),
        *_groups(trend),
        _past(trend),
        _numbers(trend),
    ]
    return document(f"Monitoring: {trend.model}", parts, css=own_file(__file__, "trend.css"), wide=True)


def _lead(trend: Trend) -> str:
    newest = [s.newest.outcome for s in trend.series if s.newest.outcome is not None]
    failed, untold = newest.count(Outcome.FAILED), newest.count(Outcome.INCONCLUSIVE)
    day = max(run.day for run in trend.runs)
    said = [f"{failed} failed" if failed else "", f"{untold} cannot be told" if untold else ""]
    found = " and ".join(part for part in said if part) or "all passed"
    return f"Newest day {day:%d %B %Y}, version {trend.version}: of {len(newest)} judged numbers {found}."


def _figures(trend: Trend) -> list[tuple[str, object] | tuple[str, object, str]]:
    standing = [a for a in trend.alerts if a.state is AlertState.OPEN]
    pages = sum(a.severity is Severity.PAGE for a in standing)
    newest = [s.newest.outcome for s in trend.series]
    failed = newest.count(Outcome.FAILED)
    return [
        ("open pages", pages, "bad" if pages else "good"),
        ("open notes", len(standing) - pages),
        ("numbers within their limit", newest.count(Outcome.PASSED), "good"),
        ("beyond it", failed, "bad" if failed else ""),
        ("cannot be told", newest.count(Outcome.INCONCLUSIVE)),
        ("days watched", len({run.day for run in trend.runs})),
        ("version that answers", f"v{trend.version}"),
    ]


def _standing(trend: Trend) -> str:
    standing = [a for a in trend.alerts if a.state is AlertState.OPEN]
    if not standing:
        return card("Open alerts", note="None.")
    rows = [
        (
            chip(alert.severity.value),
            f"<b>{escape(alert.cause)}</b><br><span class=small>version {alert.version}</span>",
            escape(_since(alert)),
            f'{escape(alert.said)}<br><span class="small">What to do: {escape(alert.next_step)}.</span>',
        )
        for alert in standing
    ]
    shown = table(("", "Cause", "Seen", "What was seen, and what to do next"), rows)
    return card("Open alerts", f'<div class="alerts">{shown}</div>')


def _since(alert: Alert) -> str:
    first, last = alert.first_seen, alert.last_seen
    return f"{first:%d %b}" if first == last else f"{first:%d %b} to {last:%d %b}"


def _switch(trend: Trend) -> Iterator[str]:
    days = (trend.until - trend.since).days + 1
    yield '<input class="span" type="radio" name="span" id="short" checked>'
    yield '<input class="span" type="radio" name="span" id="long">'
    yield (
        f'<div class="switch">Show <label for="short">{min(SHORT_DAYS, days)} days</label>'
        f'<label for="long">{days} days</label></div>'
    )


def _both(trend: Trend, draw: Callable[[Trend], str]) -> str:
    short = draw(trend.within(SHORT_DAYS))
    return f'<div class="for-short">{short}</div><div class="for-long">{draw(trend)}</div>'


def _verdicts(trend: Trend, link: Link) -> str:
    drawn = _both(trend, lambda t: strip(t.runs, t.since, t.until, t.changes))
    reports = [
        f'<a href="{escape(link(run.report))}">{escape(run.check)}</a>' for run in trend.newest_runs if run.report
    ]
    linked = f'<p class="small">Newest reports: {" · ".join(reports)}</p>' if reports else ""
    return card("Verdicts, day by day", drawn, _KEY, linked)


_KEY = (
    '<p class="key"><span><svg><rect class="cell ok" width="20" height="12" rx="2"/></svg>passed</span>'
    '<span><svg><rect class="cell bad" width="20" height="12" rx="2"/></svg>failed</span>'
    '<span><svg><rect class="cell unsure" width="20" height="12" rx="2"/></svg>cannot be told</span>'
    '<span><svg><line class="limit" x1="0" x2="22" y1="6" y2="6"/></svg>limit</span>'
    '<span><svg><path class="flag page" d="M9 11l-4.5 -8h9z"/></svg>page since</span>'
    '<span><svg><path class="flag note" d="M9 11l-4.5 -8h9z"/></svg>note since</span>'
    '<span><svg><line class="change" x1="10" x2="10" y1="0" y2="12"/></svg>another version answers</span></p>'
)


def _groups(trend: Trend) -> Iterator[str]:
    """Return a card for each check; small ones in which all is well share the last."""
    brief = trend.within(SHORT_DAYS)
    short = {(s.check, s.name): s for s in brief.series}
    together: list[Series] = []
    for check, group in groupby(trend.series, key=lambda s: s.check):
        members = list(group)
        if len(members) <= _SMALL and all(s.newest.outcome in (Outcome.PASSED, None) for s in members):
            together += members
        else:
            first, rest = (members, []) if len(members) <= _MANY else (members[:_FIRST], members[_FIRST:])
            more = f"<details><summary>{len(rest)} more</summary>{_items(trend, brief, rest, short)}</details>"
            yield card(f"{check}: {_count(members)}", _items(trend, brief, first, short), more if rest else "")
    if together:
        checks = ", ".join(sorted({s.check for s in together}))
        yield card(f"{checks}: {_count(together)}", _items(trend, brief, together, short, named=True))


def _items(
    trend: Trend, brief: Trend, members: list[Series], short: dict[tuple[str, str], Series], *, named: bool = False
) -> str:
    shown = []
    for series in members:
        near = short.get((series.check, series.name))
        drawn = spark(near, brief.since, brief.until, brief.changes) if near else "<p>no run in these days</p>"
        far = spark(series, trend.since, trend.until, trend.changes)
        title = series.name if named else series.short_name
        plots = f'<div class="for-short">{drawn}</div><div class="for-long">{far}</div>'
        shown.append(f'<div class="item">{_title(series, title)}{plots}</div>')
    return f'<div class="sparks">{"".join(shown)}</div>'


def _count(members: list[Series]) -> str:
    counts = {word: sum(s.newest.outcome is o for s in members) for o, word in _WORDS.items()}
    return ", ".join(f"{n} {word}" for word, n in counts.items() if n) or "recorded"


_WORDS = {Outcome.FAILED: "failed", Outcome.INCONCLUSIVE: "cannot be told", Outcome.PASSED: "passed"}


def _title(series: Series, title: str) -> str:
    newest = series.newest
    tone = "" if newest.outcome is None else newest.outcome.value
    return (
        f'<h3><span title="{escape(series.name)}">{escape(title)}</span>'
        f'<b class="{tone}">{escape(number(newest.value, newest.unit))}</b></h3>'
        f'<p title="{escape(newest.note)}">{escape(_limit(newest))}</p>'
    )


def _limit(measurement: Measurement) -> str:
    few = f" of {measurement.n_required:,} needed" if measurement.n < measurement.n_required else ""
    rows = f"n = {measurement.n:,}{few}"
    if measurement.threshold is None:
        return f"recorded · {rows}"
    side = "at most" if measurement.bound is Bound.MAX else "at least"
    return f"{side} {number(float(measurement.threshold), measurement.unit)} · {rows}"


def _past(trend: Trend) -> str:
    past = [a for a in trend.alerts if a.state is AlertState.CLOSED]
    if not past:
        return ""
    rows = [
        (chip(a.severity.value), f"<b>{escape(a.cause)}</b>", escape(_since(a)), escape(a.said)) for a in past[:_RECENT]
    ]
    more = f"The newest {_RECENT} of {len(past)}." if len(past) > _RECENT else ""
    shown = table(("", "Cause", "Seen", "What was seen last"), rows)
    return card("Alerts that are over", f'<div class="alerts">{shown}</div>', note=more)


def _numbers(trend: Trend) -> str:
    """Return the numbers of the short span as a table, newest day first: for reading, copying and screen readers."""
    brief = trend.within(SHORT_DAYS)
    days = [brief.until - timedelta(days=back) for back in range((brief.until - brief.since).days + 1)]
    shown = [day for day in days if any(run.day == day for run in brief.runs)]
    rows = [(f"<code>{escape(s.name)}</code>", escape(_limit(s.newest)), *_cells(s, shown)) for s in brief.series]
    header = ("Number", "Limit", *(f"{day:%d %b}" for day in shown))
    body = table(header, rows, numeric=range(2, len(header)))
    opened = f"<details><summary>All numbers of {len(shown)} days, newest first</summary>"
    return f'<section class="card numbers">{opened}{body}</details></section>'


def _cells(series: Series, days: Iterable[date]) -> Iterator[str]:
    for day in days:
        found = [p.measurement for p in series.points if p.day == day]
        yield " / ".join(_value(m) for m in found) or "·"


def _value(measurement: Measurement) -> str:
    tone = "" if measurement.outcome is None else measurement.outcome.value
    return f'<span class="{tone}">{escape(number(measurement.value))}</span>'
