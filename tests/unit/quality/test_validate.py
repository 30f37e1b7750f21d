import json

import numpy as np
import pandas as pd
import pytest

from slipway.core.verdict import Outcome, decide
from slipway.errors import ArtifactError, GateConfigurationError
from slipway.quality.validate import validate_data


@pytest.fixture
def gate(make, toy):
    def run(*, train=None, holdout=None, suite=toy.SUITE, **quality):
        files = make.version(train=train, holdout=holdout)
        return validate_data(files=files, spec=toy.spec(**quality), suite_dir=make.suite(suite), out=make.root / "out")

    return run


def stopped_by(findings):
    return {m.name for m in findings.measurements if m.outcome not in (None, Outcome.PASSED)}


def test_good_data_is_let_through_with_its_reports(gate, make):
    findings = gate()
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert list(findings.reports.values()) == ["Data validation", "Great Expectations Data Docs", "Rows set aside"]
    assert len(pd.read_parquet(make.root / "out" / "quarantine.parquet")) == 0
    json.dumps(findings.details)


def nulls(frame):
    return frame.assign(size=frame["size"].where(frame.index > 3))


BROKEN = {
    "an absent column": (lambda f: f.drop(columns="size"), {"expectations.errors", "signature.violations.train"}),
    "a column of text": (lambda f: f.assign(size=f["size"].astype(str)), {"signature.violations.train"}),
    "a unit changed by a thousand": (lambda f: f.assign(size=f["size"] * 1000), {"expectations.failed"}),
    "nulls where none are allowed": (nulls, {"signature.violations.train", "contract.violations.train"}),
    "an infinite value": (lambda f: f.assign(size=f["size"].replace(f["size"][0], np.inf)), {"expectations.failed"}),
    "a third class": (lambda f: f.assign(malignant=f["malignant"].replace(0, 2)), {"signature.violations.train"}),
    "a label among the inputs": (lambda f: f.assign(weight=f["malignant"] * 100.0), {"label.leak"}),
    "no label": (lambda f: f.drop(columns="malignant"), {"signature.violations.train", "rows.duplicated_across_split"}),
    "more than 5 % to quarantine": (
        lambda f: f.assign(weight=f["weight"].where(f.index >= 40, 490)),
        {"quarantine.share.train"},
    ),
    "no rows": (lambda f: f.head(0), {"rows.train"}),
    "too few rows": (lambda f: f.head(40), {"rows.train"}),
}


@pytest.mark.parametrize(("change", "seen"), BROKEN.values(), ids=BROKEN)
def test_broken_training_data_is_stopped(gate, toy, change, seen):
    findings = gate(train=change(toy.frame(600, seed=1)))
    assert decide(findings.measurements).outcome is not Outcome.PASSED
    assert seen <= stopped_by(findings)


def test_a_unit_changed_in_the_holdout_alone_is_stopped(gate, toy):
    holdout = toy.frame(400, seed=2)
    findings = gate(holdout=holdout.assign(weight=holdout["weight"] * 1000))
    assert {"quarantine.share.holdout"} <= stopped_by(findings)
    assert not any("train" in name for name in stopped_by(findings))


def test_holdout_rows_that_were_trained_on_are_stopped(gate, toy):
    train, holdout = toy.frame(600, seed=1), toy.frame(400, seed=2)
    holdout.iloc[:20] = train.iloc[:20]
    findings = gate(train=train, holdout=holdout)
    assert stopped_by(findings) == {"rows.duplicated_across_split", "rows.near_duplicates_across_split"}


def test_a_few_rows_are_set_aside_with_their_reason_and_the_rest_goes_on(gate, toy, make):
    train = toy.frame(600, seed=1)
    train.loc[[5, 9], "weight"] = 490
    findings = gate(train=train)
    assert decide(findings.measurements).outcome is Outcome.PASSED
    aside = pd.read_parquet(make.root / "out" / "quarantine.parquet")
    assert aside["quarantine_row"].tolist() == [5, 9]
    assert aside["reason"].str.contains("weight").all()
    assert findings.details["rows"]["train"] == {"rows": 600, "kept": 598, "quarantined": 2}


