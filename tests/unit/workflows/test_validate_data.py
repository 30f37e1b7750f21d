"""The data gate compares with the champion on whom ledger and registry agree, and with nobody in a first release."""

import pytest

from slipway.core.evidence import Findings
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import EvidenceError
from slipway.workflows.standing import CHAMPION
from slipway.workflows.validate_data import validate_data


@pytest.fixture
def asked(monkeypatch):
    """The champions that the capability is told to compare with, call by call."""
    found = []

    def check(*, out, champion, **_rest):
        found.append(None if champion is None else champion.subject.version)
        (out / "validate_data.html").write_text("<p>")
        passed = Measurement(name="m", value=1.0, threshold=1.0, bound=Bound.MIN)
        return Findings(measurements=(passed,), reports={str(out / "validate_data.html"): "Data validation"})

    monkeypatch.setattr("slipway.quality.validate.validate_data", check)
    return found


def test_a_first_release_has_nobody_beside_it(bench, release, asked):
    assert validate_data(bench, release).outcome is Outcome.PASSED
    assert asked == [None]


def test_a_version_is_compared_with_the_champion(bench, release, asked):
    bench.registry.add("churn", 2)
    bench.registry.set_alias("churn", CHAMPION, 2)
    validate_data(bench, release)
    assert asked == [2]


def test_the_champion_is_not_compared_with_itself(bench, release, asked):
    bench.registry.set_alias("churn", CHAMPION, 1)
    validate_data(bench, release)
    assert asked == [None]


def test_a_champion_that_the_ledger_does_not_know_is_not_compared_with(bench, release, asked, complete):
    from slipway.ledger import EntryKind

    subject = complete(version=1)
    bench.registry.add("churn", 2)
    payload = {"release": "r0", "subject": subject.to_json(), "before": None}
    bench.ledger.append(EntryKind.PROMOTION, model="churn", version=1, actor="ada", payload=payload)
    bench.registry.set_alias("churn", CHAMPION, 2)
    with pytest.raises(EvidenceError, match="alias was moved"):
        validate_data(bench, release)
    assert asked == []
