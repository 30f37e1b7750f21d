"""The rows of the benchmark: the 30 measurements of scikit-learn's breast cancer data, drawn again and varied a little.

Values have six significant digits, as measurements do; every row keeps to the range that the signature declares.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

LABEL = "malignant"
_MARGIN = 0.1
_VARIED_BY = 0.03
_FLIPPED = 0.05


@cache
def measured() -> tuple[pd.DataFrame, np.ndarray]:
    """Return the data as it ships: inputs by name, and the label, 1 for malignant."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer(as_frame=True)
    inputs = found.data.rename(columns=lambda name: name.replace(" ", "_"))
    return inputs.astype(np.float64), 1 - found.target.to_numpy()


@cache
def ranges() -> dict[str, tuple[float, float]]:
    """Return the declared range of each input: what was measured, and a tenth of its span on both sides."""
    inputs, _ = measured()
    low, high = inputs.min(), inputs.max()
    span = (high - low) * _MARGIN
    return {name: (float(low[name] - span[name]), float(high[name] + span[name])) for name in inputs.columns}


def rows(count: int, *, seed: int) -> pd.DataFrame:
    """Return ``count`` rows in range; the same for the same seed."""
    return _drawn(count, seed)[0]


def labelled(count: int, *, seed: int) -> pd.DataFrame:
    """Return rows with a label, one in twenty of them wrong, so that a thousand trees find something to learn."""
    inputs, chosen, random = _drawn(count, seed)
    labels = measured()[1][chosen]
    return inputs.assign(**{LABEL: np.where(random.random(count) < _FLIPPED, 1 - labels, labels)})


def _drawn(count: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.random.Generator]:
    inputs, _ = measured()
    random = np.random.default_rng(seed)
    chosen = random.integers(len(inputs), size=count)
    varied = inputs.to_numpy()[chosen] * (1 + _VARIED_BY * random.uniform(-1, 1, (count, inputs.shape[1])))
    limits = np.array(list(ranges().values()))
    return pd.DataFrame(_six_digits(np.clip(varied, *limits.T)), columns=inputs.columns), chosen, random


def _six_digits(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{value:.6g}") for value in values.ravel()]).reshape(values.shape)
