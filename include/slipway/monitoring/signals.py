"""From a night's numbers to what they say about each cause: the step before alerts are decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import shorten
from slipway.monitoring.advice import next_step
from slipway.monitoring.values import CheckResult, Severity

UNTOLD, MANY = "untold", "many"
_NAMED = 4
_MAX_SAID = 400
_WORST = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a night says about one cause.

    ``untold`` marks the signal that tells whether a check could tell anything: INCONCLUSIVE or PASSED.
    """

    cause: str
    check: str
    version: int
    day: date
    outcome: Outcome
    said: str
    next_step: str
    far: bool = False
    certain: bool = False
    untold: bool = False
    at_most: Severity = Severity.PAGE


def by_day(results: Iterable[CheckResult], told: Mapping[str, date]) -> list[list[CheckResult]]:
    """Return the results that decide something, a list for each day, oldest first.

    Of a check that told something about any day, the days about which it did, but none older than ``told`` says; of
    one that told nothing, its newest day.
    """
    of_check: dict[str, list[CheckResult]] = defaultdict(list)
    for result in results:
        of_check[result.check].append(result)
    days: dict[date, list[CheckResult]] = defaultdict(list)
    for check, found in of_check.items():
        telling = {result.day for result in found if result.tells}
        kept = telling or {max(result.day for result in found)}
        for result in found:
            if result.day in kept and result.day >= told.get(check, result.day):
                days[result.day].append(result)
    return [days[day] for day in sorted(days)]


def signals_of(results: Iterable[CheckResult], *, far: float) -> list[Signal]:
    """Return, for one day, a signal for each cause that can be told, and one for each check that tells if all can.

    The worst measurement of a cause counts, over all versions.
    """
    by_cause: dict[str, list[Signal]] = defaultdict(list)
    for result in results:
        for measurement in result.measurements:
            outcome = measurement.outcome
            if outcome is not None:
                signal = _signal(result, measurement, outcome, far)
                by_cause[signal.cause].append(signal)
    merged = [_worst(signals) for signals in by_cause.values()]
    return [*(s for s in merged if s.outcome is not Outcome.INCONCLUSIVE), *_untold(merged)]


def grouped(signals: Iterable[Signal], open_causes: Collection[str], *, above: int) -> list[Signal]:
    """Return the signals; of a check with more than ``above`` new failures, these as one, ``<check>.many``."""
    signals = list(signals)
    new: dict[str, list[Signal]] = defaultdict(list)
    for signal in signals:
        new[signal.check]  # a check without new failures clears its group
        if signal.outcome is Outcome.FAILED and signal.cause not in open_causes:
            new[signal.check].append(signal)
    kept = [
        s for s in signals if s.outcome is not Outcome.FAILED or s.cause in open_causes or len(new[s.check]) <= above
    ]
    told = {s.check: s for s in signals if not s.untold}
    for check, failed in new.items():
        cause = f"{check}.{MANY}"
        if len(failed) > above:
            kept.append(_many(cause, failed))
        elif cause in open_causes and check in told:
            kept.append(_passed(cause, told[check]))
    return kept


def is_far(measurement: Measurement, factor: float) -> bool:
    """Tell whether a failed measurement lies far beyond its threshold.

    >>> is_far(Measurement(name="auc", value=0.93, threshold=0.97, bound=Bound.MIN), 2.0)
    True
    """
    value, limit = measurement.value, measurement.threshold
    if value is None or limit is None or measurement.outcome is not Outcome.FAILED:
        return False
    if measurement.bound is Bound.MAX:
        return limit > 0 and value >= factor * limit
    if measurement.unit == "1" and 0 <= limit < 1:
        return 1 - value >= factor * (1 - limit)
    return limit > 0 and value * factor <= limit


def _signal(result: CheckResult, measurement: Measurement, outcome: Outcome, far: float) -> Signal:
    return Signal(
        cause=result.cause_of(measurement),
        check=result.check,
        version=result.version,
        day=result.day,
        outcome=outcome,
        said=_needs(measurement) if outcome is Outcome.INCONCLUSIVE else shorten(measurement.sentence(), _MAX_SAID),
        next_step=result.next_step or next_step(result.check),
        far=is_far(measurement, far),
        certain=result.certain,
        at_most=result.at_most,
    )


def _needs(measurement: Measurement) -> str:
    if measurement.n < measurement.n_required:
        return f"{measurement.name} (n={measurement.n:,}, needs about {measurement.n_required:,})"
    return f"{measurement.name} (not measured)"


def _worst(signals: list[Signal]) -> Signal:
    return min(signals, key=lambda s: (_WORST.index(s.outcome), not s.far, -s.version))


def _untold(merged: list[Signal]) -> Iterator[Signal]:
    by_check: dict[str, list[Signal]] = defaultdict(list)
    for signal in merged:
        by_check[signal.check].append(signal)
    for check, signals in by_check.items():
        silent = [s for s in signals if s.outcome is Outcome.INCONCLUSIVE]
        first = (silent or signals)[0]
        yield Signal(
            cause=f"{UNTOLD}.{check}",
            check=check,
            version=first.version,
            day=first.day,
            outcome=Outcome.INCONCLUSIVE if silent else Outcome.PASSED,
            said=f"{len(silent)} of {len(signals)} cannot be told: {_named([s.said for s in silent])}"
            if silent
            else "",
            next_step=next_step(UNTOLD),
            untold=True,
            at_most=Severity.NOTE,
        )


def _many(cause: str, failed: list[Signal]) -> Signal:
    first = failed[0]
    return Signal(
        cause=cause,
        check=first.check,
        version=first.version,
        day=first.day,
        outcome=Outcome.FAILED,
        said=f"{len(failed)} at once: {_named([s.cause for s in failed])}",
        next_step=next_step(MANY),
        far=any(s.far for s in failed),
        certain=any(s.certain for s in failed),
        at_most=Severity.PAGE if any(s.at_most is Severity.PAGE for s in failed) else Severity.NOTE,
    )


def _passed(cause: str, told: Signal) -> Signal:
    return Signal(
        cause=cause,
        check=told.check,
        version=told.version,
        day=told.day,
        outcome=Outcome.PASSED,
        said="",
        next_step="",
    )


def _named(names: list[str]) -> str:
    rest = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + rest
