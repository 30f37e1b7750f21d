"""The facts of a version's data snapshot: rows, label, and for each input what it really held."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.spec import ModelSpec, Task
from slipway.core.version import VersionFiles
from slipway.errors import ArtifactError
from slipway.reporting.tables import number

if TYPE_CHECKING:
    import pyarrow as pa

MAX_VALUES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """One column: what it held, as text, and how many of its values are missing."""

    held: str
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One file of the snapshot.

    Attributes
    ----------
    rows : int
    sha256 : str
    label : str
        The label's distribution, as text.
    columns : mapping of str to ColumnFacts
        Of each declared input that the file has.
    """

    rows: int
    sha256: str
    label: str
    columns: dict[str, ColumnFacts]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """The two files of a snapshot."""

    train: FileFacts
    holdout: FileFacts


def read_data(files: VersionFiles, spec: ModelSpec) -> DataFacts:
    """Return the facts of a version's snapshot.

    Raises
    ------
    ArtifactError
        If a file is missing or is not Parquet.
    """
    return DataFacts(train=_file(files.train, spec), holdout=_file(files.holdout, spec))


def _file(path: Path, spec: ModelSpec) -> FileFacts:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(
            f"the snapshot's {path.name} cannot be read: {error}", remedy="register the version again"
        ) from error
    names = set(table.column_names)
    return FileFacts(
        rows=table.num_rows,
        sha256=f"sha256:{digest}",
        label=_label(table, spec) if spec.quality.label in names else "absent",
        columns={c.name: _column(table[c.name]) for c in spec.signature.inputs if c.name in names},
    )


def _label(table: pa.Table, spec: ModelSpec) -> str:
    import pyarrow.compute as pc

    values = table[spec.quality.label].drop_null()
    if not len(values):
        return "no value"
    mean = float(pc.mean(values.cast("float64")).as_py())
    if spec.task is Task.CLASSIFICATION:
        ones = round(mean * len(values))
        return f"{ones:,} of {len(values):,} are 1 ({mean:.1%})"
    spread = float(pc.stddev(values.cast("float64"), ddof=0).as_py())
    return f"{_range(values)}, mean {number(mean)}, standard deviation {number(spread)}"


def _column(values: pa.ChunkedArray) -> ColumnFacts:
    import pyarrow as pa

    missing, kind = values.null_count, values.type
    if pa.types.is_floating(kind):
        missing += _nans(values)
    known = values.drop_null()
    if not len(known) or missing == len(values):
        return ColumnFacts(held="no value", missing=missing)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return ColumnFacts(held=_range(known), missing=missing)
    return ColumnFacts(held=_values(known), missing=missing)


def _nans(values: pa.ChunkedArray) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(pc.is_nan(values.drop_null())).as_py() or 0)


def _range(values: pa.ChunkedArray) -> str:
    import pyarrow.compute as pc

    found: dict[str, Any] = pc.min_max(values).as_py()
    return f"{number(found['min'])} to {number(found['max'])}"


def _values(values: pa.ChunkedArray) -> str:
    import pyarrow.compute as pc

    different = sorted(str(value) for value in pc.unique(values).to_pylist())
    more = f" and {len(different) - MAX_VALUES} more" if len(different) > MAX_VALUES else ""
    return ", ".join(different[:MAX_VALUES]) + more
