"""The drift page's small pictures, as inline SVG: numbers in, text out."""

from __future__ import annotations

from collections.abc import Sequence

GREY, BLUE, RED = "#9aa6b4", "#2f6fb3", "#b3261e"


def beside(before: Sequence[float], now: Sequence[float], *, width: int = 210, height: int = 54) -> str:
    """Return two distributions over the same bars, as shares: ``before`` filled in grey, ``now`` as a line.

    >>> beside([], [])
    ''
    """
    if not before:
        return ""
    top = max([*before, *now]) or 1.0
    step, floor = width / len(before), height - 1.0

    def up(share: float) -> float:
        return floor - (height - 4) * share / top

    filled = "".join(
        f'<rect x="{at * step:.1f}" y="{up(share):.1f}" width="{step:.1f}" height="{floor - up(share):.1f}"/>'
        for at, share in enumerate(before)
    )
    corners = [(x * step, up(share)) for at, share in enumerate(now) for x in (at, at + 1)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(0.0, floor), *corners, (float(width), floor)])
    line = f'<polyline points="{path}" fill="{BLUE}" fill-opacity=".12" stroke="{BLUE}" stroke-width="1.5"/>'
    return _svg(width, height, f'<g fill="{GREY}" fill-opacity=".5">{filled}</g>{line}')


def evidence(value: float, *, width: int = 130) -> str:
    """Return a bar of a distance in units of its threshold, which is marked; what is past twice of it is cut off."""
    half = width / 2
    length = max(min(value, 2.0) * half, 1.0)
    colour = RED if value > 1 else BLUE
    more = f'<path d="M{width - 7} 2l6 6l-6 6z" fill="{RED}"/>' if value > 2 else ""
    bar = f'<rect y="4" width="{length:.1f}" height="8" rx="2" fill="{colour}"/>'
    return _svg(width, 16, f'{bar}<line x1="{half}" y1="0" x2="{half}" y2="16" stroke="#1c2733"/>{more}')


def _svg(width: int, height: int, body: str) -> str:
    return f'<svg role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}">{body}</svg>'
