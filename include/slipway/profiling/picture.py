"""The call graph as SVG: a box a function, coloured by its share of the time; an arrow a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from itertools import pairwise

from slipway.profiling.callgraph import CallGraph, Edge, Node, percent
from slipway.profiling.layout import Box, Point, arrange

MARGIN = 24.0
LINE = 16.0
PAD_X, PAD_Y = 14.0, 10.0
CHAR = {"name": 8.3, "text": 6.3}
MAX_CHARS = 40
LABEL_CHAR, LABEL_LINE = 5.6, 14.0
LABEL_AT = (0.56, 0.42, 0.7, 0.3, 0.15)
TIMES = "\u00d7"
# Cold to hot; each stop is (share of time, red, green, blue).
HEAT = ((0.0, 238, 243, 250), (0.1, 250, 232, 190), (0.35, 248, 178, 100), (0.65, 226, 92, 58), (1.0, 158, 24, 40))
DARK = 0.5


def heat(share: float) -> tuple[str, bool]:
    """Return the colour of a share of the time (0 to 1), and whether text on it must be light.

    >>> heat(0.0), heat(1.0)
    (('#eef3fa', False), ('#9e1828', True))
    """
    share = min(1.0, max(0.0, share))
    upper = next(i for i, stop in enumerate(HEAT) if stop[0] >= share)
    lower = max(0, upper - 1)
    span = HEAT[upper][0] - HEAT[lower][0]
    part = (share - HEAT[lower][0]) / span if span else 0.0
    rgb = [round(a + (b - a) * part) for a, b in zip(HEAT[lower][1:], HEAT[upper][1:], strict=True)]
    luminance = (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / 255
    return "#" + "".join(f"{channel:02x}" for channel in rgb), luminance < DARK


def draw(graph: CallGraph) -> str:
    """Return the graph as one SVG element; the rate-limiting function is framed."""
    numbers = {node.function: i for i, node in enumerate(graph.nodes)}
    texts = [_lines(node) for node in graph.nodes]
    pairs = [(numbers[e.caller], numbers[e.callee]) for e in graph.edges]
    layout = arrange([_size(lines) for lines in texts], pairs)
    paths = {
        edge: _anchored(layout.routes[pair], layout.boxes[pair[0]], layout.boxes[pair[1]])
        for edge, pair in zip(graph.edges, pairs, strict=True)
    }
    limiting = graph.rate_limiting.function
    boxes = [
        _box(node, lines, layout.boxes[i], framed=node.function == limiting)
        for i, (node, lines) in enumerate(zip(graph.nodes, texts, strict=True))
    ]
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    return (
        f'<svg class="graph" viewBox="{-MARGIN:.0f} {-MARGIN:.0f} {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="call graph">{_DEFS}'
        + "".join(_arrow(edge, points) for edge, points in paths.items())
        + "".join(boxes)
        + "".join(_labels(paths, [*layout.boxes.values()]))
        + "</svg>"
    )


_DEFS = (
    '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" orient="auto" '
    'markerUnits="userSpaceOnUse"><path d="M0 1L9 5L0 9z" fill="#66727f"/></marker></defs>'
)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARS else "…" + text[1 - MAX_CHARS :]


def _lines(node: Node) -> tuple[str, ...]:
    again = " ↻" if node.recursive else ""
    return (
        _cut(node.function.label) + again,
        _cut(node.function.place),
        f"{percent(node.cumulative_share)} (self {percent(node.own_share)})",
        f"{node.calls:.3g} {TIMES} · {node.cumulative_ms:.3g} ms",
    )


def _size(lines: tuple[str, ...]) -> tuple[float, float]:
    width = max(len(lines[0]) * CHAR["name"], *(len(line) * CHAR["text"] for line in lines[1:]))
    return width + 2 * PAD_X, len(lines) * LINE + 2 * PAD_Y


def _box(node: Node, lines: tuple[str, ...], box: Box, *, framed: bool) -> str:
    fill, light = heat(node.cumulative_share)
    left, top = box.x - box.width / 2, box.y - box.height / 2
    styles = ("fn", "where", "share", "calls")
    text = "".join(
        f'<text class="{style}" x="{box.x:.1f}" y="{top + PAD_Y + LINE * (i + 0.75):.1f}">{escape(line)}</text>'
        for i, (style, line) in enumerate(zip(styles, lines, strict=True))
    )
    css = " ".join(["node", *(["light"] if light else []), *(["limiting"] if framed else [])])
    tip = f"{node.function.file}:{node.function.line} {node.function.name} ({node.function.origin.value})"
    return (
        f'<g class="{css}"><title>{escape(tip)}</title><rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="7" fill="{fill}"/>{text}</g>'
    )


def _arrow(edge: Edge, points: list[Point]) -> str:
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        path += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    colour, _ = heat(0.15 + 0.85 * edge.share)
    tip = f"{edge.caller.label} → {edge.callee.label}: {_said(edge)}"
    return (
        f'<path class="edge" d="{path}" stroke="{colour}" stroke-width="{1.2 + 4.5 * edge.share:.1f}" '
        f'marker-end="url(#tip)"><title>{escape(tip)}</title></path>'
    )


def _said(edge: Edge) -> str:
    return f"{percent(edge.share)} · {edge.calls:.3g} {TIMES}"


def _labels(paths: Mapping[Edge, list[Point]], taken: list[Box]) -> Iterator[str]:
    """Place the labels, those of the hottest arrows first; one without a free place is left to its arrow's tooltip."""
    for edge in sorted(paths, key=lambda e: -e.share):
        text = _said(edge)
        size = len(text) * LABEL_CHAR + 4, LABEL_LINE
        free = (box for box in _places(paths[edge], size) if not any(_overlap(box, other) for other in taken))
        box = next(free, None)
        if box is None:
            continue
        taken.append(box)
        yield (
            f'<rect class="pill" x="{box.x - box.width / 2:.1f}" y="{box.y - box.height / 2:.1f}" '
            f'width="{box.width:.1f}" height="{box.height:.1f}" rx="4"/>'
            f'<text class="call" x="{box.x:.1f}" y="{box.y + 3.7:.1f}">{text}</text>'
        )


