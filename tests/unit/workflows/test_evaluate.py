"""What the data gate has set aside is not scored; a gate without that knowledge does not run."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from slipway.core.evidence import Check, Evidence, Findings, Report
from slipway.core.identity import digest_bytes
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import EvidenceError
from slipway.ledger import EntryKind
from slipway.workflows.evaluate import evaluate
from tests.unit.workflows.conftest import REGISTERED

AT = datetime(2026, 1, 1, tzinfo=UTC)
PASSED = Measurement(name="m", value=1.0, threshold=1.0, bound=Bound.MIN)


@pytest.fixture
def validated(bench, release):
    """Write the data gate's evidence, with a table of two holdout rows that were set aside."""

    def write(*, release_id=release.id):
        path = bench.settings.reports / release_id / "quarantine.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = {"quarantine_file": ["train", "holdout", "holdout"], "quarantine_row": [1, 3, 8], "reason": ["x"] * 3}
        pd.DataFrame(rows).to_parquet(path)
        report = Report(
            path=path.relative_to(bench.settings.reports).as_posix(), sha256=digest_bytes(path.read_bytes())
        )
        item = Evidence(
            check=Check.VALIDATE_DATA,
            outcome=Outcome.PASSED,
            subject=bench.registry.files("churn", 1).subject,
            runtime="docker",
            measurements=(PASSED,),
            reports=(report,),
            started_at=AT,
            ended_at=AT,
            release=release_id,
        )
        bench.ledger.append(EntryKind.EVIDENCE, model="churn", version=1, actor="ada", payload=item.to_json())
        return path

    return write


@pytest.fixture
def asked(monkeypatch):
    """The rows that the capability is told to leave out, call by call."""
    found = []

    def judge(*, out, set_aside, **_rest):
        found.append(set_aside)
        (out / "evaluate.html").write_text("<p>")
        return Findings(measurements=(PASSED,), reports={str(out / "evaluate.html"): "Model evaluation"})

    monkeypatch.setattr("slipway.quality.evaluate.evaluate", judge)
    return found


def test_the_holdout_rows_that_the_data_gate_set_aside_are_left_out(bench, release, validated, asked):
    validated()
    assert evaluate(bench, release).outcome is Outcome.PASSED
    assert asked == [(3, 8)]


def test_a_model_is_not_judged_before_its_data(bench, release, asked):
    with pytest.raises(EvidenceError, match="no validate_data"):
        evaluate(bench, release)
    assert asked == []


def test_the_data_gate_of_another_release_does_not_count(bench, release, validated, asked):
    validated(release_id="r0")
    with pytest.raises(EvidenceError, match="no validate_data"):
        evaluate(bench, release)


def test_a_table_that_was_altered_is_refused(bench, release, validated, asked):
    validated().write_bytes(b"other rows")
    with pytest.raises(EvidenceError, match="altered"):
        evaluate(bench, release)


def test_the_evidence_names_the_champion_that_the_version_was_compared_with(bench, release, validated, asked):
    validated()
    older = bench.registry.add("churn", 7, b"older").subject
    bench.registry.set_alias("churn", "champion", 7)
    assert evaluate(bench, release).details["standing"] == {
        "version": 7,
        "artifact_sha256": older.artifact_sha256,
        "recorded": False,
        "compared": True,
    }


@pytest.mark.parametrize("to", [9, 1, None], ids=["a weak version", "the version itself", "nobody"])
def test_a_bar_that_was_lowered_by_hand_is_none(bench, release, validated, asked, to):
    validated()
    for version in (7, 9):
        bench.registry.add("churn", version, f"model {version}".encode())
    champion = bench.registry.files("churn", 7).subject.to_json()
    payload = {"release": "r0", "subject": champion, "before": None}
    bench.ledger.append(EntryKind.PROMOTION, model="churn", version=7, actor="ada", payload=payload)
    bench.registry.aliases[REGISTERED, "champion"] = to
    with pytest.raises(EvidenceError, match="ledger says version 7"):
        evaluate(bench, release)
    assert asked == []
    assert bench.ledger.evidence("churn")[-1].outcome is Outcome.INCONCLUSIVE
    bench.registry.set_alias("churn", "champion", 7)
    assert evaluate(bench, release).outcome is Outcome.PASSED
