import pytest

from slipway.errors import GateConfigurationError
from slipway.quality.suite import Rule, Severity, load_suite, parse_suite


def expectation(**changes):
    whole = {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "a"},
        "meta": {"severity": "fail", "why": "the model needs it"},
    }
    return {**whole, **changes}


def test_a_suite_keeps_the_order_the_severity_and_the_reason():
    suite = parse_suite({"name": "s", "expectations": [expectation(), expectation(meta={"severity": "warn"})]})
    assert [(r.number, r.severity, r.why) for r in suite.rules] == [
        (0, Severity.FAIL, "the model needs it"),
        (1, Severity.WARN, ""),
    ]


REFUSED = {
    "no expectation": ({"name": "s", "expectations": []}, "is empty"),
    "no list": ({"name": "s"}, "no list"),
    "not an object": ([], "no list"),
    "unknown severity": ({"expectations": [expectation(meta={"severity": "fatal"})]}, "'fatal'"),
    "no severity": ({"expectations": [expectation(meta={})]}, "severity None"),
    "no meta": ({"expectations": [expectation(meta=None)]}, "severity None"),
    "no type": ({"expectations": [expectation(type=None)]}, "has no type"),
    "kwargs not a mapping": ({"expectations": [expectation(kwargs=[1])]}, "not a mapping"),
}


@pytest.mark.parametrize(("data", "said"), REFUSED.values(), ids=REFUSED)
def test_a_suite_that_cannot_decide_is_a_configuration_error(data, said):
    with pytest.raises(GateConfigurationError, match=said):
        parse_suite(data)


def test_every_problem_of_a_suite_is_named_at_once():
    with pytest.raises(GateConfigurationError) as caught:
        parse_suite({"expectations": [expectation(type=None), expectation(), expectation(meta={})]})
    assert "expectation 0" in str(caught.value)
    assert "expectation 2" in str(caught.value)


def test_a_missing_or_broken_file_is_a_configuration_error(tmp_path):
    with pytest.raises(GateConfigurationError, match="is missing"):
        load_suite(tmp_path)
    (tmp_path / "suite.json").write_text("{")
    with pytest.raises(GateConfigurationError, match="is not JSON"):
        load_suite(tmp_path)


COLUMNS = {
    "one": ({"column": "a", "min_value": 0}, "a"),
    "a pair": ({"column_A": "a", "column_B": "b"}, "a, b"),
    "several": ({"column_list": ["a", "b", "c"]}, "a, b, c"),
    "none": ({"min_value": 0}, "(table)"),
}


@pytest.mark.parametrize(("kwargs", "column"), COLUMNS.values(), ids=COLUMNS)
def test_a_rule_names_the_columns_it_is_about(kwargs, column):
    assert Rule(number=0, type="expect_x", kwargs=kwargs, severity=Severity.FAIL).column == column
