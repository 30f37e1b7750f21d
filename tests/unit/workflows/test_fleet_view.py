"""The fleet's view: made from the ledger once, caught up with at each request, never wrong about whose chain it is."""

import os
import sqlite3
import time
from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.evidence import Check, Evidence, Report
from slipway.core.identity import Subject, digest_bytes
from slipway.core.retention import Stage
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.fleet.rows import Drift, Met, rows_of
from slipway.fleet.store import FILE
from slipway.fleet.values import Summary
from slipway.ledger import EntryKind, Ledger
from slipway.workflows import fleet_view
from slipway.workflows.fleet_fold import fold
from slipway.workflows.fleet_model import Shown, live_at, model_facts, parse_moment, timeline
from slipway.workflows.fleet_view import FleetView
from slipway.workflows.standing import RESTORER, recorded

ARTIFACT, OTHER, IMAGE = (digest_bytes(word) for word in (b"artifact", b"other", b"image"))


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    for name in ("WAIT_SECONDS", "COLD_SECONDS"):
        monkeypatch.setattr(fleet_view, name, 30.0)  # a busy host is no reason to fail


def subject(version, artifact=ARTIFACT, image=IMAGE):
    return Subject(model="churn", version=version, artifact_sha256=artifact, image_digest=image).to_json()


def serving(version, **changes):
    return {"subject": subject(version), "release": f"r{version}", "service": {"id": "s"}} | changes


@pytest.fixture
def put(bench):
    def write(kind, version=1, payload=None, *, actor="ada", model="churn"):
        return bench.ledger.append(kind, model=model, version=version, actor=actor, payload=payload or {})

    return write


@pytest.fixture
def evidence(put):
    def write(check=Check.LOAD_TEST, version=1, *, p95=60.0, p99=100.0, release="r1"):
        found = [
            Measurement(name="latency.p95", value=p95, threshold=170, bound=Bound.MAX, unit="ms", n=900),
            Measurement(name="latency.p99", value=p99, threshold=270, bound=Bound.MAX, unit="ms", n=900),
            Measurement(name="latency.p50", value=p95 / 2, unit="ms", n=900),
        ]
        outcome = Outcome.merge(m.outcome for m in found if m.outcome is not None)
        at = datetime(2026, 1, 1, tzinfo=UTC)
        path = f"churn/v{version}/{release}/{check.value}/{check.value}.html"
        one = Evidence(
            check=check, outcome=outcome, subject=Subject.from_json(subject(version)), runtime="docker",
            measurements=tuple(found), reports=(Report(path=path, sha256=IMAGE),), started_at=at, ended_at=at,
            release=release, reasons=() if outcome is Outcome.PASSED else ("too slow",),
        )  # fmt: skip
        return put(EntryKind.EVIDENCE, version, one.to_json())

    return write


def row_of(view, model="churn"):
    fleet = view.fleet()
    (row,) = rows_of(fleet.declared, fleet.summaries, fleet.watched, at=fleet.at, models=[model])
    return row, fleet


def test_a_request_sees_what_the_one_before_did_not(bench, put, evidence):
    view = FleetView(bench.settings)
    row, fleet = row_of(view)
    assert (row.champion, row.declared.team, fleet.seq) == (None, "growth", 0)
    evidence()
    put(EntryKind.PROMOTION, 1, {"subject": subject(1), "before": None, "release": "r1"})
    put(EntryKind.DEPLOYMENT, 1, serving(1))
    row, fleet = row_of(view)
    assert (row.champion, row.summary.live.image_digest, row.met, fleet.seq) == (1, IMAGE, Met.YES, 3)
    assert [(cell.check, cell.outcome, len(cell.numbers)) for cell in view.cells("churn")] == [
        ("load_test", "PASSED", 2)
    ]


def test_a_restart_goes_on_where_the_one_before_stood(bench, put, evidence, monkeypatch):
    evidence()
    FleetView(bench.settings).fleet()
    later, asked = FleetView(bench.settings), []
    entries = later.bench.ledger.entries
    monkeypatch.setattr(later.bench.ledger, "entries", lambda **of: asked.append(of["since_seq"]) or entries(**of))
    put(EntryKind.PROMOTION, 1, {"subject": subject(1), "before": None})
    row, _ = row_of(later)
    assert (row.champion, row.summary.entries, min(asked)) == (1, 2, 0)  # from the entry that was read last, 1


