"""A row tells objectives, drift and retention, and never reads what it does not know as good news."""

from datetime import timedelta

import pytest

from slipway.core.retention import Stage
from slipway.fleet.rows import Drift, Met, Row, rows_of
from slipway.fleet.values import Champion, Declared, Known, Watched
from tests.unit.fleet.conftest import NOW, a_declared, a_load, a_summary, days_ago

OBJECTIVES = {
    "within both limits": ({}, {}, Met.YES),
    "p95 beyond what is declared": ({"loads": (a_load(p95=171.0),)}, {}, Met.NO),
    "p99 beyond what is declared": ({"loads": (a_load(p99=271.0),)}, {}, Met.NO),
    "the gate said FAILED, by its counts": ({"loads": (a_load(outcome="FAILED"),)}, {}, Met.NO),
    "the declaration was tightened since": ({}, {"p95_ms": 50.0}, Met.NO),
    "the declaration was loosened since, the test is good": ({}, {"p95_ms": 500.0}, Met.YES),
    "the test was inconclusive": ({"loads": (a_load(outcome="INCONCLUSIVE"),)}, {}, Met.UNKNOWN),
    "a percentile was not measured": ({"loads": (a_load(p99=None),)}, {}, Met.UNKNOWN),
    "only another version was tested": ({"loads": (a_load(version=2),)}, {}, Met.UNKNOWN),
    "a newer test of another version does not count": (
        {"loads": (a_load(), a_load(version=4, p95=999.0))},
        {},
        Met.YES,
    ),
    "the newest test of the champion counts": ({"loads": (a_load(p95=999.0), a_load())}, {}, Met.YES),
    "nobody is champion": ({"champion": None}, {}, Met.NONE),
    "the champion was retired": ({"champion": Champion(version=None, artifact_sha256=None, since=NOW)}, {}, Met.NONE),
    "the declaration is broken, so the test's own limit holds": ({}, {"p95_ms": None, "p99_ms": None}, Met.YES),
}


@pytest.mark.parametrize(("summary", "declared", "met"), OBJECTIVES.values(), ids=OBJECTIVES)
def test_objectives_are_met_only_by_the_champions_own_newest_test(a_row, summary, declared, met):
    assert a_row(summary=summary, declared=declared).met is met


DRIFT = {
    "watched yesterday, nothing open": (Watched(day="2026-02-28"), {}, Drift.QUIET),
    "an open page": (Watched(day="2026-02-28", pages=1), {}, Drift.PAGE),
    "a page beside a note": (Watched(day="2026-02-28", pages=1, notes=3), {}, Drift.PAGE),
    "an open note": (Watched(day="2026-02-28", notes=1), {}, Drift.NOTE),
    "three days behind is still fresh": (Watched(day="2026-02-26"), {}, Drift.QUIET),
    "four days behind is not": (Watched(day="2026-02-25"), {}, Drift.BEHIND),
    "an alert counts however old": (Watched(day="2026-01-01", pages=1), {}, Drift.PAGE),
    "declared, champion, and never watched": (Watched(), {}, Drift.BEHIND),
    "not declared, never watched": (Watched(), {"monitored": False}, Drift.UNWATCHED),
    "the numbers cannot be told": (None, {}, Drift.UNKNOWN),
}


@pytest.mark.parametrize(("watched", "declared", "drift"), DRIFT.values(), ids=DRIFT)
def test_drift_is_told_from_open_alerts_and_a_watch_that_keeps_up(a_row, watched, declared, drift):
    assert a_row(watched=watched, declared=declared).drift is drift


def _versions(count, **changed):
    """Versions of 600 days and less, oldest first; ``v1={...}`` changes what is known of the first."""
    return {n: Known(since=days_ago(600 - n), **changed.get(f"v{n}", {})) for n in range(1, count + 1)}


RETENTION = {
    "all are among the newest": (_versions(2), {}, 2, None),
    "the oldest is due": (_versions(5), {}, 5, 1),
    "the champion stays however old": (_versions(5), {}, 1, 2),
    "a version on legal hold stays": (_versions(5), {"legal_hold": (1,)}, 5, 2),
    "a version that a command holds stays": (_versions(5, v1={"held": True}), {}, 5, 2),
    "what was removed is gone already": (_versions(5, v1={"stage": Stage.REMOVED}), {}, 5, 2),
    "what was restored is as young as that": (_versions(5, v1={"restored": days_ago(3)}), {}, 5, 2),
    "a version in the archive is not among the newest": (_versions(3, v3={"stage": Stage.REMOVED}), {}, 2, None),
    "a broken declaration says nothing": (_versions(5), {"keep_days": None}, 5, None),
}


@pytest.mark.parametrize(("versions", "declared", "champion", "due"), RETENTION.values(), ids=RETENTION)
def test_retention_names_the_version_that_is_past_its_time_first(a_row, versions, declared, champion, due):
    summary = {"versions": versions, "live": None}
    summary["champion"] = Champion(version=champion, artifact_sha256=None, since=NOW)
    found = a_row(summary=summary, declared=declared).retention
    assert (found and found[1]) == due
    if found:
        assert found[0] == versions[due].since + timedelta(days=365)


def test_a_model_may_be_declared_alone_or_in_the_ledger_alone():
    rows = {row.model: row for row in rows_of({"new": a_declared("new")}, {"old": a_summary("old")}, {}, at=NOW)}
    assert (rows["new"].champion, rows["new"].problem) == (None, "")
    assert rows["old"].champion == 3
    assert "no folder" in rows["old"].problem


def test_a_broken_declaration_keeps_what_the_ledger_says(a_row):
    row = Row(declared=Declared(model="churn", problem="risk_tier: huge"), summary=a_summary(), watched=None, at=NOW)
    told = row.to_json()
    assert (told["problem"], told["champion"]["version"], told["owner"]) == ("risk_tier: huge", 3, None)
