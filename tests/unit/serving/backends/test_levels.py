"""Trees level by level: the same leaves, siblings side by side, and a leaf that leads to itself."""

import numpy as np
import pytest

from slipway.serving.backends.levels import DEEPEST, NODE, by_level
from slipway.serving.backends.trees import _NODE

LEAVES = np.array([10.0, 11.0, 12.0, 13.0, 14.0])
# One tree of two splits, and one of a split alone.
NODES = np.array([(0.5, 1, 1, ~2, 0), (0.25, 0, ~0, ~1, 0), (4.0, 2, ~3, ~4, 0)], dtype=_NODE)
ROOTS = np.array([0, 2], dtype=np.int32)


def chain(depth):
    """Return one tree that goes one node deeper with each split."""
    nodes = [(0.0, 0, ~k, k + 1 if k + 1 < depth else ~depth, 0) for k in range(depth)]
    return np.array(nodes, dtype=_NODE), np.arange(depth + 1.0), np.zeros(1, dtype=np.int32)


def walked(made, tree, row, steps):
    place = tree
    for _ in range(steps):
        node = made["level_nodes"][place]
        place = node["left"] + (not row[node["feature"]] <= node["threshold"])
    return made["level_leaves"][place]


@pytest.mark.parametrize(
    ("tree", "row", "leaf"),
    [(0, (0, 0, 0), 10.0), (0, (1, 0, 0), 11.0), (0, (0, 1, 0), 12.0), (1, (0, 0, 4), 13.0), (1, (0, 0, 5), 14.0)],
)
def test_a_row_reaches_its_leaf_and_stays_there(tree, row, leaf):
    made = by_level(NODES, LEAVES, ROOTS)
    assert made["depths"].tolist() == [2, 1]
    assert [walked(made, tree, row, made["depths"][tree] + more) for more in range(3)] == [leaf] * 3


def test_positions_are_within_bounds_and_as_wide_as_the_kernel_takes_them():
    made = by_level(NODES, LEAVES, ROOTS)
    nodes = made["level_nodes"]
    assert (nodes.dtype, nodes.dtype.itemsize) == (NODE, 16)
    assert len(nodes) == len(made["level_leaves"]) == 8
    assert nodes["left"].min() >= 0
    assert nodes["left"].max() + 1 < len(nodes)
    assert made["depths"].dtype == np.int32


def test_trees_are_taken_up_to_a_depth():
    assert by_level(*chain(DEEPEST))["depths"].tolist() == [DEEPEST]
    assert by_level(*chain(DEEPEST + 1)) is None
