"""Weeks of nightly numbers, arranged for a person: series by check, the worst first; version changes; alerts beside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from slipway.core.verdict import Measurement, Outcome
from slipway.monitoring.alerts import Alert, AlertState
from slipway.monitoring.signals import MANY
from slipway.monitoring.values import Point, Run

_ORDER = {Outcome.FAILED: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASSED: 2, None: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One number over the days: its points by day and version, oldest first, and the alerts about it."""

    check: str
    name: str
    points: tuple[Point, ...]
    alerts: tuple[Alert, ...] = ()

    @property
    def newest(self) -> Measurement:
        """Its newest number."""
        return self.points[-1].measurement

    @property
    def short_name(self) -> str:
        """Its name without the check's."""
        return self.name.removeprefix(f"{self.check}.")


@dataclass(frozen=True, slots=True)
class Change:
    """A day on which another version began to answer."""

    day: date
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What one page shows about a model.

    Attributes
    ----------
    model : str
    since, until : date
        Both ends included.
    series : tuple of Series
        Grouped by check; in a group, what failed last comes first.
    runs : tuple of Run
        Oldest first.
    alerts : tuple of Alert
        Open ones first, pages before notes, then the newest.
    changes : tuple of Change
        The first is not one: the version that answered at the start is no change.
    """

    model: str
    since: date
    until: date
    series: tuple[Series, ...]
    runs: tuple[Run, ...]
    alerts: tuple[Alert, ...]
    changes: tuple[Change, ...]

    @property
    def newest_runs(self) -> tuple[Run, ...]:
        """The newest run of each check; of a day on which two versions answered, both."""
        newest: dict[str, date] = {}
        for run in self.runs:
            newest[run.check] = max(run.day, newest.get(run.check, run.day))
        return tuple(run for run in self.runs if run.day == newest[run.check])

    @property
    def outcome(self) -> Outcome | None:
        """The worst newest outcome; None if nothing was judged."""
        judged = [run.outcome for run in self.newest_runs if run.outcome is not None]
        return Outcome.merge(judged) if judged else None

    @property
    def version(self) -> int | None:
        """The version that answered last."""
        return max(((run.day, run.version) for run in self.runs), default=(None, None))[1]

    def within(self, days: int) -> Trend:
        """Return the last ``days`` days of it."""
        since = max(self.since, self.until - timedelta(days=days - 1))
        kept = [
            Series(check=s.check, name=s.name, points=tuple(p for p in s.points if p.day >= since), alerts=s.alerts)
            for s in self.series
        ]
        return Trend(
            model=self.model,
            since=since,
            until=self.until,
            series=tuple(s for s in kept if s.points),
            runs=tuple(r for r in self.runs if r.day >= since),
            alerts=self.alerts,
            changes=tuple(c for c in self.changes if c.day >= since),
        )


def arrange(
    model: str, points: Iterable[Point], runs: Iterable[Run], alerts: Iterable[Alert], *, until: date, days: int = 90
) -> Trend:
    """Return a model's trend over the ``days`` days up to ``until``; what lies outside of them is left out."""
    since = until - timedelta(days=days - 1)
    said = [a for a in alerts if a.state is not AlertState.WATCHED and _end(a) >= since and a.first_seen <= until]
    by_name: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for point in points:
        if since <= point.day <= until:
            by_name[point.check, point.measurement.name].append(point)
    series = [
        Series(
            check=check,
            name=name,
            points=tuple(sorted(found, key=lambda p: (p.day, p.version))),
            alerts=tuple(a for a in said if _is_about(a, check, found)),
        )
        for (check, name), found in by_name.items()
    ]
    kept = tuple(sorted((r for r in runs if since <= r.day <= until), key=lambda r: (r.day, r.version, r.check)))
    return Trend(
        model=model,
        since=since,
        until=until,
        series=tuple(sorted(series, key=_place(series))),
        runs=kept,
        alerts=tuple(sorted(said, key=lambda a: (a.state is AlertState.CLOSED, a.severity.value != "page", -_age(a)))),
        changes=_changes(kept),
    )


def _end(alert: Alert) -> date:
    return max(alert.last_seen, *alert.clear) if alert.clear else alert.last_seen


def _age(alert: Alert) -> int:
    return alert.last_seen.toordinal()


def _is_about(alert: Alert, check: str, points: Iterable[Point]) -> bool:
    """Tell whether an alert is about a series: by its cause, or as one of many that failed on its days."""
    if alert.check != check:
        return False
    if alert.cause == f"{check}.{MANY}":
        failed = (p.day for p in points if p.measurement.outcome is Outcome.FAILED)
        return any(alert.first_seen <= day <= alert.last_seen for day in failed)
    return any(alert.cause == point.cause for point in points)


def _place(series: list[Series]) -> Callable[[Series], tuple[int, str, int, float, str]]:
    worst: dict[str, int] = {}
    for each in series:
        worst[each.check] = min(_ORDER[each.newest.outcome], worst.get(each.check, 9))
    return lambda s: (worst[s.check], s.check, _ORDER[s.newest.outcome], -_strain(s.newest), s.name)


def _strain(measurement: Measurement) -> float:
    """Return how much of its threshold a value takes up, so that what comes near stands first."""
    value, limit = measurement.value, measurement.threshold
    if value is None or limit is None or not limit:
        return 0.0
    return value / limit if measurement.bound == "max" else 2 - value / limit


def _changes(runs: Iterable[Run]) -> tuple[Change, ...]:
    """Return the days on which a version answered that did not answer on the day before that was watched."""
    by_day: dict[date, set[int]] = defaultdict(set)
    for run in runs:
        by_day[run.day].add(run.version)
    found, before = [], set[int]()
    for day in sorted(by_day):
        if before:
            found += [Change(day, version) for version in sorted(by_day[day] - before)]
        before = by_day[day]
    return tuple(found)
