"""Promotion: only on complete evidence about exactly these bytes; each refusal is recorded."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from slipway.core.evidence import Check
from slipway.core.service import RuntimeName
from slipway.core.serving_options import ServingOptions
from slipway.core.verdict import Outcome
from slipway.errors import EngineUnavailable, RegistryUnreachable, SlipwayError
from slipway.ledger import EntryKind
from slipway.workflows.approve import record_decision
from slipway.workflows.promote import promote
from tests.unit.workflows.conftest import REGISTERED


@pytest.fixture
def approved(bench, release, complete):
    subject = complete()
    record_decision(bench, release, approved=True, by="bob")
    return subject


def champion(bench):
    return bench.registry.alias("churn", "champion")


def test_complete_evidence_and_an_approval_make_a_champion(bench, release, approved):
    assert promote(bench, release) == approved
    assert champion(bench) == 1
    assert bench.registry.tags[REGISTERED, 1]["slipway.image_digest"] == approved.image_digest


@pytest.fixture
def legacy(bench):
    """A champion from before there was a ledger."""
    bench.registry.add("churn", 7, b"older")
    bench.registry.set_alias("churn", "champion", 7)


def test_the_champion_before_is_remembered(bench, release, legacy, approved):
    promote(bench, release)
    assert (champion(bench), bench.registry.alias("churn", "previous")) == (1, 7)


def test_promoting_twice_changes_nothing(bench, release, legacy, approved):
    promote(bench, release)
    promote(bench, release)
    assert (champion(bench), bench.registry.alias("churn", "previous")) == (1, 7)
    assert {e.payload["before"] for e in bench.ledger.entries(kinds=[EntryKind.PROMOTION])} == {7}


def refused(bench, release, kinds, match):
    before = dict(bench.registry.aliases)
    with pytest.raises(SlipwayError, match=match):
        promote(bench, release)
    assert bench.registry.aliases == before
    assert kinds()[-2:] == ["refusal", "release_ended"]


@pytest.mark.parametrize("check", [c for c in Check if c is not Check.BUILD_IMAGE])
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INCONCLUSIVE])
def test_a_gate_that_did_not_pass_refuses(bench, release, approved, put, kinds, check, outcome):
    put(check, outcome=outcome)
    refused(bench, release, kinds, f"{check}: {outcome}")


def test_missing_evidence_refuses(bench, release, put, kinds):
    put(Check.BUILD_IMAGE)
    record_decision(bench, release, approved=True, by="bob")
    refused(bench, release, kinds, "no evidence on these digests")


def test_no_approval_refuses(bench, release, complete, kinds):
    complete()
    refused(bench, release, kinds, "no approval")


def test_an_approval_of_another_release_refuses(bench, release, complete, kinds):
    complete(release_id="earlier")
    complete()
    refused(bench, release, kinds, "no approval")


def test_an_artifact_changed_after_its_gates_refuses(bench, release, approved, kinds):
    bench.registry.tamper("churn", 1)
    refused(bench, release, kinds, "no build_image has PASSED")


def test_an_image_changed_after_its_gates_refuses(bench, release, approved, kinds):
    bench.changed.add(approved.image_digest)
    refused(bench, release, kinds, "was changed")


def test_a_report_altered_after_its_gate_refuses(bench, release, approved, kinds):
    (bench.report_folder(release, "load_test") / "r.html").write_text("p95 = 1 ms")
    refused(bench, release, kinds, "was altered")


def test_evidence_on_another_image_refuses(bench, release, complete, put, kinds):
    complete()
    put(Check.BUILD_IMAGE, image="sha256:" + "1" * 64)
    record_decision(bench, release, approved=True, by="bob")
    refused(bench, release, kinds, "load_test: no evidence")


def test_other_options_than_those_under_load_refuse(bench, release, approved, put, kinds):
    put(Check.TUNE_SERVING, options=ServingOptions(threads=2))
    refused(bench, release, kinds, "drove the serving options .* tuning chose")


def test_a_load_test_of_the_options_that_were_tuned_anew_promotes(bench, release, approved, put):
    put(Check.TUNE_SERVING, options=ServingOptions(threads=2))
    put(Check.LOAD_TEST, options=ServingOptions(threads=2))
    promote(bench, release)
    assert champion(bench) == 1


@pytest.mark.parametrize(("runtime", "allowed"), [(RuntimeName.DOCKER, True), (RuntimeName.PROCESS, False)])
def test_where_containers_are_demanded_only_their_evidence_counts(bench, release, complete, kinds, runtime, allowed):
    bench.settings = replace(bench.settings, require_containers=True)
    complete(runtime=runtime)
    record_decision(bench, release, approved=True, by="bob")
    if allowed:
        promote(bench, release)
        assert champion(bench) == 1
    else:
        refused(bench, release, kinds, "demand containers")


@pytest.mark.parametrize("error", [RegistryUnreachable, EngineUnavailable])
def test_a_service_that_does_not_answer_is_no_refusal(bench, release, approved, kinds, monkeypatch, error):
    def verify_image(image, files):
        raise error("it does not answer", remedy="start it")

    with monkeypatch.context() as down:
        down.setattr(bench, "verify_image", verify_image)
        with pytest.raises(error):
            promote(bench, release)
    assert champion(bench) is None
    assert kinds()[-1] == "approval"
    promote(bench, release)
    assert champion(bench) == 1


class Cached:
    """A registry whose files come from the verified cache, as they do in earnest, whatever it holds by now."""

    def __init__(self, registry):
        self._registry = registry
        self._files = {}

    def __getattr__(self, name):
        return getattr(self._registry, name)

    def files(self, model, version):
        return self._files.setdefault((model, version), self._registry.files(model, version))


@pytest.mark.parametrize("changed", ["model/MLmodel", "snapshot/holdout.parquet"])
def test_files_that_were_changed_behind_the_cache_are_found_at_the_promotion(bench, release, complete, kinds, changed):
    bench.registry = Cached(bench.registry)
    complete()
    record_decision(bench, release, approved=True, by="bob")
    (bench.settings.var / "registry" / REGISTERED / "1" / changed).write_bytes(b"something else")
    refused(bench, release, kinds, "the registry's files of churn version 1 are")


def test_golden_answers_that_were_edited_refuse(bench, release, approved, kinds):
    golden = bench.report_folder(release, "run_scenarios") / "golden.json"
    golden.write_text(golden.read_text() + " ")
    refused(bench, release, kinds, "golden.json was altered")


def test_a_report_that_is_gone_refuses(bench, release, approved, kinds):
    (bench.report_folder(release, "evaluate") / "r.html").unlink()
    refused(bench, release, kinds, "cannot be read")


def test_evidence_of_an_earlier_release_does_not_count(bench, release, complete, put, kinds):
    complete(release_id="earlier")
    put(Check.BUILD_IMAGE)
    record_decision(bench, release, approved=True, by="bob")
    refused(bench, release, kinds, "it is of the release earlier")


def test_evidence_by_another_hand_does_not_count(bench, release, approved, put, kinds):
    put(Check.LOAD_TEST, by="eve")
    refused(bench, release, kinds, "eve wrote it, and ada asked")


def test_the_requesters_own_approval_refuses(bench, release, complete, kinds):
    complete()
    record_decision(bench, release, approved=True, by="ada")
    refused(bench, release, kinds, "asked for this release")


@pytest.mark.parametrize(("hours", "allowed"), [(23, True), (25, False)])
def test_an_approval_expires(bench, release, approved, kinds, hours, allowed):
    now = bench.now
    bench.now = lambda: now() + timedelta(hours=hours)
    if allowed:
        promote(bench, release)
        assert champion(bench) == 1
    else:
        refused(bench, release, kinds, "bob's approval has expired")


def test_nothing_is_promoted_on_a_broken_ledger(bench, release, approved, kinds):
    engine = sa.create_engine(bench.settings.ledger_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER ledger_no_update"))
        connection.execute(sa.text("UPDATE ledger_entries SET actor = 'cy' WHERE actor = 'bob'"))
    refused(bench, release, kinds, "is broken")
