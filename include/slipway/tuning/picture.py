"""Throughput against p99 as SVG text: every configuration, the frontier, the chosen one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from slipway.tuning.candidates import name
from slipway.tuning.points import Point

WIDTH, HEIGHT = 1080, 420
LEFT, RIGHT, TOP, BOTTOM = 74, 26, 18, 44
FEWEST_TICKS = 4


class _Frame:
    """Where a p99 (logarithmic, ms) and a throughput lie on the picture, in pixels."""

    def __init__(self, points: Sequence[Point], limit_ms: float) -> None:
        latencies = [point.p99_ms or 0.0 for point in points]
        self.low, self.high = max(0.01, min(latencies) * 0.8), max(latencies) * 1.3
        if limit_ms < 4 * self.high:  # a limit far away would press all points into a corner
            self.high = max(self.high, limit_ms * 1.15)
        self.top = max([1.0, *(point.fastest for point in points)]) * 1.12

    def x(self, p99_ms: float) -> float:
        share = math.log(max(p99_ms, self.low) / self.low) / math.log(self.high / self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, throughput: float) -> float:
        return HEIGHT - BOTTOM - throughput / self.top * (HEIGHT - TOP - BOTTOM)


def picture(ordered: Sequence[Point], *, best: Sequence[Point], chosen: Point, limit_ms: float) -> str:
    """Return the picture; points are numbered as in ``ordered``, from 1. Those without a p99 are left out."""
    shown = [(at, point) for at, point in enumerate(ordered, start=1) if point.p99_ms is not None]
    if not shown:
        return '<p class="small">No configuration answered at the arrival rate.</p>'
    frame = _Frame([point for _, point in shown], limit_ms)
    parts = [_axes(frame), _limit(frame, limit_ms), _frontier(frame, best)]
    parts += [_point(frame, at, point) for at, point in shown]
    if chosen.p99_ms is not None:
        parts.append(_chosen(frame, chosen))
    label = "throughput against p99 of every configuration, with the frontier and the chosen one"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _axes(frame: _Frame) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>']
    for tick in _ticks(frame.top):
        at = frame.y(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tick:,g}</text>')
    for tick in _log_ticks(frame.low, frame.high):
        at = frame.x(tick)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{bottom + 4}"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{bottom + 17}" text-anchor="middle">{tick:g}</text>')
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text class="axis-name" x="{(LEFT + right) / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">'
        "p99 at the arrival rate, ms</text>"
        f'<text class="axis-name" transform="translate(16 {middle:.0f}) rotate(-90)" text-anchor="middle">'
        "requests/s at saturation</text>"
    )
    return "".join(parts)


def _limit(frame: _Frame, limit_ms: float) -> str:
    if not frame.low <= limit_ms <= frame.high:
        return ""
    at = frame.x(limit_ms)
    return (
        f'<line class="limit" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        f'<text class="limit-name" x="{at - 6:.1f}" y="{TOP + 12}" text-anchor="end">p99 limit {limit_ms:g} ms</text>'
    )


def _frontier(frame: _Frame, best: Sequence[Point]) -> str:
    path = " ".join(f"{frame.x(p.p99_ms or 0.0):.1f},{frame.y(p.throughput):.1f}" for p in best)
    return f'<polyline class="frontier" points="{path}"/>'


def _point(frame: _Frame, at: int, point: Point) -> str:
    x, y, final = frame.x(point.p99_ms or 0.0), frame.y(point.throughput), len(point.repeats) > 1
    css = "wrong" if point.wrong else ("point" if final else "screened")
    spread = (
        f'<line class="spread" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.y(point.slowest):.1f}" '
        f'y2="{frame.y(point.fastest):.1f}"/>'
        if final
        else ""
    )
    told = f"{name(point.options)}: {point.throughput:.0f}/s, p99 {point.p99_ms:.3g} ms"
    return (
        f'{spread}<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{5 if final else 4}"><title>{escape(told)}</title>'
        f'</circle><text class="mark" x="{x + 12:.1f}" y="{y + 4:.1f}">{at}</text>'
    )


def _chosen(frame: _Frame, point: Point) -> str:
    x, y = frame.x(point.p99_ms or 0.0), frame.y(point.throughput)
    side, shift = ("end", -14) if x > WIDTH / 2 else ("start", 22)
    return (
        f'<circle class="chosen" cx="{x:.1f}" cy="{y:.1f}" r="10"/>'
        f'<text class="chosen-name" x="{x + shift:.1f}" y="{y - 12:.1f}" text-anchor="{side}">'
        f"chosen: {escape(name(point.options))}</text>"
    )


def _ticks(high: float, count: int = 6) -> list[float]:
    """Return about ``count`` round ticks from 0 to ``high``.

    >>> _ticks(23)
    [0.0, 5.0, 10.0, 15.0, 20.0]
    """
    base = 10.0 ** math.floor(math.log10(high / count))
    step = next(base * factor for factor in (1, 2, 5, 10) if base * factor >= high / count)
    return [step * i for i in range(math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Return round ticks inside [low, high]: 1-2-5, or finer ones where those would be too few.

    >>> _log_ticks(1.5, 60), _log_ticks(1.5, 4.5)
    ([2.0, 5.0, 10.0, 20.0, 50.0], [1.5, 2.0, 2.5, 3.0, 4.0])
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    coarse, fine = (
        [tick for d in decades for step in steps if low <= (tick := round(step * 10.0**d, 9)) <= high]
        for steps in ((1, 2, 5), (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8))
    )
    return coarse if len(coarse) >= FEWEST_TICKS else fine
