"""What is held against limits before a partition is written, and once an interval is done. Pure.

Rules
-----
1. Rows reconcile exactly: each row that was read is written or set aside, and nothing else is.
2. The share of rows set aside, and of answers outside of the output's declared range, stay within their limits.
3. The answers are spread as those of the last runs: the largest difference of the two cumulative shares (labels: half
   the sum of the differences of their shares) stays within ``max_shift``. Where the rows are too few for that to be
   told with the stated error rate, it is INCONCLUSIVE, which is recorded and stops nothing.

The error rate of rule 3: with n and m answers of one distribution, the difference exceeds d with a probability of at
most 2 exp(-2 d^2 nm/(n+m)) (Wei and Dudley, "Two-sample Dvoretzky-Kiefer-Wolfowitz inequalities", 2012: for n = m from
458 on; an approximation elsewhere), for k labels at most 2^k exp(-2 d^2 nm/(n+m)) (a union over all sets of labels). So
a limit d asks for as many rows as make this ``FALSE_ALARM``; a true difference of twice the limit is then missed no
more often than that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.core.signature import Output
from slipway.core.verdict import Bound, Measurement
from slipway.errors import SpecError
from slipway.scoring.summary import Summary, is_ordered, pooled

FALSE_ALARM = 1e-4
MIN_RUNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a run may go.

    Attributes
    ----------
    max_set_aside : float
        Share of the rows.
    max_outside : float
        Share of the answers outside of the output's declared range.
    max_shift : float
        Between the answers and those of the last runs, in (0, 1].
    """

    max_set_aside: float = 0.05
    max_outside: float = 0.0
    max_shift: float = 0.2

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not (0 <= self.max_set_aside <= 1 and 0 <= self.max_outside <= 1 and 0 < self.max_shift <= 1):
            raise SpecError(f"{self} are no shares", remedy="give shares between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows of a partition or an interval, each counted where it happened."""

    read: int
    written: int
    set_aside: int


def run_measurements(
    counts: Counts, summary: Summary, output: Output, *, limits: Limits, history: Sequence[Summary] = ()
) -> tuple[Measurement, ...]:
    """Return what is held against the limits, of a partition or of an interval.

    Parameters
    ----------
    counts, summary : Counts, Summary
        Of the run.
    output : Output
    limits : Limits
    history : sequence of Summary
        Of the last runs, one each.
    """
    astray = abs(counts.read - counts.written - counts.set_aside) + abs(counts.written - summary.rows)
    return (
        Measurement(
            name="rows.unaccounted",
            value=astray,
            threshold=0,
            bound=Bound.MAX,
            unit="rows",
            n=counts.read,
            note=f"read {counts.read}, written {counts.written}, set aside {counts.set_aside}",
        ),
        Measurement(
            name="rows.set_aside",
            value=counts.set_aside / counts.read if counts.read else None,
            threshold=limits.max_set_aside,
            bound=Bound.MAX,
            n=counts.read,
            note="share of the rows; the quarantine has each with its reason",
        ),
        Measurement(
            name="answers.outside",
            value=summary.outside / summary.rows if summary.rows else None,
            threshold=limits.max_outside,
            bound=Bound.MAX,
            n=summary.rows,
            note=f"share outside of the declared range of {output.name}",
        ),
        Measurement(name="answers.mean", value=summary.mean, unit=output.unit, n=summary.rows),
        shift_measurement(summary, history, output, max_shift=limits.max_shift),
    )


def shift_measurement(summary: Summary, history: Sequence[Summary], output: Output, *, max_shift: float) -> Measurement:
    """Return the difference between a run's answers and those of the last runs; see rule 3.

    >>> shift_measurement(Summary(), (), Output(name="p"), max_shift=0.2).outcome
    <Outcome.INCONCLUSIVE: 'INCONCLUSIVE'>
    """
    before = pooled(history)
    known = before.rows > 0 and summary.rows > 0
    labels = 0 if is_ordered(output) else len({*summary.bins, *before.bins})
    needed = rows_needed(max_shift, labels=labels)
    enough = len(history) >= MIN_RUNS
    effective = summary.rows * before.rows // (summary.rows + before.rows) if known else 0
    note = (
        f"against {before.rows} answers of the last {len(history)} runs; n is nm/(n+m); false alarms at most "
        f"{FALSE_ALARM:g}, and a shift of {min(1.0, 2 * max_shift):g} is missed no more often"
    )
    return Measurement(
        name="answers.shift",
        value=difference(summary, before, ordered=is_ordered(output)) if known and enough else None,
        threshold=max_shift,
        bound=Bound.MAX,
        n=effective,
        n_required=needed,
        note=note if enough else f"{len(history)} runs before this one, {MIN_RUNS} are needed",
    )


def rows_needed(limit: float, *, labels: int = 0) -> int:
    """Return the effective sample size nm/(n+m) that rule 3 asks for; ``labels`` 0: the answers have an order.

    >>> rows_needed(0.2)
    124
    """
    sides = math.log(2) * max(1, labels)
    return math.ceil((sides - math.log(FALSE_ALARM)) / (2 * limit**2))


def difference(one: Summary, other: Summary, *, ordered: bool) -> float:
    """Return how far two spreads lie apart, in [0, 1]: Kolmogorov's distance of the bins, or total variation."""
    steps = [
        one.bins.get(key, 0) / one.rows - other.bins.get(key, 0) / other.rows
        for key in sorted({*one.bins, *other.bins}, key=lambda key: (isinstance(key, str), key))
    ]
    if not ordered:
        return sum(map(abs, steps)) / 2
    total, furthest = 0.0, 0.0
    for step in steps:
        total += step
        furthest = max(furthest, abs(total))
    return furthest
