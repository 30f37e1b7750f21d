"""The latency of each load test over time, as inline SVG with its limits. Values in, text out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from slipway.core.verdict import Outcome
from slipway.fleet.frame import report_address
from slipway.fleet.values import Load
from slipway.reporting.tables import number

WIDTH, HEIGHT = 560, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 66, 14, 38
_SERIES: tuple[tuple[str, Callable[[Load], float | None], Callable[[Load], float | None]], ...] = (
    ("p99", lambda load: load.p99, lambda load: load.p99_limit),
    ("p95", lambda load: load.p95, lambda load: load.p95_limit),
)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Load tests, evenly spaced, and milliseconds from 0 to pixels."""

    count: int
    high: float

    def x(self, index: int) -> float:
        room = WIDTH - _LEFT - _RIGHT
        return _LEFT + (room / 2 if self.count == 1 else index * room / (self.count - 1))

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - value / self.high * (HEIGHT - _TOP - _BOTTOM)


def latency_plot(loads: Sequence[Load]) -> str:
    """Return p95 and p99 of each load test, oldest first, beside their limits; empty if there is no number."""
    values = [v for load in loads for v in (load.p95, load.p99, load.p95_limit, load.p99_limit) if v is not None]
    if not values:
        return ""
    scale = _Scale(len(loads), max(values) * 1.08 or 1.0)
    said = "p95 and p99 of each load test, in milliseconds, with their limits"
    parts = [*_grid(scale), *_versions(loads, scale)]
    for name, value, limit in _SERIES:
        parts += _line(name, "limit", loads, limit, scale)
        parts += _line(name, "line", loads, value, scale)
        parts += _dots(name, loads, value, limit, scale)
    return f'<svg class="latency" role="img" aria-label="{said}" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg>'


def _grid(scale: _Scale) -> list[str]:
    parts = []
    for share in (0.0, 0.5, 1.0):
        value = scale.high / 1.08 * share
        y = scale.y(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{value:.0f} ms</text>')
    return parts


def _versions(loads: Sequence[Load], scale: _Scale) -> list[str]:
    """Return the versions below the axis, each once where it begins, and the first and last day."""
    parts, before, free = [], None, -1.0
    for index, load in enumerate(loads):
        x = scale.x(index)
        if load.version != before and x >= free:
            parts.append(
                f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 22}" text-anchor="middle">v{load.version}</text>'
            )
            free = x + 26
        before = load.version
    ends = (
        [(loads[0], "start", _LEFT), (loads[-1], "end", WIDTH - _RIGHT)]
        if len(loads) > 1
        else [(loads[0], "middle", scale.x(0))]
    )
    parts += [
        f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{load.at:%d %b %Y}</text>'
        for load, anchor, x in ends
    ]
    return parts


def _line(
    name: str, kind: str, loads: Sequence[Load], value: Callable[[Load], float | None], scale: _Scale
) -> list[str]:
    """Return a line through what there is; one test alone has its limit as a short dash."""
    found = [(scale.x(i), scale.y(v)) for i, load in enumerate(loads) if (v := value(load)) is not None]
    if not found:
        return []
    if len(found) == 1 and kind == "limit":
        (x, y), *_ = found
        found = [(x - 60, y), (x + 60, y)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in found)
    x, y = found[-1]
    label = "" if kind == "line" else f'<text class="tick end" x="{x + 6:.1f}" y="{y + 3:.1f}">{name} limit</text>'
    return [f'<polyline class="{kind} {name}" points="{points}"/>{label}']


def _dots(
    name: str,
    loads: Sequence[Load],
    value: Callable[[Load], float | None],
    limit: Callable[[Load], float | None],
    scale: _Scale,
) -> list[str]:
    parts = []
    for index, load in enumerate(loads):
        found = value(load)
        if found is None:
            continue
        said = f"version {load.version}, {load.at:%Y-%m-%d}: {name} {number(found, 'ms')}"
        bound = limit(load)
        said += "" if bound is None else f" of {number(bound, 'ms')}"
        beyond = bound is not None and found > bound
        # A test may fail for another reason than its percentiles: a dot is red for its own.
        tone = "bad" if beyond else "unsure" if load.outcome == Outcome.INCONCLUSIVE.value else "ok"
        dot = (
            f'<circle class="dot {name} {tone}" cx="{scale.x(index):.1f}" cy="{scale.y(found):.1f}" r="4">'
            f"<title>{escape(said)}, {escape(load.outcome)}</title></circle>"
        )
        parts.append(f'<a href="{escape(report_address(load.report))}">{dot}</a>' if load.report else dot)
    return parts
