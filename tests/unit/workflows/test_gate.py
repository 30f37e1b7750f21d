"""The frame of every gate: decide, record, and only then tell."""

import pytest

from slipway.core.evidence import Check, Findings
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import GateConfigurationError, GateStopped, RegistryUnreachable
from slipway.workflows.gate import run_gate


def found(value, folder):
    page = folder / "evaluate.html"
    page.write_text("<p>what was found</p>")
    measurement = Measurement(name="accuracy", value=value, threshold=0.8, bound=Bound.MIN, n=100)
    return Findings(measurements=(measurement,), reports={str(page): "Evaluation"})


def gate(bench, release, value):
    subject = bench.files(release).subject
    return run_gate(bench, release, Check.EVALUATE, subject, lambda folder: (subject, found(value, folder)))


def test_a_gate_that_passed_leaves_evidence_with_its_report(bench, release, kinds):
    evidence = gate(bench, release, 0.9)
    assert evidence.outcome is Outcome.PASSED
    assert bench.ledger.evidence("churn") == [evidence]
    assert kinds() == ["evidence"]
    assert bench.registry.logged == [("run-churn-1", "slipway/r1/evaluate", ["evaluate.html"])]
    assert bench.main_report(release, "evaluate") == evidence.reports[0].path


@pytest.mark.parametrize(("value", "outcome"), [(0.7, Outcome.FAILED), (None, Outcome.INCONCLUSIVE)])
def test_anything_but_passed_ends_the_release_after_it_was_recorded(bench, release, kinds, value, outcome):
    with pytest.raises(GateStopped, match=outcome.value) as stopped:
        gate(bench, release, value)
    assert bench.ledger.evidence("churn")[0].outcome is outcome
    assert kinds() == ["evidence", "release_ended"]
    assert "churn/v1/r1/release.html, churn/v1/r1/evaluate/evaluate.html" in stopped.value.remedy


def test_a_gate_that_crashed_leaves_inconclusive_evidence(bench, release):
    def crash(folder):
        raise ZeroDivisionError("no rows")

    with pytest.raises(ZeroDivisionError):
        run_gate(bench, release, Check.EVALUATE, bench.files(release).subject, crash)
    (evidence,) = bench.ledger.evidence("churn")
    assert evidence.outcome is Outcome.INCONCLUSIVE
    assert "no rows" in evidence.reasons[0]


def test_a_gate_without_a_threshold_is_an_error(bench, release):
    subject = bench.files(release).subject
    with pytest.raises(GateConfigurationError):
        run_gate(bench, release, Check.EVALUATE, subject, lambda folder: (subject, Findings(measurements=())))


def test_reports_that_cannot_be_stored_leave_nothing_passed(bench, release):
    bench.registry.logged = None  # as a registry that breaks midway

    with pytest.raises(AttributeError):
        gate(bench, release, 0.9)
    assert all(e.outcome is not Outcome.PASSED for e in bench.ledger.evidence("churn"))


def test_a_version_that_failed_has_failed_even_if_the_registry_goes_away_meanwhile(bench, release, kinds):
    subject = bench.files(release).subject

    def work(folder):
        findings = found(0.7, folder)
        bench.registry.down = True
        return subject, findings

    with pytest.raises(GateStopped, match="FAILED"):
        run_gate(bench, release, Check.EVALUATE, subject, work)
    assert [e.outcome for e in bench.ledger.evidence("churn")] == [Outcome.FAILED]
    assert kinds() == ["evidence", "release_ended"]


def test_an_unreachable_registry_is_an_error_not_a_verdict(bench, release):
    bench.registry.down = True
    with pytest.raises(RegistryUnreachable):
        gate(bench, release, 0.9)
    assert bench.ledger.entries() == []


def test_a_second_try_replaces_the_first_ones_reports(bench, release):
    gate(bench, release, 0.9)
    left = bench.report_folder(release, "evaluate") / "left_over.html"
    left.write_text("from the first try")
    gate(bench, release, 0.95)
    assert not left.exists()
