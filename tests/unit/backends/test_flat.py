"""Trees as machine code answer as the libraries themselves do, to the bit, and what cannot be folded is named."""

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from slipway.backends.ensemble import CannotCompile
from slipway.core.signature import Column, DType, Output, Policy, Signature
from tests.unit.backends.models import NAMES, flat, near_singles, run_flat, signature, table
from tests.unit.backends.test_compiler import DOUBLE, LABELS, SINGLE, lightgbm, xgboost


def boosting(**options):
    return GradientBoostingClassifier(n_estimators=20, **options)


CLASSIFIERS = {
    "gradient_boosting": (boosting, DOUBLE),
    "exponential_loss": (lambda: boosting(loss="exponential"), DOUBLE),
    "forest": (lambda: RandomForestClassifier(n_estimators=10), 0.0),
    "tree": (DecisionTreeClassifier, 0.0),
    "hist_gradient_boosting": (lambda: HistGradientBoostingClassifier(max_iter=20), DOUBLE),
    "lightgbm": (lightgbm, DOUBLE),
    "xgboost": (xgboost, SINGLE),
    "standard_scaler": (lambda: make_pipeline(StandardScaler(), boosting()), DOUBLE),
    "clipping_scaler": (lambda: make_pipeline(MinMaxScaler(clip=True), boosting()), DOUBLE),
    "robust_scaler": (lambda: make_pipeline(SimpleImputer(), RobustScaler(), boosting()), DOUBLE),
    "scaler_and_xgboost": (lambda: make_pipeline(MaxAbsScaler(), xgboost()), SINGLE),
}


@pytest.mark.parametrize(("make", "within"), CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_a_class_probability_is_the_librarys_own(make, within):
    rows, classes, _ = table()
    model, asked = make().fit(rows, classes), near_singles()
    for index in (0, 1):
        given = run_flat(model, "predict_proba", signature(index=index))(asked)
        assert given.dtype == np.float64
        assert np.abs(given - model.predict_proba(asked)[:, index]).max() <= within


REGRESSORS = {
    "gradient_boosting": lambda: GradientBoostingRegressor(n_estimators=20),
    "scaled": lambda: make_pipeline(StandardScaler(), GradientBoostingRegressor(n_estimators=20)),
    "two_scalers": lambda: make_pipeline(MinMaxScaler((-3, 7)), GradientBoostingRegressor(n_estimators=20)),
    "forest": lambda: ExtraTreesRegressor(n_estimators=10),
    "hist_gradient_boosting": lambda: HistGradientBoostingRegressor(max_iter=20),
    "one_leaf_trees": lambda: GradientBoostingRegressor(n_estimators=3, min_samples_leaf=200),
}


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
@pytest.mark.parametrize("rows", [1, 7, 8, 63, 64, 65, 4000])
def test_a_sum_of_trees_is_the_librarys_own_to_the_bit(make, rows):
    seen, _, numbers = table()
    model, asked = make().fit(seen, numbers), near_singles(rows=rows)
    assert np.array_equal(run_flat(model, "predict", signature())(asked), model.predict(asked))


def test_the_smallest_and_largest_numbers_go_where_the_library_sends_them():
    rows, _, numbers = table()
    rows[::3, 0], rows[1::3, 0] = 0.0, 1e-42
    model = GradientBoostingRegressor(n_estimators=20).fit(rows, numbers)
    odd = [0.0, -0.0, 5e-324, 7e-46, 1e-45, 5e-43, 1e-42, -1e-45, 3e38, -3e38, 1e-310]
    asked = np.repeat(rows[:30], len(odd), axis=0)
    asked[:, 0] = odd * 30
    assert np.array_equal(run_flat(model, "predict", signature())(asked), model.predict(asked))


def test_a_constant_column_is_scaled_as_the_scaler_does():
    rows, classes, _ = table()
    rows[:, 3] = 2.5
    for scaler in (StandardScaler(), MinMaxScaler(), MinMaxScaler(clip=True), RobustScaler()):
        model = make_pipeline(scaler, boosting()).fit(rows, classes)
        asked = near_singles()
        given = run_flat(model, "predict_proba", signature(index=1))(asked)
        assert np.abs(given - model.predict_proba(asked)[:, 1]).max() <= DOUBLE


@pytest.mark.parametrize(("words", "dtype"), LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("make", [boosting, lambda: RandomForestClassifier(9), lambda: DecisionTreeClassifier()])
def test_a_label_is_the_librarys_own(make, words, dtype):
    rows, classes, _ = table()
    model, asked = make().fit(rows, words[classes]), near_singles()
    assert run_flat(model, "predict", signature(dtype=dtype))(asked).tolist() == model.predict(asked).tolist()


MANY = {
    "boosting": (boosting, DOUBLE),
    "hist": (lambda: HistGradientBoostingClassifier(max_iter=9), DOUBLE),
    "forest": (lambda: RandomForestClassifier(n_estimators=10), 0.0),
    "lightgbm": (lightgbm, DOUBLE),
    "xgboost": (xgboost, SINGLE),
}


@pytest.mark.parametrize(("make", "within"), MANY.values(), ids=MANY)
def test_one_of_many_classes_is_the_librarys_own(make, within):
    rows, _, numbers = table()
    classes = np.digitize(numbers, [-1.5, 1.5])
    model, asked = make().fit(rows, classes), near_singles()
    for index in range(3):
        given = run_flat(model, "predict_proba", signature(index=index))(asked)
        assert np.abs(given - model.predict_proba(asked)[:, index]).max() <= within
    labels = run_flat(model, "predict", signature(dtype=DType.INT))(asked)
    assert labels.tolist() == model.predict(asked).tolist()


MISSING = {
    "hist_gradient_boosting": lambda: HistGradientBoostingClassifier(max_iter=10),
    "forest": lambda: RandomForestClassifier(n_estimators=10),
    "lightgbm": lightgbm,
    "xgboost": xgboost,
    "imputed": lambda: make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), boosting()),
    "scaled_and_still_missing": lambda: make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=10)),
}


