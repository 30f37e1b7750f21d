import json

import numpy as np
import pytest

from slipway.core.signature import Column, DType, Output, Signature
from slipway.serving.codec import decode_invocations, encode_invocations, parse
from slipway.serving.config import Limits
from slipway.serving.faults import Malformed, RowsRejected, TooLarge

SIGNATURE = Signature(
    inputs=(Column(name="x", dtype=DType.FLOAT), Column(name="name", dtype=DType.STRING)), output=Output(name="y")
)
LIMITS = Limits(max_rows=3)
X_NAMES = {"x": [1.5, None], "name": ["a", "b"]}

FORMS = {
    "records": {"dataframe_records": [{"x": 1.5, "name": "a"}, {"name": "b", "x": None}]},
    "records_with_an_absent_key": {"dataframe_records": [{"x": 1.5, "name": "a"}, {"name": "b"}]},
    "split": {"dataframe_split": {"columns": ["name", "x"], "data": [["a", 1.5], ["b", None]], "index": [0, 1]}},
    "instances_of_objects": {"instances": [{"x": 1.5, "name": "a"}, {"name": "b"}]},
    "instances_of_arrays": {"instances": [[1.5, "a"], [None, "b"]]},
    "inputs": {"inputs": {"name": ["a", "b"], "x": [1.5, None]}},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_of_a_table_reads_as_the_same_columns(form):
    table = decode_invocations(json.dumps(form).encode(), SIGNATURE, LIMITS)
    assert table.rows == 2
    assert {name: list(values) for name, values in table.columns.items()} == X_NAMES
    assert not table.extra


NO_TABLE = {
    "not_an_object": "[1]",
    "null": "null",
    "empty_object": "{}",
    "two_forms": '{"instances": [[1, "a"]], "inputs": {"x": [1]}}',
    "unknown_key": '{"instances": [[1, "a"]], "params": {"a": 1}}',
    "no_rows": '{"dataframe_records": []}',
    "no_columns": '{"inputs": {}}',
    "empty_columns": '{"inputs": {"x": []}}',
    "rows_are_an_object": '{"dataframe_records": {"x": 1}}',
    "a_row_is_a_number": '{"dataframe_records": [{"x": 1}, 5]}',
    "instances_of_both_kinds": '{"instances": [[1, "a"], {"x": 1}]}',
    "instances_of_scalars": '{"instances": [1, 2]}',
    "ragged": '{"instances": [[1, "a"], [1]]}',
    "split_without_columns": '{"dataframe_split": {"data": [[1]]}}',
    "split_with_a_number_for_a_name": '{"dataframe_split": {"columns": [1], "data": [[1]]}}',
    "split_with_a_column_twice": '{"dataframe_split": {"columns": ["x", "x"], "data": [[1, 2]]}}',
    "split_ragged": '{"dataframe_split": {"columns": ["x"], "data": [[1], [1, 2]]}}',
    "inputs_of_scalars": '{"inputs": {"x": 1}}',
    "inputs_of_other_lengths": '{"inputs": {"x": [1], "name": ["a", "b"]}}',
}


@pytest.mark.parametrize("body", NO_TABLE.values(), ids=NO_TABLE)
def test_a_body_without_a_table_is_rejected(body):
    with pytest.raises(RowsRejected):
        decode_invocations(body.encode(), SIGNATURE, LIMITS)


NOT_JSON = {
    "empty": b"",
    "text": b"hello",
    "half": b'{"inputs": ',
    "trailing": b"{} {}",
    "not_utf8": b'{"a": "\xff"}',
    "utf16": '{"a": 1}'.encode("utf-16"),
    "half_a_surrogate_pair": b'{"a": "\\ud800"}',
    "nested_too_deep": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_malformed(body):
    with pytest.raises(Malformed):
        parse(body)


def test_numbers_that_json_does_not_know_are_read_so_that_the_answer_can_name_them():
    values = parse(b"[NaN, -Infinity, 1e999, " + b"9" * 5000 + b"]")
    assert str(values) == "[nan, -inf, inf, inf]"


def test_rows_beyond_the_limit_are_too_large_and_rows_at_the_limit_are_not():
    body = json.dumps({"instances": [[1, "a"]] * 4}).encode()
    with pytest.raises(TooLarge):
        decode_invocations(body, SIGNATURE, LIMITS)
    assert decode_invocations(body, SIGNATURE, Limits(max_rows=4)).rows == 4


def test_extra_columns_are_listed_with_the_first_row_that_has_them():
    records = [{"x": 1}, {"x": 1, "z": 2}, {"z": 3, "w": None}]
    table = decode_invocations(json.dumps({"dataframe_records": records}).encode(), SIGNATURE, LIMITS)
    assert table.extra == {"z": 1, "w": 2}


FLAG = {"row": 0, "column": "x", "policy": "clip", "reason": "out_of_range"}


def test_flags_are_in_the_answer_only_when_there_are_any():
    answers = np.array([0.5])
    assert json.loads(encode_invocations(answers, [])) == {"predictions": [0.5]}
    assert json.loads(encode_invocations(answers, [FLAG]))["flags"] == [FLAG]
