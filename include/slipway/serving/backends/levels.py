"""Shallow trees a second time, in the form that the kernel walks quickest: level by level, see ``trees.c``.

A node's children stand side by side; a leaf leads to itself. So a step is one comparison and one addition, and every
row takes as many steps as its tree is deep. For deep trees, whose rows mostly stop early, that would be more work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

NODE = np.dtype([("threshold", "<f8"), ("feature", "<i4"), ("left", "<i4")], align=True)
DEEPEST = 8
"""Trees that are deeper are left as they are."""

Arrays = dict[str, NDArray[Any]]


def by_level(nodes: NDArray[Any], leaves: NDArray[np.float64], roots: NDArray[np.int32]) -> Arrays | None:
    """Return the trees level by level; None if one is too deep.

    Parameters
    ----------
    nodes : structured array
        ``threshold``, ``feature``, ``left`` and ``right``: a node, or ``~leaf``. Positions are within bounds, and no
        way leads back.
    leaves : float64 array
    roots : int32 array
        One for each tree.

    Returns
    -------
    mapping or None
        ``level_nodes`` (of type :data:`NODE`; the first ones are the roots), ``level_leaves`` (one for each of them),
        ``depths`` (one for each tree).
    """
    depths = np.zeros(len(roots), dtype=np.int32)
    place, tree = roots.astype(np.int64), np.arange(len(roots))
    made: list[Mapping[str, NDArray[Any]]] = []
    start = 0
    for depth in range(DEEPEST + 1):
        inner = place >= 0
        if depth == DEEPEST and inner.any():
            return None
        made.append(_level(place, inner, start, nodes, leaves))
        start += len(place)
        depths[tree[inner]] = depth + 1
        children = (nodes["left"][place[inner]], nodes["right"][place[inner]])
        place, tree = np.stack(children, axis=1).reshape(-1).astype(np.int64), np.repeat(tree[inner], 2)
        if not len(place):
            break
    whole = {name: np.concatenate([level[name] for level in made]) for name in made[0]}
    return {**whole, "depths": depths}


def _level(
    place: NDArray[np.int64], inner: NDArray[np.bool_], start: int, nodes: NDArray[Any], leaves: NDArray[np.float64]
) -> Mapping[str, NDArray[Any]]:
    """Return one level, whose first node has the number ``start``; the next level follows it."""
    level = np.zeros(len(place), dtype=NODE)
    values = np.zeros(len(place))
    level["threshold"], level["left"] = np.nan, start + np.arange(len(place)) - 1
    values[~inner] = leaves[~place[~inner]]
    for name in ("threshold", "feature"):
        level[name][inner] = nodes[name][place[inner]]
    level["left"][inner] = start + len(place) + 2 * np.arange(int(inner.sum()))
    return {"level_nodes": level, "level_leaves": values}
