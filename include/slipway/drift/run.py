"""One night's comparison: reference, calibration (kept from night to night), window; within a time budget.

Large tables are sampled in strata when reading and counting them whole would take longer than the budget: how much of
them is found by timing a few columns. The result says how many rows were used, and what that does to a share.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.signature import Signature
from slipway.core.verdict import Outcome
from slipway.drift.bins import fit_bins
from slipway.drift.calibrate import calibrate
from slipway.drift.calibration import CalibrationStore, Plan
from slipway.drift.compare import compare, enough
from slipway.drift.reference import WORKERS, Reference, fit_reference
from slipway.drift.result import DriftResult
from slipway.drift.tables import Array, Kind, Sampled, Table, kinds_of, strata

LEAST_SAMPLE = 20_000
ANSWERS_SHARE = 0.2  # of a night's false alarms: the answer is one column, but the one that people act on
PILOT_ROWS = 200_000
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is watched of a model.

    Attributes
    ----------
    kinds : mapping of str to Kind
        Its inputs, its answer under the name that it has in the tables, or both.
    prediction : str, optional
        That name.
    """

    kinds: Mapping[str, Kind]
    prediction: str | None = None

    @classmethod
    def inputs_of(cls, signature: Signature) -> Watched:
        """Return the inputs that a signature declares."""
        return cls(kinds={column.name: Kind.of(column.dtype) for column in signature.inputs})

    @classmethod
    def answer_of(cls, signature: Signature) -> Watched:
        """Return the answer that a signature declares."""
        name = signature.output.name
        return cls(kinds={name: Kind.of(signature.output.dtype)}, prediction=name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """Rows to compare, or to compare with.

    Attributes
    ----------
    table : Table
    days : array of shape (rows,), optional
        A reference's days, counted from 0.
    losses : array, optional
        What the labelled rows' answers cost (:func:`slipway.drift.losses.row_losses`): of shape (rows,) in a reference,
        NaN where a label is missing; any labelled rows' in a window, as labels come late.
    """

    table: Table
    days: NDArray[np.intp] | None = None
    losses: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How sure, and how long.

    ``budget_s`` seconds for reading and counting, None for no limit; the rest as of
    :class:`slipway.drift.calibration.Plan`.
    """

    alarms_per_month: float = 1.0
    draws: int = 2000
    seed: int = 0
    budget_s: float | None = None
    workers: int = WORKERS

    def share(self, share: float) -> Effort:
        """Return the effort of one of several comparisons of a night: its share of the alarms and of the time."""
        budget = None if self.budget_s is None else share * self.budget_s
        return replace(self, alarms_per_month=share * self.alarms_per_month, budget_s=budget)


def watch_drift(
    watched: Watched,
    reference: Window | None,
    current: Window,
    *,
    effort: Effort | None = None,
    store: CalibrationStore | None = None,
    clock: Clock = time.perf_counter,
) -> DriftResult:
    """Compare a window with its reference.

    Parameters
    ----------
    watched : Watched
    reference : Window or None
        Rows of the version's snapshot, or a window of days; None if there is neither.
    current : Window
        The day.
    effort : Effort, optional
    store : CalibrationStore, optional
        Where calibrations are kept.
    clock : callable
        Seconds that only ever rise.

    Returns
    -------
    DriftResult
        INCONCLUSIVE where there is too little to compare, with what to do about it.
    """
    effort = effort or Effort()
    asked = current.table.rows
    had = 0 if reference is None else reference.table.rows
    days = 0 if reference is None or reference.days is None or not had else int(reference.days.max()) + 1
    rows = enough(had, asked, days=days)
    if reference is None or any(m.outcome is not Outcome.PASSED for m in rows):
        return DriftResult(measurements=rows, details={"rows": asked, "reference_rows": had})
    share = _affordable(watched, (reference.table, current.table), effort, clock)
    thin_reference, thin = _thinned(reference, share, effort.seed), _thinned(current, share, effort.seed + 1)
    fitted = _fitted(watched, thin_reference, effort)
    labelled = 0 if thin.losses is None else int(np.isfinite(thin.losses).sum())
    plan = Plan.near(
        thin.table.rows, labelled, alarms_per_month=effort.alarms_per_month, draws=effort.draws, seed=effort.seed
    )
    calibration = store.find(fitted, plan) if store else None
    if calibration is None:
        calibration = calibrate(fitted, plan, workers=effort.workers)
        if store:
            store.keep(calibration)
    found = compare(
        fitted, calibration, thin.table, prediction=watched.prediction, losses=thin.losses, workers=effort.workers
    )
    return replace(found, details={**found.details, "sampling": sampling(thin.table.rows, asked)})


def sampling(used: int, rows: int) -> dict[str, Any]:
    """Return how many rows were used, and the largest error that this makes in a share, 95 times in 100.

    >>> sampling(10_000, 1_000_000)["share_error"]
    0.0098
    """
    error = 0.98 * np.sqrt(1 / max(used, 1) - 1 / max(rows, 1))
    return {"rows": rows, "used": used, "share_error": round(float(error), 4)}


def _fitted(watched: Watched, reference: Window, effort: Effort) -> Reference:
    return fit_reference(
        reference.table,
        watched.kinds,
        days=reference.days,
        loss=reference.losses,
        seed=effort.seed,
        workers=effort.workers,
    )


def _affordable(watched: Watched, tables: tuple[Table, ...], effort: Effort, clock: Clock) -> float:
    """Return the share of the rows that the budget allows, one digit of it, so that it is the same most nights.

    Reading a column cannot be thinned, counting can: both are timed on two columns of each kind of each table, and the
    quicker one stands for all, as the first one loads what reading needs.
    """
    if effort.budget_s is None:
        return 1.0
    reading = counting = 0.0
    for table in tables:
        kinds = kinds_of(table, watched.kinds)
        for kind in Kind:
            names = [name for name in kinds if kinds[name] is kind]
            read, counted = _timed(table, names[:2], kind, clock)
            reading += read * len(names) / effort.workers
            counting += counted * len(names) / effort.workers
    share = min((effort.budget_s - reading) / max(counting, 1e-9), 1.0)
    if share <= 0:
        return 0.0
    digit = 10.0 ** np.floor(np.log10(share))
    return float(np.floor(share / digit) * digit)


def _timed(table: Table, names: list[str], kind: Kind, clock: Clock) -> tuple[float, float]:
    reads, counts = [0.0] if not names else [], [0.0] if not names else []
    for name in names:
        started = clock()
        values = table.column(name, kind)
        reads.append(clock() - started)
        if values is None:
            counts.append(0.0)
            continue
        part = values.take(strata(len(values), PILOT_ROWS, 0))
        bins = fit_bins(part, np.arange(len(part)))
        begun = clock()
        bins.count(part)
        counts.append((clock() - begun) * len(values) / max(len(part), 1))
    return min(reads), min(counts)


def _thinned(window: Window, share: float, seed: int) -> Window:
    rows = window.table.rows
    at_most = max(int(share * rows), LEAST_SAMPLE)
    if at_most >= rows:
        return window
    sample = Sampled(window.table, at_most, seed)
    return Window(
        table=sample,
        days=None if window.days is None else window.days[sample.picked],
        losses=window.losses[sample.picked]
        if window.losses is not None and len(window.losses) == rows
        else window.losses,
    )
