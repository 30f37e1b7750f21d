"""What was made of what: read off entries, asked from either end."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.lineage import Direction, NodeKind, batch_node, row_node
from slipway.core.lineage_ledger import graph_of

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def digest(letter):
    return "sha256:" + letter * 64


@dataclass(frozen=True)
class Entry:
    seq: int
    kind: str
    payload: dict
    at: datetime = DAY


def subject(version, image=None):
    artifact, image = digest(f"{version}"), image or digest("abcdef"[version])
    return {"model": "churn", "version": version, "artifact_sha256": artifact, "image_digest": image}


def bare(version):
    return {**subject(version), "image_digest": None}


def interval(day, days=1):
    return {"start": (DAY + timedelta(days=day)).isoformat(), "end": (DAY + timedelta(days=day + days)).isoformat()}


def data(letter):
    return {"dataset": "customers", "train": digest(letter), "holdout": digest("0"), "run": f"run-{letter}"}


HISTORY = (
    Entry(1, "evidence", {"subject": bare(1), "details": {"data": data("7")}}),
    Entry(2, "evidence", {"subject": subject(1), "details": {"image": {"lock_sha256": digest("9")}}}),
    Entry(3, "deployment", {"subject": subject(1), "release": "r1"}),
    Entry(4, "scoring", {"subject": subject(1), "run": "s1", "interval": interval(0), "outcome": "PASSED"}),
    Entry(5, "drift", {"model": "churn", "run": "m1", "interval": interval(0), "outcome": "PASSED"}),
    Entry(6, "evidence", {"subject": bare(2), "details": {"data": data("8")}}),
    Entry(7, "deployment", {"subject": subject(2), "release": "r2"}),
    Entry(8, "scoring", {"subject": subject(2), "run": "s2", "interval": interval(1), "outcome": "PASSED"}),
    Entry(9, "rollback", {"subject": subject(1), "release": "b1"}),
    Entry(10, "scoring", {"subject": subject(1), "run": "s3", "interval": interval(1), "outcome": "FAILED"}),
    Entry(11, "drift", {"model": "churn", "run": "m2", "interval": interval(1), "outcome": "FAILED"}),
)


@pytest.fixture
def graph():
    return graph_of(HISTORY)


def kinds(graph):
    return {kind: len(graph.find(kind)) for kind in NodeKind if graph.find(kind)}


def test_the_ledger_tells_all_of_it(graph):
    assert kinds(graph) == {
        NodeKind.DATASET: 1,
        NodeKind.SNAPSHOT: 2,
        NodeKind.VERSION: 2,
        NodeKind.IMAGE: 2,
        NodeKind.DEPLOYMENT: 3,
        NodeKind.BATCH: 3,
        NodeKind.DRIFT: 2,
    }


def test_a_batch_was_answered_by_what_served_last_with_its_digests(graph):
    assert graph.before(f"batch:churn/1/s1/{interval(0)['start']}") == ["deployment:3"]
    assert graph.before(f"batch:churn/1/s3/{interval(1)['start']}") == ["deployment:9"]


def test_a_watch_is_over_each_version_that_answered_its_day(graph):
    assert len(graph.before(f"drift:churn/{interval(1)['start']}")) == 2


def test_a_watch_over_a_day_covers_the_batches_of_its_hours_and_no_others():
    hours = [{"start": f"2026-03-0{d}T{h:02}:00:00+00:00", "end": "x"} for d, h in ((1, 0), (1, 23), (2, 0))]
    runs = [
        Entry(n, "scoring", {"subject": subject(1), "run": f"h{n}", "interval": one}) for n, one in enumerate(hours)
    ]
    graph = graph_of([*runs, Entry(9, "drift", {"model": "churn", "interval": interval(0), "outcome": "PASSED"})])
    assert [graph.nodes[name].facts["run"] for name in graph.before(f"drift:churn/{interval(0)['start']}")] == [
        "h0",
        "h1",
    ]


def test_answers_that_were_replaced_are_not_what_was_watched():
    again = [Entry(n, "scoring", {"subject": subject(1), "run": f"s{n}", "interval": interval(0)}) for n in range(2)]
    graph = graph_of([*again, Entry(9, "drift", {"model": "churn", "interval": interval(0), "outcome": "PASSED"})])
    (batch,) = graph.before(f"drift:churn/{interval(0)['start']}")
    assert graph.nodes[batch].facts["run"] == "s1"


def test_upward_leads_to_what_it_was_made_of_and_to_nothing_else(graph):
    (batch,) = graph.find(NodeKind.BATCH, run="s2")
    up = graph.closure([batch.id], Direction.UP)
    assert {node.facts.get("version") for node in up.nodes.values()} == {2, None}
    assert kinds(up) == dict.fromkeys(
        (
            NodeKind.DATASET,
            NodeKind.SNAPSHOT,
            NodeKind.VERSION,
            NodeKind.IMAGE,
            NodeKind.DEPLOYMENT,
            NodeKind.BATCH,
        ),
        1,
    )


def test_downward_leads_to_everything_that_was_made_from_it(graph):
    (version,) = graph.find(NodeKind.VERSION, version=1)
    down = graph.closure([version.id], Direction.DOWN)
    assert kinds(down) == {
        NodeKind.VERSION: 1,
        NodeKind.IMAGE: 1,
        NodeKind.DEPLOYMENT: 2,
        NodeKind.BATCH: 2,
        NodeKind.DRIFT: 2,
    }


def test_both_ways_do_not_turn_round(graph):
    (version,) = graph.find(NodeKind.VERSION, version=1)
    both = graph.closure([version.id], Direction.BOTH)
    assert len(both.find(NodeKind.SNAPSHOT)) == 1, "what else was made of the dataset is another question"


NAMED = {
    "the dataset's name": ("customers", 1),
    "a training file's digest": (digest("7"), 1),
    "its beginning": ("sha256:77777777", 1),
    "its digits alone": ("77777777", 1),
    "a file that both share": ("0" * 10, 2),
    "too few digits": ("7777777", 0),
    "another name": ("suppliers", 0),
}


@pytest.mark.parametrize(("named", "found"), NAMED.values(), ids=NAMED)
def test_data_are_named_by_dataset_or_digest(graph, named, found):
    assert len(graph.of_data(named)) == found


def test_a_version_whose_files_were_changed_is_another_one():
    changed = {**bare(1), "artifact_sha256": digest("5")}
    graph = graph_of([HISTORY[0], Entry(2, "evidence", {"subject": changed, "details": {"data": data("7")}})])
    assert len(graph.find(NodeKind.VERSION, version=1)) == 2


def test_a_row_of_a_run_that_has_not_ended_hangs_on_its_image(graph):
    batch = batch_node(subject(2), run="now", interval=interval(3), in_ledger=False)
    row = row_node("churn", {"row_id": "a"})
    up = graph.with_row(row, [batch]).closure([row.id], Direction.UP)
    assert up.before(batch.id) == [f"image:{digest('c')}"]
    assert len(up.find(NodeKind.SNAPSHOT)) == 1


def test_what_the_ledger_knows_of_a_batch_is_kept(graph):
    batch = batch_node(subject(1), run="s1", interval=interval(0), in_ledger=False)
    whole = graph.with_row(row_node("churn", {"row_id": "a"}), [batch])
    assert whole.nodes[batch.id].facts["outcome"] == "PASSED"
    assert "in_ledger" not in whole.nodes[batch.id].facts
