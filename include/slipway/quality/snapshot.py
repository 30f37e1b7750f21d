"""Read a version's snapshot files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import ArtifactError

if TYPE_CHECKING:
    import pandas as pd


def read_table(path: Path) -> pd.DataFrame:
    """Return a Parquet file with rows numbered from 0; ArtifactError if it is missing or is not Parquet."""
    import pandas as pd

    try:
        return pd.read_parquet(path).reset_index(drop=True)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise ArtifactError(
            f"{path.name} of the data snapshot cannot be read: {error}",
            remedy="train and register the version again; each one logs snapshot/train.parquet and holdout.parquet",
        ) from error


def write_without(path: Path, rows: Collection[int], target: Path) -> Path:
    """Write the rows of a Parquet file but those at the positions ``rows``, types unchanged; return ``target``.

    Raises
    ------
    ArtifactError
        If the file cannot be read, or has no row at such a position.
    """
    import numpy as np
    import pyarrow.parquet as parquet

    total = len(read_table(path))
    beyond = [row for row in rows if not 0 <= row < total]
    if beyond:
        raise ArtifactError(
            f"row {beyond[0]} was set aside, but {path.name} has {total} rows", remedy="release the version again"
        )
    keep = np.ones(total, dtype=bool)
    keep[list(rows)] = False
    parquet.write_table(parquet.read_table(path).filter(keep), target)
    return target
