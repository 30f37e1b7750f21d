"""The lineage that the ledger tells. Pure: one pass over its entries, oldest first.

Rules
-----
1. Each fact is taken from the one entry that has it: a version's data from the evidence of its validation, its image
   from the evidence on it, what served from deployments and rollbacks, answers from the runs of scoring.
2. A batch was answered by what served last, with these digests, before it was entered.
3. A watch is over the answers of its interval; where a version answered twice, over the later ones, which replaced the
   others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from slipway.core.identity import digest_tree
from slipway.core.lineage import Graph, Node, NodeKind, batch_node, image_node, span, version_node


class Recorded(Protocol):
    """An entry of the ledger."""

    @property
    def seq(self) -> int:
        """Its number."""

    @property
    def at(self) -> datetime:
        """When it was written."""

    @property
    def kind(self) -> str:
        """What happened."""

    @property
    def payload(self) -> Mapping[str, Any]:
        """What is known of it."""


KINDS = ("evidence", "deployment", "rollback", "scoring", "drift")
"""The kinds of entries that a graph is read off."""


def graph_of(entries: Iterable[Recorded]) -> Graph:
    """Return the graph that the ledger's entries tell, oldest first."""
    made = _Graph()
    for entry in entries:
        read = _READERS.get(str(entry.kind))
        if read is not None:
            read(made, entry)
    return Graph(made.nodes, frozenset(made.edges))


class _Graph:
    """The graph while it is read."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: set[tuple[str, str]] = set()
        self.serving: dict[tuple[str, int, str, str], str] = {}
        self.batches: dict[str, dict[tuple[int, datetime], str]] = {}

    def add(self, node: Node, *sources: str) -> str:
        """Add a node, or more facts to it, and the edges from what it was made of."""
        known = self.nodes.get(node.id)
        facts = {**(known.facts if known else {}), **node.facts}
        self.nodes[node.id] = Node(id=node.id, kind=node.kind, label=node.label, facts=facts)
        self.edges |= {(source, node.id) for source in sources}
        return node.id


def _evidence(graph: _Graph, entry: Recorded) -> None:
    subject, details = entry.payload["subject"], entry.payload.get("details", {})
    sources = [_snapshot(graph, details["data"])] if "data" in details else []
    version = graph.add(version_node(subject), *sources)
    if subject.get("image_digest"):
        facts = {name: details["image"].get(name) for name in ("lock_sha256", "runtime")} if "image" in details else {}
        graph.add(_with(image_node(subject), facts), version)


def _snapshot(graph: _Graph, data: Mapping[str, Any]) -> str:
    dataset = graph.add(
        Node(
            id=f"dataset:{data['dataset']}",
            kind=NodeKind.DATASET,
            label=f"dataset {data['dataset']}",
            facts={"dataset": data["dataset"]},
        )
    )
    whole = digest_tree({"holdout": data["holdout"], "train": data["train"]})
    return graph.add(
        Node(
            id=f"snapshot:{whole}",
            kind=NodeKind.SNAPSHOT,
            label=f"snapshot {whole[7:19]} of {data['dataset']}",
            facts={**data, "snapshot": whole},
        ),
        dataset,
    )


def _serving(graph: _Graph, entry: Recorded) -> None:
    payload = entry.payload
    subject = payload["subject"]
    image = graph.add(image_node(subject), graph.add(version_node(subject)))
    kind = str(entry.kind)
    found = graph.add(
        Node(
            id=f"deployment:{entry.seq}",
            kind=NodeKind.DEPLOYMENT,
            label=f"{kind} of {entry.at:%Y-%m-%d %H:%M}",
            facts={
                "model": subject["model"],
                "version": subject["version"],
                "what": kind,
                "at": entry.at.isoformat(),
                "release": payload.get("release"),
            },
        ),
        image,
    )
    graph.serving[_identity(subject)] = found


def _scoring(graph: _Graph, entry: Recorded) -> None:
    payload = entry.payload
    subject, interval = payload["subject"], payload["interval"]
    batch = batch_node(
        subject,
        run=payload["run"],
        interval=interval,
        **{name: payload.get(name) for name in ("partitions", "rows", "outcome", "source", "sink")},
    )
    served = graph.serving.get(_identity(subject))
    if served is None:
        served = graph.add(image_node(subject), graph.add(version_node(subject)))
    graph.add(batch, served)
    start = datetime.fromisoformat(interval["start"])
    graph.batches.setdefault(subject["model"], {})[subject["version"], start] = batch.id


def _drift(graph: _Graph, entry: Recorded) -> None:
    payload = entry.payload
    model, interval = payload["model"], payload["interval"]
    facts = {name: payload.get(name) for name in ("outcome", "interval", "run", "versions", "reports")}
    node = Node(
        id=f"drift:{model}/{interval['start']}",
        kind=NodeKind.DRIFT,
        label=f"watch over {model}, {span(interval)}: {payload['outcome']}",
        facts={"model": model, **facts},
    )
    start, end = (datetime.fromisoformat(interval[name]) for name in ("start", "end"))
    answers = graph.batches.get(model, {})
    graph.add(node, *(batch for (_, begun), batch in answers.items() if start <= begun < end))


_READERS = {
    "evidence": _evidence,
    "deployment": _serving,
    "rollback": _serving,
    "scoring": _scoring,
    "drift": _drift,
}


def _identity(subject: Mapping[str, Any]) -> tuple[str, int, str, str]:
    return subject["model"], subject["version"], subject["artifact_sha256"], subject.get("image_digest") or ""


def _with(node: Node, facts: Mapping[str, Any]) -> Node:
    return Node(id=node.id, kind=node.kind, label=node.label, facts={**node.facts, **facts})
