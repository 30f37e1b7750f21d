"""Which rows of a batch break the dataset's contract."""

import pandas as pd
import pytest

from slipway.errors import GateConfigurationError
from slipway.quality.row_rules import RowRules
from slipway.quality.suite import parse_suite

BETWEEN = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "age", "min_value": 0, "max_value": 120}}
PAIR = {
    "type": "expect_column_pair_values_a_to_be_greater_than_b",
    "kwargs": {"column_A": "worst", "column_B": "mean", "or_equal": True},
}
MEAN = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "age", "min_value": 1, "max_value": 2}}
UNIQUE = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "age"}}
LABEL = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "label"}}
COLUMNS = ("age", "mean", "worst")


def suite(*rules, severity="quarantine"):
    listed = [{**rule, "meta": {"severity": rule.get("severity", severity)}} for rule in rules]
    for one in listed:
        one.pop("severity", None)
    return parse_suite({"name": "people", "expectations": listed})


def frame(**changes):
    return pd.DataFrame({"age": [30.0, 40.0, 40.0], "mean": [1.0, 2.0, 3.0], "worst": [2.0, 2.0, 4.0], **changes})


def test_good_rows_break_nothing():
    assert RowRules(suite(BETWEEN, PAIR), COLUMNS).broken(frame()) == {}


def test_a_row_is_named_with_every_reason():
    broken = RowRules(suite(BETWEEN, PAIR), COLUMNS).broken(frame(age=[30.0, 400.0, -1.0], worst=[2.0, 1.0, 4.0]))
    assert list(broken) == [1, 2]
    assert "age: values to be between" in broken[1] and "worst, mean: pair values" in broken[1]
    assert "; " not in broken[2]


@pytest.mark.parametrize("rule", [MEAN, UNIQUE, LABEL], ids=["of a whole column", "of other rows", "of the label"])
def test_a_rule_that_does_not_judge_an_input_of_a_row_alone_counts_for_nothing(rule):
    severity = "fail" if rule is MEAN else "quarantine"
    assert RowRules(suite(rule, severity=severity), COLUMNS).rules == ()


@pytest.mark.parametrize(("severity", "counts"), [("fail", True), ("quarantine", True), ("warn", False)])
def test_what_a_severity_means_for_a_row(severity, counts):
    broken = RowRules(suite(BETWEEN, severity=severity), COLUMNS).broken(frame(age=[30.0, 400.0, 40.0]))
    assert (list(broken) == [1]) is counts


def test_a_column_without_a_value_breaks_nothing_by_itself():
    assert RowRules(suite(BETWEEN), COLUMNS).broken(frame(age=[None, None, None])) == {}


def test_a_rule_that_cannot_be_evaluated_is_no_pass():
    with pytest.raises(GateConfigurationError, match="cannot be evaluated"):
        RowRules(suite(BETWEEN), COLUMNS).broken(frame(age=["a", "b", "c"]))
