"""A value against its limit, as a small picture: the limit in the middle, the side that is allowed in green."""

from __future__ import annotations

import math

from slipway.core.verdict import Bound, Measurement, Outcome

WIDTH, HEIGHT = 168, 20
PAD = 8
STEEPNESS = 2.0
NEAREST = 0.12
COLOURS = {Outcome.PASSED: "#17794a", Outcome.FAILED: "#b3261e", Outcome.INCONCLUSIVE: "#8a5a00"}


def gauge(measurement: Measurement) -> str:
    """Return the picture as SVG; empty for a number that is only recorded.

    The distance to the limit is relative to the limit and compressed, so that far values stay in sight.
    """
    if measurement.threshold is None or measurement.outcome is None:
        return ""
    middle, y = WIDTH / 2, HEIGHT / 2
    left = measurement.bound is Bound.MAX
    allowed = (PAD, middle) if left else (middle, WIDTH - PAD)
    parts = [
        f'<rect x="{PAD}" y="{y - 3}" width="{WIDTH - 2 * PAD}" height="6" rx="3" fill="#f0e4e3"/>',
        f'<rect x="{allowed[0]:g}" y="{y - 3}" width="{allowed[1] - allowed[0]:g}" height="6" rx="3" fill="#cfe8da"/>',
        f'<rect x="{middle - 0.75}" y="2" width="1.5" height="{HEIGHT - 4}" fill="#44505f"/>',
    ]
    colour = COLOURS[measurement.outcome]
    if measurement.value is None:
        parts.append(f'<text x="{middle + 8}" y="{y + 4}" font-size="12" font-weight="700" fill="{colour}">?</text>')
    else:
        x = middle + _seen(measurement) * (middle - PAD)
        parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{colour}" stroke="#fff" stroke-width="1.5"/>')
    name = "within its limit" if measurement.outcome is Outcome.PASSED else "not within its limit"
    return (
        f'<svg class="gauge" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{name}">{"".join(parts)}</svg>'
    )


def _seen(measurement: Measurement) -> float:
    """Return the place of a value, moved aside where it would cover the limit that it does not keep."""
    at = place(float(measurement.value or 0), float(measurement.threshold or 0))
    if measurement.outcome is not Outcome.FAILED:
        return at
    return max(at, NEAREST) if measurement.bound is Bound.MAX else min(at, -NEAREST)


def place(value: float, limit: float) -> float:
    """Return where a value lies between -1 and 1, its limit at 0.

    >>> place(200, 200), round(place(22, 200), 2), place(3, 0) > 0.9
    (0.0, -0.94, True)
    """
    scale = abs(limit) or 1.0
    return math.tanh(STEEPNESS * (value - limit) / scale)
