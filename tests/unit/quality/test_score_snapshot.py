import json

import numpy as np
import pandas as pd
import pytest

from slipway.errors import ArtifactError
from slipway.quality.score_snapshot import main, pick

ANSWERS = {
    "one number a row": ([1.0, 2.0], None, [1.0, 2.0]),
    "a column": ([[1.0], [2.0]], None, [1.0, 2.0]),
    "class probabilities": ([[0.25, 0.75], [0.5, 0.5]], 1, [0.75, 0.5]),
    "a table": (pd.DataFrame({"p": [0.1, 0.2]}), None, [0.1, 0.2]),
    "a series": (pd.Series([0.1, 0.2]), None, [0.1, 0.2]),
    "no number for one row": ([1.0, None], None, [1.0, np.nan]),
}


@pytest.mark.parametrize(("answered", "index", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_becomes_one_number_a_row(answered, index, expected):
    np.testing.assert_array_equal(pick(answered, rows=2, index=index), expected)


REFUSED = {
    "too few answers": ([1.0], None, "answered"),
    "several columns and no index": ([[0.1, 0.9], [0.2, 0.8]], None, "answered"),
    "an index that is not there": ([[0.1, 0.9], [0.2, 0.8]], 2, "answered"),
    "text": (["yes", "no"], None, "not numbers"),
}


@pytest.mark.parametrize(("answered", "index", "said"), REFUSED.values(), ids=REFUSED)
def test_an_answer_that_is_not_one_number_a_row_is_refused(answered, index, said):
    with pytest.raises(ArtifactError, match=said):
        pick(answered, rows=2, index=index)


def test_a_holdout_without_an_input_ends_with_one_sentence(make, toy, capsys):
    files = make.version(holdout=toy.frame(60, seed=2).drop(columns="age"), expression="frame['size']")
    declared = make.root / "signature.json"
    declared.write_text(json.dumps(toy.spec().to_signature().to_json()))
    argv = ["--model", str(files.model), "--data", str(files.holdout)]
    assert main([*argv, "--signature", str(declared), "--out", str(make.root / "o.npy")]) == 2
    assert capsys.readouterr().err.startswith("the holdout lacks age. What to do:")
