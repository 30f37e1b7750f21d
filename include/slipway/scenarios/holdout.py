"""The version's holdout snapshot as plain rows: what real requests look like."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.core.signature import DType, Signature, Value
from slipway.errors import ArtifactError, GateConfigurationError
from slipway.scenarios.treat import treat

MAX_ROWS = 5000


@dataclass(frozen=True, slots=True)
class Holdout:
    """Rows of the inputs alone: those that the model takes as they are, and those that meet a policy.

    Attributes
    ----------
    plain : tuple of dict
        Complete rows in range; never empty.
    other : tuple of dict
        Rows with a missing, out-of-range or mistyped value.
    """

    plain: tuple[Mapping[str, Value], ...]
    other: tuple[Mapping[str, Value], ...] = ()

    @property
    def base(self) -> Mapping[str, Value]:
        """The first complete row in range: what every case starts from."""
        return self.plain[0]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], signature: Signature) -> Holdout:
        """Divide rows by what the signature's policies do to them.

        Raises
        ------
        GateConfigurationError
            If no row is complete and in range: there is nothing real to ask the model.
        """
        plain = tuple(row for row in rows if treat(row, signature).plain)
        if not plain:
            raise GateConfigurationError(
                f"none of the {len(rows)} holdout rows is complete and in the declared ranges",
                remedy="correct the signature in model.yaml, or register a version with a sound snapshot",
            )
        return cls(plain, tuple(row for row in rows if not treat(row, signature).plain))


def read_holdout(path: Path, signature: Signature, *, seed: int) -> Holdout:
    """Read the signature's inputs from the snapshot; at most ``MAX_ROWS`` rows, drawn with ``seed``.

    Raises
    ------
    ArtifactError
        If the file cannot be read or lacks an input.
    GateConfigurationError
        If no row is complete and in range.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=list(signature.names))
        absent = [name for name in signature.names if name not in table.column_names]
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"the snapshot {path.name} cannot be read: {error}", remedy="register it again") from error
    if absent:
        raise ArtifactError(
            f"the snapshot {path.name} lacks the inputs {', '.join(absent[:10])}",
            remedy="log the snapshot with every input that the signature declares",
        )
    if table.num_rows > MAX_ROWS:
        table = table.take(sorted(random.Random(seed).sample(range(table.num_rows), MAX_ROWS)))
    dtypes = {column.name: column.dtype for column in signature.inputs}
    rows = [{name: _plain(value, dtypes[name]) for name, value in row.items()} for row in table.to_pylist()]
    return Holdout.of(rows, signature)


def _plain(value: Any, dtype: DType) -> Any:
    """Return a stored value as JSON carries it: NaN is missing, and an int column may be stored as floats."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if dtype is DType.INT and isinstance(value, float) and value.is_integer():
        return int(value)
    if dtype is DType.FLOAT and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if dtype is DType.BOOL and value in (0, 1):
        return bool(value)
    return value