def test_two_processes_see_each_others_work_and_count_no_entry_twice(bench, put, evidence):
    first, second = FleetView(bench.settings), FleetView(bench.settings)
    for n in range(1, 6):
        evidence(version=n)
        assert row_of(first if n % 2 else second)[0].summary.entries == n
    assert row_of(first)[0].summary == row_of(second)[0].summary


def test_in_pieces_or_at_once_the_same_is_known(bench, put, evidence, monkeypatch):
    for n in range(1, 8):
        evidence(version=n, p95=60.0 + 30 * n)
        put(
            EntryKind.RELEASE_ENDED,
            n,
            {"release": f"r{n}", "outcome": "PASSED", "step": "deploy", "subject": subject(n)},
        )
    at_once = row_of(FleetView(bench.settings))[0].summary
    (bench.settings.var / FILE).unlink()
    monkeypatch.setattr(fleet_view, "BATCH", 2)
    assert row_of(FleetView(bench.settings))[0].summary == at_once
    assert at_once.entries == 14


def test_the_champion_is_who_the_release_path_says(bench, put, evidence):
    put(EntryKind.PROMOTION, 1, {"subject": subject(1), "before": None, "release": "r1"})
    put(EntryKind.PROMOTION, 2, {"subject": subject(2, OTHER), "before": 1, "release": "r2"})
    put(EntryKind.REFUSAL, 2, {"subject": subject(2, OTHER), "what": "deployment", "serving": 1, "release": "r2"})
    row, _ = row_of(FleetView(bench.settings))
    known = recorded(bench, "churn")
    assert (
        (row.champion, row.summary.champion.artifact_sha256) == (known.version, known.artifact_sha256) == (1, ARTIFACT)
    )


def test_a_ledger_that_was_replaced_is_read_anew_and_said(bench, put, evidence):
    view = FleetView(bench.settings)
    for n in range(1, 4):
        evidence(version=n)
    assert row_of(view)[0].summary.newest == 3
    for end in ("", "-wal", "-shm"):
        (bench.settings.var / f"ledger.db{end}").unlink(missing_ok=True)
    Ledger(bench.settings.ledger_url).append(EntryKind.APPROVAL, model="churn", version=1, actor="x", payload={})
    row, fleet = row_of(view)
    assert (row.summary.newest, row.summary.entries, view.cells("churn")) == (1, 1, [])
    assert any("no longer the one" in said for said in fleet.notices)


def test_an_altered_entry_is_named_and_what_came_before_is_shown(bench, put, evidence):
    for n in range(1, 8):
        evidence(version=n)
    with sqlite3.connect(bench.settings.var / "ledger.db") as connection:
        connection.execute("DROP TRIGGER ledger_no_update")
        connection.execute("UPDATE ledger_entries SET payload = '{ }' WHERE seq = 5")
    row, fleet = row_of(FleetView(bench.settings))
    assert (row.summary.newest, fleet.seq) == (4, 4)
    assert any("entry 5 is broken" in said for said in fleet.notices)


def test_an_entry_that_does_not_follow_is_said(bench, put, evidence):
    for n in range(1, 4):
        evidence(version=n)
    with sqlite3.connect(bench.settings.var / "ledger.db") as connection:
        connection.execute("DROP TRIGGER ledger_no_update")
        connection.execute("UPDATE ledger_entries SET previous = ? WHERE seq = 2", ("sha256:" + "9" * 64,))
    assert any("entry 2 does not follow" in said for said in FleetView(bench.settings).fleet().notices)


def test_a_ledger_that_does_not_answer_leaves_the_declarations(bench, project):
    (bench.settings.var).mkdir(exist_ok=True)
    (bench.settings.var / "ledger.db").write_text("no database at all" * 50)
    row, fleet = row_of(FleetView(bench.settings))
    assert row.declared.team == "growth"
    assert any("What to do" in said for said in fleet.notices)
    page = model_facts(FleetView(bench.settings), row, (), show=Shown())
    assert any("timeline cannot be shown" in said for said in page.said)


def test_a_registry_that_is_away_is_said_and_nothing_waits_for_it(bench, put):
    put(EntryKind.PROMOTION, 1, {"subject": subject(1), "before": None})
    view = FleetView(bench.settings)
    view.fleet()
    deadline = time.monotonic() + 30
    while view._registry.running and time.monotonic() < deadline:
        time.sleep(0.01)
    row, fleet = row_of(view)
    assert row.champion == 1
    assert any("registry" in said and "never released are not shown" in said for said in fleet.notices)


