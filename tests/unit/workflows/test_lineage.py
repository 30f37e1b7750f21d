"""Lineage from either end, over a real ledger and real sinks: which version, image and data scored a row."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from slipway.core.identity import digest_bytes
from slipway.core.lineage import Direction, NodeKind
from slipway.core.service import BuiltImage, RuntimeName
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import SpecError
from slipway.ledger import EntryKind
from slipway.monitoring.values import CheckResult
from slipway.scoring import Interval, Summary
from slipway.scoring.answers import Scored
from slipway.scoring.quarantine import set_aside
from slipway.scoring.score import Counts, Result
from slipway.workflows.check_scores import check_scores
from slipway.workflows.lineage import lineage_of_data, lineage_of_row, lineage_of_version, write_page
from slipway.workflows.plan_partitions import plan_partitions
from slipway.workflows.scoring_run import ScoringRun, quarantine_of, sink_of
from slipway.workflows.validate_data import validate_data
from slipway.workflows.watch_record import record_watch
from tests.unit.workflows.conftest import TUNED, Bench

DAY = datetime(2026, 3, 1, tzinfo=UTC)
SINKS = {"files": {"folder": "data/scores"}, "table": {"connection": "warehouse", "table": "scores"}}


@pytest.fixture(params=SINKS.values(), ids=SINKS)
def bench(project, request):
    scoring = {"source": {"folder": "data/inputs"}, "sink": request.param, "keys": ["row_id"], "max_set_aside": 0.5}
    found = Bench(project(scoring=scoring))
    for version in (1, 2):
        found.registry.add("churn", version, content=f"model {version}".encode())
    yield found
    found.runtime.close()


@pytest.fixture
def connect(bench):
    return lambda name: f"sqlite:///{bench.settings.var}/{name}.db"


@pytest.fixture
def validated(bench, release, monkeypatch):
    """Both versions passed the data gate, as the gate itself records it."""
    from slipway.core.evidence import Findings

    def check(*, out, **_rest):
        (out / "validate_data.html").write_text("<p>")
        passed = Measurement(name="m", value=1.0, threshold=1.0, bound=Bound.MIN)
        return Findings(measurements=(passed,), reports={str(out / "validate_data.html"): "Data validation"})

    monkeypatch.setattr("slipway.quality.validate.validate_data", check)
    return [validate_data(bench, replace(release, id=f"r{version}", version=version)) for version in (1, 2)]


@pytest.fixture
def deployed(bench):
    def deploy(version):
        digest = digest_bytes(f"image {version}".encode())
        subject = bench.registry.files("churn", version).subject.with_image(digest)
        image = BuiltImage(
            digest=digest, reference=digest, runtime=RuntimeName.DOCKER, python_version="3.11", lock_sha256=digest
        )
        payload = {"release": f"r{version}", "subject": subject.to_json(), "image": image.to_json()}
        payload["options"] = TUNED.to_json()
        bench.ledger.append(EntryKind.DEPLOYMENT, model="churn", version=version, actor="ada", payload=payload)
        return subject

    return deploy


@pytest.fixture
def scored(bench, connect):
    """A day of two rows was scored by what serves, ``bad`` set aside; ``entered`` says whether the run has ended."""

    def score(run_id, *, day=0, rows=("a", "b"), bad=(), entered=True):
        start = DAY + timedelta(days=day)
        run = ScoringRun(id=run_id, model="churn", interval=Interval(start, start + timedelta(days=1)), connect=connect)
        folder = bench.settings.var / "data" / "inputs"
        folder.mkdir(parents=True, exist_ok=True)
        count = len(rows) + len(bad)
        batch = pa.RecordBatch.from_pydict({"row_id": [*rows, *bad], "at": [start] * count, "tenure": [1.0] * count})
        pa.parquet.write_table(pa.Table.from_batches([batch]), folder / f"{day}.parquet")
        (assignment,) = plan_partitions(bench, run)
        sink, quarantine, target = sink_of(bench, run), quarantine_of(bench), assignment.stamp.target(run.interval)
        signature = bench.spec("churn").to_signature()
        answers = Scored(("row_id",), signature, assignment.stamp, assignment.partition)
        good = answers.rows(batch, np.arange(len(rows)), np.full(len(rows), 0.25))
        why = set_aside(batch.slice(len(rows)), ["tenure: is missing"] * len(bad), run_id=run_id, at=start)
        for place, written in ((sink, good), (quarantine, why)):
            with place.stage(target, assignment.partition) as file:
                file.write(written)
                file.finish()
                place.commit(file, target, assignment.partition)
        if entered:
            summary = Summary(rows=len(rows), total=0.25 * len(rows), low=0.25, high=0.25, bins={25: len(rows)})
            counts = Counts(read=count, written=len(rows), set_aside=len(bad))
            check_scores(
                bench,
                run,
                [assignment],
                [Result(partition=0, counts=counts, summary=summary, measurements=(), committed=True)],
            )
        return run

    return score


def row(bench, connect, key="a", direction=Direction.UP):
    return lineage_of_row(bench, "churn", {"row_id": key}, direction, connect=connect)


def facts(found, kind, name):
    return [node.facts.get(name) for node in found.graph.find(kind)]


def test_a_row_tells_its_version_its_image_and_its_data(bench, connect, validated, deployed, scored):
    subject = deployed(1)
    scored("s1")
    found = row(bench, connect)
    assert facts(found, NodeKind.VERSION, "artifact_sha256") == [subject.artifact_sha256]
    assert facts(found, NodeKind.IMAGE, "image_digest") == [subject.image_digest]
    (train,) = facts(found, NodeKind.SNAPSHOT, "train")
    assert train == digest_bytes(bench.registry.files("churn", 1).train.read_bytes())
    assert facts(found, NodeKind.DATASET, "dataset") == ["customers"]
    assert facts(found, NodeKind.BATCH, "run") == ["s1"]
    ((answer,),) = facts(found, NodeKind.ROW, "answered")
    assert (answer["p_leaves"], answer["model_version"]) == (0.25, 1)


def test_a_row_that_two_versions_scored_shows_both(bench, connect, validated, deployed, scored):
    deployed(1)
    scored("s1")
    deployed(2)
    scored("s2")
    found = row(bench, connect)
    assert sorted(facts(found, NodeKind.BATCH, "run")) == ["s1", "s2"]
    assert sorted(facts(found, NodeKind.VERSION, "version")) == [1, 2]
    assert len(facts(found, NodeKind.SNAPSHOT, "train")) == 1, "both were made of the same bytes"


def test_a_row_that_was_set_aside_says_why(bench, connect, validated, deployed, scored):
    deployed(1)
    scored("s1", bad=("c",))
    found = row(bench, connect, "c")
    ((why,),) = facts(found, NodeKind.ROW, "set_aside")
    assert (why["why"], why["version"]) == ("tenure: is missing", 1)
    assert facts(found, NodeKind.ROW, "answered") == [[]]
    assert facts(found, NodeKind.VERSION, "version") == [1]


def test_a_row_of_a_run_under_way_is_found_and_marked(bench, connect, validated, deployed, scored):
    deployed(1)
    scored("s1", entered=False)
    found = row(bench, connect)
    assert facts(found, NodeKind.BATCH, "in_ledger") == [False]
    assert facts(found, NodeKind.VERSION, "version") == [1]


def test_a_row_that_nobody_has_seen_is_an_error_that_says_where_was_looked(bench, connect, validated, deployed, scored):
    deployed(1)
    with pytest.raises(SpecError, match="neither answered nor set aside a row row_id=a"):
        row(bench, connect)
    scored("s1")
    with pytest.raises(SpecError, match="neither answered nor set aside a row row_id=z"):
        row(bench, connect, "z")


def test_a_row_is_named_by_the_declared_keys(bench, connect):
    with pytest.raises(SpecError, match="named by row_id, not by id"):
        lineage_of_row(bench, "churn", {"id": "a"}, Direction.UP, connect=connect)


def test_a_version_or_row_leads_down_to_the_watch_over_its_answers(bench, connect, validated, deployed, scored):
    subject = deployed(1)
    run = scored("s1")
    passed = Measurement(name="drift.tenure", value=0.0, threshold=1.0, bound=Bound.MAX)
    about = {"model": "churn", "version": 1, "day": run.interval.start.date()}
    (bench.settings.reports / "drift.html").write_text("<p>")
    result = CheckResult(check="drift", measurements=(passed,), report="drift.html", **about)
    record_watch(bench, run, subject, [result])
    record_watch(bench, run, subject, [result])
    assert len(bench.ledger.entries(kinds=[EntryKind.DRIFT])) == 1, "a second run of a night says nothing twice"
    found = lineage_of_version(bench, "churn", 1, Direction.DOWN)
    assert facts(found, NodeKind.DRIFT, "outcome") == [Outcome.PASSED.value]
    ((report,),) = facts(found, NodeKind.DRIFT, "reports")
    assert report == {"path": "drift.html", "sha256": digest_bytes(b"<p>")}
    assert len(row(bench, connect, direction=Direction.BOTH).graph.find(NodeKind.DRIFT)) == 1
    assert row(bench, connect, direction=Direction.UP).graph.find(NodeKind.DRIFT) == []


def test_a_version_that_the_ledger_does_not_know_is_an_error(bench, validated):
    with pytest.raises(SpecError, match=r"no version 7 of churn \(known: 1, 2\)"):
        lineage_of_version(bench, "churn", 7, Direction.UP)


def test_a_dataset_leads_to_every_version_that_was_made_of_it(bench, validated):
    found = lineage_of_data(bench, "customers", Direction.DOWN)
    assert sorted(facts(found, NodeKind.VERSION, "version")) == [1, 2]
    with pytest.raises(SpecError, match=r"no version was made of 'nothing' \(datasets known: customers\)"):
        lineage_of_data(bench, "nothing", Direction.DOWN)


def test_the_page_shows_every_node_and_nothing_of_it_is_markup(bench, connect, validated, deployed, scored):
    deployed(1)
    scored("s<1>", rows=("<b>",))
    page = write_page(bench, row(bench, connect, "<b>")).read_text()
    assert "<svg" in page
    assert "row_id=&lt;b&gt;" in page
    assert "<b>" not in page.replace("<b>1", "")
    assert "s<1>" not in page


def test_an_answer_is_json(bench, validated):
    said = json.loads(json.dumps(lineage_of_version(bench, "churn", 1, Direction.BOTH).to_json()))
    ids = {node["id"] for node in said["nodes"]}
    assert {end for edge in said["edges"] for end in edge.values()} <= ids
    assert set(said["asked"]) <= ids
