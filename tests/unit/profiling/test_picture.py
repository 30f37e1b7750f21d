from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import combinations

import pytest

from slipway.profiling.callgraph import build
from slipway.profiling.picture import draw

SVG = "{http://www.w3.org/2000/svg}"


def function(name, own, cumulative, callers=()):
    where = {"file": f"site-packages/lib/{name}.py", "line": 1}
    return {
        **where,
        "name": name,
        "ncalls": 10,
        "primitive_calls": 10,
        "tottime": own,
        "cumtime": cumulative,
        "callers": [
            {"file": f"site-packages/lib/{c}.py", "line": 1, "name": c, "ncalls": 10, "tottime": own, "cumtime": share}
            for c, share in callers
        ],
    }


SIDES = [f"side_{i}" for i in range(5)]
GRAPHS = {
    "a chain": [function("a", 0.1, 1.0), function("b", 0.9, 0.9, [("a", 0.9)])],
    "five callers of one": [
        function("a", 0.1, 1.0),
        *(function(side, 0.02, 0.18, [("a", 0.18)]) for side in SIDES),
        function("z", 0.8, 0.8, [(side, 0.16) for side in SIDES]),
    ],
    "two that call each other": [
        function("a", 0.1, 1.0),
        function("b", 0.4, 0.9, [("a", 0.9), ("c", 0.2)]),
        function("c", 0.5, 0.7, [("b", 0.7)]),
    ],
}


@pytest.fixture(params=GRAPHS.values(), ids=GRAPHS)
def drawn(request):
    graph = build({"requests": 10, "wall_seconds": 1.0, "functions": request.param})
    return graph, ElementTree.fromstring(draw(graph).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))


def box(rect):
    x, y, width, height = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def overlap(a, b):
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.2 and min(a[3], b[3]) - max(a[1], b[1]) > 0.2


def test_no_label_hides_another_or_a_function(drawn):
    _, svg = drawn
    labels = [box(rect) for rect in svg.iter(SVG + "rect") if rect.get("class") == "pill"]
    boxes = [box(rect) for group in svg.iter(SVG + "g") for rect in group.iter(SVG + "rect")]
    assert labels
    assert not [pair for pair in combinations(labels, 2) if overlap(*pair)]
    assert not [(label, other) for label in labels for other in boxes if overlap(label, other)]


def test_each_arrow_says_its_share_whether_it_has_a_label_or_not(drawn):
    graph, svg = drawn
    arrows = [path for path in svg.iter(SVG + "path") if path.get("class") == "edge"]
    assert len(arrows) == len(graph.edges)
    assert all("→" in path.findtext(SVG + "title") for path in arrows)
