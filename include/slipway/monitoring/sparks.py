"""Small inline SVG: a number over the days with its threshold, and a strip of verdicts. Values in, text out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from slipway.core.verdict import Outcome
from slipway.monitoring.trend import Change, Series
from slipway.monitoring.values import Point, Run
from slipway.reporting.tables import number

WIDTH, HEIGHT = 300, 92
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 16, 17
LABELS = 150
CELL_HEIGHT = 20
_CLASSES = {Outcome.PASSED: "ok", Outcome.FAILED: "bad", Outcome.INCONCLUSIVE: "unsure", None: "plain"}


@dataclass(frozen=True, slots=True)
class Scale:
    """Days and values to pixels; ``low`` and ``high`` are values that are there, or 0."""

    since: date
    until: date
    low: float
    high: float

    @classmethod
    def of(cls, points: Sequence[Point], since: date, until: date) -> Scale:
        """Return a scale that holds all values and thresholds, and 0 where that is not far."""
        found = [v for p in points for v in (p.measurement.value, p.measurement.threshold) if v is not None]
        low, high = min(found, default=0.0), max(found, default=1.0)
        low = 0.0 if 0 <= low < 0.4 * high else low
        return cls(since, until, low, high if high > low else low + (abs(low) or 1.0))

    def x(self, day: date) -> float:
        """Return a day's place."""
        return LEFT + (day - self.since).days / max((self.until - self.since).days, 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return a value's place."""
        return HEIGHT - BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def spark(series: Series, since: date, until: date, changes: Iterable[Change] = ()) -> str:
    """Return a number's small plot: line and dots, dashed threshold, alert bands, version changes."""
    scale = Scale.of(series.points, since, until)
    parts = [_axes(scale), *_alerts(series, scale), *_changes(changes, scale), *_threshold(series, scale)]
    by_version: dict[int, list[Point]] = defaultdict(list)
    for point in series.points:
        by_version[point.version].append(point)
    parts += [_line(points, scale) for points in by_version.values()]
    parts += _dots(series.points, scale)
    newest = series.newest
    said = f"{series.name}, {len(series.points)} days; newest: {newest.sentence()}"
    return (
        f'<svg class="spark" role="img" aria-label="{escape(said)}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f"<title>{escape(said)}</title>{''.join(parts)}</svg>"
    )


def strip(runs: Sequence[Run], since: date, until: date, changes: Iterable[Change] = ()) -> str:
    """Return one row of cells for each check, one cell a day, coloured by its worst verdict; version changes marked."""
    checks = sorted({run.check for run in runs})
    days = (until - since).days + 1
    width, height = 1240, TOP + 4 + CELL_HEIGHT * len(checks) + 18
    step = (width - LABELS - 4) / days
    worst: dict[tuple[str, date], list[Outcome | None]] = defaultdict(list)
    for run in runs:
        worst[run.check, run.day].append(run.outcome)
    parts = []
    for row, check in enumerate(checks):
        y = TOP + 4 + row * CELL_HEIGHT
        parts.append(f'<text class="name" x="{LABELS - 10}" y="{y + 14}" text-anchor="end">{escape(check)}</text>')
        for (of, day), outcomes in worst.items():
            if of == check:
                parts.append(_cell(day, outcomes, x=LABELS + (day - since).days * step, y=y, width=step))
    for change in changes:
        x = LABELS + (change.day - since).days * step
        parts.append(f'<line class="change" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{height - 16}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="11" text-anchor="middle">v{change.version}</text>')
    for day, anchor, x in ((since, "start", LABELS), (until, "end", width - 4)):
        parts.append(f'<text class="tick" x="{x}" y="{height - 4}" text-anchor="{anchor}">{day:%d %b %Y}</text>')
    named = "verdicts of each check, day by day"
    return f'<svg class="strip" role="img" aria-label="{named}" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'


def _cell(day: date, outcomes: Sequence[Outcome | None], *, x: float, y: float, width: float) -> str:
    judged = [outcome for outcome in outcomes if outcome is not None]
    outcome = Outcome.merge(judged) if judged else None
    said = f"{day}: {'recorded' if outcome is None else outcome.value}"
    return (
        f'<rect class="cell {_CLASSES[outcome]}" x="{x + 0.75:.1f}" y="{y + 2}" width="{max(width - 1.5, 1):.1f}" '
        f'height="{CELL_HEIGHT - 4}" rx="2"><title>{said}</title></rect>'
    )


def _axes(scale: Scale) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    return (
        f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{TOP}" y2="{TOP}"/>'
        f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
        f'<text class="tick" x="{LEFT - 5}" y="{TOP + 4}" text-anchor="end">{_short(scale.high)}</text>'
        f'<text class="tick" x="{LEFT - 5}" y="{bottom + 3}" text-anchor="end">{_short(scale.low)}</text>'
        f'<text class="tick" x="{LEFT}" y="{HEIGHT - 4}">{scale.since:%d %b}</text>'
        f'<text class="tick" x="{right}" y="{HEIGHT - 4}" text-anchor="end">{scale.until:%d %b}</text>'
    )


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else number(value)


def _threshold(series: Series, scale: Scale) -> list[str]:
    """Return the threshold as a dashed line, in steps where it changed."""
    given = [(p.day, p.measurement.threshold) for p in series.points if p.measurement.threshold is not None]
    if not given:
        return []
    corners = []
    for at, (day, limit) in enumerate(given):
        end = scale.x(given[at + 1][0]) if at + 1 < len(given) else WIDTH - RIGHT
        corners += [(scale.x(day) if at else LEFT, scale.y(limit)), (end, scale.y(limit))]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in _thinned(corners))
    return [f'<polyline class="limit" points="{path}"/>']


