"""How a column is counted: the reference cuts its values into bins once, every window is counted in the same ones.

The last bin holds the missing values. A column of numbers has bins of about equal shares of the reference, one for each
value where there are few, finer ones in both tails, and one on either side for what the reference has never seen. A
column of names has a bin for each frequent name, and one for all others together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.drift.tables import Array, Index, Kind, Named, Values

MAX_BINS, MAX_NAMES = 32, 60
ROWS_A_BIN, ROWS_A_NAME = 20, 10
TAILS = (0.001, 0.01, 0.99, 0.999)

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """A column's bins.

    Attributes
    ----------
    kind : Kind
    edges : tuple of float
        Numbers only: upper ends, ascending, the last one infinite; a value on an edge belongs to the bin below it.
    names : tuple of str
        Names only: those with a bin of their own, most frequent first.
    """

    kind: Kind
    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The number of bins, the missing values' included."""
        return (len(self.edges) if self.kind is Kind.NUMBER else len(self.names) + 1) + 1

    def encode(self, values: Values) -> Index:
        """Return each value's bin, shape (n,)."""
        if isinstance(values, Named):
            place = {name: at for at, name in enumerate(self.names)}
            other = len(self.names)
            table = np.array([*(place.get(name, other) for name in values.names), other + 1], dtype=np.intp)
            return np.asarray(table[values.codes])  # -1, a missing value, takes the last one
        # NaN sorts behind infinity: it falls past the last edge, into the bin of the missing values.
        return np.searchsorted(np.asarray(self.edges), values)

    def count(self, values: Values) -> Counts:
        """Return the rows in each bin, shape (size,)."""
        return np.bincount(self.encode(values), minlength=self.size)

    def to_json(self) -> dict[str, Any]:
        """Return the bins as JSON values."""
        return {"kind": self.kind.value, "edges": [*self.edges[:-1]], "names": [*self.names]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Bins:
        """Read what :meth:`to_json` wrote."""
        kind = Kind(data["kind"])
        edges = (*data["edges"], float("inf")) if kind is Kind.NUMBER else ()
        return cls(kind=kind, edges=edges, names=tuple(data["names"]))


def fit_bins(values: Values, sample: Index) -> Bins:
    """Return the bins for a reference column; quantiles are taken on the rows ``sample``."""
    if isinstance(values, Named):
        known = values.codes[values.codes >= 0]
        counts = np.bincount(known, minlength=len(values.names))
        order = np.argsort(-counts, kind="stable")[:MAX_NAMES]
        return Bins(kind=Kind.CATEGORY, names=tuple(values.names[at] for at in order if counts[at] >= ROWS_A_NAME))
    return Bins(kind=Kind.NUMBER, edges=_edges(values, values[sample]))


def _edges(values: Array, sample: Array) -> tuple[float, ...]:
    known = sample[np.isfinite(sample)]
    if not len(known):
        return (float("inf"),)
    distinct = alone = np.unique(known)
    bins = int(np.clip(len(known) // ROWS_A_BIN, 4, MAX_BINS))
    if len(distinct) > bins:
        shares = np.concatenate([np.arange(1, bins) / bins, TAILS if len(known) > 1000 * ROWS_A_BIN else ()])
        distinct, times = np.unique(np.quantile(known, shares, method="inverted_cdf"), return_counts=True)
        alone = distinct[times > 1]
    ends = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
    # Just below a value that stands alone: it gets a bin of its own, and what lies between two such values another.
    below = np.nextafter([*alone, ends[0]], -np.inf)
    inner = np.unique([edge for edge in (*distinct, *below, ends[1]) if np.isfinite(edge)])
    return (*(float(edge) for edge in inner), float("inf"))
