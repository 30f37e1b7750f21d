"""A folded threshold sends every double where the library's comparison does; hypothesis looks for one it does not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from slipway.backends.doubles import between, from_order, last_where, order
from slipway.backends.ensemble import CannotCompile, Ensemble, constant
from slipway.backends.folding import fold, fold_comparison

ANY = st.floats(allow_nan=False)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SINGLE = st.floats(width=32, allow_nan=False).map(float)
HALFWAY = st.builds(
    lambda value, up: (value + float(np.nextafter(np.float32(value), np.float32(np.inf if up else -np.inf)))) / 2,
    st.floats(width=32, allow_nan=False, allow_infinity=False, max_value=2.0**126, min_value=-(2.0**126)).map(float),
    st.booleans(),
)
WITHIN = [0.0, -0.0, 5e-324, -5e-324, 2.0**-150, 2.0**-149, 3.4028235e38, 3.4028236e38, np.inf, -np.inf, 1e300]


def split(threshold, feature=0, missing_left=False):
    return replace(
        constant(0.0, 0),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        feature=np.array([feature, 0, 0]),
        threshold=np.array([threshold, 0.0, 0.0]),
        missing_left=np.array([missing_left, False, False]),
        value=np.array([0.0, 1.0, 2.0]),
    )


def neighbours(value):
    values = [value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf)]
    with np.errstate(over="ignore"):
        single = np.float32(value)
        values += [float(single), float(np.nextafter(single, np.float32(np.inf)))]
        values += [float(np.nextafter(single, np.float32(-np.inf)))]
    return values


@pytest.mark.parametrize("strict", [False, True], ids=["at_most", "below"])
@pytest.mark.parametrize("single", [False, True], ids=["doubles", "rounded_to_single"])
@given(threshold=st.one_of(ANY, SINGLE, HALFWAY), value=st.one_of(ANY, SINGLE, HALFWAY))
@example(threshold=0.1, value=0.1)
@example(threshold=3.4028234663852886e38, value=3.4028235677973366e38)
@example(threshold=-np.inf, value=-3.5e38)
@example(threshold=0.0, value=-0.0)
def test_a_folded_threshold_parts_the_doubles_where_the_library_does(strict, single, threshold, value):
    ensemble = Ensemble(trees=(split(threshold),), base=np.zeros(1), single_inputs=single, strict=strict)
    folded = fold_comparison(ensemble)
    at = folded.trees[0].threshold[0]
    asked = np.array([value, *neighbours(value), *neighbours(threshold), *neighbours(at), *WITHIN])
    asked = asked[~np.isnan(asked)]
    assert (folded.single_inputs, folded.strict) == (False, False)
    assert np.array_equal(asked <= at, ensemble.goes_left(asked, np.full(len(asked), threshold)))


@given(ANY, ANY)
def test_doubles_are_numbered_in_their_order(one, other):
    numbers = order(np.array([one, other]))
    assert (numbers[0] < numbers[1]) == (one < other)
    assert (from_order(numbers) == [one, other]).all()
    low, high = sorted((one, other))
    assert low <= between(np.array([low]), np.array([high]))[0] <= high


@given(FINITE)
def test_the_last_double_for_which_something_holds_is_found(value):
    found = last_where(lambda values: values <= value, 1)
    assert found[0] == value


SCALERS = {
    "standard": StandardScaler,
    "to_one": MinMaxScaler,
    "clipped": lambda: MinMaxScaler((-2, 3), clip=True),
    "robust": RobustScaler,
    "by_the_largest": MaxAbsScaler,
    "two": lambda: make_pipeline(MinMaxScaler(clip=True), StandardScaler()),
}


@pytest.mark.parametrize("make", SCALERS.values(), ids=SCALERS)
@pytest.mark.parametrize("single", [False, True], ids=["doubles", "rounded_to_single"])
@pytest.mark.parametrize("size", [1e-300, 1e-9, 1.0, 1e30])
def test_a_scaler_is_folded_exactly(make, single, size):
    rng = np.random.default_rng(1)
    seen = rng.normal(size=(50, 2)) * size
    scaler = make().fit(seen)
    thresholds = [*np.quantile(scaler.transform(seen)[:, 0], [0.1, 0.5, 0.9]), -2.0, 3.0, 0.0, -1e9, 1e9]
    ensemble = Ensemble(
        trees=tuple(split(float(np.float32(t) if single else t)) for t in thresholds),
        base=np.zeros(1),
        single_inputs=single,
    )
    base = {"a": seen[:, 0], "b": seen[:, 1]}
    done = fold(ensemble, lambda t: scaler.transform(np.stack([t["a"], t["b"]], axis=1)), base, ("a", "b"), **PLAIN)
    for tree, was in zip(done.ensemble.trees, ensemble.trees, strict=True):
        at = tree.threshold[0]
        near = [] if np.isnan(at) else [at, np.nextafter(at, np.inf), np.nextafter(at, -np.inf)]
        asked = np.array([*near, *seen[:, 0], 0.0, 1e300, -1e300])
        asked = asked[np.isfinite(asked)]
        scaled = scaler.transform(np.stack([asked, np.zeros(len(asked))], axis=1))[:, 0]
        assert np.array_equal(asked <= at, ensemble.goes_left(scaled, np.full(len(asked), was.threshold[0])))


PLAIN = {"guarded": False, "texts": ()}
COLUMNS = {"a": np.linspace(-1, 1, 9), "b": np.linspace(3, -3, 9)}
TREE = Ensemble(trees=(split(0.25, missing_left=True),), base=np.zeros(1))


def both(table):
    return np.stack([table["a"], table["b"]], axis=1)


WRONG = {
    "falls": (lambda t: both(t) * [-1, 1], "does not rise with a"),
    "rises_and_falls": (lambda t: both(t) ** 2, "does not rise with a"),
    "not_from_that_column": (lambda t: both(t)[:, ::-1], "comes from a and another"),
    "from_two_columns": (lambda t: np.tanh(both(t)) + np.tanh(both(t)[:, ::-1]), "comes from a and another"),
    "gives_no_number": (lambda t: np.sqrt(both(t)), "does not rise with a"),
}


@pytest.mark.parametrize(("features", "why"), WRONG.values(), ids=WRONG)
def test_what_is_no_rising_function_of_one_column_is_refused(features, why):
    with pytest.raises(CannotCompile, match=why):
        fold(TREE, features, COLUMNS, ("a", "b"), **PLAIN)


def test_a_step_that_refuses_numbers_is_refused():
    def picky(table):
        if np.abs(both(table)).max() > 1e100:
            raise ValueError("too large a value")
        return both(table)

    with pytest.raises(CannotCompile, match="too large"):
        fold(TREE, picky, COLUMNS, ("a", "b"), **PLAIN)


IMPUTED = {"below": (0.0, True), "above": (1.0, False), "not_at_all": (np.nan, True)}


@pytest.mark.parametrize(("put", "goes_left"), IMPUTED.values(), ids=IMPUTED)
def test_a_missing_value_goes_where_what_is_put_for_it_goes(put, goes_left):
    def imputed(table):
        return np.where(np.isnan(both(table)), put, both(table))

    done = fold(TREE, imputed, COLUMNS, ("a", "b"), **PLAIN)
    assert done.ensemble.trees[0].missing_left[0] == goes_left


def test_limits_are_where_the_rounded_feature_gets_infinite():
    refusing = replace(TREE, single_inputs=True, refuses_missing=True, refuses_infinite=True)
    done = fold(refusing, lambda t: both(t) * [0.5, 1e-300], COLUMNS, ("a", "b"), guarded=True, texts=())
    top = float(np.finfo(np.float32).max) + 2.0**103
    assert done.limits.highest[0] == np.nextafter(2 * top, 0)
    assert done.limits.lowest[0] == -np.nextafter(2 * top, 0)
    assert done.limits.highest[1] == np.finfo(np.float64).max
    assert done.limits.refuses_missing.tolist() == [True, True]
