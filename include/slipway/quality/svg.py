"""Small inline SVG charts: bars with limits, histogram, curve, scatter, interval. Numbers in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

BLUE, RED, GREEN, GREY, AMBER = "#2f6fb3", "#b3261e", "#17794a", "#9aa6b4", "#c98a00"
MARGIN = 44


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, value (None if not measured), colour and, if any, its limit."""

    label: str
    value: float | None
    colour: str = BLUE
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A plot area with linear axes: data ranges, pixel size, axis names."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = 420
    height: int = 340
    x_name: str = ""
    y_name: str = ""

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of a data point, kept inside the plot area."""
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1.0)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1.0)
        inner_w, inner_h = self.width - MARGIN - 12, self.height - MARGIN - 12
        return MARGIN + min(max(across, 0.0), 1.0) * inner_w, 12 + (1 - min(max(up, 0.0), 1.0)) * inner_h

    def draw(self, *marks: str) -> str:
        """Return the axes with marks on them."""
        left, bottom = self.at(self.x[0], self.y[0])
        right, top = self.at(self.x[1], self.y[1])
        parts = [f'<rect x="{left}" y="{top}" width="{right - left:.1f}" height="{bottom - top:.1f}" fill="#fbfcfd"/>']
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            x, y = self.x[0] + share * (self.x[1] - self.x[0]), self.y[0] + share * (self.y[1] - self.y[0])
            px, py = self.at(x, y)
            parts.append(_line((left, py), (right, py), "#e9edf2") + _text(left - 6, py + 4, f"{y:.3g}", "end"))
            parts.append(_text(px, bottom + 15, f"{x:.3g}", "middle"))
        parts.append(_text((left + right) / 2, self.height - 6, self.x_name, "middle"))
        parts.append(
            f'<text x="12" y="{(top + bottom) / 2:.1f}" font-size="11" fill="#5d6b7c" text-anchor="middle" '
            f'transform="rotate(-90 12 {(top + bottom) / 2:.1f})">{escape(self.y_name)}</text>'
        )
        return _svg(self.width, self.height, "".join([*parts, *marks]))

    def curve(self, points: Sequence[tuple[float, float]], *, colour: str = BLUE, dashed: bool = False) -> str:
        """Return a line through data points."""
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in (self.at(x, y) for x, y in points))
        dash = ' stroke-dasharray="4 4"' if dashed else ""
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>'

    def dots(self, points: Sequence[tuple[float, float]], *, colour: str = BLUE, radius: float = 2.5) -> str:
        """Return one dot for each data point."""
        places = (self.at(x, y) for x, y in points)
        return "".join(
            f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{radius}" fill="{colour}" fill-opacity=".55"/>'
            for px, py in places
        )


def bars(items: Sequence[Bar], *, width: int = 760) -> str:
    """Return horizontal bars from zero, each with its value and a tick at its limit."""
    known = [v for item in items for v in (item.value, item.limit) if v is not None]
    if not known:
        return ""
    low, high = min(0.0, *known), max(0.0, *known) or 1.0
    left, inner = 270, width - 270 - 80
    scale = inner / ((high - low) or 1.0)
    zero = left - low * scale
    parts = []
    for at, item in enumerate(items):
        y = 8 + at * 28
        parts.append(_text(left - 10, y + 14, item.label, "end"))
        if item.value is None:
            parts.append(_text(zero + 6, y + 14, "not measured"))
        else:
            end = left + (item.value - low) * scale
            start, length = min(zero, end), max(abs(end - zero), 1.0)
            parts.append(
                f'<rect x="{start:.1f}" y="{y}" width="{length:.1f}" height="18" rx="3" fill="{item.colour}"/>'
            )
            parts.append(_text(max(end, zero) + 6, y + 14, f"{item.value:.4g}"))
        if item.limit is not None:
            tick = left + (item.limit - low) * scale
            parts.append(_line((tick, y - 3), (tick, y + 21), "#1b2430"))
    return _svg(width, 16 + 28 * len(items), "".join(parts))


def histogram(counts: Sequence[int], edges: Sequence[float], *, width: int = 210, height: int = 84) -> str:
    """Return a histogram; ``edges`` has one entry more than ``counts``."""
    top = max(counts, default=0) or 1
    step = width / max(len(counts), 1)
    drawn = "".join(
        f'<rect x="{at * step:.1f}" y="{height - 18 - (height - 22) * count / top:.1f}" width="{max(step - 1, 1):.1f}" '
        f'height="{(height - 22) * count / top:.1f}" fill="{BLUE}"/>'
        for at, count in enumerate(counts)
    )
    ends = _text(0, height - 4, f"{edges[0]:.4g}") + _text(width, height - 4, f"{edges[-1]:.4g}", "end")
    return _svg(width, height, drawn + ends)


def overlaid(before: Sequence[float], now: Sequence[float], *, width: int = 250, height: int = 96) -> str:
    """Return two distributions over the same bins, as shares: ``before`` filled in grey, ``now`` as an outline."""
    top = max([*before, *now], default=0.0) or 1.0
    step, floor = width / max(len(now), 1), height - 4.0

    def up(share: float) -> float:
        return floor - (height - 12) * share / top

    filled = "".join(
        f'<rect x="{at * step:.1f}" y="{up(share):.1f}" width="{step:.1f}" height="{floor - up(share):.1f}" '
        f'fill="{GREY}" fill-opacity=".5"/>'
        for at, share in enumerate(before)
    )
    corners = [(x * step, up(share)) for at, share in enumerate(now) for x in (at, at + 1)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(0.0, floor), *corners, (width, floor)])
    outline = f'<polyline points="{path}" fill="{BLUE}" fill-opacity=".12" stroke="{BLUE}" stroke-width="1.6"/>'
    return _svg(width, height, filled + outline)


def interval(low: float, middle: float, high: float, *, limit: float, width: int = 620) -> str:
    """Return a confidence interval on a line, with zero and the limit marked."""
    reach = max(abs(low), abs(high), abs(limit)) * 1.4 or 1.0
    frame = Frame(x=(-reach, reach), y=(0, 1), width=width, height=90)

    def px(value: float) -> float:
        return frame.at(value, 0)[0]

    parts = [
        _line((px(-reach), 40), (px(reach), 40), "#e3e8ee"),
        _line((px(0), 20), (px(0), 60), GREY) + _text(px(0), 78, "0 (equal)", "middle"),
        _line((px(limit), 20), (px(limit), 60), RED) + _text(px(limit), 14, f"limit {limit:.4g}", "middle"),
        f'<line x1="{px(low):.1f}" y1="40" x2="{px(high):.1f}" y2="40" stroke="{BLUE}" stroke-width="6" '
        'stroke-linecap="round" stroke-opacity=".45"/>',
        f'<circle cx="{px(middle):.1f}" cy="40" r="6" fill="{BLUE}"/>',
        _text(px(low) - 9, 44, f"{low:.3g}", "end") + _text(px(high) + 9, 44, f"{high:.3g}"),
    ]
    return _svg(width, 90, "".join(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One line of a forest plot: a value with its interval, and another one beside it, if there is one."""

    label: str
    low: float
    value: float
    high: float
    beside: float | None = None
    colour: str = BLUE