def test_a_warning_is_recorded_and_does_not_block(gate, toy):
    suite = {**toy.SUITE, "expectations": [dict(e) for e in toy.SUITE["expectations"]]}
    suite["expectations"][2] = {
        **suite["expectations"][2], "kwargs": {"column": "age", "min_value": 90, "max_value": 99}
    }  # fmt: skip
    findings = gate(suite=suite)
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert {m.name: m.value for m in findings.measurements}["warnings"] == 2


def test_an_expectation_that_raises_never_passes(gate, toy):
    raising = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "gone", "min_value": 0},
        "meta": {"severity": "fail"},
    }
    findings = gate(suite={"name": "toy", "expectations": [raising]})
    assert stopped_by(findings) == {"expectations.errors"}


def test_a_suite_without_expectations_is_a_configuration_error(gate):
    with pytest.raises(GateConfigurationError, match="is empty"):
        gate(suite={"name": "toy", "expectations": []})


def test_a_snapshot_that_is_not_parquet_is_an_artifact_error(make, toy):
    files = make.version()
    files.holdout.write_bytes(b"not parquet")
    with pytest.raises(ArtifactError, match=r"holdout\.parquet"):
        validate_data(files=files, spec=toy.spec(), suite_dir=make.suite(), out=make.root / "out")


def test_the_report_shows_what_failed_first_and_loads_nothing(gate, toy, make):
    train = toy.frame(600, seed=1)
    train.loc[3, "size"] = 10468.5
    gate(train=train)
    report = (make.root / "out" / "validate_data.html").read_text()
    assert "10468.5" in report
    assert report.index("FAILED</span></td><td><code>expectations.failed") < report.index("rows.train")
    assert "http" not in report
    assert "<script" not in report
    assert report.count("<figure>") == 4


@pytest.fixture
def beside(make, toy):
    """Run the gate on changed data beside a champion with other rows of the same population."""

    def run(change, *, of_champion=lambda f: f, **quality):
        champion = make.version(train=of_champion(toy.frame(600, seed=3)), holdout=of_champion(toy.frame(400, seed=4)))
        files = make.version(train=change(toy.frame(600, seed=1)), holdout=change(toy.frame(400, seed=2)))
        return validate_data(
            files=files, spec=toy.spec(**quality), suite_dir=make.suite(), out=make.root / "out", champion=champion
        )

    return run


BESIDE = {
    "another unit, within the range": (lambda f: f.assign(size=f["size"] / 10), "drift.distribution"),
    "an input that is the label, with noise": (
        lambda f: f.assign(size=10 + 30 * f["malignant"] + f["age"] / 10),
        "label.leak_gain",
    ),
    "nobody over seventy": (lambda f: f[f["age"] < 70], "drift.share"),
}


@pytest.mark.parametrize(("change", "name"), BESIDE.values(), ids=BESIDE)
def test_data_that_are_not_the_champions_are_stopped_with_a_picture(beside, make, change, name):
    findings = beside(change)
    assert name in stopped_by(findings)
    assert findings.details["shifts"][0]["gross"]
    json.dumps(findings.details)
    report = (make.root / "out" / "validate_data.html").read_text()
    assert "Grey: the champion" in report
    assert "http" not in report


def test_other_rows_of_the_same_population_are_let_through(beside, make):
    findings = beside(lambda frame: frame)
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert findings.details["first_release"] is False
    assert "No shift beyond chance" in (make.root / "out" / "validate_data.html").read_text()


def test_a_shift_that_the_model_declares_is_let_through(beside, make):
    findings = beside(lambda f: f.assign(size=f["size"] / 10), drift={"intended": ["size"]})
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert ">intended</span>" in (make.root / "out" / "validate_data.html").read_text()


def test_an_input_that_the_champion_did_not_have_is_named(beside, make):
    findings = beside(lambda f: f, of_champion=lambda f: f.drop(columns="age"))
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert findings.details["not_compared"] == ["age"]
    assert "not compared: <code>age</code>" in (make.root / "out" / "validate_data.html").read_text()


def test_an_input_under_another_name_is_not_let_through_unseen(beside):
    names = {"size": "Size", "weight": "Weight", "age": "Age"}
    findings = beside(lambda f: f, of_champion=lambda f: f.rename(columns=names))
    assert decide(findings.measurements).outcome is Outcome.INCONCLUSIVE
    assert "drift.distribution" in stopped_by(findings)
