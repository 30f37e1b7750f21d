import numpy as np
import pandas as pd
import pytest

from slipway.core.signature import Column, DType
from slipway.quality.conformance import column_violations


def problems(values, **declared):
    column = Column(**{"name": "c", "dtype": DType.FLOAT, **declared})
    return [(v.problem, v.rows) for v in column_violations(pd.DataFrame({"c": values}), column)]


NAN = float("nan")
CASES = {
    "floats in range": ([1.0, 2.0], {"min": 0, "max": 2}, []),
    "below": ([-1.0, 2.0], {"min": 0}, [("outside of [0, inf] 1", 1)]),
    "above": ([1.0, 3.0], {"max": 2, "unit": "mm"}, [("outside of [-inf, 2] mm", 1)]),
    "a thousand times too large": ([1e3, 2e3], {"min": 0, "max": 2}, [("outside of [0, 2] 1", 2)]),
    "a missing value": ([1.0, NAN], {}, [("a missing value is not allowed", 1)]),
    "a missing value, nullable": ([1.0, NAN], {"nullable": True, "min": 0}, []),
    "infinite": ([1.0, float("inf")], {}, [("not a finite float", 1)]),
    "text for a number": (["1.0", "2.0"], {}, [("not a finite float", 2)]),
    "one text among numbers": ([1.0, "x"], {"min": 0}, [("not a finite float", 1)]),
    "bools for a number": ([True, False], {}, [("not a finite float", 2)]),
    "integers for floats": ([1, 2], {}, []),
    "integral floats": ([1.0, 2.0], {"dtype": DType.INT}, []),
    "a fraction for an int": ([1.5, 2.0], {"dtype": DType.INT}, [("not a finite int", 1)]),
    "nullable ints": (pd.array([1, None], dtype="Int64"), {"dtype": DType.INT, "nullable": True, "max": 3}, []),
    "categories": (["a", "b"], {"dtype": DType.STRING, "categories": ("a", "b")}, []),
    "an unknown category": (
        ["a", "z"],
        {"dtype": DType.STRING, "categories": ("a", "b")},
        [("outside of the categories a, b", 1)],
    ),
    "a number for text": ([1, 2], {"dtype": DType.STRING}, [("not a string", 2)]),
    "bools": ([True, False], {"dtype": DType.BOOL}, []),
    "numbers for bools": ([0, 1], {"dtype": DType.BOOL}, [("not a bool", 2)]),
}


@pytest.mark.parametrize(("values", "declared", "expected"), CASES.values(), ids=CASES)
def test_a_column_is_held_to_what_the_signature_declares(values, declared, expected):
    assert problems(values, **declared) == expected


def test_an_absent_column_is_a_violation():
    assert [v.problem for v in column_violations(pd.DataFrame({"x": [1]}), Column(name="c", dtype=DType.INT))] == [
        "the column is absent"
    ]


def test_a_violation_shows_a_few_of_the_values():
    frame = pd.DataFrame({"c": np.arange(100.0)})
    (found,) = column_violations(frame, Column(name="c", dtype=DType.FLOAT, max=10))
    assert found.sentence() == "c: outside of [-inf, 10] 1 in 89 rows, for instance 11.0, 12.0, 13.0, 14.0, 15.0"
