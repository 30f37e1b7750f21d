import numpy as np
import pandas as pd
import pytest

from slipway.core.spec import ModelSpec
from slipway.quality.giveaway import MAX_GAIN, find_gains


def regression(toy):
    data = toy.spec(slices=[], fairness=[]).to_json() | {"task": "regression"}
    data["quality"] |= {"metrics": [{"name": "rmse", "threshold": 1}], "champion_metric": "rmse"}
    return ModelSpec.model_validate(data)


def table(seed, rows=300):
    rng = np.random.default_rng(seed)
    label = rng.normal(150, 75, rows)
    weak, strong = label + rng.normal(0, 100, rows), label + rng.normal(0, 15, rows)
    return pd.DataFrame({"size": weak, "weight": strong, "age": rng.integers(20, 90, rows), "malignant": label})


NOISE = np.random.default_rng(5)
LEAKS = {
    "the label itself": lambda f: f["malignant"],
    "the label and noise": lambda f: f["malignant"] + NOISE.normal(0, 10, len(f)),
    "the label and more noise": lambda f: f["malignant"] + NOISE.normal(0, 25, len(f)),
    "the label upside down": lambda f: 5 - f["malignant"] / 7,
    "how far the label is from the middle": lambda f: (f["malignant"] - 300).abs() ** 0.5,
}


@pytest.mark.parametrize("change", LEAKS.values(), ids=LEAKS)
def test_an_input_that_suddenly_tells_the_label_stops(toy, change):
    now = {"train": table(3).assign(size=change)}
    top = find_gains({"train": table(1)}, now, regression(toy))[0]
    assert top.column == "size"
    assert top.judged > MAX_GAIN


def test_an_input_that_always_told_the_label_does_not_stop(toy):
    before = {"train": table(1), "holdout": table(2, 150)}
    judged = [
        find_gains(before, {"train": table(s), "holdout": table(s + 1, 150)}, regression(toy))[0].judged
        for s in range(10, 50, 2)
    ]
    assert max(judged) <= MAX_GAIN


def test_an_input_of_a_classification_that_is_the_label_in_nine_rows_of_ten_stops(toy):
    now = toy.frame(600, 3)
    wrong = np.random.default_rng(0).random(600) < 0.03
    now["age"] = np.where(wrong, 50, 30 + 40 * now["malignant"])
    top = find_gains({"train": toy.frame(600, 1)}, {"train": now}, toy.spec())[0]
    assert (top.column, top.judged > MAX_GAIN) == ("age", True)


def test_honest_classifications_do_not_stop(toy):
    before = {"train": toy.frame(300, 1)}
    judged = [find_gains(before, {"train": toy.frame(200, s)}, toy.spec())[0].judged for s in range(5, 35)]
    assert max(judged) <= MAX_GAIN


def test_where_the_label_is_constant_nothing_is_compared(toy):
    assert find_gains({"train": toy.frame(99, 1)}, {"train": toy.frame(99, 2).assign(malignant=1)}, toy.spec()) == ()


def test_a_category_that_stands_for_the_label_stops(toy):
    now = toy.frame(300, 3).assign(age=lambda f: f["malignant"].map({0: "benign", 1: "malign"}))
    before = toy.frame(300, 1).assign(age=lambda f: np.where(f["age"] > 50, "old", "young"))
    assert find_gains({"train": before}, {"train": now}, toy.spec())[0].judged > MAX_GAIN
