"""Compiled models answer as the libraries themselves do, to the last bits, and what cannot be compiled is named."""

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from slipway.backends.compiler import make_graph, take_apart
from slipway.backends.ensemble import CannotCompile
from slipway.backends.source import Source, version_problem
from slipway.core.signature import DType, Policy
from tests.unit.backends.models import NAMES, compiled, near_singles, signature, table


def lightgbm(**options):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=20, verbose=-1, **options)


def xgboost(**options):
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=20, max_depth=3, **options)


# How far an answer may lie from the library's: nothing but the last bit of an exponential, in double precision; XGBoost
# computes that in single precision.
DOUBLE, SINGLE = 1e-15, 2e-7
CLASSIFIERS = {
    "gradient_boosting": (lambda: GradientBoostingClassifier(n_estimators=20), DOUBLE),
    "exponential_loss": (lambda: GradientBoostingClassifier(n_estimators=5, loss="exponential"), DOUBLE),
    "forest": (lambda: RandomForestClassifier(n_estimators=10), 0.0),
    "tree": (DecisionTreeClassifier, 0.0),
    "hist_gradient_boosting": (lambda: HistGradientBoostingClassifier(max_iter=20), DOUBLE),
    "lightgbm": (lightgbm, DOUBLE),
    "xgboost": (xgboost, SINGLE),
    "logistic": (LogisticRegression, DOUBLE),
    "scaled_trees": (
        lambda: make_pipeline(MinMaxScaler(clip=True), GradientBoostingClassifier(n_estimators=9)),
        DOUBLE,
    ),
}
REGRESSORS = {
    "gradient_boosting": lambda: GradientBoostingRegressor(n_estimators=20),
    "forest": lambda: ExtraTreesRegressor(n_estimators=10),
    "hist_gradient_boosting": lambda: HistGradientBoostingRegressor(max_iter=20),
    "one_leaf_trees": lambda: GradientBoostingRegressor(n_estimators=3, min_samples_leaf=200),
}


@pytest.mark.parametrize(("make", "within"), CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_a_class_probability_is_the_librarys_own(make, within):
    rows, classes, _ = table()
    model, asked = make().fit(rows, classes), near_singles()
    for index in (0, 1):
        given = compiled(model, "predict_proba", signature(index=index))(asked)
        expected = model.predict_proba(asked)[:, index]
        assert given.dtype == np.float64
        assert np.abs(given - expected).max() <= within


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
def test_a_sum_of_trees_is_the_librarys_own_to_the_bit(make):
    rows, _, numbers = table()
    model, asked = make().fit(rows, numbers), near_singles()
    assert np.array_equal(compiled(model, "predict", signature())(asked), model.predict(asked))


def test_what_lightgbm_takes_for_zero_is_zero():
    rows, _, numbers = table()
    rows[::2, 0] = 0.0
    from lightgbm import LGBMRegressor

    model = LGBMRegressor(n_estimators=20, verbose=-1).fit(rows, numbers)
    edge = float(np.float32(1e-35))
    near = [0.0, edge, np.nextafter(edge, 1), -edge, np.nextafter(-edge, -1), 1e-36, -1e-36]
    asked = np.repeat(rows[:40], len(near), axis=0)
    asked[:, 0] = near * 40
    assert np.array_equal(compiled(model, "predict", signature())(asked), model.predict(asked))


LABELS = {"integers": (np.array([3, 7]), DType.INT), "words": (np.array(["no", "yes"]), DType.STRING)}


@pytest.mark.parametrize(("words", "dtype"), LABELS.values(), ids=LABELS)
@pytest.mark.parametrize(
    "make", [lambda: GradientBoostingClassifier(n_estimators=5), lambda: RandomForestClassifier(9)]
)
def test_a_label_is_the_librarys_own(make, words, dtype):
    rows, classes, _ = table()
    model, asked = make().fit(rows, words[classes]), near_singles()
    assert compiled(model, "predict", signature(dtype=dtype))(asked).tolist() == model.predict(asked).tolist()


MISSING = {
    "hist_gradient_boosting": lambda: HistGradientBoostingClassifier(max_iter=10),
    "forest": lambda: RandomForestClassifier(n_estimators=10),
    "lightgbm": lightgbm,
    "xgboost": xgboost,
    "imputed": lambda: make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression()),
}


@pytest.mark.parametrize("make", MISSING.values(), ids=MISSING)
@pytest.mark.parametrize("seen", [True, False], ids=["seen_in_training", "never_seen"])
def test_a_missing_value_goes_where_the_library_sends_it(make, seen):
    rows, classes, _ = table(gaps=0.2 if seen else 0.0)
    model, asked = make().fit(rows, classes), near_singles(gaps=0.2)
    declared = signature(index=1, nullable=True, on_missing=Policy.parse("flag"))
    given = compiled(model, "predict_proba", declared)(asked)
    assert np.abs(given - model.predict_proba(asked)[:, 1]).max() <= SINGLE


