"""Rows at the splits: every one, on both sides, and what is wrong near them shows."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from slipway.backends.compiler import Parts, make_graph, take_apart
from slipway.backends.source import Source
from slipway.backends.thresholds import VARIANTS, threshold_rows
from tests.unit.backends.models import NAMES, session, signature, table


@pytest.fixture(scope="module")
def placed():
    """A scaled model, its rows at the splits, and what they cover."""
    rows, _, numbers = table()
    model = make_pipeline(StandardScaler(), GradientBoostingRegressor(n_estimators=30)).fit(rows, numbers)
    parts = take_apart(model)
    found, coverage = threshold_rows(
        parts.ensemble,
        lambda one: parts.preparation.transform(matrix(one)),
        {name: rows[:, k].copy() for k, name in enumerate(NAMES)},
        signature(),
        limit=10_000,
    )
    return model, parts, matrix(found), coverage


def matrix(columns):
    return np.stack([columns[name] for name in NAMES], axis=1)


def answers(model, parts, rows):
    source = Source(model=model, method="predict", fitted=NAMES, frame=False, single=False)
    return session(make_graph(source, parts, signature()))(rows)


def test_every_split_gets_rows_on_both_sides(placed):
    model, _, rows, coverage = placed
    assert coverage.splits == coverage.placed > 100
    assert len(rows) == VARIANTS * coverage.splits
    assert len(np.unique(rows, axis=0)) > 2 * coverage.splits
    assert len(np.unique(model.predict(rows))) > coverage.splits / 2


def test_the_compiled_model_answers_the_same_there(placed):
    model, parts, rows, _ = placed
    assert np.array_equal(answers(model, parts, rows), model.predict(rows))


def swapped(tree):
    return replace(tree, feature=np.where(tree.feature == 0, 1, np.where(tree.feature == 1, 0, tree.feature)))


WRONG = {
    "thresholds_rounded_to_single": lambda e: replace(
        e, trees=tuple(replace(t, threshold=t.threshold.astype(np.float32).astype(float)) for t in e.trees)
    ),
    "inputs_not_rounded": lambda e: replace(e, single_inputs=False),
    "below_for_at_most": lambda e: replace(
        e, trees=tuple(replace(t, threshold=t.threshold.astype(np.float32).astype(float)) for t in e.trees), strict=True
    ),
    "two_features_swapped": lambda e: replace(e, trees=tuple(map(swapped, e.trees))),
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
def test_an_ensemble_made_wrong_shows_at_the_splits(placed, spoil):
    model, parts, rows, _ = placed
    wrong = answers(model, Parts(preparation=parts.preparation, ensemble=spoil(parts.ensemble)), rows)
    assert (np.abs(wrong - model.predict(rows)) > 1e-6).sum() > 20


def test_more_splits_than_the_limit_are_spread_and_counted():
    rows, _, numbers = table()
    model = HistGradientBoostingRegressor(max_iter=20).fit(rows, numbers)
    ensemble = take_apart(model).ensemble
    base = {name: rows[:, k].copy() for k, name in enumerate(NAMES)}
    found, coverage = threshold_rows(ensemble, matrix, base, signature(), limit=70)
    assert len(found[NAMES[0]]) == 60
    assert coverage.placed == 10
    assert coverage.placed + coverage.beyond_limit + coverage.never_reached == coverage.splits


def test_splits_beyond_the_declared_range_are_counted_apart():
    rows, _, numbers = table()
    model = GradientBoostingRegressor(n_estimators=5, max_depth=1).fit(rows, numbers)
    ensemble = take_apart(model).ensemble
    base = {name: rows[:, k].copy() for k, name in enumerate(NAMES)}
    found, coverage = threshold_rows(ensemble, matrix, base, signature(min=4.5, max=5), limit=1000)
    assert found is None
    assert coverage.outside_range == coverage.splits == 5
