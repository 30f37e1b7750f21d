"""The nightly watch over one champion: a day beside its reference, labels that came late, alerts, and the pages.

Rules
-----
1. A day is judged by the rows that were scored; each version that answered is judged by its own.
2. What cannot be told is INCONCLUSIVE and is said when it lasts; nothing here fails because a day is bad news.
3. Numbers, alerts and the reaction are kept in one transaction. A second run of the night replaces its own numbers and
   says nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.operations_spec import MonitoringSpec, ScoringSpec
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Measurement
from slipway.errors import SpecError
from slipway.monitoring.alerts import AlertRule
from slipway.monitoring.deliver import SendMail, channels_for, deliver
from slipway.monitoring.inputs import input_result, kinds_of, schema_result
from slipway.monitoring.performance import join_labels, labels_result, performance_result
from slipway.monitoring.reaction import ReactionRule
from slipway.monitoring.rules import LOG_ALONE, Route, RouteKind, WatchRules
from slipway.monitoring.store import MonitoringStore, Night
from slipway.monitoring.values import CheckResult, Severity
from slipway.scoring import Interval
from slipway.workflows.scoring_run import Answering, ScoringRun, answering_now, declared_scoring, recorded_answering
from slipway.workflows.tell import tell_watch
from slipway.workflows.watch_drift import drift_results
from slipway.workflows.watch_record import record_watch
from slipway.workflows.watch_trend import write_trend
from slipway.workflows.watched_rows import DayRows, arrived_labels, day_rows
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One night of one model: the day, what is declared, who serves now."""

    run: ScoringRun
    spec: ModelSpec
    scoring: ScoringSpec
    monitoring: MonitoringSpec
    champion: Answering

    @property
    def folder(self) -> Path:
        """Where the day's pages go, below the reports folder."""
        return Path(self.spec.name) / "monitoring" / f"{self.run.interval.start:%Y-%m-%d}"

    def about(self, version: int | None = None) -> dict[str, Any]:
        """Return whose results they are."""
        version = self.champion.subject.version if version is None else version
        return {"model": self.spec.name, "version": version, "day": self.run.interval.start.date()}


def monitor(bench: Workbench, run: ScoringRun, *, send_mail: SendMail | None = None) -> dict[str, Any]:
    """Judge a day, and return what was found: outcomes by check, alerts, the pages' paths.

    Raises
    ------
    SpecError
        If the model declares no monitoring, or no scoring whose days could be watched.
    EvidenceError
        If nothing serves.
    """
    spec = bench.spec(run.model)
    if spec.monitoring is None:
        raise SpecError(f"{run.model} declares no monitoring", remedy="add `monitoring:` to its model.yaml")
    watch = Watch(
        run=run,
        spec=spec,
        scoring=declared_scoring(bench, run.model),
        monitoring=spec.monitoring,
        champion=answering_now(bench, run.model),
    )
    tell_watch(bench, run, watch.champion.subject, None)
    rows = day_rows(bench, run, watch.scoring)
    results = (*_about_input(watch, rows), *_about_answers(bench, watch, rows), *_about_labels(bench, watch))
    store, rules = open_store(bench), rules_of(spec.monitoring)
    night = store.close_night(results, rules, champion=watch.champion.subject.version)
    delivered = deliver(store, channels_for(rules.routes, send_mail=send_mail))
    trend = write_trend(bench, store, run.model, until=run.interval.start.date())
    for alert in night.alerts.opened:
        bench.say(f"{alert.severity.value}: {alert.cause}: {alert.said}")
    tell_watch(bench, run, watch.champion.subject, record_watch(bench, run, watch.champion.subject, results))
    return _told(results, night, trend) | {"notices_sent": delivered.sent, "notices_failed": len(delivered.failed)}


def open_store(bench: Workbench) -> MonitoringStore:
    """Return where the nightly numbers and alerts are."""
    return MonitoringStore(bench.settings.monitoring_url, clock=bench.now)


