"""Tree ensembles as plain arrays, whatever library trained them. Pure.

A row takes the left branch of a node if its feature's value is at most the threshold (``strict``: lies below it), or if
it is missing and the node sends missing values left. The leaves that a row reaches are summed, in the trees' order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class CannotCompile(Exception):
    """The model has no compiled form; says why, for the evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One tree.

    Attributes
    ----------
    left, right : int arrays of shape (nodes,)
        The children's positions; -1 at a leaf. The root is node 0.
    feature, threshold, missing_left : arrays of shape (nodes,)
        Without meaning at a leaf.
    value : array of shape (nodes,)
        What a leaf adds.
    target : int
        To which sum.
    """

    left: Ints
    right: Ints
    feature: Ints
    threshold: Floats
    missing_left: Mask
    value: Floats
    target: int = 0


class Link(StrEnum):
    """What becomes of the sums."""

    IDENTITY = "identity"
    MEAN = "mean"
    EXP = "exp"
    LOGISTIC = "logistic"
    SOFTMAX = "softmax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """Trees, and what becomes of their sums.

    Attributes
    ----------
    trees : tuple of Tree
    base : float array of shape (targets,)
        What each sum starts with.
    link : Link
        ``mean``: each sum divided by ``factor``; ``logistic``: 1 / (1 + exp(-factor * sum)).
    factor : float
    classes : array or None
        A classifier's labels; with ``logistic``, two for one sum.
    single_inputs : bool
        Features are rounded to single precision before they are compared.
    single_sums : bool
        Sums and links are computed in single precision.
    strict : bool
    refuses_missing, refuses_infinite : bool
        Whether the library refuses rows with such features; infinite after rounding.
    zero_wins : bool
        With ``logistic``, a sum of exactly 0 means the second class.
    """

    trees: tuple[Tree, ...]
    base: Floats
    link: Link = Link.IDENTITY
    factor: float = 1.0
    classes: NDArray[Any] | None = None
    single_inputs: bool = False
    single_sums: bool = False
    strict: bool = False
    refuses_missing: bool = False
    refuses_infinite: bool = False
    zero_wins: bool = False

    @property
    def targets(self) -> int:
        """How many sums there are."""
        return len(self.base)

    @property
    def thresholds(self) -> int:
        """How many splits there are."""
        return sum(int((tree.left >= 0).sum()) for tree in self.trees)

    def goes_left(self, values: Floats, thresholds: Floats) -> Mask:
        """Return which of these values, none missing, take the left branch at these thresholds."""
        if self.single_inputs:
            with np.errstate(over="ignore"):
                values = values.astype(np.float32).astype(np.float64)
        return values < thresholds if self.strict else values <= thresholds


def negated(ensemble: Ensemble) -> Ensemble:
    """Return an ensemble with a logistic link whose sums are the negative of the others; it gives the same, exactly.

    >>> negated(Ensemble(trees=(constant(2.0, 0),), base=np.array([0.5]), link=Link.LOGISTIC)).factor
    -1.0
    """
    trees = tuple(replace(tree, value=-tree.value) for tree in ensemble.trees)
    return replace(ensemble, trees=trees, base=-ensemble.base, factor=-ensemble.factor)


@dataclass(frozen=True, slots=True)
class Packed:
    """An ensemble as the attributes of ONNX's TreeEnsemble: nodes apart from leaves."""

    roots: Ints
    feature: Ints
    threshold: Floats
    missing_left: Ints
    child: tuple[Ints, Ints]
    is_leaf: tuple[Ints, Ints]
    leaf_value: Floats
    leaf_target: Ints


def pack(trees: Sequence[Tree]) -> Packed:
    """Return the trees' nodes and leaves, each in one array.

    A tree that is one leaf gets a node of which both branches lead to it.
    """
    nodes: list[tuple[Any, ...]] = []
    leaves: list[tuple[Floats, Ints]] = []
    roots, node_count, leaf_count = [], 0, 0
    for tree in map(_with_a_node, trees):
        inner = tree.left >= 0
        place = np.where(inner, np.cumsum(inner) - 1 + node_count, np.cumsum(~inner) - 1 + leaf_count)
        left, right = tree.left[inner], tree.right[inner]
        threshold = tree.threshold[inner]
        nodes.append((tree.feature[inner], threshold, tree.missing_left[inner], place[left], place[right]))
        nodes[-1] += (~inner[left], ~inner[right])
        values = tree.value[~inner]
        leaves.append((values, np.full(len(values), tree.target)))
        roots.append(node_count)
        node_count, leaf_count = node_count + len(threshold), leaf_count + len(values)
    feature, threshold, missing, left, right, left_leaf, right_leaf = (
        np.concatenate(c) for c in zip(*nodes, strict=True)
    )
    value, target = (np.concatenate(column) for column in zip(*leaves, strict=True))
    return Packed(
        roots=np.array(roots),
        feature=feature,
        threshold=threshold,
        missing_left=missing.astype(np.int64),
        child=(left, right),
        is_leaf=(left_leaf.astype(np.int64), right_leaf.astype(np.int64)),
        leaf_value=value,
        leaf_target=target,
    )


def constant(value: float, target: int) -> Tree:
    """Return a tree that adds the same to every row.

    >>> pack([constant(2.0, 0)]).leaf_value.tolist()
    [2.0, 2.0]
    """
    none = np.array([-1])
    return Tree(
        left=none,
        right=none,
        feature=np.array([0]),
        threshold=np.zeros(1),
        missing_left=np.zeros(1, np.bool_),
        value=np.array([value]),
        target=target,
    )


def _with_a_node(tree: Tree) -> Tree:
    if tree.left[0] >= 0:
        return tree
    return Tree(
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        feature=np.zeros(3, np.int64),
        threshold=np.zeros(3),
        missing_left=np.zeros(3, np.bool_),
        value=np.repeat(tree.value[:1], 3),
        target=tree.target,
    )