@pytest.mark.parametrize("make", MISSING.values(), ids=MISSING)
@pytest.mark.parametrize("seen", [True, False], ids=["seen_in_training", "never_seen"])
def test_a_missing_value_goes_where_the_library_sends_it(make, seen):
    rows, classes, _ = table(gaps=0.2 if seen else 0.0)
    model, asked = make().fit(rows, classes), near_singles(gaps=0.2)
    declared = signature(index=1, nullable=True, on_missing=Policy.parse("flag"))
    given = run_flat(model, "predict_proba", declared)(asked)
    assert np.abs(given - model.predict_proba(asked)[:, 1]).max() <= SINGLE


REFUSING = {
    "boosting": boosting,
    "forest": lambda: RandomForestClassifier(n_estimators=3),
    "scaled": lambda: make_pipeline(StandardScaler(), boosting()),
    "imputed": lambda: make_pipeline(SimpleImputer(), boosting()),
    "clipped": lambda: make_pipeline(SimpleImputer(), MinMaxScaler(clip=True), boosting()),
    "missing_is_well": lambda: HistGradientBoostingClassifier(max_iter=3),
}


@pytest.mark.parametrize("make", REFUSING.values(), ids=REFUSING)
def test_what_the_library_refuses_gets_no_answer_and_nothing_else_is_refused(make):
    rows, classes, _ = table()
    rows[:, 2] *= 1e-3
    model = make().fit(rows, classes)
    edge = float(np.finfo(np.float32).max)
    ulp = edge * 2.0**-25
    odd = [np.nan, 1e300, -1e300, edge, edge + 0.99 * ulp, edge + ulp, edge + 1.1 * ulp, -edge - ulp, 3.4e38, 1e35]
    asked = np.repeat(rows[:1], 2 * len(odd), axis=0)
    asked[: len(odd), 2] = asked[len(odd) :, 0] = odd
    given = run_flat_of_one(model)(asked)
    refused = []
    for row, answer in zip(asked, given, strict=True):
        try:
            expected = model.predict_proba(row[np.newaxis])[0, 1]
            assert abs(answer - expected) <= DOUBLE
        except ValueError:
            refused.append(answer)
    assert np.isnan(refused).all()


def run_flat_of_one(model):
    declared = signature(index=1, nullable=True, on_missing=Policy.parse("flag"), on_out_of_range=Policy.parse("flag"))
    call = flat(model, "predict_proba", declared).call_matrix
    return lambda rows: np.concatenate([call(rows[k : k + 1]) for k in range(len(rows))])


def test_a_label_of_a_row_that_the_library_refuses_is_no_answer():
    rows, classes, _ = table()
    declared = signature(dtype=DType.INT, on_out_of_range=Policy.parse("flag"))
    backend = flat(boosting().fit(rows, classes), "predict", declared)
    rows[0, 0] = 1e300
    with pytest.raises(ValueError, match="refuses"):
        backend.call_matrix(rows[:1])


