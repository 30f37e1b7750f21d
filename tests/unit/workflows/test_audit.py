"""The audit: what is as it was recorded passes; each thing that is not is found, named, recorded once and over once."""

import shutil
from datetime import timedelta

import pytest

from slipway.core.finding import Kind, Severity
from slipway.core.verdict import Outcome
from slipway.deploy.routes import Role
from slipway.errors import AuditFailed, AuditInconclusive, EngineUnavailable
from slipway.ledger import EntryKind
from slipway.workflows import audit_paging
from slipway.workflows.audit import ACTOR, open_findings
from slipway.workflows.audit_reports import newest_evidence
from slipway.workflows.standing import CHAMPION
from tests.unit.workflows.audited import IMAGES, audits, look, turns
from tests.unit.workflows.test_anchor import direct, rewrite


def test_untouched_everything_passes_and_is_anchored(served, paged):
    found = look(served)
    assert [f.kind for f in found.findings] == [Kind.NO_ANCHOR]
    assert (found.outcome, found.models) == (Outcome.PASSED, ("churn",))
    assert found.reports.files == len(newest_evidence(served.ledger.entries())) == 14
    found.require_passed()
    again = look(served)
    assert (again.outcome, again.findings, again.ledger.beyond) == (Outcome.PASSED, (), 0)
    assert turns(served) == [(Kind.NO_ANCHOR, "found"), (Kind.NO_ANCHOR, "over")]
    assert paged == []


def test_an_audit_that_finds_nothing_new_leaves_the_ledger_as_it_is(served):
    for _ in range(2):
        look(served)
    before = served.ledger.head()
    look(served)
    assert served.ledger.head() == before


def test_once_a_day_an_entry_tells_that_audits_are_made(served):
    for _ in range(2):
        look(served)
    before, now = len(audits(served)), served.now
    served.now = lambda: now() + timedelta(days=1, minutes=1)
    look(served)
    assert [e.payload["outcome"] for e in audits(served)[before:]] == ["PASSED"]


def test_a_project_without_anything_passes(bench, gateway):
    found = look(bench)
    assert (found.outcome, found.reports.files, found.models) == (Outcome.PASSED, 0, ("churn",))


# -- what is done by hand, and what the audit says of it --------------------------------------------------------------


def report_of(bench, at=-1):
    return newest_evidence(bench.ledger.entries())[at].payload["reports"][0]["path"]


def delete_report(bench):
    (bench.settings.reports / report_of(bench)).unlink()
    return report_of(bench)


def alter_report(bench):
    path = bench.settings.reports / report_of(bench, 0)
    path.write_bytes(path.read_bytes() + b" ")
    return report_of(bench, 0)


def alter_artifact(bench):
    bench.registry.tamper("churn", 2)
    return ""


def remove_artifact(bench):
    shutil.rmtree(bench.registry.root / bench.spec("churn").registered_model / "2")
    return ""


def change_image(bench):
    bench.changed.add(IMAGES[2])
    return IMAGES[2]


def remove_route(bench):
    bench.gateway.remove_route("churn")
    return ""


def swap_route(bench):
    """The version before takes the champion's place, with nothing recorded."""
    from dataclasses import replace

    route = bench.gateway.route("churn")
    new = {Role.CHAMPION: (Role.PREVIOUS, 0), Role.PREVIOUS: (Role.CHAMPION, 100)}
    moved = [replace(b, role=new[b.role][0], weight=new[b.role][1]) for b in route.backends]
    bench.gateway.set_route("churn", moved)
    return ""


DAMAGE = {
    "report deleted": (delete_report, Kind.REPORT_MISSING, "is missing"),
    "report altered": (alter_report, Kind.REPORT_ALTERED, "was altered"),
    "artifact altered": (alter_artifact, Kind.ARTIFACT_ALTERED, "was promoted"),
    "artifact removed": (remove_artifact, Kind.ARTIFACT_MISSING, "are not whole"),
    "image changed": (change_image, Kind.IMAGE_CHANGED, "was changed"),
    "route removed": (remove_route, Kind.ROUTE_MOVED, "no route"),
    "route moved": (swap_route, Kind.ROUTE_MOVED, "the gateway's champion is version 1"),
}


