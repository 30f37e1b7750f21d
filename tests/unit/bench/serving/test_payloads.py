import json

import numpy as np
import pandas as pd
import pytest

from bench.serving.payloads import Form, answers, mismatches, payload

ROWS = pd.DataFrame({"a": [1.5, 2.0], "b": [0.1, -3.0]})


def test_a_split_names_the_columns_once():
    split = json.loads(payload(Form.SPLIT, ROWS).body)["dataframe_split"]
    assert split == {"columns": ["a", "b"], "data": [[1.5, 0.1], [2.0, -3.0]]}


def test_a_tensor_a_column_is_one_column_wide():
    tensors = json.loads(payload(Form.V2_COLUMNS, ROWS).body)["inputs"]
    assert [(t["name"], t["shape"], t["data"]) for t in tensors] == [
        ("a", [2, 1], [1.5, 2.0]),
        ("b", [2, 1], [0.1, -3.0]),
    ]


def test_a_binary_tensor_follows_its_head():
    made = payload(Form.V2_BINARY, ROWS)
    length = int(dict(made.headers)["Inference-Header-Content-Length"])
    head = json.loads(made.body[:length])
    assert head["inputs"][0]["parameters"]["binary_data_size"] == len(made.body) - length == 32
    assert np.frombuffer(made.body[length:]).tolist() == [1.5, 0.1, 2.0, -3.0]


@pytest.mark.parametrize(
    "document",
    [
        {"predictions": [0.25, 0.75]},
        {"predictions": [[0.75, 0.25], [0.25, 0.75]]},
        {"predictions": [{"0": 0.75, "1": 0.25}, {"0": 0.25, "1": 0.75}]},
        {"outputs": [{"shape": [2, 2], "data": [0.75, 0.25, 0.25, 0.75]}]},
        [[0.75, 0.25], [0.25, 0.75]],
    ],
    ids=["one a row", "probabilities", "named probabilities", "v2", "array"],
)
def test_every_form_of_answer_is_read(document):
    assert answers(json.dumps(document).encode(), {}, 2).tolist() == [0.25, 0.75]


def test_a_binary_answer_is_read():
    head = b'{"outputs":[]}'
    body = head + np.array([0.25, 0.75]).tobytes()
    assert answers(body, {"inference-header-content-length": str(len(head))}, 2).tolist() == [0.25, 0.75]


@pytest.mark.parametrize("body", [b'{"predictions": [0.5]}', b'{"error": "no"}'], ids=["too few", "an error"])
def test_what_is_no_answer_is_stopped(body):
    with pytest.raises(ValueError, match=r"numbers for|no answers"):
        answers(body, {}, 3)


def test_a_difference_beyond_the_tolerance_is_found():
    native = np.array([0.5, 0.5, 0.5])
    assert mismatches(np.array([0.5, 0.5 + 1e-7, 0.5001]), native).tolist() == [2]


def test_an_answer_that_is_no_number_differs():
    assert mismatches(np.array([np.nan]), np.array([0.5])).tolist() == [0]
