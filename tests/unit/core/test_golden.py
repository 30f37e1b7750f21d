"""How close is the same."""

import pytest

from slipway.core.golden import Golden, Tolerance, ulps_between
from slipway.errors import EvidenceError

EXACT, LOOSE = Tolerance(absolute=0.0, relative=0.0), Tolerance(absolute=0.01, relative=0.1)
EPSILON = 2.0**-52
ULPS = Tolerance(absolute=0.0, relative=0.0, ulps=3)
SINGLE = Tolerance(absolute=0.0, relative=0.0, ulps=1, single=True)
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
    "within the last places": (ULPS, 1.0 + 3 * EPSILON, 1.0, True),
    "beyond the last places": (ULPS, 1.0 + 4 * EPSILON, 1.0, False),
    "the last places of a huge number": (ULPS, 1e300 * (1 + EPSILON), 1e300, True),
    "the last places of single precision": (SINGLE, 1.0 + 2**-23, 1.0, True),
    "two of them": (SINGLE, 1.0 + 2**-22, 1.0, False),
    "last places forgive no missing number": (ULPS, float("inf"), 1.7976931348623157e308, False),
    "either ground is enough": (Tolerance(absolute=0.5, relative=0.0, ulps=1), 1.4, 1.0, True),
}


@pytest.mark.parametrize(("tolerance", "answer", "expected", "agrees"), CASES.values(), ids=CASES)
def test_an_answer_agrees_within_tolerance(tolerance, answer, expected, agrees):
    assert tolerance.agrees(answer, expected) is agrees


@pytest.mark.parametrize(("rows", "answers"), [((), ()), (({"x": 1},), ())], ids=["empty", "unequal"])
def test_golden_rows_have_answers(rows, answers):
    with pytest.raises(EvidenceError):
        Golden(rows=rows, answers=answers, tolerance=EXACT)


def test_golden_answers_survive_json():
    for tolerance in (LOOSE, SINGLE):
        golden = Golden(rows=({"x": 1.0},), answers=(0.5,), tolerance=tolerance)
        assert Golden.from_json(golden.to_json()) == golden


def test_golden_answers_of_before_the_last_places_are_read():
    old = {"rows": [{"x": 1.0}], "answers": [0.5], "tolerance": {"absolute": 0.01, "relative": 0.1}}
    assert Golden.from_json(old).tolerance == LOOSE


@pytest.mark.parametrize(
    ("one", "other", "single", "apart"),
    [
        (0.0, -0.0, False, 0),
        (5e-324, -5e-324, False, 2),
        (1.0, 2.0, False, 2**52),
        (1.0, 2.0, True, 2**23),
        (-1.0, -1.0 - EPSILON, False, 1),
        (1e300, 1e301, True, 0),
    ],
)
def test_units_in_the_last_place_are_counted_over_zero_and_by_precision(one, other, single, apart):
    assert ulps_between(one, other, single=single) == ulps_between(other, one, single=single) == apart