def test_columns_in_another_order_are_brought_into_the_models():
    rows, _, numbers = table()
    model = GradientBoostingRegressor(n_estimators=5).fit(rows, numbers)
    order = [3, 0, 4, 1, 2]
    shuffled = np.empty_like(rows)
    shuffled[:, order] = rows
    given = run_flat(model, "predict", signature(), fitted=[NAMES[k] for k in order])(shuffled)
    assert np.array_equal(given, model.predict(rows))


WORDS = Signature(
    inputs=(
        Column(name="a", dtype=DType.FLOAT, min=-9, max=9, nullable=True, on_missing=Policy.parse("flag")),
        Column(name="sex", dtype=DType.STRING, categories=("F", "M", "X")),
        Column(name="b", dtype=DType.FLOAT, min=-9, max=9),
        Column(name="unused", dtype=DType.FLOAT, min=0, max=1),
    ),
    output=Output(name="y"),
)


@pytest.mark.parametrize("unknown", ["ignore", "error"])
def test_words_are_looked_up(unknown):
    import pandas as pd

    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"a": rng.normal(size=200), "sex": rng.choice(["F", "M", "X"], 200), "b": rng.normal(size=200)}
    )
    frame["unused"] = 0.5
    number = frame.a + (frame.sex == "M") * frame.b
    split = [
        ("s", OneHotEncoder(handle_unknown=unknown), ["sex"]),
        ("n", make_pipeline(SimpleImputer(), StandardScaler()), ["b", "a"]),
        ("again", "passthrough", ["b"]),
    ]
    model = make_pipeline(ColumnTransformer(split, sparse_threshold=0), GradientBoostingRegressor()).fit(frame, number)
    base = {name: frame[name].to_numpy() for name in WORDS.names}
    backend = flat(model, "predict", WORDS, frame=True, fitted=WORDS.names, base=base)
    assert backend.call_matrix is None
    asked = frame.assign(a=frame.a.where(frame.index % 5 > 0))
    assert np.array_equal(backend.call({n: asked[n].to_numpy() for n in WORDS.names}), model.predict(asked))
    other = asked[:2].assign(sex=["F", "other"])
    if unknown == "ignore":
        assert np.array_equal(backend.call({n: other[n].to_numpy() for n in WORDS.names}), model.predict(other))
    else:
        with pytest.raises(ValueError, match="refuses 'other'"):
            backend.call({n: other[n].to_numpy() for n in WORDS.names})


class Turned(StandardScaler):
    """One that scikit-learn does not know."""


def turned_scaler(rows):
    scaler = StandardScaler().fit(rows)
    scaler.scale_ = -scaler.scale_
    return scaler


FOREIGN = {
    "no_trees": (lambda: LinearRegression(), "no tree ensemble"),
    "mixes_columns": (lambda: make_pipeline(PCA(), GradientBoostingRegressor(n_estimators=2)), "fold a PCA"),
    "of_somebodys_own": (lambda: make_pipeline(Turned(), GradientBoostingRegressor(n_estimators=2)), "fold a Turned"),
    "tells_gaps_apart": (
        lambda: make_pipeline(SimpleImputer(add_indicator=True), GradientBoostingRegressor(n_estimators=2)),
        "with an indicator",
    ),
    "numbers_as_words": (
        lambda: make_pipeline(OneHotEncoder(sparse_output=False, max_categories=3), GradientBoostingRegressor()),
        "OneHotEncoder for numbers",
    ),
}


@pytest.mark.parametrize(("make", "why"), FOREIGN.values(), ids=FOREIGN)
def test_what_cannot_be_folded_is_named(make, why):
    rows, _, numbers = table(rows=60)
    with pytest.raises(CannotCompile, match=why):
        flat(make().fit(rows, numbers), "predict", signature())


def test_a_step_that_turns_a_column_round_is_refused():
    rows, _, numbers = table(rows=60)
    model = make_pipeline(StandardScaler(), GradientBoostingRegressor(n_estimators=2)).fit(rows, numbers)
    model.steps[0] = ("turned", turned_scaler(rows))
    with pytest.raises(CannotCompile, match="does not rise with f0"):
        flat(model, "predict", signature())


ASKED = {
    "no_column_of_probabilities": ("predict_proba", {}, "index is None"),
    "a_column_that_is_not_there": ("predict_proba", {"index": 2}, "2 classes"),
    "another_method": ("decision_function", {}, "decision_function"),
    "a_bool_of_a_label": ("predict", {"dtype": DType.BOOL}, "no bool"),
}


@pytest.mark.parametrize(("method", "output", "why"), ASKED.values(), ids=ASKED)
def test_what_sums_cannot_give_is_named(method, output, why):
    rows, classes, _ = table()
    with pytest.raises(CannotCompile, match=why):
        flat(boosting().fit(rows, classes), method, signature(**output))
