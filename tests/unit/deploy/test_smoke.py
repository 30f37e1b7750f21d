"""Golden questions, and what is wrong with the answers."""

import pytest

from slipway.core.golden import Golden, Tolerance
from slipway.deploy.smoke import Answer, problems, smoke
from tests.unit.deploy.fakes import Behaviour, Service, golden

GOLDEN = Golden(rows=({"x": 1}, {"x": 2}), answers=(1.0, 2.0), tolerance=Tolerance(absolute=0.01, relative=0))

CASES = {
    "right": (Answer(version="3", predictions=(1.0, 2.0)), []),
    "within_tolerance": (Answer(version="3", predictions=(1.005, 1.995)), []),
    "one_row_wrong": (Answer(version="3", predictions=(1.0, 2.5)), ["row 1: answered 2.5, expected 2.0"]),
    "not_a_number": (Answer(version="3", predictions=(1.0, None)), ["row 1: answered None, expected 2.0"]),
    "too_few": (Answer(version="3", predictions=(1.0,)), ["1 answers to 2 rows"]),
    "other_version": (Answer(version="2", predictions=(1.0, 2.0)), ["answered as version 2, not 3"]),
    "no_version": (Answer(predictions=(1.0, 2.0)), ["answered as version None, not 3"]),
    "no_answer": (Answer(problem="answered 500: oh"), ["answered 500: oh"]),
}


@pytest.mark.parametrize(("given", "found"), CASES.values(), ids=CASES)
def test_an_answer_is_compared_with_the_reference(given, found):
    assert problems(given, GOLDEN, version=3) == found


def test_many_wrong_rows_are_summed_up():
    many = golden(1, rows=30)
    found = problems(Answer(version="1", predictions=(-1.0,) * 30), many, version=1)
    assert len(found) == 6 and found[-1] == "and 25 more rows"


BEHAVIOURS = {
    "well": (Behaviour(), ""),
    "wrong": (Behaviour(wrong_from=1), "row 0: answered 1002, expected 2.0"),
    "wrong_in_the_second_batch": (Behaviour(wrong_from=2), "golden rows from 50: row 0"),
    "failing": (Behaviour(fails_from=1), "answered 500"),
    "other_version": (Behaviour(says_version=7), "answered as version 7, not 2"),
    "dying": (Behaviour(dies_at=1), "no answer"),
}


@pytest.mark.parametrize(("behaviour", "said"), BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_a_service_is_asked_every_golden_row(behaviour, said):
    service = Service(2, behaviour)
    found = smoke(f"http://127.0.0.1:{service.server.port}", golden(2, rows=70), version=2)
    service.kill()
    assert found[0].startswith(said) if said else found == []


def test_a_service_that_is_not_there_is_a_problem_and_not_an_exception():
    assert smoke("http://127.0.0.1:9", golden(2), version=2)[0].startswith("no answer: ConnectError")
