"""The flame graph: what a request's time is made of, as nested bars; against the champion where there is one.

Rules
-----
1. A bar is as wide as its share of the time. Below it stand the functions that it calls; what they leave is its own.
2. cProfile keeps who called whom, not whole stacks: a function's time is split over its callers as the profiler
   measured, and what it calls is assumed to be split alike. A recursion is drawn once.
3. With a champion the colour tells the difference (a differential flame graph): red for more, blue for less.

Source: B. Gregg, The Flame Graph, Communications of the ACM 59(6), 2016; differential colours after the same author.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from slipway.profiling.callgraph import CallGraph, Edge, Function, Node, percent
from slipway.profiling.picture import heat
from slipway.profiling.regression import Change, Comparison

WIDTH, ROW = 1180.0, 19.0
NARROWEST = 0.002
DEEPEST = 60
CHAR = 6.1
FULL_AT = 0.1
"""A change of this share of the champion's request has the full colour."""

GREY, RED, BLUE = (233, 236, 240), (214, 60, 50), (48, 110, 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A function on one way down: its depth, and where it starts and how wide it is as shares (0 to 1)."""

    node: Node
    depth: int
    start: float
    width: float


def bars(graph: CallGraph) -> tuple[Bar, ...]:
    """Return the bars, callers before what they call; those too narrow to see are left out."""
    nodes = {node.function: node for node in graph.nodes}
    below: dict[Function, list[Edge]] = defaultdict(list)
    called = set()
    for edge in graph.edges:
        if edge.caller != edge.callee:
            below[edge.caller].append(edge)
            called.add(edge.callee)
    roots = [node for node in graph.nodes if node.function not in called] or list(graph.nodes[:1])
    found: list[Bar] = []
    start = 0.0
    for root in roots:
        width = min(root.cumulative_share, 1.0 - start)
        found.extend(_down(Bar(node=root, depth=0, start=start, width=width), nodes, below, frozenset()))
        start += width
    return tuple(found)


def _down(
    bar: Bar, nodes: Mapping[Function, Node], below: Mapping[Function, list[Edge]], above: frozenset[Function]
) -> Iterator[Bar]:
    if bar.width < NARROWEST or bar.depth >= DEEPEST:
        return
    yield bar
    function, start = bar.node.function, bar.start
    share = bar.width / bar.node.cumulative_share if bar.node.cumulative_share else 0.0
    path = above | {function}
    for edge in below.get(function, ()):
        if edge.callee in path:
            continue
        width = min(edge.share * share, bar.start + bar.width - start)
        child = Bar(node=nodes[edge.callee], depth=bar.depth + 1, start=start, width=width)
        yield from _down(child, nodes, below, path)
        start += width


def flames(graph: CallGraph, compared: Comparison | None = None) -> str:
    """Return the flame graph as one SVG element."""
    shown = bars(graph)
    height = ROW * (1 + max((bar.depth for bar in shown), default=0))
    changes = {} if compared is None else {change.function: change for change in compared.changes}
    drawn = "".join(
        _draw(bar, _colour(bar.node, changes.get(bar.node.function.key), compared), changes) for bar in shown
    )
    return (
        f'<svg class="flames" viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" height="{height:.0f}" '
        f'role="img" aria-label="flame graph">{drawn}</svg>'
    )


def _colour(node: Node, change: Change | None, compared: Comparison | None) -> str:
    if compared is None:
        return heat(node.own_share)[0]
    if change is None or not change.certain:
        return _mixed(GREY, GREY, 0.0)
    strength = min(1.0, abs(change.more_ms.median) / (FULL_AT * compared.profiled_ms))
    return _mixed(GREY, RED if change.more_ms.median > 0 else BLUE, strength)


def _mixed(a: tuple[int, int, int], b: tuple[int, int, int], part: float) -> str:
    return "#" + "".join(f"{round(x + (y - x) * part):02x}" for x, y in zip(a, b, strict=True))


def _draw(bar: Bar, colour: str, changes: Mapping[str, Change]) -> str:
    x, y, width = bar.start * WIDTH, bar.depth * ROW, bar.width * WIDTH
    function, change = bar.node.function, changes.get(bar.node.function.key)
    told = (
        f"{function.label} ({function.place})\n{percent(bar.width)} of the time here; itself {bar.node.own_ms:.4g} ms"
    )
    if change is not None:
        told += f", champion {change.before_ms:.4g} ms: {change.more_ms.median:+.4g} ms a request"
    room = int((width - 6) / CHAR)
    label = function.label if len(function.label) <= room else function.label[: max(0, room - 1)] + "…"
    text = f'<text x="{x + 3:.1f}" y="{y + 13:.1f}">{escape(label)}</text>' if room >= 4 else ""
    return (
        f'<g><title>{escape(told)}</title><rect x="{x:.1f}" y="{y:.1f}" width="{max(width - 0.5, 0.5):.1f}" '
        f'height="{ROW - 1:.0f}" rx="2" fill="{colour}"/>{text}</g>'
    )
