"""Where boxes and arrows go: Sugiyama's layered layout, by grandalf, top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Size = tuple[float, float]
Point = tuple[float, float]

X_SPACE, Y_SPACE = 26.0, 58.0
LANE = 16.0
ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its centre."""

    x: float
    y: float
    width: float
    height: float


@dataclass(slots=True)
class _View:
    w: float
    h: float
    xy: Point = (0.0, 0.0)


class _Route:
    """Takes an edge's points, as grandalf hands them over."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def setpath(self, points: list[Point]) -> None:
        self.points = list(points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Boxes by node number, the points that each edge passes (its boxes' centres included), and the whole size."""

    boxes: Mapping[int, Box]
    routes: Mapping[tuple[int, int], tuple[Point, ...]]
    width: float
    height: float


def arrange(sizes: Sequence[Size], edges: Sequence[tuple[int, int]]) -> Layout:
    """Place boxes of the given (width, height) so that edges run downwards where they can.

    Parameters
    ----------
    sizes : sequence of (float, float)
        Width and height of each node, in pixels.
    edges : sequence of (int, int)
        From and to, as positions in ``sizes``; cycles are allowed, loops on one node are not.

    >>> layout = arrange([(50, 20), (50, 20)], [(0, 1)])
    >>> layout.boxes[0].y < layout.boxes[1].y
    True
    """
    from grandalf.graphs import Edge, Graph, Vertex

    vertices = [Vertex(i) for i in range(len(sizes))]
    for vertex, (width, height) in zip(vertices, sizes, strict=True):
        vertex.view = _View(width, height)
    links = {pair: Edge(vertices[pair[0]], vertices[pair[1]]) for pair in dict.fromkeys(edges)}
    for link in links.values():
        link.view = _Route()
    boxes: dict[int, Box] = {}
    routes: dict[tuple[int, int], tuple[Point, ...]] = {}
    left = height = 0.0
    # Parts that nothing connects stand side by side.
    for part in Graph(vertices, list(links.values())).C:
        _draw(part)
        here = [v for v in vertices if v in part.sV]
        ends = [(v.view.xy[0] - v.view.w / 2, v.view.xy[0] + v.view.w / 2) for v in here]
        lanes = [x for pair, e in links.items() if vertices[pair[0]] in part.sV for x, _ in e.view.points]
        low = min([start for start, _ in ends] + lanes)
        shift = left - low
        for v in here:
            boxes[v.data] = Box(v.view.xy[0] + shift, v.view.xy[1], v.view.w, v.view.h)
        for pair, link in links.items():
            if vertices[pair[0]] in part.sV:
                routes[pair] = tuple((x + shift, y) for x, y in link.view.points)
        left = max([end for _, end in ends] + lanes) + shift + X_SPACE
        height = max([height, *(v.view.xy[1] + v.view.h / 2 for v in here)])
    return Layout(boxes=boxes, routes=routes, width=max(0.0, left - X_SPACE), height=height)


def _draw(part: Any) -> None:
    """Let grandalf place one connected part."""
    from grandalf.layouts import SugiyamaLayout

    sugiyama = SugiyamaLayout(part)
    sugiyama.xspace, sugiyama.yspace = X_SPACE, Y_SPACE
    sugiyama.dw, sugiyama.dh = LANE, LANE  # what a passing edge needs
    sugiyama.init_all(optimize=True)
    sugiyama.draw(ROUNDS)
