"""Read a version's snapshot files."""

from __future__ import annotations

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
