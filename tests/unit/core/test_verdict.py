"""Three values, and nothing passes by absence."""

import math

import pytest

from slipway.core.verdict import Bound, Measurement, Outcome, decide
from slipway.errors import EvidenceError, GateConfigurationError


def measured(value, **changes):
    fields = {"name": "latency.p95", "value": value, "threshold": 200.0, "bound": Bound.MAX, "unit": "ms", "n": 500}
    return Measurement(**{**fields, **changes})


CASES = {
    "below a maximum": (measured(120.0), Outcome.PASSED),
    "at a maximum": (measured(200.0), Outcome.PASSED),
    "above a maximum": (measured(200.1), Outcome.FAILED),
    "above a minimum": (measured(0.9, threshold=0.8, bound=Bound.MIN), Outcome.PASSED),
    "below a minimum": (measured(0.7, threshold=0.8, bound=Bound.MIN), Outcome.FAILED),
    "not measured": (measured(None), Outcome.INCONCLUSIVE),
    "not a number": (measured(math.nan), Outcome.INCONCLUSIVE),
    "infinite": (measured(math.inf), Outcome.INCONCLUSIVE),
    "too few samples": (measured(120.0, n=10, n_required=100), Outcome.INCONCLUSIVE),
    "too few samples and bad": (measured(900.0, n=10, n_required=100), Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("measurement", "outcome"), CASES.values(), ids=CASES)
def test_a_measurement_is_judged(measurement, outcome):
    assert measurement.outcome is outcome
    assert decide([measurement]).outcome is outcome


def test_failed_outweighs_inconclusive_outweighs_passed():
    good, bad, unknown = measured(1.0), measured(999.0), measured(None)
    assert decide([good, unknown]).outcome is Outcome.INCONCLUSIVE
    assert decide([good, unknown, bad]).outcome is Outcome.FAILED


def test_a_verdict_names_what_did_not_pass_with_value_and_threshold():
    (reason,) = decide([measured(1.0), measured(412.0)]).reasons
    assert "412" in reason
    assert "200" in reason


@pytest.mark.parametrize(
    "measurements", [[], [measured(1.0, threshold=None, bound=None)]], ids=["none", "no threshold"]
)
def test_nothing_to_decide_on_is_an_error_not_a_pass(measurements):
    with pytest.raises(GateConfigurationError):
        decide(measurements)


def test_an_outcome_has_no_truth_value():
    with pytest.raises(TypeError, match="three-valued"):
        bool(Outcome.FAILED)


def test_a_threshold_needs_its_side():
    with pytest.raises(EvidenceError):
        Measurement(name="x", value=1.0, threshold=2.0)


def test_a_measurement_survives_json():
    measurement = measured(120.0, note="look here")
    assert Measurement.from_json(measurement.to_json()) == measurement
