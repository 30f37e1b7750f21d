"""Where rows come from: a data frame, a block of numbers or Parquet files, read one column at a time.

Memory is bounded by a few columns, however many there are: a column is read, counted and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import DType
from slipway.errors import EvidenceError

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Index = NDArray[np.intp]


class Kind(StrEnum):
    """How a column's values are compared: by their order, or as names."""

    NUMBER = "number"
    CATEGORY = "category"

    @classmethod
    def of(cls, dtype: DType) -> Kind:
        """Return the kind of a declared column.

        >>> Kind.of(DType.BOOL)
        <Kind.CATEGORY: 'category'>
        """
        return cls.NUMBER if dtype.is_numeric else cls.CATEGORY


@dataclass(frozen=True, slots=True)
class Named:
    """A column of names: ``codes`` of shape (n,) point into ``names``; -1 is a missing value."""

    codes: Index
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Index) -> Named:
        """Return some of the rows."""
        return Named(self.codes[rows], self.names)


Values = Array | Named


class Table(Protocol):
    """Rows of a model: its inputs and, where they are known, its answers and labels."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        ...

    @property
    def rows(self) -> int:
        """The number of rows."""
        ...

    def column(self, name: str, kind: Kind) -> Values | None:
        """Return one column: float64 of shape (rows,) with NaN for missing, or names. None if it is of another kind."""
        ...


@dataclass(frozen=True)
class FrameTable:
    """A pandas data frame."""

    frame: pd.DataFrame

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(str(name) for name in self.frame.columns)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.frame)

    def column(self, name: str, kind: Kind) -> Values | None:
        """Return one column; None if numbers are asked for and it holds something else."""
        import pandas as pd

        series = self.frame[name]
        if kind is Kind.NUMBER:
            if series.dtype.kind not in "iufb" and series.notna().any():
                return None
            return np.asarray(pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan))
        codes, names = pd.factorize(series)
        return Named(np.asarray(codes, dtype=np.intp), tuple(written(value) for value in names))


@dataclass(frozen=True)
class BlockTable:
    """Numbers of shape (rows, columns), float64, NaN for missing; column-major is read fastest."""

    block: Array
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse names that do not fit."""
        if self.block.ndim != 2 or self.block.shape[1] != len(self.names):
            raise EvidenceError(
                f"a block of shape {self.block.shape} for {len(self.names)} names", remedy="name each column once"
            )

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.block)

    def column(self, name: str, kind: Kind) -> Values | None:
        """Return one column of numbers; as names they are written out."""
        values = np.ascontiguousarray(self.block[:, self.names.index(name)])
        if kind is Kind.NUMBER:
            return values
        found, codes = np.unique(values, return_inverse=True)
        named = tuple(written(float(value)) for value in found)
        return Named(np.where(np.isnan(values), -1, codes).astype(np.intp), named)


@dataclass(frozen=True)
class ParquetTable:
    """One Parquet file or several of one schema, in their order; each column is read when it is asked for."""

    paths: tuple[Path, ...]

    @classmethod
    def of(cls, paths: Sequence[Path] | Path) -> ParquetTable:
        """Return the table of a file, of all files of a folder, or of the files given."""
        if isinstance(paths, Path):
            paths = sorted(paths.glob("*.parquet")) if paths.is_dir() else [paths]
        return cls(tuple(paths))

    @cached_property
    def _meta(self) -> tuple[Any, ...]:
        import pyarrow.parquet as pq

        return tuple(pq.read_metadata(path) for path in self.paths)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns that all files have."""
        schemas = [meta.schema.to_arrow_schema().names for meta in self._meta]
        return tuple(name for name in (schemas[0] if schemas else []) if all(name in others for others in schemas))

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(int(meta.num_rows) for meta in self._meta)

    def column(self, name: str, kind: Kind) -> Values | None:
        """Return one column; None if numbers are asked for and it holds something else."""
        import pyarrow as pa

        parts = [self._part(path, meta, name) for path, meta in zip(self.paths, self._meta, strict=True)]
        if kind is Kind.CATEGORY:
            return _coded(parts)
        numeric = (
            pa.types.is_integer,
            pa.types.is_floating,
            pa.types.is_decimal,
            pa.types.is_boolean,
            pa.types.is_null,
        )
        if not all(any(is_one(part.type) for is_one in numeric) for part in parts):
            return None
        return _joined([part.cast(pa.float64()) for part in parts])

    def _part(self, path: Path, meta: Any, name: str) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        of = meta.schema.to_arrow_schema().field(name).type
        text = pa.types.is_string(of) or pa.types.is_large_string(of)
        file = pq.ParquetFile(path, metadata=meta, read_dictionary=[name] if text else None)
        return file.read([name], use_threads=False).column(0)


def _coded(parts: Sequence[Any]) -> Named:
    """Return Arrow columns of any type as names; text that Parquet holds as a dictionary is taken as it is."""
    import pyarrow as pa

    coded = [part if pa.types.is_dictionary(part.type) else part.dictionary_encode() for part in parts]
    names: dict[str, int] = {}
    codes = [np.zeros(0, dtype=np.intp)]
    for chunk in (chunk for part in coded for chunk in part.chunks):
        places = [names.setdefault(written(value), len(names)) for value in chunk.dictionary.to_pylist()]
        at = chunk.indices.fill_null(len(places)).to_numpy(zero_copy_only=False)
        codes.append(np.array([*places, -1], dtype=np.intp)[at])
    return Named(np.concatenate(codes), tuple(names))


def written(value: object) -> str:
    """Return a value as the name that it has in every table, whichever type it was read as.

    >>> written(True), written(2.0), written("east")
    ('true', '2', 'east')
    """
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _joined(parts: Sequence[Any]) -> Array:
    """Return Arrow chunks as one array, each copied once; a null becomes NaN."""
    out = np.empty(sum(len(part) for part in parts))
    at = 0
    for chunk in (chunk for part in parts for chunk in part.chunks):
        out[at : at + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
        at += len(chunk)
    return out


@dataclass(frozen=True)
class Sampled:
    """A stratified sample of a table: one row, drawn at random, of each of ``at_most`` equal runs of rows.

    Rows stand in the order in which they came in, so each hour of the day and each file has its share.
    """

    table: Table
    at_most: int
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return self.table.names

    @property
    def rows(self) -> int:
        """The number of rows in the sample."""
        return min(self.at_most, self.table.rows)

    @cached_property
    def picked(self) -> Index:
        """The rows' places in the table, ascending, shape (rows,)."""
        return strata(self.table.rows, self.at_most, self.seed)

    def column(self, name: str, kind: Kind) -> Values | None:
        """Return the sampled rows of one column."""
        values = self.table.column(name, kind)
        if values is None:
            return None
        return values.take(self.picked)


def strata(rows: int, at_most: int, seed: int) -> Index:
    """Return one random place of each of ``at_most`` equal runs of ``rows`` rows; every place if there are no more.

    >>> strata(4, 10, 0).tolist(), len(strata(1000, 10, 0))
    ([0, 1, 2, 3], 10)
    """
    if rows <= at_most:
        return np.arange(rows, dtype=np.intp)
    edges = np.linspace(0, rows, at_most + 1)
    drawn = edges[:-1] + np.random.default_rng(seed).random(at_most) * np.diff(edges)
    return np.minimum(drawn.astype(np.intp), rows - 1)


def kinds_of(table: Table, declared: Mapping[str, Kind]) -> dict[str, Kind]:
    """Return the declared kinds of those columns that the table has."""
    return {name: kind for name, kind in declared.items() if name in set(table.names)}