def test_a_store_without_nights_says_not_watched_and_one_that_is_broken_says_unknown(bench, put):
    put(EntryKind.PROMOTION, 1, {"subject": subject(1), "before": None})
    assert row_of(FleetView(bench.settings))[0].drift is Drift.UNWATCHED
    (bench.settings.var / "monitoring.db").write_text("no database at all" * 50)
    row, fleet = row_of(FleetView(bench.settings))
    assert row.drift is Drift.UNKNOWN
    assert len(fleet.notices) >= 1


def test_a_declaration_is_read_again_when_its_file_has_changed_and_not_otherwise(bench, project, monkeypatch):
    from slipway.workflows import fleet_declared

    read = []
    real = fleet_declared.load_model
    monkeypatch.setattr(
        fleet_declared, "load_model", lambda settings, model: read.append(model) or real(settings, model)
    )
    view = FleetView(bench.settings)
    for _ in range(3):
        assert row_of(view)[0].declared.team == "growth"
    assert row_of(FleetView(bench.settings))[0].declared.team == "growth"  # nor after a restart
    assert read == ["churn"]
    project(owner={"team": "other", "contact": "x"})
    path = bench.settings.models / "churn" / "model.yaml"
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1_000_000))
    assert row_of(view)[0].declared.team == "other"
    path.write_text("name: churn\nrisk_tier: huge\n")
    assert "risk_tier" in row_of(view)[0].problem


ODD = {
    "a deployment without a subject": (EntryKind.DEPLOYMENT, {"service": {}}),
    "a scoring without rows": (EntryKind.SCORING, {"interval": {}}),
    "an end without an outcome": (EntryKind.RELEASE_ENDED, {"release": "r"}),
    "a subject that is text": (EntryKind.PROMOTION, {"subject": "churn"}),
}


@pytest.mark.parametrize(("kind", "payload"), ODD.values(), ids=ODD)
def test_an_odd_entry_counts_and_changes_nothing_else(put, kind, payload):
    after, cell = fold(Summary(model="churn"), put(kind, 1, payload))
    assert (after.entries, after.live, after.champion, after.scored, after.release, cell) == (
        1,
        None,
        None,
        None,
        None,
        None,
    )


def test_what_a_start_put_back_serves_since_it_was_deployed(put):
    summary = Summary(model="churn")
    first = put(EntryKind.DEPLOYMENT, 1, serving(1))
    for entry in (first, put(EntryKind.DEPLOYMENT, 1, serving(1), actor=RESTORER)):
        summary, _ = fold(summary, entry)
    assert summary.live.since == first.at


PASSAGES = {
    "removed": ([(EntryKind.ARCHIVE, {"stage": "archived"}), (EntryKind.ARCHIVE, {"stage": "removed"})], Stage.REMOVED),
    "archived, and its removal was not finished": ([(EntryKind.ARCHIVE, {"stage": "archived"})], Stage.ARCHIVED),
    "archived and then kept": (
        [(EntryKind.ARCHIVE, {"stage": "archived"}), (EntryKind.ARCHIVE, {"stage": "kept"})],
        Stage.PRESENT,
    ),
    "removed and restored": (
        [(EntryKind.ARCHIVE, {"stage": "removed"}), (EntryKind.RESTORATION, {"restored_as": 1})],
        Stage.PRESENT,
    ),
}


@pytest.mark.parametrize(("history", "stage"), PASSAGES.values(), ids=PASSAGES)
def test_a_version_is_where_the_archive_s_entries_say(put, history, stage):
    summary = Summary(model="churn")
    for kind, payload in history:
        summary, _ = fold(summary, put(kind, 1, payload))
    assert summary.versions[1].stage is stage


def test_a_version_restored_under_another_number_is_that_one(put):
    summary, _ = fold(Summary(model="churn"), put(EntryKind.ARCHIVE, 1, {"stage": "removed"}))
    entry = put(EntryKind.RESTORATION, 1, {"restored_as": 4})
    summary, _ = fold(summary, entry)
    assert (summary.versions[1].stage, summary.versions[4].stage) == (Stage.REMOVED, Stage.PRESENT)
    assert summary.versions[4].restored == entry.at


def test_a_hold_by_a_command_is_known_until_it_is_lifted(put):
    summary, known = Summary(model="churn"), []
    for held in (True, False):
        summary, _ = fold(summary, put(EntryKind.HOLD, 1, {"held": held, "reason": "case 7"}))
        known.append(summary.versions[1].held)
    assert known == [True, False]