def forest(items: Sequence[Spread], *, width: int = 900) -> str:
    """Return a forest plot: values with intervals below each other around zero, hollow dots for those beside them."""
    ends = [v for i in items for v in (i.low, i.high, i.beside) if v is not None]
    if not ends:
        return ""
    low, high = min(0.0, *ends), max(0.0, *ends)
    left, scale = 400, (width - 400 - 60) / ((high - low) or 1.0)
    zero, bottom = left - low * scale, 12 + 26 * len(items)
    parts = [_line((zero, 4), (zero, bottom), GREY), _text(zero, bottom + 14, "0", "middle")]
    for at, item in enumerate(items):
        y = 18 + at * 26
        start, middle, end = (left + (v - low) * scale for v in (item.low, item.value, item.high))
        parts.append(_text(left - 14, y + 4, item.label, "end"))
        parts.append(_line((start, y), (end, y), item.colour))
        parts.append(f'<circle cx="{middle:.1f}" cy="{y}" r="4.5" fill="{item.colour}"/>')
        if item.beside is not None:
            other = left + (item.beside - low) * scale
            parts.append(f'<circle cx="{other:.1f}" cy="{y}" r="4.5" fill="#fff" stroke="{GREY}" stroke-width="2"/>')
        parts.append(_text(end + 8, y + 4, f"{item.value:.3g}"))
    return _svg(width, bottom + 22, "".join(parts))


def _svg(width: int, height: int, body: str) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'style="max-width:100%;height:auto" font-family="system-ui,sans-serif">{body}</svg>'
    )


def _line(start: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{colour}" stroke-width="1.5"/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" fill="#5d6b7c" text-anchor="{anchor}">{escape(text)}</text>'
