"""Small charts as SVG text: a frame with axes, and marks placed in the data's own units."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

LEFT, RIGHT, TOP, BOTTOM = 62, 18, 14, 40


def log_ticks(low: float, high: float) -> list[float]:
    """Return 1-2-5 ticks inside [low, high], both positive.

    >>> log_ticks(1.5, 60)
    [2.0, 5.0, 10.0, 20.0, 50.0]
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]


def linear_ticks(high: float, count: int = 6) -> list[float]:
    """Return about ``count`` round ticks from 0 to ``high``.

    >>> linear_ticks(23)
    [0.0, 5.0, 10.0, 15.0, 20.0]
    """
    if high <= 0:
        return [0.0]
    raw = high / count
    base = 10.0 ** math.floor(math.log10(raw))
    step = next(base * factor for factor in (1, 2, 5, 10) if base * factor >= raw)
    return [step * i for i in range(math.floor(high / step + 1e-9) + 1)]


@dataclass(slots=True, kw_only=True)
class Chart:
    """A chart under construction.

    ``x`` and ``y`` are (low, high) in data units; ``log_y`` needs a positive ``low``. ``map_x`` bends the x axis.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = 1080
    height: int = 300
    log_y: bool = False
    map_x: Callable[[float], float] = float
    parts: list[str] = field(default_factory=list)

    def px(self, x: float) -> float:
        """Return the horizontal position of ``x`` in pixels."""
        low, high = self.map_x(self.x[0]), self.map_x(self.x[1])
        return LEFT + (self.map_x(x) - low) / ((high - low) or 1) * (self.width - LEFT - RIGHT)

    def py(self, y: float) -> float:
        """Return the vertical position of ``y`` in pixels; what lies outside is drawn at the edge."""
        scale = math.log10 if self.log_y else float
        low, high = scale(self.y[0]), scale(self.y[1])
        share = (scale(min(max(y, self.y[0]), self.y[1])) - low) / ((high - low) or 1)
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)

    def axes(self, *, x_ticks: Iterable[tuple[float, str]], y_label: str, x_label: str) -> None:
        """Draw grid lines, tick labels and the names of both axes."""
        bottom = self.height - BOTTOM
        for tick in log_ticks(*self.y) if self.log_y else linear_ticks(self.y[1]):
            at = self.py(tick)
            self.parts.append(f'<line class="grid" x1="{LEFT}" x2="{self.width - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
            self.parts.append(f'<text class="tick" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
        for tick, label in x_ticks:
            at = self.px(tick)
            self.parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{bottom}" y2="{bottom + 4}"/>')
            self.parts.append(
                f'<text class="tick" x="{at:.1f}" y="{bottom + 17}" text-anchor="middle">{escape(label)}</text>'
            )
        self.parts.append(f'<line class="axis" x1="{LEFT}" x2="{self.width - RIGHT}" y1="{bottom}" y2="{bottom}"/>')
        middle = (LEFT + self.width - RIGHT) / 2
        self.parts.append(
            f'<text class="name" x="{middle:.0f}" y="{self.height - 5}" text-anchor="middle">{escape(x_label)}</text>'
        )
        self.parts.append(
            f'<text class="name" transform="translate(14 {(TOP + bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">'
            f"{escape(y_label)}</text>"
        )

    def band(self, start: float, end: float, css: str, label: str = "") -> None:
        """Shade the chart between two x values."""
        left, right = self.px(start), self.px(end)
        self.parts.append(
            f'<rect class="{css}" x="{left:.1f}" y="{TOP}" width="{max(0.0, right - left):.1f}" '
            f'height="{self.height - TOP - BOTTOM}"/>'
        )
        if label:
            self.parts.append(
                f'<text class="tick" x="{(left + right) / 2:.1f}" y="{TOP + 12}" text-anchor="middle">'
                f"{escape(label)}</text>"
            )

    def dots(self, points: Iterable[tuple[float, float]], css: str, radius: float = 1.8) -> None:
        """Draw one dot a point, all in one path."""
        marks = "".join(f"M{self.px(x):.1f} {self.py(y):.1f}h0" for x, y in points)
        self.parts.append(f'<path class="{css}" stroke-width="{radius * 2}" stroke-linecap="round" d="{marks}"/>')

    def line(self, points: Sequence[tuple[float, float]], css: str) -> None:
        """Draw a line through the points."""
        path = " ".join(f"{self.px(x):.1f},{self.py(y):.1f}" for x, y in points)
        self.parts.append(f'<polyline class="{css}" points="{path}"/>')

    def bars(self, bars: Iterable[tuple[float, float, float]], css: str) -> None:
        """Draw bars, each (from x, to x, height)."""
        for start, end, height in bars:
            left, right, top = self.px(start), self.px(end), self.py(height)
            self.parts.append(
                f'<rect class="{css}" x="{left + 0.5:.1f}" y="{top:.1f}" width="{max(0.5, right - left - 1):.1f}" '
                f'height="{max(0.0, self.height - BOTTOM - top):.1f}"/>'
            )

    def limit(self, y: float, label: str, *, below: bool = False) -> None:
        """Draw a dashed horizontal line with its name above or below it, if it lies inside the chart."""
        if not self.y[0] <= y <= self.y[1]:
            return
        at = self.py(y)
        self.parts.append(f'<line class="limit" x1="{LEFT}" x2="{self.width - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        self.parts.append(
            f'<text class="limit-name" x="{self.width - RIGHT - 4}" y="{at + (14 if below else -5):.1f}" '
            f'text-anchor="end">{escape(label)}</text>'
        )

    def svg(self, title: str) -> str:
        """Return the finished chart."""
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(title, quote=True)}">'
            + "".join(self.parts)
            + "</svg>"
        )