def _thinned(corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Leave out corners on a level line."""
    kept = corners[:1]
    for before, here, after in zip(corners, corners[1:], corners[2:], strict=False):
        if not before[1] == here[1] == after[1]:
            kept.append(here)
    return [*kept, corners[-1]]


def _line(points: Sequence[Point], scale: Scale) -> str:
    known = [(scale.x(p.day), scale.y(p.measurement.value)) for p in points if p.measurement.value is not None]
    return f'<polyline class="curve" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in known)}"/>' if known else ""


def _dots(points: Sequence[Point], scale: Scale) -> list[str]:
    """Return one dot a day, those of one verdict in one path; what has no value stands at the bottom."""
    marks: dict[str, list[str]] = defaultdict(list)
    for point in points:
        value = point.measurement.value
        y = HEIGHT - BOTTOM if value is None else scale.y(value)
        marks[_CLASSES[point.measurement.outcome]].append(f"M{scale.x(point.day):.1f} {y:.1f}h0")
    order = ("plain", "ok", "unsure", "bad")
    return [f'<path class="dot {css}" d="{"".join(marks[css])}"/>' for css in order if marks[css]]


def _alerts(series: Series, scale: Scale) -> list[str]:
    parts = []
    for alert in series.alerts:
        start, end = max(alert.first_seen, scale.since), min(alert.last_seen, scale.until)
        if end < scale.since or start > scale.until:
            continue
        left, right = scale.x(start), scale.x(end)
        parts.append(
            f'<rect class="band {alert.severity.value}" x="{left - 2:.1f}" y="{TOP}" width="{right - left + 4:.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}"/>'
        )
        if alert.first_seen >= scale.since:
            tip = f"M{left:.1f} {TOP - 3}l-4.5 -8h9z"
            said = escape(f"{alert.severity.value} since {alert.first_seen}")
            parts.append(f'<path class="flag {alert.severity.value}" d="{tip}"><title>{said}</title></path>')
    return parts


def _changes(changes: Iterable[Change], scale: Scale) -> list[str]:
    parts = []
    for change in changes:
        x = scale.x(change.day)
        parts.append(f'<line class="change" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{TOP - 6}" text-anchor="middle">v{change.version}</text>')
    return parts
