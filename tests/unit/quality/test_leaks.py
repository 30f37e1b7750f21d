import numpy as np
import pandas as pd
import pytest

from slipway.core.spec import ModelSpec
from slipway.quality.leaks import LEAK, duplicated_rows, label_leak


def test_a_row_is_duplicated_when_all_its_values_are():
    train = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": ["x", "y", None]})
    other = pd.DataFrame({"a": [1.0, 1.0, np.nan, 3.0], "b": ["x", "y", "y", None]})
    assert duplicated_rows(train, other, ["a", "b"]).tolist() == [True, False, True, True]


def test_int_and_float_columns_compare_by_value():
    assert duplicated_rows(pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [2.0, 2.5]}), ["a"]).tolist() == [
        True,
        False,
    ]


LEAKS = {
    "the label itself": lambda y, _: y,
    "the label upside down": lambda y, _: -y,
    "the label, scaled": lambda y, _: y * 400 + 7,
    "a monotone function of it": lambda y, rng: y * 10 + rng.random(len(y)),
}


@pytest.mark.parametrize("make_column", LEAKS.values(), ids=LEAKS)
def test_an_input_that_gives_the_label_away_is_found(toy, make_column):
    frame = toy.frame(300, seed=3)
    frame["weight"] = make_column(frame["malignant"], np.random.default_rng(0))
    found = label_leak(frame, toy.spec())
    assert found.column == "weight"
    assert found.strength is not None
    assert found.strength > LEAK


def test_a_text_column_that_stands_for_the_label_is_found(toy):
    frame = toy.frame(300, seed=3)
    frame["weight"] = frame["malignant"].map({0: "benign", 1: "malign"})
    assert label_leak(frame, toy.spec()).column == "weight"
    assert label_leak(frame, toy.spec()).strength == 1.0


def test_a_text_column_of_unique_values_is_not_a_leak(toy):
    frame = toy.frame(300, seed=3)
    frame["weight"] = [f"patient {n}" for n in range(300)]
    assert label_leak(frame, toy.spec()).column == "size"


def test_an_honest_dataset_has_no_leak(toy):
    found = label_leak(toy.frame(300, seed=3), toy.spec())
    assert found.strength is not None
    assert 0.5 < found.strength < 0.95


def test_a_leak_into_a_regression_is_found(toy):
    data = toy.spec().to_json()
    data |= {"task": "regression"}
    data["quality"] |= {
        "metrics": [{"name": "rmse", "threshold": 1}], "champion_metric": "rmse", "slices": [], "fairness": []
    }  # fmt: skip
    frame = toy.frame(300, seed=3)
    frame["malignant"] = -2.0 * frame["weight"] + 5
    found = label_leak(frame, ModelSpec.model_validate(data))
    assert (found.column, round(found.strength, 6)) == ("weight", 1.0)


UNKNOWN = {
    "too few rows": lambda frame: frame.head(10),
    "one class only": lambda frame: frame.assign(malignant=1),
    "no label": lambda frame: frame.drop(columns="malignant"),
}


@pytest.mark.parametrize("change", UNKNOWN.values(), ids=UNKNOWN)
def test_where_nothing_can_be_judged_the_strength_is_unknown(toy, change):
    assert label_leak(change(toy.frame(300, seed=3)), toy.spec()).strength is None
