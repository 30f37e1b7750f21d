"""Evidently's own report of a sample of the same rows: for its pictures. The verdict is not taken from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.drift.tables import Kind, Named, Sampled, Table, kinds_of

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS, MAX_COLUMNS = 5_000, 40


def evidently_report(
    reference: Table,
    current: Table,
    kinds: Mapping[str, Kind],
    out: Path,
    *,
    first: tuple[str, ...] = (),
    seed: int = 0,
) -> Path:
    """Write Evidently's data drift report and return its file.

    Parameters
    ----------
    reference, current : Table
        At most ``MAX_ROWS`` rows of each are shown, drawn in strata.
    kinds : mapping of str to Kind
    out : Path
        The HTML file; one document that loads nothing from elsewhere.
    first : tuple of str
        The columns to show if there are more than ``MAX_COLUMNS``, in this order; then the others.
    seed : int
        Of the sample.
    """
    both = kinds_of(reference, kinds_of(current, kinds))
    names = [name for name in dict.fromkeys((*first, *both)) if name in both][:MAX_COLUMNS]
    frames = [
        _frame(Sampled(table, MAX_ROWS, seed), {name: both[name] for name in names}) for table in (current, reference)
    ]
    shared = [name for name in names if all(name in frame and frame[name].notna().any() for frame in frames)]
    found = run_preset(frames[0][shared], frames[1][shared], {name: both[name] for name in shared})
    out.parent.mkdir(parents=True, exist_ok=True)
    found.save_html(str(out))
    return out


def run_preset(current: pd.DataFrame, reference: pd.DataFrame, kinds: Mapping[str, Kind]) -> Any:
    """Return the snapshot of Evidently's ``DataDriftPreset`` with its defaults, on all the rows given."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    defined = DataDefinition(
        numerical_columns=[name for name, kind in kinds.items() if kind is Kind.NUMBER],
        categorical_columns=[name for name, kind in kinds.items() if kind is Kind.CATEGORY],
    )
    data = [Dataset.from_pandas(frame, data_definition=defined) for frame in (current, reference)]
    return Report([DataDriftPreset()]).run(*data)


def _frame(table: Table, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        values = table.column(name, kind)
        if isinstance(values, Named):
            named = np.array([*values.names, None], dtype=object)
            columns[name] = named[values.codes]
        elif values is not None:
            columns[name] = values
    return pd.DataFrame(columns)
