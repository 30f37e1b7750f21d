"""What catalogues are told of a release, of scoring and of a watch; and that nothing waits for them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from slipway.core.verdict import Outcome
from slipway.lineage.events import DIGESTS
from slipway.scoring import Interval
from slipway.workflows.crash import Crash, end_crashed
from slipway.workflows.gate import end_release
from slipway.workflows.tell import tell, tell_release, tell_scoring, tell_training, tell_watch
from tests.unit.workflows.conftest import IMAGE, Bench

SCORING = {"source": {"folder": "in"}, "sink": {"folder": "out"}, "keys": ["row_id"]}
DAY = datetime(2026, 3, 1, tzinfo=UTC)
RUN = SimpleNamespace(id="s1", model="churn", interval=Interval(DAY, DAY + timedelta(days=1)))


@pytest.fixture
def bench(project):
    found = Bench(replace(project(scoring=SCORING), lineage_url="file:events.jsonl"))
    found.registry.add("churn", 1)
    yield found
    found.runtime.close()


@pytest.fixture
def subject(bench):
    return bench.registry.files("churn", 1).subject.with_image(IMAGE)


@pytest.fixture
def told(bench):
    return lambda: [json.loads(line) for line in (bench.settings.root / "events.jsonl").read_text().splitlines()]


def names(event, side):
    return [one["name"] for one in event[side]]


def test_training_leads_from_the_snapshot_to_the_version(bench, subject, told):
    tell_training(bench, subject, {"dataset": "customers", "train": IMAGE, "holdout": IMAGE, "run": "abc"})
    start, end = told()
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert (names(end, "inputs"), names(end, "outputs")) == (["customers/snapshots"], ["churn/versions/1"])
    assert end["inputs"][0]["facets"][DIGESTS]["digests"] == {"train": IMAGE, "holdout": IMAGE}
    assert [one["name"] for one in end["outputs"][0]["facets"]["schema"]["fields"]] == ["tenure", "spend", "p_leaves"]


ENDS = {
    "passed": (Outcome.PASSED, "COMPLETE"),
    "failed": (Outcome.FAILED, "FAIL"),
    "unclear": (Outcome.INCONCLUSIVE, "FAIL"),
}


@pytest.mark.parametrize(("outcome", "state"), ENDS.values(), ids=ENDS)
def test_a_release_leads_from_the_version_to_its_image(bench, subject, told, release, outcome, state):
    tell_release(bench, subject, release.id, None)
    end_release(bench, release, subject, outcome=outcome, step="deploy", reason="so it is")
    start, end = told()
    assert start["run"]["runId"] == end["run"]["runId"]
    assert (end["eventType"], names(end, "outputs")) == (state, ["churn/images/1"])
    assert ("errorMessage" in end["run"].get("facets", {})) is (state == "FAIL")


def test_a_release_that_crashed_is_told_to_have_failed(bench, subject, told, release):
    from slipway.ledger import EntryKind

    payload = {"release": release.id, "subject": subject.to_json()}
    bench.ledger.append(EntryKind.RELEASE_STARTED, model="churn", version=1, actor="ada", payload=payload)
    end_crashed(bench, Crash(model="churn", release=release.id, step="load_test", error="killed"))
    (end,) = told()
    assert (end["eventType"], end["run"]["facets"]["errorMessage"]["message"]) == ("FAIL", "killed")


@pytest.mark.parametrize(
    ("outcome", "state"), [(Outcome.PASSED, "COMPLETE"), (Outcome.INCONCLUSIVE, "COMPLETE"), (Outcome.FAILED, "FAIL")]
)
def test_scoring_leads_from_source_and_image_to_the_sink(bench, subject, told, outcome, state):
    tell_scoring(bench, RUN, subject, outcome, 5)
    (end,) = told()
    assert end["eventType"] == state
    assert (names(end, "inputs"), names(end, "outputs")) == (["in", "churn/images/1"], ["out"])
    assert end["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 5
    assert end["run"]["facets"]["nominalTime"]["nominalStartTime"] == DAY.isoformat()


def test_a_watch_leads_from_the_sink_to_its_reports(bench, subject, told):
    tell_watch(
        bench, RUN, subject, {"reports": [{"path": "a.html", "sha256": IMAGE}, {"path": "b.html", "sha256": None}]}
    )
    (end,) = told()
    assert names(end, "outputs") == ["reports/a.html", "reports/b.html"]
    assert end["outputs"][0]["facets"]["version"]["datasetVersion"] == IMAGE


def test_nothing_is_made_where_nobody_listens(bench):
    bench.settings = replace(bench.settings, lineage_url="")
    tell(bench, lambda: pytest.fail("nobody listens"))


def test_an_event_that_cannot_be_made_is_lost_and_said_to_be(bench):
    def broken():
        raise LookupError("no such field")

    tell(bench, broken)
    assert bench.said == ["lineage events are lost: LookupError: no such field"]


def test_a_release_ends_although_its_events_are_lost(bench, subject, release, kinds):
    (bench.settings.root / "events.jsonl").mkdir()
    end_release(bench, release, subject, outcome=Outcome.PASSED, step="deploy", reason="serving")
    assert kinds() == ["release_ended"]
    assert any(said.startswith("lineage events are lost") for said in bench.said)
