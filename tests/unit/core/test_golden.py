"""How close is the same."""

import pytest

from slipway.core.golden import Golden, Tolerance
from slipway.errors import EvidenceError

EXACT, LOOSE = Tolerance(absolute=0.0, relative=0.0), Tolerance(absolute=0.01, relative=0.1)
CASES = {
    "equal": (EXACT, 1.0, 1.0, True),
    "int and float": (EXACT, 1, 1.0, True),
    "off by a bit": (EXACT, 1.0000001, 1.0, False),
    "within": (LOOSE, 1.1, 1.0, True),
    "beyond": (LOOSE, 1.12, 1.0, False),
    "near zero counts the absolute part": (LOOSE, 0.009, 0.0, True),
    "not a number": (LOOSE, float("nan"), 1.0, False),
    "nothing": (LOOSE, None, 1.0, False),
    "same label": (EXACT, "a", "a", True),
    "another label": (LOOSE, "a", "b", False),
    "a bool is no number": (LOOSE, True, 1.0, False),
}


@pytest.mark.parametrize(("tolerance", "answer", "expected", "agrees"), CASES.values(), ids=CASES)
def test_an_answer_agrees_within_tolerance(tolerance, answer, expected, agrees):
    assert tolerance.agrees(answer, expected) is agrees


@pytest.mark.parametrize(("rows", "answers"), [((), ()), (({"x": 1},), ())], ids=["empty", "unequal"])
def test_golden_rows_have_answers(rows, answers):
    with pytest.raises(EvidenceError):
        Golden(rows=rows, answers=answers, tolerance=EXACT)


def test_golden_answers_survive_json():
    golden = Golden(rows=({"x": 1.0},), answers=(0.5,), tolerance=LOOSE)
    assert Golden.from_json(golden.to_json()) == golden
