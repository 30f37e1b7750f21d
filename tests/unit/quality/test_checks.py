import re

import pandas as pd
import pytest

from slipway.core.identity import Subject
from slipway.errors import GateConfigurationError
from slipway.quality.checks import run_suite
from slipway.quality.suite import Status, parse_suite

SUBJECT = Subject(model="toy_model", version=4, artifact_sha256="sha256:" + "a" * 64)
FRAME = pd.DataFrame({"a": [1.0, 2.0, None, 1000.0], "b": ["x", "y", "x", "z"], "void": [None] * 4})
FRAME["void"] = FRAME["void"].astype(float)


def suite(*expectations):
    listed = [
        {"type": f"expect_column_{kind}", "kwargs": kwargs, "meta": {"severity": severity}}
        for kind, kwargs, severity in expectations
    ]
    return parse_suite({"name": "checks", "expectations": listed})


BETWEEN = ("values_to_be_between", {"column": "a", "min_value": 0, "max_value": 10}, "quarantine")
CASES = {
    "holds": (("values_to_be_in_set", {"column": "b", "value_set": ["x", "y", "z"]}, "fail"), Status.HELD),
    "a value outside": (BETWEEN, Status.BROKEN),
    "a null": (("values_to_not_be_null", {"column": "a"}, "fail"), Status.BROKEN),
    "an aggregate": (("mean_to_be_between", {"column": "a", "max_value": 1}, "fail"), Status.BROKEN),
    "a column that is absent": (("values_to_not_be_null", {"column": "gone"}, "fail"), Status.ERROR),
    "text held against numbers": (("values_to_be_between", {"column": "b", "min_value": 0}, "fail"), Status.ERROR),
    "a column without any value": (("values_to_be_between", {"column": "void", "min_value": 0}, "warn"), Status.ERROR),
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    out = tmp_path_factory.mktemp("gx")
    rules = suite(*(case[0] for case in CASES.values()))
    return run_suite(rules, {"train": FRAME, "holdout": FRAME.head(2)}, out, subject=SUBJECT), out


@pytest.mark.parametrize(("number", "status"), enumerate(case[1] for case in CASES.values()), ids=CASES)
def test_an_expectation_holds_is_broken_or_has_no_verdict(outcome, number, status):
    results, _ = outcome
    assert results[number].status is status
    assert (results[number].message != "") is (status is Status.ERROR)


def test_the_rows_that_break_an_expectation_are_named(outcome):
    broken = outcome[0][1]
    assert (broken.file, broken.rows, broken.unexpected, broken.examples) == ("train", (3,), 1, ("1000",))


def test_each_rule_has_a_result_for_each_file(outcome):
    results, _ = outcome
    assert [(r.file, r.rule.number) for r in results] == [
        (f, n) for f in ("train", "holdout") for n in range(len(CASES))
    ]


def test_the_data_docs_open_without_a_network(outcome):
    _, out = outcome
    pages = list((out / "data_docs").rglob("*.html"))
    assert len(pages) == 4
    for page in pages:
        text = page.read_text()
        assert not re.findall(r"""(?:src|href)=["']?https?:|url\(['"]?https?:|<script""", text), page
    index = out / "data_docs" / "index.html"
    links = re.findall(r'href="([^"]+)"', index.read_text())
    assert len(links) == 3
    assert all((index.parent / link).is_file() for link in links)
    validation = next(p for p in pages if "train" in p.name)
    assert "1000.0" in validation.read_text()


def test_analytics_are_off(outcome):
    assert "analytics_enabled: false" in (outcome[1] / "gx" / "great_expectations.yml").read_text()


REFUSED = {
    "quarantine by an aggregate": (("mean_to_be_between", {"column": "a"}, "quarantine"), "no row to quarantine"),
    "an unknown type": (("values_to_be_nice", {"column": "a"}, "fail"), "knows no"),
    "arguments that do not fit": (("values_to_be_between", {"columns": "a"}, "fail"), "does not take"),
}


@pytest.mark.parametrize(("rule", "said"), REFUSED.values(), ids=REFUSED)
def test_a_rule_that_great_expectations_cannot_run_is_a_configuration_error(tmp_path, rule, said):
    with pytest.raises(GateConfigurationError, match=said):
        run_suite(suite(rule), {"train": FRAME}, tmp_path, subject=SUBJECT)


def test_two_equal_expectations_both_have_a_result(tmp_path):
    results = run_suite(suite(BETWEEN, BETWEEN), {"train": FRAME}, tmp_path, subject=SUBJECT)
    assert [r.status for r in results] == [Status.BROKEN, Status.BROKEN]


def test_the_same_folder_can_be_used_twice(tmp_path):
    first = run_suite(suite(BETWEEN), {"train": FRAME}, tmp_path, subject=SUBJECT)
    assert run_suite(suite(BETWEEN), {"train": FRAME}, tmp_path, subject=SUBJECT) == first
