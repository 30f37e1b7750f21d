"""Lineage as a graph: what was made of what.

Rules
-----
1. A node is known by digests where there are any: a data snapshot by its two files', a version by its artifact's, an
   image by its own. A version whose files were changed is another node.
2. An edge leads from what was there first to what was made of it:
   dataset, snapshot, version, image, deployment, batch of answers, drift report; and from a batch to each of its rows.
3. A question goes one way and never back: up to what something was made of, down to what was made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class NodeKind(StrEnum):
    """What a node stands for, in the order in which one is made of the other."""

    DATASET = "dataset"
    SNAPSHOT = "snapshot"
    VERSION = "version"
    IMAGE = "image"
    DEPLOYMENT = "deployment"
    BATCH = "batch"
    ROW = "row"
    DRIFT = "drift"


class Direction(StrEnum):
    """Where a question leads: to what it was made of, to what was made of it, or to both."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing in the graph.

    Attributes
    ----------
    id : str
        Unique; begins with the kind.
    kind : NodeKind
    label : str
        What a person reads.
    facts : mapping of str to JSON values
        Digests, times, outcomes.
    """

    id: str
    kind: NodeKind
    label: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the node as JSON values."""
        return {"id": self.id, "kind": self.kind.value, "label": self.label, "facts": dict(self.facts)}


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by their id, and edges from what was there first to what was made of it."""

    nodes: Mapping[str, Node]
    edges: frozenset[tuple[str, str]]

    def after(self, node: str) -> list[str]:
        """Return what was made of a node, in the order of the kinds, then of the ids' appearance."""
        return self._sorted(end for start, end in self.edges if start == node)

    def before(self, node: str) -> list[str]:
        """Return what a node was made of."""
        return self._sorted(start for start, end in self.edges if end == node)

    def closure(self, starts: Iterable[str], direction: Direction) -> Graph:
        """Return the part of the graph that is reached from some nodes, going one way and never back.

        Of both directions it is the two parts together: not what else was made of the same things.
        """
        first = [start for start in starts if start in self.nodes]
        edges: set[tuple[str, str]] = set()
        if direction is not Direction.DOWN:
            edges |= _walk(first, _grouped((end, start) for start, end in self.edges), upward=True)
        if direction is not Direction.UP:
            edges |= _walk(first, _grouped(self.edges), upward=False)
        kept = {*first, *(node for edge in edges for node in edge)}
        return Graph({name: node for name, node in self.nodes.items() if name in kept}, frozenset(edges))

    def beside(self, one: Graph, other: Graph) -> Graph:
        """Return two parts of this graph as one."""
        kept = {**one.nodes, **other.nodes}
        return Graph({name: node for name, node in self.nodes.items() if name in kept}, one.edges | other.edges)

    def with_row(self, row: Node, batches: Iterable[Node]) -> Graph:
        """Return the graph with a row, and the batches that it is in.

        A batch that the ledger does not know, since its run has not ended, is added below its image.
        """
        made = {batch.id: batch for batch in batches}
        images = {name: f"image:{batch.facts['image_digest']}" for name, batch in made.items()}
        new = {(image, name) for name, image in images.items() if name not in self.nodes and image in self.nodes}
        nodes = {**self.nodes, **{name: batch for name, batch in made.items() if name not in self.nodes}, row.id: row}
        return Graph(nodes, self.edges | new | {(name, row.id) for name in made})

    def find(self, kind: NodeKind, **facts: object) -> list[Node]:
        """Return the nodes of a kind with these facts, in the order of their appearance."""
        return [
            node
            for node in self.nodes.values()
            if node.kind is kind and all(node.facts.get(name) == value for name, value in facts.items())
        ]

    def of_data(self, named: str) -> list[Node]:
        """Return the datasets and snapshots that a name, a digest or a digest's beginning (8 digits or more) names."""
        digits = named.removeprefix("sha256:")
        found = self.find(NodeKind.DATASET, dataset=named)
        if len(digits) < MIN_DIGITS:
            return found
        return found + [
            node
            for node in self.find(NodeKind.SNAPSHOT)
            if any(str(node.facts[name]).removeprefix("sha256:").startswith(digits) for name in DATA_DIGESTS)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the graph as JSON values."""
        return {
            "nodes": [node.to_json() for node in self.nodes.values()],
            "edges": [{"from": start, "to": end} for start, end in sorted(self.edges)],
        }

    def _sorted(self, ids: Iterable[str]) -> list[str]:
        order = {name: number for number, name in enumerate(self.nodes)}
        kinds = list(NodeKind)
        return sorted(set(ids), key=lambda name: (kinds.index(self.nodes[name].kind), order[name]))


MIN_DIGITS = 8
DATA_DIGESTS = ("snapshot", "train", "holdout")


def version_node(subject: Mapping[str, Any]) -> Node:
    """Return the node of a subject's version."""
    model, version, artifact = subject["model"], subject["version"], subject["artifact_sha256"]
    return Node(
        id=f"version:{model}/{version}/{artifact}",
        kind=NodeKind.VERSION,
        label=f"{model} version {version}",
        facts={"model": model, "version": version, "artifact_sha256": artifact},
    )


def image_node(subject: Mapping[str, Any]) -> Node:
    """Return the node of a subject's image."""
    digest = subject["image_digest"]
    return Node(
        id=f"image:{digest}",
        kind=NodeKind.IMAGE,
        label=f"image {digest[7:19]}",
        facts={"model": subject["model"], "version": subject["version"], "image_digest": digest},
    )


def batch_node(subject: Mapping[str, Any], *, run: str, interval: Mapping[str, str], **facts: object) -> Node:
    """Return the node of what one run of scoring wrote for an interval, by one version."""
    model, version = subject["model"], subject["version"]
    return Node(
        id=f"batch:{model}/{version}/{run}/{interval['start']}",
        kind=NodeKind.BATCH,
        label=f"answers of {model} version {version}, {span(interval)}",
        facts={
            "model": model,
            "version": version,
            "image_digest": subject.get("image_digest"),
            "run": run,
            "interval": dict(interval),
            **facts,
        },
    )


def row_node(model: str, keys: Mapping[str, str], **facts: object) -> Node:
    """Return the node of a row, by its keys."""
    named = ", ".join(f"{name}={value}" for name, value in keys.items())
    return Node(
        id=f"row:{model}/{named}", kind=NodeKind.ROW, label=f"row {named}", facts={"model": model, **keys, **facts}
    )


def span(interval: Mapping[str, str]) -> str:
    """Return an interval as a person reads it, to the minute."""
    start, end = (str(interval[name])[:16].replace("T", " ") for name in ("start", "end"))
    return f"{start} to {end}"


def roots(graph: Graph) -> Iterator[str]:
    """Yield the nodes that were made of nothing else in the graph, in the order of the kinds."""
    ends = {end for _, end in graph.edges}
    order = list(NodeKind)
    yield from sorted(
        (name for name in graph.nodes if name not in ends), key=lambda name: order.index(graph.nodes[name].kind)
    )


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for start, end in pairs:
        found.setdefault(start, []).append(end)
    return found


def _walk(starts: Iterable[str], nexts: Mapping[str, Iterable[str]], *, upward: bool) -> set[tuple[str, str]]:
    edges, todo, seen = set(), list(starts), set(starts)
    while todo:
        here = todo.pop()
        for there in nexts.get(here, ()):
            edges.add((there, here) if upward else (here, there))
            if there not in seen:
                seen.add(there)
                todo.append(there)
    return edges
