"""What the diabetes progression model should answer, worked out a second time and in another way.

This is the ground truth that the served model is compared with. It shares no code with it: raw rows go through its
own imputation, scaling and coding of sex, and its own walk down exported tree parameters, in NumPy. It reads
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

OUTPUT = "predicted_progression"


def score(rows: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Return ``[{"predicted_progression": index}, ...]``, one for each row.

    Parameters
    ----------
    rows : list of dict
        Raw inputs by name, as a caller sends them after the declared policies; None, or no entry, means missing.
    """
    known = parameters(os.environ["REFERENCE_DIR"])
    prepared = preprocess(rows, known)
    answers = np.full(len(rows), known["base_score"], dtype=np.float64)
    for tree in known["trees"]:
        answers += known["learning_rate"] * leaf_values(tree, prepared)
    return [{OUTPUT: value} for value in answers.tolist()]


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
    """Return the rows as numbers: each number scaled, its median if it is missing; then one 0/1 column for each sex."""
    names, sexes = known["numbers"], known["sexes"]
    prepared = np.zeros((len(rows), len(names) + len(sexes)), dtype=np.float64)
    for position, name in enumerate(names):
        median = known["medians"][position]
        values = [row.get(name) for row in rows]
        numbers = np.array([median if is_missing(value) else value for value in values], dtype=np.float64)
        prepared[:, position] = (numbers - known["means"][position]) / known["scales"][position]
    for number, row in enumerate(rows):
        prepared[number, len(names) + sexes.index(row["sex"])] = 1.0
    return prepared


def is_missing(value: Any) -> bool:
    """Tell whether a value is missing."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def leaf_values(tree: dict[str, np.ndarray], prepared: np.ndarray) -> np.ndarray:
    """Return the value of the leaf that each row ends in."""
    seen = prepared.astype(np.float32)
    row = np.arange(len(seen))
    node = np.zeros(len(seen), dtype=np.int64)
    while True:
        inner = tree["left"][node] >= 0
        if not inner.any():
            return tree["value"][node]
        at = node[inner]
        goes_left = seen[row[inner], tree["feature"][at]].astype(np.float64) <= tree["threshold"][at]
        node[inner] = np.where(goes_left, tree["left"][at], tree["right"][at])
