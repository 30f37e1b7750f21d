import numpy as np
import pandas as pd
import pytest

from slipway.core.signature import DType, Output
from slipway.serving.answers import one_answer_per_row
from slipway.serving.faults import ModelAnsweredNonsense

FLOAT = Output(name="y")
GOOD = {
    "an_array": (np.array([0.5, 1.0]), FLOAT, [0.5, 1.0]),
    "a_list": ([0.5, 1], FLOAT, [0.5, 1.0]),
    "a_series": (pd.Series([0.5, 1.0]), FLOAT, [0.5, 1.0]),
    "a_frame_of_one_column": (pd.DataFrame({"y": [0.5, 1.0]}), FLOAT, [0.5, 1.0]),
    "one_column": (np.array([[0.5], [1.0]]), FLOAT, [0.5, 1.0]),
    "a_picked_column": (np.array([[0.5, 0.25], [1.0, 0.0]]), Output(name="y", index=1), [0.25, 0.0]),
    "single_precision": (np.array([0.5, 1.0], dtype=np.float32), FLOAT, [0.5, 1.0]),
    "integers_for_floats": (np.array([1, 2]), FLOAT, [1.0, 2.0]),
    "integer_labels": (np.array([1, 2]), Output(name="y", dtype=DType.INT), [1, 2]),
    "integral_floats": (np.array([1.0, 2.0]), Output(name="y", dtype=DType.INT), [1, 2]),
    "string_labels": (np.array(["a", "b"]), Output(name="y", dtype=DType.STRING), ["a", "b"]),
    "bools": ([True, False], Output(name="y", dtype=DType.BOOL), [True, False]),
}


@pytest.mark.parametrize(("raw", "output", "answers"), GOOD.values(), ids=GOOD)
def test_one_answer_a_row_is_served(raw, output, answers):
    found = one_answer_per_row(raw, 2, output)
    assert found.tolist() == answers
    assert type(found.tolist()[0]) is type(answers[0])


NONSENSE = {
    "nan": ([0.5, float("nan")], FLOAT),
    "infinity": ([0.5, float("inf")], FLOAT),
    "none": ([0.5, None], FLOAT),
    "nothing": (None, FLOAT),
    "a_number": (0.5, FLOAT),
    "a_dict": ({"y": [0.5, 1.0]}, FLOAT),
    "ragged": ([[0.5], [1.0, 2.0]], FLOAT),
    "too_few": ([0.5], FLOAT),
    "too_many": ([0.5, 0.5, 0.5], FLOAT),
    "probabilities_without_an_index": ([[0.5, 0.5], [0.5, 0.5]], FLOAT),
    "an_index_too_high": ([[0.5, 0.5], [0.5, 0.5]], Output(name="y", index=2)),
    "an_index_into_single_values": ([0.5, 0.5], Output(name="y", index=1)),
    "words_for_numbers": (["a", "b"], FLOAT),
    "digits_for_numbers": (["1", "2"], FLOAT),
    "bools_for_numbers": ([True, False], FLOAT),
    "fractions_for_ints": ([0.5, 1.0], Output(name="y", dtype=DType.INT)),
    "huge_ints": ([1, 2**70], Output(name="y", dtype=DType.INT)),
    "numbers_for_words": ([1, 2], Output(name="y", dtype=DType.STRING)),
    "a_missing_word": (["a", None], Output(name="y", dtype=DType.STRING)),
    "numbers_for_bools": ([1, 0], Output(name="y", dtype=DType.BOOL)),
    "complex_numbers": (np.array([1j, 2j]), FLOAT),
}


@pytest.mark.parametrize(("raw", "output"), NONSENSE.values(), ids=NONSENSE)
def test_anything_else_is_nonsense(raw, output):
    with pytest.raises(ModelAnsweredNonsense, match="model answered nonsense"):
        one_answer_per_row(raw, 2, output)
