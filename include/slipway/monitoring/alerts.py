"""Alerts, decided: one for each cause, confirmed before it is loud, closed when it is over.

Rules
-----
1. A failed measurement opens a note on the first day. It becomes a page when the next day with data fails too
   (``confirm_days``), or at once when the value is far beyond its threshold (``far``) or the result is a fact. If a
   night gives a false alarm with probability a, independently of the others, it ends in a false page with about a
   squared: checks that give one false alarm in 30 nights page falsely in one night of 900.
2. *Far*: at most ``threshold`` allowed and ``far`` times that measured; of a share with a minimum, ``far`` times the
   allowed remainder missing (0.97 wanted, 0.94 seen is twice the remainder of 0.03). A threshold of 0 has no far.
3. A cause that passes on ``clear_days`` days in a row closes its alert. A cause that was not measured, or about which
   nothing can be told, keeps it: silence is no recovery.
4. What cannot be told (INCONCLUSIVE) for ``untold_days`` days in a row becomes one note for each check.
5. More than ``group_above`` causes of one check that are new on one night are one alert, ``<check>.many``: they have a
   cause in common. An alert that is open keeps its own.
6. Days count, not runs: a rerun of a day changes nothing, unless it finds something else, and then replaces what that
   day said. Days that are told late, many in one night, count one by one. A day older than the newest about which
   something was known before decides nothing any more.
7. Where two versions served in the span, the worse result of a cause counts, and the alert names that version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from slipway.core.verdict import Outcome
from slipway.monitoring.signals import Signal, by_day, grouped, signals_of
from slipway.monitoring.values import CheckResult, Severity


class AlertState(StrEnum):
    """Watched: seen, and not yet worth saying."""

    WATCHED = "watched"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """When an alert is raised, how loud, and when it is over; see the rules above."""

    confirm_days: int = 2
    far: float = 2.0
    clear_days: int = 2
    untold_days: int = 3
    group_above: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One cause for concern about one model.

    Attributes
    ----------
    model, cause, check : str
        ``cause`` is stable from night to night, for instance ``drift.mean_radius``.
    severity, state : Severity, AlertState
    version : int
        The version on which it was seen last.
    first_seen, last_seen : date
        Days of the data.
    said, next_step : str
        What was seen last, and what to do next.
    seen, clear : tuple of date
        The days in a row, up to now, on which it was there, or was not; one of them is empty.
    """

    model: str
    cause: str
    check: str
    severity: Severity
    state: AlertState
    version: int
    first_seen: date
    last_seen: date
    said: str
    next_step: str
    seen: tuple[date, ...] = ()
    clear: tuple[date, ...] = ()

    @property
    def key(self) -> str:
        """What it goes by for ever: model, cause and its first day."""
        return f"{self.model}/{self.cause}/{self.first_seen}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDecision:
    """What a night changes: alerts as they are afterwards.

    ``escalated`` were notes and are pages now. ``kept`` holds all that go on, those watched included; ``forgotten``
    were watched, never said, and are over.
    """

    opened: tuple[Alert, ...] = ()
    escalated: tuple[Alert, ...] = ()
    kept: tuple[Alert, ...] = ()
    closed: tuple[Alert, ...] = ()
    forgotten: tuple[Alert, ...] = ()

    @property
    def standing(self) -> tuple[Alert, ...]:
        """The alerts that are open afterwards."""
        return tuple(a for a in (*self.opened, *self.escalated, *self.kept) if a.state is AlertState.OPEN)

    @property
    def every(self) -> tuple[Alert, ...]:
        """All alerts that the night touched or left as they were."""
        return (*self.opened, *self.escalated, *self.kept, *self.closed, *self.forgotten)


def decide_alerts(
    standing: Iterable[Alert],
    results: Iterable[CheckResult],
    rule: AlertRule,
    *,
    told: Mapping[str, date] | None = None,
) -> AlertDecision:
    """Return what a night's results change about a model's alerts.

    Parameters
    ----------
    standing : iterable of Alert
        The model's watched and open alerts.
    results : iterable of CheckResult
        Of one model; any number of days and versions. Several days end as they would have in a night each.
    rule : AlertRule
    told : mapping of str to date, optional
        For each check, the newest day about which it told something before this night (rule 6).
    """
    before = {alert.cause: alert for alert in standing}
    now, over = dict(before), list[Alert]()
    for day in by_day(results, told or {}):
        for signal in grouped(signals_of(day, far=rule.far), now.keys(), above=rule.group_above):
            alert = _after(now.get(signal.cause), signal, day[0].model, rule)
            if alert is not None:
                now[signal.cause] = alert
            if alert is not None and alert.state is AlertState.CLOSED:
                over.append(now.pop(signal.cause))
    return _sorted({alert.key: alert for alert in before.values()}, [*now.values(), *over])


def _sorted(before: Mapping[str, Alert], after: Iterable[Alert]) -> AlertDecision:
    groups: dict[str, list[Alert]] = {name: [] for name in ("opened", "escalated", "kept", "closed", "forgotten")}
    for alert in after:
        groups[_change(before.get(alert.key), alert)].append(alert)
    return AlertDecision(**{name: tuple(alerts) for name, alerts in groups.items()})


def _change(old: Alert | None, new: Alert) -> str:
    known = old is not None and old.state is AlertState.OPEN
    if new.state is AlertState.CLOSED:
        return "closed" if known else "forgotten"
    if new.state is AlertState.OPEN and not known:
        return "opened"
    return "escalated" if old is not None and known and old.severity is not new.severity else "kept"


def _after(alert: Alert | None, signal: Signal, model: str, rule: AlertRule) -> Alert | None:
    if signal.outcome is Outcome.PASSED:
        return None if alert is None else _cleared(alert, signal, rule)
    start = alert or Alert(
        model=model,
        cause=signal.cause,
        check=signal.check,
        severity=Severity.NOTE,
        state=AlertState.WATCHED,
        version=signal.version,
        first_seen=signal.day,
        last_seen=signal.day,
        said=signal.said,
        next_step=signal.next_step,
    )
    return _seen(start, signal, rule)


def _seen(alert: Alert, signal: Signal, rule: AlertRule) -> Alert:
    days = tuple(sorted({*alert.seen, signal.day}))
    confirmed = signal.certain or signal.far or len(days) >= rule.confirm_days
    loud = confirmed and signal.outcome is Outcome.FAILED and signal.at_most is Severity.PAGE
    worth_saying = signal.outcome is Outcome.FAILED or len(days) >= rule.untold_days
    return replace(
        alert,
        severity=Severity.PAGE if loud else alert.severity,
        state=AlertState.OPEN if worth_saying else alert.state,
        version=signal.version,
        last_seen=max(alert.last_seen, signal.day),
        said=signal.said,
        next_step=signal.next_step,
        seen=days[-max(rule.confirm_days, rule.untold_days) :],
        clear=(),
    )


def _cleared(alert: Alert, signal: Signal, rule: AlertRule) -> Alert:
    withdrawn = alert.seen == (signal.day,) and alert.first_seen == signal.day
    clear = tuple(sorted({*alert.clear, signal.day}))
    enough = 1 if alert.state is AlertState.WATCHED or signal.untold else rule.clear_days
    over = withdrawn or len(clear) >= enough
    return replace(alert, state=AlertState.CLOSED if over else alert.state, seen=(), clear=clear[-rule.clear_days :])
