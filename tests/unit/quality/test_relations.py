import numpy as np
import pandas as pd
import pytest

from slipway.quality.relations import relation_shifts

COLUMNS = ["a", "b", "c", "sex", "label"]


def table(seed, rows=300):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    label = a + rng.normal(size=rows)
    sex = np.where(rng.random(rows) < 0.5, "F", "M")
    return pd.DataFrame(
        {"a": a, "b": a + 0.3 * rng.normal(size=rows), "c": rng.normal(size=rows), "sex": sex, "label": label}
    )


BROKEN = {
    "values that went to other rows": (
        lambda f: f.assign(b=f["b"].sample(frac=1, random_state=0).to_numpy()),
        "a",
        "b",
    ),
    "two columns that changed places": (lambda f: f.assign(b=f["c"], c=f["b"]), "a", "c"),
    "a label that was turned round": (lambda f: f.assign(label=-f["label"]), "a", "label"),
    "a category that is the label": (lambda f: f.assign(sex=np.where(f["label"] > 0, "F", "M")), "sex", "label"),
}


@pytest.mark.parametrize(("change", "first", "second"), BROKEN.values(), ids=BROKEN)
def test_a_broken_relation_is_no_chance(change, first, second):
    found = {(a, b): s for a, b, s in relation_shifts(table(1), change(table(2)), COLUMNS)}
    assert found[first, second].effect > 0.5
    assert found[first, second].chance < 1e-8


def test_relations_of_another_sample_are_chance():
    every = [s for k in range(0, 30, 2) for _, _, s in relation_shifts(table(k), table(k + 1), COLUMNS)]
    assert min(s.chance for s in every) > 1e-3


def test_gaps_are_no_broken_relation():
    gaps = table(2).assign(b=lambda f: f["b"].where(np.random.default_rng(0).random(len(f)) >= 0.15))
    assert max(s.effect for _, _, s in relation_shifts(table(1), gaps, COLUMNS)) < 0.3


def test_constant_columns_and_few_rows_have_no_relations():
    flat = table(2).assign(b=1.0, c=1.0, sex="F", label=0)
    assert list(relation_shifts(table(1), flat, COLUMNS)) == []
    assert list(relation_shifts(table(1), table(2).head(5), COLUMNS)) == []
