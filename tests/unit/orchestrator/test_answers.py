import pytest

from slipway.errors import OrchestratorError
from slipway.orchestrator.answers import complete_answer
from slipway.orchestrator.records import pending_approval


@pytest.fixture
def pending(make_approval):
    return pending_approval(make_approval())


WRONG = {
    "unknown_option": ("Maybe", {}, "'Maybe' is not an option, Approve, Reject are"),
    "unknown_field": ("Approve", {"trafic": 5}, "there is no field 'trafic'"),
    "wrong_type": ("Approve", {"traffic": "abc"}, "traffic: 'abc' is not of type 'integer'"),
    "out_of_range": ("Approve", {"traffic": 101}, "traffic: 101 is greater than the maximum"),
}


@pytest.mark.parametrize(("option", "params", "reason"), WRONG.values(), ids=WRONG)
def test_an_answer_that_the_question_does_not_take_is_refused(pending, option, params, reason):
    with pytest.raises(OrchestratorError, match=reason):
        complete_answer(pending, option=option, params=params)


def test_every_problem_is_named_at_once(pending):
    with pytest.raises(OrchestratorError, match=r"Maybe.*no field.*maximum"):
        complete_answer(pending, option="Maybe", params={"traffic": 101, "x": 1})


def test_a_required_field_without_a_default_must_be_given(make_approval):
    pending = pending_approval(make_approval(params={"reason": {"value": None, "schema": {"type": "string"}}}))
    with pytest.raises(OrchestratorError, match="reason: None is not of type 'string'"):
        complete_answer(pending, option="Reject", params={})
    assert complete_answer(pending, option="Reject", params={"reason": "late"})["params_input"] == {"reason": "late"}