# version that serves -> entries, in their order; what is live after each
LIVE = {
    "nothing yet": ([], None),
    "the newest deployment": ([(EntryKind.DEPLOYMENT, 1), (EntryKind.DEPLOYMENT, 2)], 2),
    "what was put back": ([(EntryKind.DEPLOYMENT, 1), (EntryKind.DEPLOYMENT, 2), (EntryKind.ROLLBACK, 1)], 1),
    "an old version that was retired does not matter": (
        [(EntryKind.DEPLOYMENT, 1), (EntryKind.DEPLOYMENT, 2), (EntryKind.RETIREMENT, 1)],
        2,
    ),
    "the one that served was retired": ([(EntryKind.DEPLOYMENT, 1), (EntryKind.RETIREMENT, 1)], None),
    "the whole model was retired": ([(EntryKind.DEPLOYMENT, 1), (EntryKind.RETIREMENT, None)], None),
    "deployed again after that": (
        [(EntryKind.DEPLOYMENT, 1), (EntryKind.RETIREMENT, None), (EntryKind.DEPLOYMENT, 2)],
        2,
    ),
}


@pytest.mark.parametrize(("history", "version"), LIVE.values(), ids=LIVE)
def test_page_and_ledger_agree_on_what_is_live(bench, put, history, version):
    for kind, of in history:
        put(kind, of, serving(of) if of else {"reason": "over"})
    view = FleetView(bench.settings)
    row, _ = row_of(view)
    live = live_at(view, "churn", datetime.now(UTC) + timedelta(days=1))
    assert [found and found.version for found in (row.summary.live, live)] == [version, version]


def test_a_moment_before_the_first_deployment_has_nothing_and_later_ones_their_own(bench, put):
    first = put(EntryKind.DEPLOYMENT, 1, serving(1))
    second = put(EntryKind.DEPLOYMENT, 2, serving(2))
    view, tick = FleetView(bench.settings), timedelta(microseconds=1)
    moments = (first.at - tick, first.at, second.at - tick, second.at)
    assert [found and found.version for found in (live_at(view, "churn", at) for at in moments)] == [None, 1, 1, 2]


MOMENTS = {
    "2026-03-01T10:00": 10,
    "2026-03-01T10:00:00+02:00": 8,
    "2026-03-01T10:00:00 02:00": 8,
    "2026-03-01 10:00": 10,
}


@pytest.mark.parametrize(("text", "hour"), MOMENTS.items(), ids=MOMENTS)
def test_a_typed_moment_is_utc_unless_it_says_otherwise(text, hour):
    assert parse_moment(text) == datetime(2026, 3, 1, hour, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "", "0000-00-00T00:00"])
def test_what_is_no_moment_is_said_on_the_page(bench, put, text):
    view = FleetView(bench.settings)
    row, _ = row_of(view)
    facts = model_facts(view, row, (), at=text, show=Shown())
    assert facts.live is None if not text else "not a moment" in facts.live.problem


def test_the_timeline_is_paged_both_ways(bench, put):
    for n in range(1, 71):
        put(EntryKind.SCORING if n % 2 else EntryKind.APPROVAL, 1, {"comment": str(n)})
        put(EntryKind.APPROVAL, 1, {}, model="other_one")
    view = FleetView(bench.settings)
    seqs, after = [], 0
    while after is not None:
        found = timeline(view, "churn", after=after, limit=30)
        seqs += [entry["seq"] for entry in found["entries"]]
        after = found["next"]
    assert seqs == list(range(1, 140, 2))
    row, _ = row_of(view)
    back, before = [], None
    while True:
        facts = model_facts(view, row, (), before=before, show=Shown())
        back += [one.seq for one in facts.timeline]
        before = facts.older
        if before is None:
            break
    assert back == seqs[::-1]
    decided = model_facts(view, row, (), show=Shown(decisions=True))
    assert {one.kind for one in decided.timeline} == {"approval"}
    assert decided.older is not None


def test_a_model_card_is_linked_where_it_is(bench, put):
    for version, path in ((1, "v1/card.html"), (2, "v2/r/card.html")):
        file = bench.settings.reports / "churn" / path
        file.parent.mkdir(parents=True)
        file.write_text("card")
        put(EntryKind.APPROVAL, version, {})
    view = FleetView(bench.settings)
    row, _ = row_of(view)
    cards = model_facts(view, row, (), show=Shown()).cards
    assert cards == {1: "churn/v1/card.html", 2: "churn/v2/r/card.html"}
