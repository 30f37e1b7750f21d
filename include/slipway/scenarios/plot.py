"""Served against reference, as an inline SVG picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 580, 340, 74
MAX_POINTS = 900


def scatter(points: Sequence[tuple[float, float, bool]], *, unit: str) -> str:
    """Return a picture of (reference, served, failed) points; empty if there are none.

    A right answer lies on the diagonal. All failures are drawn; of many right answers an even sample.
    """
    if not points:
        return ""
    right, wrong = [p for p in points if not p[2]], [p for p in points if p[2]]
    shown = right[:: max(1, len(right) // MAX_POINTS)] + wrong[:MAX_POINTS]
    values = [value for point in shown for value in point[:2]]
    low, high = min(values), max(values)
    if high == low:
        low, high = low - 0.5, high + 0.5

    def x(value: float) -> float:
        return MARGIN + (value - low) / (high - low) * (WIDTH - MARGIN - 34)

    def y(value: float) -> float:
        return HEIGHT - 42 - (value - low) / (high - low) * (HEIGHT - 58)

    ticks = _ticks(low, high)
    grid = "".join(
        f'<line x1="{x(t):.1f}" y1="{y(low):.1f}" x2="{x(t):.1f}" y2="{y(high):.1f}" class="grid"/>'
        f'<line x1="{x(low):.1f}" y1="{y(t):.1f}" x2="{x(high):.1f}" y2="{y(t):.1f}" class="grid"/>'
        f'<text x="{x(t):.1f}" y="{HEIGHT - 24}" text-anchor="middle">{t:.3g}</text>'
        f'<text x="{MARGIN - 7}" y="{y(t) + 4:.1f}" text-anchor="end">{t:.3g}</text>'
        for t in ticks
    )
    dots = "".join(
        f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="{4 if bad else 2.6}" class="{"bad" if bad else "good"}"/>'
        for a, b, bad in shown
    )
    label = "" if unit == "1" else f" ({unit})"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="served against reference">{grid}'
        f'<line x1="{x(low):.1f}" y1="{y(low):.1f}" x2="{x(high):.1f}" y2="{y(high):.1f}" class="diagonal"/>{dots}'
        f'<text x="{(WIDTH + MARGIN) / 2:.0f}" y="{HEIGHT - 5}" text-anchor="middle">reference{label}</text>'
        f'<text x="13" y="{HEIGHT / 2:.0f}" text-anchor="middle" transform="rotate(-90 13 {HEIGHT / 2:.0f})">'
        f"served{label}</text></svg>"
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return three to eight round numbers within [low, high].

    >>> _ticks(0.0002, 1.0), _ticks(-3.3, 6.2)
    ([0.2, 0.4, 0.6, 0.8, 1.0], [-2.0, 0.0, 2.0, 4.0, 6.0])
    """
    raw = max(high / 6 - low / 6, 1e-300)  # finite and positive, however far or close the ends are
    base = 10.0 ** math.floor(math.log10(raw))
    step = next(base * factor for factor in (1, 2, 5, 10) if base * factor >= raw)
    first, last = math.ceil(low / step), math.floor(high / step + 1e-9)
    return [round(step * i, 12) for i in range(first, last + 1)]
