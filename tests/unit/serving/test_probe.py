import pytest

from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.serving.policies import Policies
from slipway.serving.probe import in_range_rows, rows_with_gaps
from tests.unit.serving.samples import SIGNATURE

COLUMNS = {
    "bounded_float": Column(name="x", dtype=DType.FLOAT, min=-2.5, max=1e6),
    "as_wide_as_doubles": Column(name="x", dtype=DType.FLOAT, min=-1.7e308, max=1.7e308),
    "float_with_a_low_end": Column(name="x", dtype=DType.FLOAT, min=1000.0),
    "float_with_a_high_end": Column(name="x", dtype=DType.FLOAT, max=-1000.0),
    "free_float": Column(name="x", dtype=DType.FLOAT),
    "int_between_fractions": Column(name="x", dtype=DType.INT, min=0.5, max=3.5),
    "int_with_a_low_end": Column(name="x", dtype=DType.INT, min=0.5),
    "free_int": Column(name="x", dtype=DType.INT),
    "categories": Column(name="x", dtype=DType.STRING, categories=("red", "blue")),
    "free_text": Column(name="x", dtype=DType.STRING),
    "bool": Column(name="x", dtype=DType.BOOL),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_rows_made_from_a_signature_break_none_of_its_rules(column):
    signature = Signature(inputs=(column,), output=Output(name="y"))
    batch = Policies(signature).apply(in_range_rows(signature))
    assert batch.rows == 8
    assert batch.flags == ()


def test_gaps_are_made_only_where_the_model_itself_sees_them():
    table = rows_with_gaps(SIGNATURE)
    assert [name for name, values in table.columns.items() if None in values] == ["dose"]


def test_a_signature_without_gaps_has_no_rows_with_gaps():
    imputed = Column(name="x", dtype=DType.FLOAT, on_missing=Policy.parse({"impute": 1.0}))
    assert rows_with_gaps(Signature(inputs=(imputed,), output=Output(name="y"))) is None
