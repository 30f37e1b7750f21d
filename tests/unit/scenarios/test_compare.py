import json
from dataclasses import replace

import pytest

from slipway.core.golden import Tolerance
from slipway.scenarios.compare import Judge, largest_difference
from slipway.scenarios.suite import (
    ANSWERED,
    MALFORMED,
    REJECTED,
    Case,
    CaseClass,
    Expectation,
    FailureKind,
    Flag,
    Form,
    Limits,
    Reply,
)

CASE = Case(name="c", kind=CaseClass.NAMED, rows=({"a": 1.0},))
FLAG = Flag(0, "a", "clip", "out_of_range")
FLAG_JSON = {"row": 0, "column": "a", "policy": "clip", "reason": "out_of_range"}
ANSWER = Expectation(statuses=ANSWERED, rows=({"a": 1.0},), answers=(0.5,))
REJECTION = Expectation(statuses=REJECTED, culprits=frozenset({"a"}))


@pytest.fixture
def judge(tiny):
    return Judge(tiny.signature, Tolerance(absolute=1e-6, relative=0.0), tiny.files.subject)


@pytest.fixture
def headers(tiny_service):
    return tiny_service().headers()


def kind_of(result):
    return None if result.failure is None else result.failure.kind


@pytest.mark.parametrize(
    ("expectation", "status", "body", "kind"),
    [
        pytest.param(ANSWER, 200, {"predictions": [0.5]}, None, id="right"),
        pytest.param(ANSWER, 200, {"predictions": [0.5000005]}, None, id="within-the-tolerance"),
        pytest.param(ANSWER, 200, {"predictions": [0.6]}, FailureKind.WRONG_ANSWER, id="wrong"),
        pytest.param(ANSWER, 200, {"predictions": [None]}, FailureKind.WRONG_ANSWER, id="null"),
        pytest.param(ANSWER, 200, {"predictions": ["0.5"]}, FailureKind.WRONG_ANSWER, id="text"),
        pytest.param(ANSWER, 200, {"predictions": []}, FailureKind.BAD_REPLY, id="too-few"),
        pytest.param(ANSWER, 200, {"predictions": 0.5}, FailureKind.BAD_REPLY, id="not-a-list"),
        pytest.param(ANSWER, 200, {"answers": [0.5]}, FailureKind.BAD_REPLY, id="no-predictions"),
        pytest.param(ANSWER, 200, ["predictions"], FailureKind.BAD_REPLY, id="not-an-object"),
        pytest.param(ANSWER, 200, {"predictions": [0.5], "flags": [FLAG_JSON]}, FailureKind.WRONG_FLAGS, id="odd-flag"),
        pytest.param(ANSWER, 200, {"predictions": [0.5], "flags": [{"row": 0}]}, FailureKind.BAD_REPLY, id="bad-flag"),
        pytest.param(ANSWER, 422, {"error": "no"}, FailureKind.REFUSED, id="refused"),
        pytest.param(ANSWER, 503, {"error": "no"}, FailureKind.SERVER_ERROR, id="server-error"),
        pytest.param(REJECTION, 422, {"error": "no", "problems": [{"row": 0, "column": "a"}]}, None, id="rejected"),
        pytest.param(REJECTION, 200, {"predictions": [0.5]}, FailureKind.ACCEPTED, id="accepted"),
        pytest.param(REJECTION, 400, {"error": "no"}, FailureKind.BAD_REJECTION, id="rejected-by-another-status"),
        pytest.param(REJECTION, 422, {"error": "no"}, FailureKind.BAD_REJECTION, id="rejected-without-problems"),
        pytest.param(
            REJECTION, 422, {"error": "no", "problems": [{"column": "b"}]}, FailureKind.BAD_REJECTION, id="other-column"
        ),
        pytest.param(REJECTION, 422, {"problems": [{"column": "a"}]}, FailureKind.BAD_REJECTION, id="no-error"),
        pytest.param(Expectation(statuses=MALFORMED), 400, {"error": "no"}, None, id="malformed"),
        pytest.param(REJECTION, 500, {}, FailureKind.SERVER_ERROR, id="a-crash-is-no-rejection"),
    ],
)
def test_a_reply_is_held_against_what_it_must_be(judge, headers, expectation, status, body, kind):
    reply = Reply(status=status, headers=headers, body=json.dumps(body).encode())
    assert kind_of(judge.judge(CASE, expectation, [reply])) is kind


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_is_a_failure_and_no_crash(judge, headers, body):
    reply = Reply(status=200, headers=headers, body=body)
    assert kind_of(judge.judge(CASE, ANSWER, [reply])) is FailureKind.BAD_REPLY
    rejected = Reply(status=422, headers=headers, body=body)
    assert kind_of(judge.judge(CASE, REJECTION, [rejected])) is FailureKind.BAD_REJECTION


