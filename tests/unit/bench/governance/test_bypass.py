"""No route around the gates: each way is refused for its own reason and is in the ledger; an honest release is not."""

import pytest

from bench.governance import bypass
from bench.governance.bypass import CASES, attempt
from bench.governance.bypass_evidence import evidence_case


@pytest.mark.parametrize("name", CASES)
def test_a_way_around_the_gates_is_refused_and_recorded(name):
    assert attempt(name, CASES[name]).problem == ""


def test_an_honest_release_of_each_tier_is_promoted():
    bypass.honest()


def test_what_goes_through_is_told():
    def ready(stage):
        stage.gates(stage.release())
        stage.approve(stage.release(), "bob")

    assert attempt("honest", evidence_case(ready, "never")).problem == "it went through: promotion"


def test_what_is_refused_for_another_reason_is_told():
    found = attempt("no approval", evidence_case(lambda stage: stage.gates(stage.release()), "too slow"))
    assert "the ledger does not say 'too slow'" in found.problem
    assert found.reason


def test_there_are_enough_ways_by_every_route():
    assert len(CASES) >= 40
    assert {case.route for case in CASES.values()} == {"workflow", "dag", "api", "cli"}


def test_the_claim_counts_what_was_tried(monkeypatch):
    few = dict(list(CASES.items())[:2])
    monkeypatch.setattr(bypass, "CASES", few)
    (claim,) = bypass.measure(say=lambda line: None)
    assert (claim.name, claim.value, claim.n) == ("governance.bypass_attempts_refused_rate", 1.0, 2)
