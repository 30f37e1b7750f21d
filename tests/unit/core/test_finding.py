"""Findings: a cause is the same however it is said, and what nobody could look at is no pass."""

from dataclasses import replace

import pytest

from slipway.core.finding import Finding, Kind, Severity, outcome_of
from slipway.core.verdict import Outcome

MISSING = Finding(kind=Kind.REPORT_MISSING, model="churn", version=2, place="a.html", what="gone", remedy="restore it")

OUTCOMES = {
    "nothing": ((), Outcome.PASSED),
    "a warning": ((Severity.WARN,), Outcome.PASSED),
    "something unseen": ((Severity.WARN, Severity.UNKNOWN), Outcome.INCONCLUSIVE),
    "something changed": ((Severity.UNKNOWN, Severity.FAIL), Outcome.FAILED),
}


@pytest.mark.parametrize(("severities", "outcome"), OUTCOMES.values(), ids=OUTCOMES)
def test_the_worst_finding_decides(severities, outcome):
    assert outcome_of([replace(MISSING, severity=severity) for severity in severities]) is outcome


def test_a_finding_is_read_back():
    assert Finding.from_json(MISSING.to_json()) == MISSING


@pytest.mark.parametrize(
    "changes", [{"what": "is not there"}, {"severity": Severity.WARN}, {"put_right": True}], ids=str
)
def test_however_it_is_said_it_is_the_same_cause(changes):
    assert replace(MISSING, **changes).cause == MISSING.cause


@pytest.mark.parametrize(
    "changes", [{"kind": Kind.REPORT_ALTERED}, {"model": "fraud"}, {"version": 3}, {"place": "b.html"}], ids=str
)
def test_another_thing_or_place_is_another_cause(changes):
    assert replace(MISSING, **changes).cause != MISSING.cause