def _places(points: list[Point], size: tuple[float, float]) -> Iterator[Box]:
    """Yield where a label may stand: near the end first, since there arrows out of one box have parted."""
    for start, end in reversed([*pairwise(points)]):
        for at in LABEL_AT:
            x, y = _on_curve(start, end, at)
            yield Box(x, y, *size)


def _on_curve(start: Point, end: Point, at: float) -> Point:
    """Return a point of the stretch that :func:`_arrow` draws, ``at`` from 0 to 1."""
    sideways = at * at * (3 - 2 * at)
    down = at**3 + 1.5 * at * (1 - at)
    return start[0] + (end[0] - start[0]) * sideways, start[1] + (end[1] - start[1]) * down


def _overlap(a: Box, b: Box) -> bool:
    return abs(a.x - b.x) < (a.width + b.width) / 2 and abs(a.y - b.y) < (a.height + b.height) / 2


def _anchored(route: tuple[Point, ...], start: Box, end: Box) -> list[Point]:
    """Move a route's ends from the boxes' centres to the sides that face its next point."""
    inner = list(route[1:-1])
    after = inner[0] if inner else (end.x, end.y)
    before = inner[-1] if inner else (start.x, start.y)
    return [_port(start, after), *inner, _port(end, before)]


def _port(box: Box, towards: Point) -> Point:
    reach = 0.35 * box.width
    x = box.x + max(-reach, min(reach, 0.35 * (towards[0] - box.x)))
    side = 1 if towards[1] > box.y else -1
    return x, box.y + side * box.height / 2
