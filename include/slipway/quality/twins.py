"""Holdout rows that are training rows too: to the last digit, or moved by a hair.

A model is judged on rows that it has not seen. A row that was copied and jittered, rounded or written in single
precision is a row that it has seen, though no two values are equal.

Rules
-----
1. A holdout row is a *twin* when some training row has the same inputs and the same label.
2. It is a *near twin* when some training row lies within ``reach`` of it in every input: distances are in robust
   standard deviations of the column (interquartile range / 1.349); text and missing values must be equal.
3. ``reach`` is as wide as it can be, up to ``WIDEST``, while hardly any row (``RARE``) of the training file has another
   row *of that file* so near: it tells how near two rows come by chance. If its rows are repeated (surely more often
   than the holdout's; or moved by a hair, so that its reach is far below the holdout's, ``NARROWED``), they must not
   excuse rows that cross, and the holdout's own rows tell.
4. Chance explains some twins across the files too, above all of discrete values: as many as it explains with 99.9 %
   confidence, going by the twins inside that file, are taken off (:func:`rows_by_chance`). Exact twins where no file
   has any are no chance at all.
5. Past ``MOST_ROWS`` rows, a file is judged by a sample of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slipway.quality.chance import rows_by_chance, two_shares
from slipway.quality.leaks import duplicated_rows
from slipway.quality.metrics import Array

if TYPE_CHECKING:
    import pandas as pd

WIDEST = 0.25
RARE = 0.005
NARROWED, REPEATED_BELOW = 0.05, 0.001
MOST_ROWS = 20_000
APART = 1e3
SEED = 20_240_229


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """How many of ``rows`` holdout rows have a twin in training, how many chance explains, and the reach if near."""

    found: int
    by_chance: int
    rows: int
    reach: float = 0.0

    @property
    def excess(self) -> float | None:
        """The share of the holdout that has a twin beyond chance; None without rows."""
        return max(0, self.found - self.by_chance) / self.rows if self.rows else None


def exact_twins(train: pd.DataFrame, holdout: pd.DataFrame, columns: Sequence[str]) -> Twins:
    """Count the twins of rule 1; ``columns`` are the inputs and the label."""
    found = int(duplicated_rows(train, holdout, columns).sum())
    within = [(int(f.duplicated(list(columns), keep=False).sum()), len(f)) for f in (train, holdout)]
    seen, of = _by_training(within, len(train))
    by_chance = rows_by_chance(seen, of, len(holdout)) if seen and len(holdout) else 0
    return Twins(found=found, by_chance=by_chance, rows=len(holdout))


def near_twins(train: pd.DataFrame, holdout: pd.DataFrame, columns: Sequence[str]) -> Twins:
    """Count the near twins of rule 2; ``columns`` are the inputs."""
    from scipy.spatial import cKDTree

    points, others = _points(_some(train), _some(holdout), columns)
    rows = len(others)
    if min(len(points), rows) < 2:
        return Twins(found=0, by_chance=0, rows=rows)
    inside, outside = _apart(points), _apart(others)
    reach, wider = _reach(inside, len(inside)), _reach(outside, len(points))
    same = [(int((gaps == 0).sum()), len(gaps)) for gaps in (inside, outside)]
    counted = inside
    if reach < NARROWED * wider or _repeated(same, len(points)):
        reach, counted = wider, outside
    seen = int((counted <= reach).sum())
    by_chance = rows_by_chance(*_scaled(seen, len(counted), len(points)), rows)
    near = cKDTree(points).query(others, p=np.inf, distance_upper_bound=np.nextafter(reach, 1.0))[0]
    return Twins(found=int((near <= reach).sum()), by_chance=by_chance, rows=rows, reach=float(reach))


def _by_training(within: Sequence[tuple[int, int]], training: int) -> tuple[int, int]:
    """Return (twins seen, rows) of the training file, or of the holdout where the former repeats its rows."""
    return _scaled(*within[1], training) if _repeated(within, training) else within[0]


def _repeated(within: Sequence[tuple[int, int]], training: int) -> bool:
    """Return whether the training file has surely more twins inside than the holdout would have at its size."""
    first, second = within[0], _scaled(*within[1], training)
    more = first[0] / max(first[1], 1) > second[0] / max(second[1], 1)
    return more and two_shares(*first, *second) < REPEATED_BELOW


def _scaled(seen: int, of: int, training: int) -> tuple[int, int]:
    """Return counts of a file as they would be with as many rows as training has to be near to."""
    return min(of, round(seen * training / max(of, 1))), of


def _reach(gaps: Array, rows: int) -> float:
    """Return the widest reach within which at most ``RARE`` of a file's rows, of ``rows`` of them, have a neighbour."""
    apart = np.sort(gaps[gaps > 0])
    if not len(apart):
        return 0.0
    allowed = int(RARE * len(apart) * len(gaps) / max(rows, 1))
    return float(min(WIDEST, apart[min(allowed, len(apart) - 1)] * (1 - 1e-9)))


def _apart(points: Array) -> Array:
    """Return each point's distance to the nearest other one, the largest difference over the columns."""
    from scipy.spatial import cKDTree

    found = cKDTree(points).query(points, k=2, p=np.inf, distance_upper_bound=2 * WIDEST)[0][:, 1]
    return np.asarray(np.minimum(found, 2 * WIDEST))


def _points(train: pd.DataFrame, holdout: pd.DataFrame, columns: Sequence[str]) -> tuple[Array, Array]:
    """Return both files as points: numbers in robust standard deviations, whatever must be equal far apart."""
    import pandas as pd

    both = pd.concat([train[list(columns)], holdout[list(columns)]], ignore_index=True)
    places: list[NDArray[np.float64]] = []
    for name in columns:
        if both[name].dtype.kind in "iuf":
            values = both[name].to_numpy(dtype=float, na_value=np.nan)
            known = values[np.isfinite(values)]
            places.append(np.where(np.isfinite(values), values / _scale(known), APART * APART))
        else:
            places.append(APART * pd.factorize(both[name], use_na_sentinel=False)[0].astype(float))
    points = np.column_stack(places)
    return points[: len(train)], points[len(train) :]


def _scale(values: Array) -> float:
    if not len(values):
        return 1.0
    low, high = np.quantile(values, (0.25, 0.75))
    return float((high - low) / 1.349 or values.std() or 1.0)


def _some(frame: pd.DataFrame) -> pd.DataFrame:
    return frame if len(frame) <= MOST_ROWS else frame.sample(MOST_ROWS, random_state=SEED)