def test_a_flag_that_is_not_told_is_a_failure_that_names_its_column(judge, headers):
    reply = Reply(status=200, headers=headers, body=b'{"predictions": [0.5]}')
    failure = judge.judge(CASE, replace(ANSWER, flags=frozenset({FLAG})), [reply]).failure
    assert failure.kind is FailureKind.WRONG_FLAGS
    assert failure.columns == ("a",)
    assert "does not say" in failure.message


@pytest.mark.parametrize("missing", ["x-slipway-model", "x-slipway-version", "x-slipway-artifact"])
def test_an_answer_that_does_not_say_who_gave_it_is_a_failure(judge, headers, missing):
    reply = Reply(status=200, headers={**headers, missing: "other"}, body=b'{"predictions": [0.5]}')
    assert kind_of(judge.judge(CASE, ANSWER, [reply])) is FailureKind.WRONG_VERSION


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        (Limits(below=0.6), None),
        (Limits(below=0.5), FailureKind.NAMED_LIMIT),
        (Limits(above=0.4), None),
        (Limits(above=0.5), FailureKind.NAMED_LIMIT),
    ],
)
def test_a_named_limit_holds_beyond_the_reference(judge, headers, limits, kind):
    reply = Reply(status=200, headers=headers, body=b'{"predictions": [0.5]}')
    assert kind_of(judge.judge(replace(CASE, limits=limits), ANSWER, [reply])) is kind


def test_repeated_answers_must_be_identical(judge, headers):
    replies = [Reply(status=200, headers=headers, body=b'{"predictions": [%s]}' % x) for x in (b"0.5", b"0.50000001")]
    assert kind_of(judge.judge(CASE, ANSWER, replies)) is FailureKind.UNSTEADY
    assert kind_of(judge.judge(CASE, ANSWER, replies[:1] * 3)) is None


@pytest.mark.parametrize(
    "body",
    [
        {"outputs": []},
        {"outputs": [{"name": "other", "shape": [1], "data": [0.5]}]},
        {"outputs": [{"name": "risk", "shape": [2], "data": [0.5]}]},
        {"predictions": [0.5]},
    ],
)
def test_a_v2_reply_must_hold_the_declared_output(judge, headers, body):
    reply = Reply(status=200, headers=headers, body=json.dumps(body).encode())
    assert kind_of(judge.judge(replace(CASE, form=Form.V2), ANSWER, [reply])) is FailureKind.BAD_REPLY


def test_labels_and_numbers_that_are_none_have_no_difference():
    assert largest_difference(["a", float("nan"), 10**400], ["a", 1.0, 1.0]) is None


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_after_waiting_is_a_kind_of_its_own(judge, headers, status):
    reply = Reply(status=status, headers={**headers, "retry-after": "1"}, body=b'{"error": "busy"}')
    for expectation in (ANSWER, REJECTION):
        assert kind_of(judge.judge(CASE, expectation, [reply])) is FailureKind.OVERLOADED


def test_the_slowest_reply_is_remembered(judge, headers):
    replies = [Reply(status=200, headers=headers, body=b'{"predictions": [0.5]}', seconds=s) for s in (0.01, 0.2, 0.1)]
    assert judge.judge(CASE, ANSWER, replies).ms == 200.0


@pytest.mark.parametrize(("ulps", "kind"), [(0, FailureKind.WRONG_ANSWER), (1, None)])
def test_a_unit_in_the_last_place_is_forgiven_where_it_is_declared(tiny, headers, ulps, kind):
    exact = Judge(tiny.signature, Tolerance(absolute=0.0, relative=0.0, ulps=ulps), tiny.files.subject)
    reply = Reply(status=200, headers=headers, body=b'{"predictions": [0.30000000000000004]}')
    assert kind_of(exact.judge(CASE, replace(ANSWER, answers=(0.3,)), [reply])) is kind
