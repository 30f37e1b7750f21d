"""What the tumor malignancy model should answer, worked out a second time and in another way.

This is the ground truth that the served model is compared with. It shares no code with it: raw rows go through its
own imputation, its own scaling and its own walk down exported tree parameters, in NumPy. It reads
``parameters.json`` from the folder that the environment variable REFERENCE_DIR names.

One detail decides at a tree's threshold: scikit-learn casts the scaled value to float32 and then compares it with the
float64 threshold, so that is done here too.
"""

from __future__ import annotations

import json
import math
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

OUTPUT = "p_malignant"


def score(rows: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Return ``[{"p_malignant": probability}, ...]``, one for each row.

    Parameters
    ----------
    rows : list of dict
        Raw inputs by name, as a caller sends them after the declared policies; None, or no entry, means missing.
    """
    known = parameters(os.environ["REFERENCE_DIR"])
    scaled = preprocess(rows, known)
    score_of = np.full(len(rows), known["base_score"], dtype=np.float64)
    for tree in known["trees"]:
        score_of += known["learning_rate"] * leaf_values(tree, scaled)
    return [{OUTPUT: logistic(value)} for value in score_of.tolist()]


@cache
def parameters(folder: str) -> dict[str, Any]:
    """Return the exported parameters in a folder."""
    known: dict[str, Any] = json.loads((Path(folder) / "parameters.json").read_text(encoding="utf-8"))
    for tree in known["trees"]:
        tree["feature"] = np.array(tree["feature"], dtype=np.int64)
        tree["threshold"] = np.array(tree["threshold"], dtype=np.float64)
        tree["left"] = np.array(tree["left"], dtype=np.int64)
        tree["right"] = np.array(tree["right"], dtype=np.int64)
        tree["value"] = np.array(tree["value"], dtype=np.float64)
    return known


def preprocess(rows: list[dict[str, Any]], known: dict[str, Any]) -> np.ndarray:
    """Return the rows as numbers, shape (rows, features): medians for missing values, then scaled and cut to [0, 1]."""
    numbers = np.empty((len(rows), len(known["features"])), dtype=np.float64)
    for position, name in enumerate(known["features"]):
        median = known["medians"][position]
        values = (row.get(name) for row in rows)
        numbers[:, position] = [median if is_missing(value) else float(value) for value in values]
    with np.errstate(over="ignore"):  # an overflow is cut to 1 like any other value that is too large
        scaled = numbers * np.array(known["scales"]) + np.array(known["offsets"])
    return np.clip(scaled, 0.0, 1.0)


def is_missing(value: Any) -> bool:
    """Tell whether a value is missing."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def leaf_values(tree: dict[str, np.ndarray], scaled: np.ndarray) -> np.ndarray:
    """Return the value of the leaf that each row ends in."""
    seen = scaled.astype(np.float32)
    row = np.arange(len(seen))
    node = np.zeros(len(seen), dtype=np.int64)
    while True:
        inner = tree["left"][node] >= 0
        if not inner.any():
            return tree["value"][node]
        at = node[inner]
        goes_left = seen[row[inner], tree["feature"][at]].astype(np.float64) <= tree["threshold"][at]
        node[inner] = np.where(goes_left, tree["left"][at], tree["right"][at])


def logistic(value: float) -> float:
    """Return the probability that belongs to a log-odds score, without overflow.

    >>> logistic(0.0)
    0.5
    """
    if value >= 0:
        return 1.0 / (1.0 + math.exp(-value))
    odds = math.exp(value)
    return odds / (1.0 + odds)