def rules_of(monitoring: MonitoringSpec) -> WatchRules:
    """Return what was declared, as the watch has it; without routes alerts go to the log."""
    routes = tuple(
        Route(kind=RouteKind(one.to), severity=Severity(one.severity), target=one.url or ",".join(one.addresses))
        for one in monitoring.routes
    )
    return WatchRules(
        alerts=AlertRule(confirm_days=monitoring.confirm_days),
        routes=routes or LOG_ALONE,
        reaction=ReactionRule(act=monitoring.reaction.do, dag=monitoring.reaction.dag or ""),
    )


def _about_input(watch: Watch, rows: DayRows) -> Iterator[CheckResult]:
    """Give what came: how many rows, of which columns, and how many were set aside."""
    about, signature = watch.about(), watch.spec.to_signature()
    inputs = rows.inputs
    yield input_result(None if inputs is None else len(inputs), due=True, **about)
    if inputs is None or inputs.empty:
        return
    own = (*watch.scoring.keys, watch.scoring.time_column)
    yield schema_result(kinds_of(inputs), signature, own=own, **about)
    if rows.runs:
        judged = [Measurement.from_json(m) for m in rows.runs[-1].payload["measurements"]]
        aside = tuple(m for m in judged if m.name == "rows.set_aside")
        yield CheckResult(check="quality", measurements=aside, certain=True, **about)


def _about_answers(bench: Workbench, watch: Watch, rows: DayRows) -> Iterator[CheckResult]:
    for version, frame in sorted(rows.answered.items()):
        champion = watch.champion
        same = version == champion.subject.version
        answering = champion if same else recorded_answering(bench, watch.spec.name, version)
        yield from drift_results(
            bench, watch.monitoring, answering, frame, folder=watch.folder, about=watch.about(version)
        )


def _about_labels(bench: Workbench, watch: Watch) -> Iterator[CheckResult]:
    """Judge each day whose labels may still arrive, again with those that are there now."""
    labels = watch.monitoring.labels
    if labels is None:
        return
    arrived = {}
    for interval in days_before(watch.run.interval, labels.expected_within_days):
        run = ScoringRun(id=watch.run.id, model=watch.run.model, interval=interval, connect=watch.run.connect)
        answers = day_rows(bench, run, watch.scoring).answered  # slices are cut by the inputs
        known = arrived_labels(bench, labels, run, until=watch.run.interval) if answers else None
        counted = 0
        for version, answered in answers.items():
            result, count = _performance(watch, answered, known, interval, version)
            counted += count
            if count:
                yield result
        arrived[interval.start.date()] = (sum(map(len, answers.values())), counted)
    yield labels_result(
        arrived,
        model=watch.spec.name,
        version=watch.champion.subject.version,
        today=watch.run.interval.start.date(),
        after_days=labels.expected_within_days,
    )


def _performance(
    watch: Watch, answered: pd.DataFrame, labels: pd.DataFrame | None, interval: Interval, version: int
) -> tuple[CheckResult, int]:
    import pandas as pd

    spec, (key, *_) = watch.spec, watch.scoring.keys
    output, label = spec.to_signature().output.name, spec.quality.label
    known = pd.DataFrame(columns=[key, label]) if labels is None or labels.empty else labels
    joined = join_labels(answered, known, answer=output, label=label, row_id=key)
    result = performance_result(spec, joined, version=version, day=interval.start.date())
    return result, len(joined.truth)


def days_before(interval: Interval, count: int) -> list[Interval]:
    """Return an interval and the ``count`` ones of its length before it, oldest first."""
    length = interval.end - interval.start
    steps: list[timedelta] = [length * back for back in range(count, -1, -1)]
    return [Interval(interval.start - step, interval.end - step) for step in steps]


def _told(results: tuple[CheckResult, ...], night: Night, trend: str) -> dict[str, Any]:
    return {
        "checks": [
            {
                "check": result.check,
                "version": result.version,
                "day": result.day.isoformat(),
                "outcome": None if result.outcome is None else result.outcome.value,
                "report": result.report,
            }
            for result in results
        ],
        "alerts": [
            {"cause": alert.cause, "severity": alert.severity.value, "said": alert.said, "next_step": alert.next_step}
            for alert in night.alerts.standing
        ],
        "reaction": None if night.reaction is None else night.reaction.key,
        "trend": trend,
    }
