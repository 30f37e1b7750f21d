"""Evidence is bound to bytes; a dossier is complete or it is not."""

from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.evidence import REQUIRED_CHECKS, Check, Dossier, Evidence, Report
from slipway.core.identity import Subject, digest_bytes
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import EvidenceError, GateConfigurationError, PromotionRefused

ARTIFACT, IMAGE, OTHER = (digest_bytes(b) for b in (b"artifact", b"image", b"other"))
SUBJECT = Subject(model="churn", version=1, artifact_sha256=ARTIFACT, image_digest=IMAGE)
T0 = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = Measurement(name="rows", value=10.0, threshold=1.0, bound=Bound.MIN)
BAD = Measurement(name="rows", value=0.0, threshold=1.0, bound=Bound.MIN)


def evidence(check, *, outcome=Outcome.PASSED, subject=SUBJECT, minute=0, **changes):
    fields = {
        "check": check,
        "outcome": outcome,
        "subject": subject,
        "runtime": "docker",
        "measurements": (GOOD if outcome is Outcome.PASSED else BAD,),
        "reports": (Report(path="churn/v1/r/report.html", sha256=OTHER),),
        "started_at": T0 + timedelta(minutes=minute),
        "ended_at": T0 + timedelta(minutes=minute, seconds=30),
        "release": "r",
    }
    return Evidence(**{**fields, **changes})


def complete():
    return [evidence(check) for check in REQUIRED_CHECKS]


def test_complete_evidence_on_these_digests_allows_a_promotion():
    Dossier.of(SUBJECT, complete()).require_complete()


@pytest.mark.parametrize("missing", REQUIRED_CHECKS)
def test_a_missing_check_refuses_and_is_named(missing):
    rest = [e for e in complete() if e.check is not missing]
    with pytest.raises(PromotionRefused, match=missing.value):
        Dossier.of(SUBJECT, rest).require_complete()


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INCONCLUSIVE])
@pytest.mark.parametrize("check", REQUIRED_CHECKS)
def test_a_check_that_did_not_pass_refuses(check, outcome):
    later = evidence(check, outcome=outcome, minute=5)
    with pytest.raises(PromotionRefused, match=f"{check}: {outcome}"):
        Dossier.of(SUBJECT, [*complete(), later]).require_complete()


def test_the_latest_evidence_counts_whatever_the_order_of_listing():
    failed_before = evidence(Check.LOAD_TEST, outcome=Outcome.FAILED, minute=-5)
    Dossier.of(SUBJECT, [*complete(), failed_before]).require_complete()


FOREIGN = {
    "another image": SUBJECT.with_image(OTHER),
    "another artifact": Subject(model="churn", version=1, artifact_sha256=OTHER, image_digest=IMAGE),
    "another version": Subject(model="churn", version=2, artifact_sha256=ARTIFACT, image_digest=IMAGE),
}


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
def test_evidence_on_other_bytes_does_not_count(foreign):
    mixed = [e for e in complete() if e.check is not Check.LOAD_TEST] + [evidence(Check.LOAD_TEST, subject=foreign)]
    with pytest.raises(PromotionRefused, match="load_test: no evidence"):
        Dossier.of(SUBJECT, mixed).require_complete()


def test_a_policy_without_checks_is_no_policy():
    with pytest.raises(GateConfigurationError):
        Dossier.of(SUBJECT, complete()).require_complete(required=())


WRONG = {
    "passed against its measurements": {"measurements": (BAD,)},
    "passed on nothing": {"measurements": ()},
    "passed without a report": {"reports": ()},
    "passed without an image": {"subject": Subject(model="churn", version=1, artifact_sha256=ARTIFACT)},
    "without a time zone": {"started_at": datetime(2026, 1, 1)},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_evidence_cannot_be_made_that(changes):
    with pytest.raises((EvidenceError, GateConfigurationError)):
        evidence(Check.RUN_SCENARIOS, **changes)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../b"])
def test_a_report_stays_in_the_reports_folder(path):
    with pytest.raises(EvidenceError):
        Report(path=path, sha256=OTHER)


def test_evidence_survives_json():
    item = evidence(Check.EVALUATE, details={"k": [1, 2]}, reasons=("because",))
    assert Evidence.from_json(item.to_json()) == item
