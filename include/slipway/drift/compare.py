"""Is this window quiet? Each column beside its reference, against its calibrated thresholds.

Rules
-----
1. A window or a reference of fewer than ``MIN_ROWS`` rows, or no reference at all, tells nothing: INCONCLUSIVE, with a
   note that says what to do.
2. A column that is absent, or holds text where the reference has numbers, is INCONCLUSIVE by itself: the others are
   judged all the same.
3. A column with fewer than ``MIN_KNOWN`` known values has no distribution to compare; its missing values are judged.
4. Thresholds hold for the calibrated number of rows. Where a column has fewer known ones they are widened accordingly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.drift.bins import Counts
from slipway.drift.calibrate import known_rows
from slipway.drift.calibration import Calibration, Thresholds, harmonic
from slipway.drift.distance import Check, distances
from slipway.drift.picture import pictured, said
from slipway.drift.reference import WORKERS, Profile, Reference, in_turn
from slipway.drift.result import ColumnDrift, DriftResult, Judged
from slipway.drift.tables import Array, Kind, Table
from slipway.drift.windows import LEAST_DAYS

MIN_ROWS, MIN_KNOWN = 100, 30
PREDICTION = "prediction"
UNITS = {Kind.NUMBER: "sd", Kind.CATEGORY: "1"}


def enough(reference_rows: int, rows: int, *, days: int = 0) -> tuple[Measurement, ...]:
    """Return the numbers of rows, and of days, that a comparison stands on; INCONCLUSIVE where they do not suffice.

    ``days`` are the reference's, nought where they are not told apart; without a reference it has no rows.

    >>> [m.outcome.value for m in enough(0, 5000)]
    ['PASSED', 'INCONCLUSIVE']
    """
    empty = "the window is empty: see whether the data came late, or the scoring did not run, and monitor the day again"
    few = "widen the window, or wait for more rows"
    none = "there is no reference: log the version's snapshot, or keep monitoring until days have gathered"
    short = "the reference is too small to calibrate on: keep a larger snapshot, or more reference days"
    found = [_rows("drift.rows", rows, MIN_ROWS, few if rows else empty),
             _rows("drift.reference_rows", reference_rows, MIN_ROWS, short if reference_rows else none)]  # fmt: skip
    if days:
        few_days = "too few reference days to tell how days differ: wait for more, or compare with the snapshot"
        found.append(_rows("drift.reference_days", days, LEAST_DAYS, few_days, unit="days"))
    return tuple(found)


def compare(
    reference: Reference,
    calibration: Calibration,
    current: Table,
    *,
    prediction: str | None = None,
    losses: Array | None = None,
    workers: int = WORKERS,
) -> DriftResult:
    """Return what differs between a window and its reference beyond chance.

    Parameters
    ----------
    reference : Reference
    calibration : Calibration
        Of this reference, for a window of no more rows than this one has.
    current : Table
        The window's rows.
    prediction : str, optional
        The column with the model's answers.
    losses : array of shape (m,), optional
        What the answers of the labelled rows cost; not given, performance is not judged.
    workers : int
    """
    rows = enough(reference.rows, current.rows, days=reference.days)
    if any(m.outcome is not Outcome.PASSED for m in rows):
        return DriftResult(measurements=rows, details={"rows": current.rows, "reference_rows": reference.rows})
    names = [name for name in reference.columns if name in set(current.names)]
    stems = {name: _stem(name, prediction) for name in (*reference.columns, *reference.unread)}
    found = in_turn(
        lambda name: _column(reference.columns[name], calibration.columns[name], current, stems[name]), names, workers
    )
    columns = sorted((column for column in found if column is not None), key=lambda column: -column.evidence)
    compared = {column.name for column in columns}
    measurements = [m for column in columns for m in _measurements(column)]
    measurements += [_not_compared(stems[name], name in current.names) for name in stems if name not in compared]
    performance = [] if losses is None else [_performance(reference, calibration, losses)]
    return DriftResult(
        measurements=(*rows, *performance, *measurements),
        columns=tuple(columns),
        details=_details(reference, calibration, current, columns),
    )


def _rows(name: str, rows: int, required: int, note: str, unit: str = "rows") -> Measurement:
    return Measurement(
        name=name, value=rows, threshold=required, bound=Bound.MIN, unit=unit, n=rows, n_required=required,
        note="" if rows >= required else note,
    )  # fmt: skip


def _stem(name: str, prediction: str | None) -> str:
    if name == prediction:
        return PREDICTION
    return f"input.{name}" if name == PREDICTION else name


def _column(profile: Profile, thresholds: Thresholds, current: Table, stem: str) -> ColumnDrift | None:
    values = current.column(profile.name, profile.kind)
    if values is None:
        return None
    counts = profile.bins.count(values)
    known, rows = int(counts[:-1].sum()), int(counts.sum())
    missing = float(counts[-1] / rows)
    before = profile.counts[:-1] / max(profile.known, 1)
    now = counts[:-1] / max(known, 1)
    ends, shown = pictured(profile.bins, before, now)
    return ColumnDrift(
        name=profile.name,
        measured=stem,
        kind=profile.kind,
        rows=rows,
        known=known,
        missing=(profile.missing, missing),
        checks=_judged(profile, thresholds, counts),
        said={**said(profile.bins, before, now), Check.MISSING: _lost(profile.missing, missing)},
        pictured=shown,
        ends=ends,
        shift_found=thresholds.shift_found,
        missing_found=thresholds.missing_found,
    )


def _judged(profile: Profile, thresholds: Thresholds, counts: Counts) -> tuple[Judged, ...]:
    known, rows = int(counts[:-1].sum()), int(counts.sum())
    lost = Judged(Check.MISSING, abs(float(counts[-1] / rows) - profile.missing), thresholds.limits[Check.MISSING])
    others = [check for check in thresholds.limits if check is not Check.MISSING]
    if min(known, profile.known) < MIN_KNOWN:
        return (*(Judged(check, None, thresholds.limits[check]) for check in others), lost)
    shares = profile.counts[:-1] / profile.known
    behind = harmonic(known, profile.known)
    apart = distances(counts[:-1] / known - shares, shares, profile.kind, rows=behind)
    wider = float(np.sqrt(max(1.0, known_rows(profile, rows) / behind)))
    return (*(Judged(check, float(apart[check]), wider * thresholds.limits[check]) for check in others), lost)


def _measurements(column: ColumnDrift) -> list[Measurement]:
    few = "too few known values, here or in the reference: see what became of this column upstream"
    found = []
    for judged in column.checks:
        part = {Check.DISTRIBUTION: "", Check.VALUE: "value.", Check.MISSING: "missing."}[judged.check]
        of_all = judged.check is Check.MISSING
        note = few if judged.value is None else column.said.get(judged.check, "")
        found.append(
            Measurement(
                name=f"drift.{part}{column.measured}",
                value=judged.value,
                threshold=judged.limit,
                bound=Bound.MAX,
                unit=UNITS[column.kind] if judged.check is Check.DISTRIBUTION else "1",
                n=column.rows if of_all else column.known,
                n_required=1 if of_all else MIN_KNOWN,
                note=note,
            )
        )
    return found


def _lost(before: float, now: float) -> str:
    return f"{100 * before:.3g} % missing, now {100 * now:.3g} %"


def _not_compared(stem: str, there: bool) -> Measurement:
    why = "is of another type than in the reference" if there else "is not in both the window and the reference"
    return Measurement(
        name=f"drift.{stem}", value=None, threshold=0.0, bound=Bound.MAX, n=0,
        note=f"{stem} {why}: correct the upstream schema, or declare the new one and release a version for it",
    )  # fmt: skip


def _performance(reference: Reference, calibration: Calibration, losses: Array) -> Measurement:
    known = losses[np.isfinite(losses)]
    told = reference.loss is not None and calibration.loss_limit is not None and len(known) >= MIN_ROWS
    before = reference.loss.mean if reference.loss is not None else 0.0
    limit = before + (calibration.loss_limit or 0.0)
    note = f"mean loss {before:.4g} in the reference" if told else (
        f"{len(known)} labelled rows: wait for labels" if reference.loss is not None
        else "the reference has no labels to compare with: log the snapshot with its label"
    )  # fmt: skip
    return Measurement(
        name="drift.performance", value=float(known.mean()) if told else None, threshold=limit, bound=Bound.MAX,
        n=len(known), n_required=MIN_ROWS, note=note,
    )  # fmt: skip


def _details(
    reference: Reference, calibration: Calibration, current: Table, columns: list[ColumnDrift]
) -> Mapping[str, Any]:
    plan = calibration.plan
    shifts = [c.shift_found for c in columns if c.shift_found is not None and c.kind is Kind.NUMBER]
    power = (
        f"At {current.rows:,} rows a shift of {np.median(shifts):.2g} standard deviations (median over the columns; "
        f"at worst {max(shifts):.2g}) is found 95 times in 100."
        if shifts
        else ""
    )
    return {
        "rows": current.rows,
        "reference_rows": reference.rows,
        "reference_days": reference.days,
        "reference": reference.digest,
        "false_alarms_per_month": plan.alarms_per_month,
        "calibrated_rows": plan.rows,
        "draws": plan.draws,
        "seed": plan.seed,
        "critical": calibration.critical,
        "extrapolated": calibration.extrapolated,
        "loss_rise_found": calibration.loss_found,
        "power": power,
    }
