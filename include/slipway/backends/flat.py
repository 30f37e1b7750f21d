"""Lay a tree ensemble out as the kernel reads it, and say what becomes of its sums.

The file is an ``.npz`` of plain arrays; ``about`` holds JSON. ``slipway.serving.backends.trees`` reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.backends.compiler import Parts, can_be_odd
from slipway.backends.ensemble import CannotCompile, Ensemble, Link, pack
from slipway.backends.folding import Features, Folded, fold
from slipway.backends.graph import labels
from slipway.backends.rows import Table, size, taken
from slipway.backends.source import Source
from slipway.backends.steps import Words, origins
from slipway.core.signature import DType, Signature

NODE = np.dtype(
    [("threshold", "<f8"), ("feature", "<i4"), ("left", "<i4"), ("right", "<i4"), ("missing_left", "<i4")], align=True
)
_BASE_ROWS = 256
_UNKNOWN = "\0 a word that nobody knows"


def make_trees(source: Source, parts: Parts, signature: Signature, features: Features, base: Table) -> dict[str, Any]:
    """Return the arrays of the compiled file.

    Parameters
    ----------
    source : Source
    parts : Parts
    signature : Signature
    features : callable
        Returns, for a table, the matrix that the trees see.
    base : table
        Rows that the signature admits.

    Raises
    ------
    CannotCompile
        If it is no tree ensemble, its steps cannot be folded, or its output is none that sums can give.
    """
    if parts.ensemble is None:
        raise CannotCompile("it is no tree ensemble")
    ensemble, answer = _answer(parts.ensemble, source.method, signature)
    texts = tuple(column.name for column in signature.inputs if column.dtype is DType.STRING)
    words: Words = {name: set(signature.column(name).categories) for name in texts}
    if parts.preparation is None and texts:
        raise CannotCompile("its trees split on strings")
    made_of = source.fitted if parts.preparation is None else origins(parts.preparation, source.fitted, words)
    base = {name: base[name] for name in signature.names}
    few = taken(base, slice(None, None, max(1, size(base) // _BASE_ROWS)))
    folded = fold(ensemble, features, few, tuple(made_of), guarded=can_be_odd(signature), texts=texts)
    about = {
        "numbers": list(folded.numbers),
        "words": [_looked_up(name, places, words[name], features, few) for name, places in folded.words.items()],
        **answer,
    }
    return {"about": np.frombuffer(json.dumps(about, sort_keys=True).encode(), np.uint8), **arrays(folded)}


def _answer(ensemble: Ensemble, method: str, signature: Signature) -> tuple[Ensemble, dict[str, Any]]:
    """Return what becomes of the sums, and the ensemble without trees of which nothing becomes."""
    output, labelled = signature.output, method == "predict" and ensemble.classes is not None
    column = _column(ensemble, method, signature)
    if output.dtype not in (DType.FLOAT, *((DType.INT, DType.STRING) if labelled else ())):
        raise CannotCompile(f"sums of leaves give no {output.dtype.value}")
    answer = {
        "link": ensemble.link.value,
        "factor": ensemble.factor,
        "column": column,
        "complement": False,
        "labels": None,
        "zero_wins": ensemble.zero_wins,
        "single": ensemble.single_sums,
    }
    if labelled:
        return ensemble, answer | {"labels": labels(np.asarray(ensemble.classes)).tolist()}
    if ensemble.targets == 1:
        return ensemble, answer | {"column": 0, "complement": method == "predict_proba" and column == 0}
    if ensemble.link is Link.SOFTMAX:
        return ensemble, answer
    kept = tuple(replace(tree, target=0) for tree in ensemble.trees if tree.target == column)
    return replace(ensemble, trees=kept, base=ensemble.base[[column]]), answer | {"column": 0}


def _column(ensemble: Ensemble, method: str, signature: Signature) -> int:
    index = signature.output.index
    if method == "predict_proba":
        classes = 0 if ensemble.classes is None else len(ensemble.classes)
        if index is None or not 0 <= index < classes:
            raise CannotCompile(f"output.index is {index}, the model has {classes} classes")
        return index
    if method != "predict":
        raise CannotCompile(f"no way to compile {method}")
    if ensemble.classes is None and (index is None) != (ensemble.targets == 1):
        raise CannotCompile("its answers and the signature's output differ in shape")
    return index or 0


def _looked_up(name: str, places: tuple[int, ...], words: set[str], features: Features, base: Table) -> dict[str, Any]:
    """Return a column's features for each word, for a missing one and for any other (null: the steps refuse it)."""

    def of(*values: str | None) -> list[list[float]] | None:
        table = taken(base, np.zeros(len(values), np.int64)) | {name: np.array(values, dtype=object)}
        try:
            return [list(map(float, row)) for row in features(table)[:, list(places)]]
        except (ValueError, TypeError):
            return None

    known = sorted(words | {word for word in base[name] if word is not None})
    found = of(*known)
    each = [of(word) for word in known] if found is None else [[row] for row in found]
    values = {word: rows[0] for word, rows in zip(known, each, strict=True) if rows is not None}
    missing, other = of(None), of(_UNKNOWN)
    return {
        "name": name,
        "width": len(places),
        "values": values,
        "missing": missing[0] if missing else None,
        "other": other[0] if other else None,
    }


def arrays(folded: Folded) -> Mapping[str, NDArray[Any]]:
    """Return the trees as the kernel reads them: a child is a node's position, or ``~leaf``."""
    ensemble = folded.ensemble
    packed = pack(ensemble.trees)
    nodes = np.zeros(len(packed.feature), NODE)
    nodes["threshold"], nodes["feature"] = packed.threshold, packed.feature
    nodes["missing_left"] = packed.missing_left
    for side, child, is_leaf in zip(("left", "right"), packed.child, packed.is_leaf, strict=True):
        nodes[side] = np.where(is_leaf, ~child, child)
    limits = folded.limits
    return {
        "nodes": nodes.view(np.uint8),
        "leaves": packed.leaf_value,
        "roots": packed.roots.astype(np.int32),
        "targets": np.array([tree.target for tree in ensemble.trees], np.int32),
        "base": ensemble.base.astype(np.float64),
        "lowest": np.zeros(0) if limits is None else limits.lowest,
        "highest": np.zeros(0) if limits is None else limits.highest,
        "refuses_missing": (np.zeros(0) if limits is None else limits.refuses_missing).astype(np.int32),
    }
