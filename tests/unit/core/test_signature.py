"""What a signature admits, and what it refuses to be."""

import pytest

from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.errors import SignatureError

FLAG, CLIP = Policy.parse("flag"), Policy.parse("clip")

TYPES = [
    (DType.FLOAT, 1.5, True),
    (DType.FLOAT, 1, True),
    (DType.FLOAT, True, False),
    (DType.FLOAT, "1.5", False),
    (DType.FLOAT, float("nan"), False),
    (DType.FLOAT, float("inf"), False),
    (DType.FLOAT, 10**400, False),
    (DType.INT, 3, True),
    (DType.INT, 3.0, True),
    (DType.INT, 3.5, False),
    (DType.INT, False, False),
    (DType.STRING, "x", True),
    (DType.STRING, 1, False),
    (DType.BOOL, True, True),
    (DType.BOOL, 1, False),
]


@pytest.mark.parametrize(("dtype", "value", "admitted"), TYPES)
def test_a_type_admits_its_own_values_only(dtype, value, admitted):
    assert dtype.admits(value) is admitted


def test_both_ends_of_a_range_are_in_it():
    column = Column(name="age", dtype=DType.FLOAT, min=0, max=120)
    assert column.in_range(0)
    assert column.in_range(120)
    assert not column.in_range(-0.001)
    assert not column.in_range(120.001)


CONTRADICTIONS = {
    "range on a string": {"dtype": DType.STRING, "min": 0},
    "min above max": {"dtype": DType.FLOAT, "min": 2, "max": 1},
    "categories on a number": {"dtype": DType.INT, "categories": ("a",)},
    "clip a missing value": {"dtype": DType.FLOAT, "min": 0, "on_missing": CLIP},
    "flag a missing value that the model cannot take": {"dtype": DType.FLOAT, "on_missing": FLAG},
    "clip without a range": {"dtype": DType.FLOAT, "on_out_of_range": CLIP},
    "impute out of range": {"dtype": DType.FLOAT, "max": 1, "on_missing": Policy.parse({"impute": 2})},
    "impute the wrong type": {"dtype": DType.INT, "on_missing": Policy.parse({"impute": "x"})},
}


@pytest.mark.parametrize("fields", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_column_cannot_contradict_itself(fields):
    with pytest.raises(SignatureError, match="column 'x'"):
        Column(name="x", **fields)


@pytest.mark.parametrize("declared", ["drop", 3, {"impute": 1, "clip": 2}, {"impute": None}, None, "impute"])
def test_an_unknown_policy_is_refused(declared):
    with pytest.raises(SignatureError):
        Policy.parse(declared)


def test_a_signature_names_each_input_once():
    column = Column(name="x", dtype=DType.FLOAT)
    with pytest.raises(SignatureError, match="twice: x"):
        Signature(inputs=(column, column), output=Output(name="y"))


def test_a_signature_survives_json():
    column = Column(name="x", dtype=DType.FLOAT, min=0, max=1, nullable=True, on_missing=FLAG, on_out_of_range=CLIP)
    other = Column(name="s", dtype=DType.STRING, categories=("a", "b"), on_missing=Policy.parse({"impute": "a"}))
    signature = Signature(inputs=(column, other), output=Output(name="p", index=1))
    assert Signature.from_json(signature.to_json()) == signature