@pytest.mark.parametrize(
    "make", [lambda: GradientBoostingClassifier(n_estimators=3), lambda: RandomForestClassifier(n_estimators=3)]
)
def test_where_the_library_refuses_a_row_the_graph_has_no_answer(make):
    rows, classes, _ = table()
    model, asked = make().fit(rows, classes), near_singles(rows=3)
    asked[0, 2], asked[1, 0] = np.nan, 1e300
    given = compiled(model, "predict_proba", signature(index=1, on_out_of_range=Policy.parse("flag")))(asked)
    for row, answer in zip(asked, given, strict=True):
        try:
            model.predict_proba(row[np.newaxis])
            assert np.isfinite(answer)
        except ValueError:
            assert np.isnan(answer)
    assert np.isnan(given[1])


def test_columns_in_another_order_are_brought_into_the_models():
    rows, _, numbers = table()
    model = GradientBoostingRegressor(n_estimators=5).fit(rows, numbers)
    order = [3, 0, 4, 1, 2]
    ask = compiled(model, "predict", signature(), fitted=[NAMES[k] for k in order])
    shuffled = np.empty_like(rows)
    shuffled[:, order] = rows
    assert np.array_equal(ask(shuffled), model.predict(rows))


def test_strings_reach_the_encoder():
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    from slipway.core.signature import Column, Output, Signature

    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.normal(size=200), "sex": rng.choice(["F", "M"], 200), "b": rng.normal(size=200)})
    number = frame.a + (frame.sex == "M") * frame.b
    split = [("n", make_pipeline(SimpleImputer(), StandardScaler()), ["b", "a"]), ("s", OneHotEncoder(), ["sex"])]
    model = make_pipeline(ColumnTransformer(split, sparse_threshold=0), GradientBoostingRegressor()).fit(frame, number)
    declared = Signature(
        inputs=(
            Column(name="a", dtype=DType.FLOAT, min=-9, max=9),
            Column(name="sex", dtype=DType.STRING, categories=("F", "M")),
            Column(name="b", dtype=DType.FLOAT, min=-9, max=9),
        ),
        output=Output(name="y"),
    )
    ask = compiled(model, "predict", declared, frame=True, fitted=("a", "sex", "b"))
    given = ask(frame[["a", "b"]].to_numpy(), text_0=frame[["sex"]].to_numpy(dtype=object))
    assert np.array_equal(given, model.predict(frame))


REFUSED = {
    "no_column_of_probabilities": (GradientBoostingClassifier(n_estimators=2), "predict_proba", {}, "names no column"),
    "a_column_that_is_not_there": (
        GradientBoostingClassifier(n_estimators=2),
        "predict_proba",
        {"index": 2},
        "2 class",
    ),
    "another_method": (GradientBoostingClassifier(n_estimators=2), "decision_function", {}, "decision_function"),
    "a_float_of_a_label": (GradientBoostingClassifier(n_estimators=2), "predict", {"dtype": DType.BOOL}, "bool"),
    "a_first_guess_of_its_own": (
        GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()),
        "predict_proba",
        {"index": 1},
        "first guess is a LogisticRegression",
    ),
    "categories": (
        HistGradientBoostingClassifier(categorical_features=[0]),
        "predict_proba",
        {"index": 1},
        "splits on categories",
    ),
}


@pytest.mark.parametrize(("model", "method", "output", "why"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_place_in_a_graph_is_named(model, method, output, why):
    rows, classes, _ = table()
    rows[:, 0] = rows[:, 0].round().clip(0)
    model = model.fit(rows, classes)
    with pytest.raises(CannotCompile, match=why):
        compiled(model, method, signature(**output))


def test_a_model_that_skl2onnx_does_not_know_is_refused_by_name():
    class Mine(LinearRegression):
        pass

    rows, _, numbers = table()
    source = Source(model=Mine().fit(rows, numbers), method="predict", fitted=NAMES, frame=False, single=False)
    with pytest.raises(CannotCompile, match=r"skl2onnx.*Mine"):
        make_graph(source, take_apart(source.model), signature())


VERSIONS = {
    "other_minor_version": (["scikit-learn==1.5.2"], r"wants scikit-learn 1\.5\.2, the compiler has 1\."),
    "same": (["scikit-learn", "numpy==1.0"], ""),
    "nothing_said": ([], ""),
}


@pytest.mark.parametrize(("requirements", "why"), VERSIONS.values(), ids=VERSIONS)
def test_libraries_of_other_versions_are_not_read(requirements, why):
    import re

    assert re.match(why or "$", version_problem(requirements))
