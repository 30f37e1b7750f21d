"""A lineage as one page: a picture with a column for each kind of thing, and a table of every fact below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from slipway.core.lineage import Graph, Node, NodeKind
from slipway.errors import shorten
from slipway.reporting.page import card, document
from slipway.reporting.tables import chip, table

MOST_OF_A_KIND = 12
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _HEAD = 166, 46, 34, 14, 26
_LETTERS = 23
_DIGESTS = ("snapshot", "artifact_sha256", "image_digest")
_TONES = {"PASSED": "#17794a", "FAILED": "#b3261e", "INCONCLUSIVE": "#8a5a00"}
_TITLES = {
    NodeKind.DATASET: "Datasets",
    NodeKind.SNAPSHOT: "Data snapshots",
    NodeKind.VERSION: "Versions",
    NodeKind.IMAGE: "Images",
    NodeKind.DEPLOYMENT: "Deployments",
    NodeKind.BATCH: "Batches of answers",
    NodeKind.ROW: "Rows",
    NodeKind.DRIFT: "Watches",
}


def lineage_page(graph: Graph, *, title: str, asked: Iterable[str]) -> str:
    """Return the page.

    Parameters
    ----------
    graph : Graph
    title : str
        What was asked, as text.
    asked : iterable of str
        Ids of the nodes that the question was about: they are marked.
    """
    marked = frozenset(asked)
    tables = [
        card(_TITLES[kind], table(("What", "Known of it"), [_line(node) for node in nodes]))
        for kind, nodes in _columns(graph).items()
    ]
    figure = f'<figure style="overflow-x:auto">{picture(graph, marked)}</figure>'
    lead = f"{len(graph.nodes)} things, {len(graph.edges)} steps from one to the next; what was there first is left."
    return document(
        title, [f"<h1>{escape(title)}</h1>", f'<p class="lead">{lead}</p>', card("Picture", figure), *tables], wide=True
    )


def picture(graph: Graph, marked: frozenset[str] = frozenset()) -> str:
    """Return the picture as SVG; of many things of a kind the newest are drawn, and how many more there are is told."""
    columns = _columns(graph)
    places: dict[str, tuple[float, float]] = {}
    drawn: list[str] = []
    tallest = 0
    for number, (kind, nodes) in enumerate(columns.items()):
        x = number * (_WIDTH + _GAP_X)
        drawn.append(_text(x, 14, _TITLES[kind], "font-weight:600;fill:#5b6b7b"))
        shown = _shown(nodes, marked)
        for row, node in enumerate(shown):
            places[node.id] = (x, _HEAD + row * (_HEIGHT + _GAP_Y))
        left = len(nodes) - len(shown)
        if left:
            drawn.append(_text(x, _HEAD + len(shown) * (_HEIGHT + _GAP_Y) + 14, f"and {left:,} more", "fill:#5b6b7b"))
        tallest = max(tallest, len(shown) + bool(left))
    edges = [_edge(places[start], places[end]) for start, end in sorted(graph.edges) if {start, end} <= set(places)]
    boxes = [_box(graph.nodes[name], *place, marked=name in marked) for name, place in places.items()]
    width = max(len(columns) * (_WIDTH + _GAP_X) - _GAP_X, 1) + 4
    height = _HEAD + tallest * (_HEIGHT + _GAP_Y) + 4
    fits = f"width:100%;max-width:{width}px"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 0 {width} {height}" style="{fits}" '
        f'role="img" aria-label="Lineage" font-family="system-ui,sans-serif" font-size="12">'
        f"{''.join(edges)}{''.join(boxes)}{''.join(drawn)}</svg>"
    )


def _columns(graph: Graph) -> Mapping[NodeKind, list[Node]]:
    found = {kind: graph.find(kind) for kind in NodeKind}
    return {kind: nodes for kind, nodes in found.items() if nodes}


def _shown(nodes: list[Node], marked: frozenset[str]) -> list[Node]:
    if len(nodes) <= MOST_OF_A_KIND:
        return nodes
    asked = [node for node in nodes if node.id in marked][:MOST_OF_A_KIND]
    others = [node for node in nodes if node.id not in marked]
    return asked + others[len(others) - (MOST_OF_A_KIND - len(asked)) :]


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT / 2
    x2, y2 = end[0], end[1] + _HEIGHT / 2
    middle = (x1 + x2) / 2
    return f'<path d="M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}" fill="none" stroke="#9aa8b6"/>'


def _box(node: Node, x: float, y: float, *, marked: bool) -> str:
    stroke, wide = ("#2f6fb3", 2.5) if marked else (_TONES.get(str(node.facts.get("outcome")), "#c5cfd9"), 1.2)
    first, second = (shorten(line, _LETTERS) for line in _lines(node))
    return (
        f"<g><title>{escape(node.label)}\n{escape(_facts_text(node))}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="7" fill="#fff" stroke="{stroke}" '
        f'stroke-width="{wide}"/>{_text(x + 9, y + 19, first)}'
        f"{_text(x + 9, y + 36, second, 'fill:#5b6b7b;font-size:11px')}</g>"
    )


def _lines(node: Node) -> tuple[str, str]:
    """Return what stands in a node's box: what it is, and what it is known by."""
    facts, digest = node.facts, {name: str(node.facts.get(name))[7:19] for name in _DIGESTS}
    start = str((facts.get("interval") or {}).get("start", ""))[:10]
    outcome = facts.get("outcome") or ("not in the ledger yet" if facts.get("in_ledger") is False else "")
    answers = len(facts.get("answered", ()))
    read: dict[NodeKind, tuple[str, str]] = {
        NodeKind.DATASET: (str(facts.get("dataset")), ""),
        NodeKind.SNAPSHOT: ("snapshot", digest["snapshot"]),
        NodeKind.VERSION: (f"{facts.get('model')} v{facts.get('version')}", f"artifact {digest['artifact_sha256']}"),
        NodeKind.IMAGE: ("image", digest["image_digest"]),
        NodeKind.DEPLOYMENT: (
            f"{facts.get('what')} of v{facts.get('version')}",
            str(facts.get("at", ""))[:16].replace("T", " "),
        ),
        NodeKind.BATCH: (f"answers of v{facts.get('version')}", f"{start} {outcome}"),
        NodeKind.ROW: (node.label.removeprefix("row "), f"answered {answers}x" if answers else "set aside"),
        NodeKind.DRIFT: ("watch", f"{start} {outcome}"),
    }
    return read[node.kind]


def _text(x: float, y: float, said: str, style: str = "") -> str:
    styled = f' style="{style}"' if style else ""
    return f'<text x="{x}" y="{y}"{styled}>{escape(said)}</text>'


def _line(node: Node) -> tuple[str, str]:
    outcome = node.facts.get("outcome")
    said = f" {chip(str(outcome))}" if outcome else ""
    return f"{escape(node.label)}{said}", f'<span class="small">{escape(_facts_text(node))}</span>'


def _facts_text(node: Node) -> str:
    return " · ".join(f"{name} {value}" for name, value in node.facts.items() if value not in (None, "", [], {}))
