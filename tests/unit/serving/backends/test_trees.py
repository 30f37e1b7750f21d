"""A file of trees is looked through before the kernel, which looks at nothing, is let near it."""

import json

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from slipway.core.signature import Column, DType, Output, Signature
from slipway.errors import ArtifactError
from slipway.serving.backends.trees import load_trees
from tests.unit.backends.models import NAMES, flat, saved, signature, table


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The arrays of a good file."""
    from slipway.backends.compiler import take_apart
    from slipway.backends.flat import make_trees
    from slipway.backends.source import Source
    from slipway.backends.worker import features_of

    rows, classes, _ = table()
    model = GradientBoostingClassifier(n_estimators=4).fit(rows, classes)
    source = Source(model=model, method="predict_proba", fitted=NAMES, frame=False, single=False)
    parts = take_apart(model)
    base = dict(zip(NAMES, rows.T, strict=True))
    return make_trees(source, parts, signature(index=1), features_of(source, parts), base)


@pytest.fixture
def load(tmp_path, made):
    def load(declared=None, **changes):
        return load_trees(saved(tmp_path, {**made, **changes}), declared or signature(index=1))

    return load


def nodes(made, field, value, at=0):
    from slipway.backends.flat import NODE

    changed = made["nodes"].copy().view(NODE)
    changed[field][at] = value
    return {"nodes": changed.view(np.uint8)}


DAMAGED = {
    "a_feature_that_is_not_there": lambda made: nodes(made, "feature", 5),
    "a_negative_feature": lambda made: nodes(made, "feature", -1),
    "a_child_beyond_the_nodes": lambda made: nodes(made, "left", 10_000),
    "a_leaf_beyond_the_leaves": lambda made: nodes(made, "right", ~10_000),
    "a_circle": lambda made: nodes(made, "left", 0),
    "a_root_beyond_the_nodes": lambda made: {"roots": made["roots"] + 10_000},
    "a_target_too_many": lambda made: {"targets": made["targets"] + 1},
    "a_root_too_few": lambda made: {"roots": made["roots"][1:]},
    "limits_of_other_columns": lambda made: {"lowest": np.zeros(3)},
    "half_a_node": lambda made: {"nodes": made["nodes"][:-3]},
    "nothing_about_it": lambda made: {"about": np.frombuffer(b"{}", np.uint8)},
    "no_json": lambda made: {"about": np.frombuffer(b"\xff", np.uint8)},
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_not_loaded(load, made, damage):
    load()
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        load(**damage(made))


def test_a_kernel_that_is_none_is_not_loaded(tmp_path, made):
    np.savez(tmp_path / "trees.npz", **made)
    for content in (None, b"\x7fELF no library"):
        if content is not None:
            (tmp_path / "trees.so").write_bytes(content)
        with pytest.raises(ArtifactError, match="cannot be loaded"):
            load_trees(tmp_path / "trees.npz", signature(index=1))


def test_a_file_that_is_none_is_not_loaded(tmp_path):
    (tmp_path / "trees.npz").write_bytes(b"PK")
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        load_trees(tmp_path / "trees.npz", signature())


def test_a_file_that_was_cut_off_is_not_loaded(load, made, tmp_path):
    load()
    np.savez(tmp_path / "whole.npz", **made)
    whole = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        load_trees(tmp_path / "cut.npz", signature(index=1))


def test_trees_of_another_signature_are_not_loaded(load, made):
    about = json.loads(made["about"].tobytes())
    turned = {"about": np.frombuffer(json.dumps(about | {"numbers": about["numbers"][::-1]}).encode(), np.uint8)}
    with pytest.raises(ArtifactError, match="not this signature"):
        load(**turned)
    words = Column(name="word", dtype=DType.STRING, categories=("a",))
    with pytest.raises(ArtifactError, match="not this signature"):
        load(Signature(inputs=(*signature().inputs, words), output=Output(name="y", index=1)))


SHAPES = {
    "too_few_columns": np.zeros((1, 4)),
    "too_many_columns": np.zeros((2, 6)),
    "one_dimension": np.zeros(5),
}


@pytest.mark.parametrize("matrix", SHAPES.values(), ids=SHAPES)
def test_a_matrix_of_another_width_is_not_read(load, matrix):
    with pytest.raises(ValueError, match="no matrix of 5 columns"):
        load().call_matrix(matrix)


def test_a_matrix_that_lies_otherwise_in_memory_gets_the_same_answers(load):
    call, rows = load().call_matrix, table()[0]
    expected = call(rows)
    for count in (1, 7, 300):
        for other in (np.asfortranarray(rows), rows.astype(np.float32), np.repeat(rows, 2, axis=1)[:, ::2]):
            given = call(other[:count])
            assert given.shape == (count,)
            near = expected[:count] if other.dtype == np.float64 else call(other.astype(np.float64)[:count])
            assert np.allclose(given, near, rtol=1e-15, atol=0)
    assert call(rows[:0]).shape == (0,)


SUMS = {"far_below": -800.0, "far_above": 800.0, "zero": 0.0}


@pytest.mark.parametrize("total", SUMS.values(), ids=SUMS)
def test_a_sum_of_any_size_has_a_probability(load, made, total):
    call = load(base=np.array([total])).call_matrix
    rows = np.zeros((2, 5))
    assert call(rows)[0] == pytest.approx(call(rows[:1])[0], rel=1e-15)
    assert 0.0 <= call(rows)[0] <= 1.0


def test_an_exponential_that_overflows_is_infinite_in_both_ways(load, made):
    about = json.loads(made["about"].tobytes()) | {"link": "exp"}
    call = load(base=np.array([800.0]), about=np.frombuffer(json.dumps(about).encode(), np.uint8)).call_matrix
    assert np.isinf([*call(np.zeros((2, 5))), *call(np.zeros((1, 5)))]).all()


def test_columns_get_the_answers_of_their_matrix():
    rows, classes, _ = table()
    backend = flat(GradientBoostingClassifier(n_estimators=3).fit(rows, classes), "predict_proba", signature(index=1))
    columns = {name: rows[:, k] for k, name in enumerate(NAMES)}
    assert np.array_equal(backend.call(columns), backend.call_matrix(rows))
