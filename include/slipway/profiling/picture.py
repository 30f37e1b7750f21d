"""The call graph as SVG: a box a function, coloured by its share of the time; an arrow a call."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from slipway.profiling.callgraph import CallGraph, Edge, Node, percent
from slipway.profiling.layout import Box, Layout, Point, arrange

MARGIN = 24.0
LINE = 16.0
PAD_X, PAD_Y = 14.0, 10.0
CHAR = {"name": 8.3, "text": 6.3}
MAX_CHARS = 40
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
    arrows = [_arrow(edge, pair, layout) for edge, pair in zip(graph.edges, pairs, strict=True)]
    limiting = graph.rate_limiting.function
    boxes = [
        _box(node, lines, layout.boxes[i], framed=node.function == limiting)
        for i, (node, lines) in enumerate(zip(graph.nodes, texts, strict=True))
    ]
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    return (
        f'<svg class="graph" viewBox="{-MARGIN:.0f} {-MARGIN:.0f} {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="call graph">{_DEFS}'
        + "".join(path for path, _ in arrows)
        + "".join(boxes)
        + "".join(label for _, label in arrows)
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


def _arrow(edge: Edge, pair: tuple[int, int], layout: Layout) -> tuple[str, str]:
    points = _anchored(layout.routes[pair], layout.boxes[pair[0]], layout.boxes[pair[1]])
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        path += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    colour, _ = heat(0.15 + 0.85 * edge.share)
    line = (
        f'<path class="edge" d="{path}" stroke="{colour}" stroke-width="{1.2 + 4.5 * edge.share:.1f}" '
        'marker-end="url(#tip)"/>'
    )
    x, y = _label_at(points)
    label = f'<text class="call" x="{x:.1f}" y="{y:.1f}">{percent(edge.share)} · {edge.calls:.3g} {TIMES}</text>'
    return line, label


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


def _label_at(points: list[Point]) -> Point:
    """Place a label in the middle of the last stretch: there, arrows out of one box have parted."""
    (x0, y0), (x1, y1) = points[-2], points[-1]
    return x0 + 0.62 * (x1 - x0), y0 + 0.58 * (y1 - y0) + 4
