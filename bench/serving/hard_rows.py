"""Rows on which a wrong answer would show: on both sides of the trees' splits, at the ends of the ranges, drawn."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from bench.serving import data
from bench.serving.models import BenchModel
from slipway.backends.readers import read_ensemble
from slipway.backends.rows import Table, drawn_rows, edge_rows, read_table, size, stacked
from slipway.backends.thresholds import threshold_rows

_BASE_ROWS = 5_000
_ON_SPLITS = 90_000
_SEED = 23


def rows_to_compare(model: BenchModel, least: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return at least ``least`` rows that the signature admits, and what they cover of the trees' splits."""
    signature = model.spec.to_signature()
    base = read_table(data.rows(_BASE_ROWS, seed=_SEED), signature)
    parts: list[Table] = [edge_rows(base, signature)]
    coverage: dict[str, Any] = {}
    ensemble = read_ensemble(_estimator(model))
    if ensemble is not None:
        names = list(signature.names)
        placed, told = threshold_rows(
            ensemble,
            lambda table: np.stack([table[name] for name in names], axis=1),
            base,
            signature,
            limit=_ON_SPLITS,
        )
        coverage = asdict(told)
        parts += [] if placed is None else [placed]
    missing = max(1_000, least - sum(map(size, parts)))
    parts += drawn_rows(base, signature, rows=missing, seed=_SEED)
    return pd.DataFrame(stacked(parts))[list(signature.names)], coverage


def _estimator(model: BenchModel) -> Any:
    import joblib

    return None if model.joblib is None else joblib.load(model.joblib)
