import json
from dataclasses import replace

import pytest

from slipway.core.verdict import Outcome, decide
from slipway.scenarios.encode import curl_line, payload_of
from slipway.scenarios.explain import Explained
from slipway.scenarios.measure import json_safe, measure
from slipway.scenarios.plot import scatter
from slipway.scenarios.report import Story, page
from slipway.scenarios.suite import ANSWERED, Case, CaseClass, Expectation, Failure, FailureKind, Form, Result


def passed(i):
    row = {"a": float(i)}
    case = Case(name=f"in range {i}", kind=CaseClass.IN_RANGE, rows=(row,))
    expected = Expectation(statuses=ANSWERED, rows=(row,), answers=(1.0,))
    return Result(case=case, expectation=expected, status=200, answers=(1.0 + 1e-9,), difference=1e-9)


PASSED = [passed(i) for i in range(1000)]
FAILURE = Failure(kind=FailureKind.WRONG_ANSWER, message="<script>alert(1)</script>", served="</pre>", expected=1)


def outcome(results, requests=1000):
    return decide(measure(results, requests=requests, exhausted=False, unit="1")).outcome


def test_a_thousand_right_answers_pass():
    assert outcome(PASSED) is Outcome.PASSED


@pytest.mark.parametrize(
    ("results", "requests"),
    [
        pytest.param([*PASSED, replace(PASSED[0], sent=False)], 1000, id="one-not-sent"),
        pytest.param(PASSED, 999, id="too-few-requests"),
        pytest.param(PASSED[:900], 1000, id="too-few-rows-to-find-a-rare-fault"),
        pytest.param([PASSED[0]] * 1000, 1000, id="a-thousand-times-the-same-row"),
    ],
)
def test_anything_less_leaves_it_open(results, requests):
    assert outcome(results, requests) is Outcome.INCONCLUSIVE


def test_one_wrong_answer_fails_whatever_was_not_sent():
    wrong = replace(PASSED[0], failure=FAILURE)
    assert outcome([*PASSED[1:], wrong]) is Outcome.FAILED
    assert outcome([wrong, replace(PASSED[1], sent=False)], requests=1) is Outcome.FAILED


def test_a_class_without_cases_is_not_measured():
    names = {m.name for m in measure(PASSED, requests=1000, exhausted=False, unit="1")}
    assert "in_range.failed" in names
    assert "boundary.failed" not in names


def test_the_report_is_one_file_and_shows_what_was_served_as_text(tiny):
    wrong = replace(PASSED[0], failure=FAILURE)
    told = Explained(
        result=wrong,
        original="a <b>",
        columns=("a",),
        causes=("as if `a` and `g` were swapped",),
        similar=3,
        path="/invocations",
        body=b"{}",
        curl="curl",
    )
    results = [wrong, *PASSED[1:]]
    story = Story(
        spec=tiny.spec,
        subject=tiny.files.subject,
        measurements=measure(results, requests=1000, exhausted=False, unit="1"),
        results=results,
        explained=[told],
        seed=0,
    )
    html = page(story)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "a &lt;b&gt;" in html
    assert "and 2 more like it" in html
    assert "<mark>&quot;a&quot;: 0.0</mark>" in html
    assert "FAILED" in html
    assert "://" not in html


def test_a_picture_marks_the_failures_and_needs_points():
    assert scatter([], unit="1") == ""
    picture = scatter([(0.0, 0.0, False), (1.0, 0.4, True)], unit="mm")
    assert picture.count('class="bad"') == 1
    assert "reference (mm)" in picture


def test_evidence_never_holds_what_json_cannot():
    text = json.dumps(json_safe({"a": [float("inf"), 10**400, None, True]}), allow_nan=False)
    assert json.loads(text)["a"][0] == "inf"


def test_a_body_that_a_shell_cannot_hold_is_read_from_its_file():
    line = curl_line("http://127.0.0.1:1/", "/invocations", b"\xff", file_name="failure-1.body")
    assert "--data-binary @failure-1.body http://127.0.0.1:1/invocations" in line


@pytest.mark.parametrize(
    ("form", "payload"),
    [
        (Form.RECORDS, {"dataframe_records": [{"a": 1.0, "c": 2}, {"a": 3.0}]}),
        (Form.INSTANCES, {"instances": [{"a": 1.0, "c": 2}, {"a": 3.0}]}),
        (Form.SPLIT, {"dataframe_split": {"columns": ["a", "c"], "data": [[1.0, 2], [3.0, None]]}}),
        (Form.INPUTS, {"inputs": {"a": [1.0, 3.0], "c": [2, None]}}),
        (
            Form.V2,
            {
                "inputs": [
                    {"name": "a", "shape": [2], "datatype": "FP64", "data": [1.0, 3.0]},
                    {"name": "c", "shape": [2], "datatype": "INT64", "data": [2, None]},
                ]
            },
        ),
    ],
)
def test_the_same_rows_are_written_in_every_form(tiny, form, payload):
    case = Case(name="c", kind=CaseClass.EDGE, rows=({"a": 1.0, "c": 2}, {"a": 3.0}), form=form)
    assert payload_of(case, tiny.signature) == payload