@pytest.mark.parametrize(("damage", "kind", "said"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_named_recorded_and_paged_once(served, paged, damage, kind, said):
    look(served)
    place = damage(served)
    found = look(served)
    (finding,) = [f for f in found.findings if f.severity is Severity.FAIL]
    assert (finding.kind, finding.model, finding.place) == (kind, "churn", place)
    assert finding.version == (1 if kind is Kind.REPORT_ALTERED else 2)
    assert said in finding.what
    assert found.outcome is Outcome.FAILED
    with pytest.raises(AuditFailed, match="the audit FAILED"):
        found.require_passed()
    assert look(served).outcome is Outcome.FAILED
    assert turns(served).count((kind, "found")) == 1
    assert len(paged) == 1
    entry = next(e for e in audits(served) if e.payload.get("state") == "found" and e.model == "churn")
    assert (entry.version, entry.actor, entry.payload["outcome"]) == (finding.version, ACTOR, "FAILED")


def test_what_was_put_right_is_over_and_found_again_when_it_comes_back(served, paged):
    path = served.settings.reports / report_of(served)
    whole = path.read_bytes()
    for _ in range(2):
        path.write_bytes(b"another")
        look(served)
        path.write_bytes(whole)
        assert look(served).outcome is Outcome.PASSED
    assert [turn for turn in turns(served) if turn[0] is Kind.REPORT_ALTERED] == [
        (Kind.REPORT_ALTERED, state) for state in ("found", "over") * 2
    ]
    assert len(paged) == 2


def test_reports_that_a_second_try_of_a_gate_replaced_are_no_finding(served, put):
    from slipway.core.evidence import Check

    path = served.settings.reports / report_of(served, 0)
    put(Check.VALIDATE_DATA, version=1, release_id="r1")
    path.write_text("a new try")
    assert look(served).outcome is Outcome.FAILED, "the newest evidence counts"
    put(Check.VALIDATE_DATA, version=1, release_id="r1")
    assert look(served).outcome is Outcome.PASSED


def test_reports_of_an_archived_version_may_be_gone_but_not_altered(served):
    served.ledger.append(EntryKind.ARCHIVE, model="churn", version=1, actor="ada", payload={})
    gone, altered = (served.settings.reports / report_of(served, at) for at in (0, 1))
    gone.unlink()
    assert look(served).outcome is Outcome.PASSED
    altered.write_text("something else")
    assert [f.kind for f in look(served).findings] == [Kind.REPORT_ALTERED]


# -- what cannot be looked at is no pass ------------------------------------------------------------------------------


def registry_down(bench):
    bench.registry.down = True


def engine_away(bench):
    def away(image, files):
        raise EngineUnavailable("no engine answers", remedy="start it")

    bench.verify_image = away


def gateway_deaf(bench):
    bench.gateway.url = "http://127.0.0.1:1"


def declaration_broken(bench):
    (bench.settings.models / "churn" / "model.yaml").write_text("name: churn\n")


def folder_gone(bench):
    shutil.rmtree(bench.settings.models / "churn")


BLIND = {
    "registry": registry_down,
    "engine": engine_away,
    "gateway": gateway_deaf,
    "declaration": declaration_broken,
    "folder": folder_gone,
}


@pytest.mark.parametrize("blind", BLIND.values(), ids=BLIND)
def test_what_cannot_be_looked_at_is_inconclusive_and_paged_to_nobody(served, paged, blind):
    look(served)
    blind(served)
    found = look(served)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert {f.kind for f in found.findings} == {Kind.NOT_LOOKED_AT}
    with pytest.raises(AuditInconclusive, match="INCONCLUSIVE"):
        found.require_passed()
    assert paged == []


def test_what_was_found_is_not_over_while_nobody_can_look(served):
    served.registry.tamper("churn", 2)
    look(served)
    served.registry.down = True
    look(served)
    assert [f.kind for f in open_findings(audits(served)).values() if f.severity is Severity.FAIL] == [
        Kind.ARTIFACT_ALTERED
    ]
    served.registry.down = False
    look(served)
    assert turns(served).count((Kind.ARTIFACT_ALTERED, "found")) == 1


def test_a_gateway_that_answers_from_another_service_than_its_state_says_is_found(served, gateway):
    rds = served.settings.gateway / "xds" / "rds.json"
    rds.write_text(rds.read_text().replace(f"churn-v2-{IMAGES[2][7:15]}", f"churn-v1-{IMAGES[1][7:15]}"))
    (finding,) = [f for f in look(served).findings if f.severity is Severity.FAIL]
    assert finding.kind is Kind.ROUTE_MOVED


# -- a ledger that does not hold --------------------------------------------------------------------------------------


def test_nothing_is_written_to_a_ledger_that_does_not_hold_and_nothing_put_right_by_it(served, paged):
    look(served)
    rewrite(served, 3, actor="eve")
    served.registry.set_alias("churn", CHAMPION, 1)
    before = served.ledger.head(), served.settings.ledger_anchors.read_bytes()
    found = look(served)
    assert (found.outcome, found.ledger.first_bad, found.models) == (Outcome.FAILED, 3, ())
    assert (served.ledger.head(), served.settings.ledger_anchors.read_bytes()) == before
    assert served.registry.alias("churn", CHAMPION) == 1
    assert len(paged) == 1
    assert "ledger entry 3 is broken: rewritten" in paged[0]


def test_a_ledger_cut_short_keeps_its_end_for_who_restores_it(served):
    look(served)
    last = served.ledger.head().seq
    direct(served, ("DELETE FROM ledger_entries WHERE seq > 20", ()))
    assert look(served).ledger.first_bad == 21
    assert served.ledger.head().seq == 20
    assert last > 20


# -- the page -------------------------------------------------------------------------------------------------------


def test_the_page_tells_the_verdict_the_findings_and_what_was_compared(served):
    served.registry.tamper("churn", 2)
    (served.settings.reports / report_of(served)).write_text("<script>alert(1)</script>")
    found = look(served)
    page = (served.settings.reports / found.report).read_text()
    for words in ("FAILED", "artifact_altered", "report_altered", "churn v2", "2 things are not as recorded"):
        assert words in page
    assert found.report.startswith(f"fleet/audit/{found.at:%Y-%m-%d}/")
    assert audits(served)[-1].payload["report"] == found.report


def test_a_page_escapes_what_it_shows(served):
    served.registry.set_alias("churn", CHAMPION, 1)
    served.ledger.append(EntryKind.APPROVAL, model="churn", version=1, actor="ada", payload={"x": "<b>"})
    found = look(served)
    assert "<b>version" not in (served.settings.reports / found.report).read_text()


def test_old_pages_are_removed(served):
    first = look(served)
    kept = served.now
    served.now = lambda: kept() + timedelta(days=31)
    second = look(served)
    assert not (served.settings.reports / first.report).exists()
    assert (served.settings.reports / second.report).exists()


# -- who hears of it --------------------------------------------------------------------------------------------------


def test_a_models_page_route_hears_of_it_and_one_that_fails_stops_nobody(served, project, monkeypatch, paged):
    from slipway.errors import ServiceError

    routes = [
        {"to": "log", "severity": "note"},
        {"to": "webhook", "url": "http://127.0.0.1:1/hook", "severity": "page"},
    ]
    told = []

    def channels(given):
        def channel(notice):
            told.append(notice)
            raise ServiceError("no", remedy="mend it")

        return {route.name: channel for route in given}

    monkeypatch.setattr(audit_paging, "channels_for", channels)
    monkeypatch.setattr(audit_paging, "_routes", lambda bench, model: rules(routes).routes)
    served.registry.tamper("churn", 2)
    assert look(served).outcome is Outcome.FAILED
    assert [(notice.model, notice.version, notice.cause) for notice in told] == [("churn", 2, "artifact_altered")]


def rules(routes):
    from slipway.monitoring.rules import parse_rules

    return parse_rules({"routes": routes})
