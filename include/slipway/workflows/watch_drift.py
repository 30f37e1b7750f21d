"""One version's day beside its reference: inputs and answers apart, each with our page and Evidently's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.identity import Subject
from slipway.core.operations_spec import MonitoringSpec
from slipway.core.verdict import Measurement, Outcome
from slipway.drift.calibration import CalibrationStore
from slipway.drift.evidently_report import evidently_report
from slipway.drift.page import drift_page
from slipway.drift.result import DriftResult
from slipway.drift.run import ANSWERS_SHARE, Effort, Watched, Window, watch_drift
from slipway.drift.tables import FrameTable
from slipway.monitoring.values import CheckResult
from slipway.workflows.scoring_run import Answering
from slipway.workflows.watch_reference import watch_reference
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    import pandas as pd

DRIFT, PREDICTION_DRIFT = "drift", "prediction_drift"
BUDGET_S = 120.0
_OF_A_CHECK = ("value.", "missing.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """One of a night's comparisons: the check, what it watches of which rows, its share of the false alarms."""

    check: str
    title: str
    watched: Watched
    reference: pd.DataFrame
    share: float

    def page(self, version: int, kind: str = "") -> str:
        """Return the file name of a page: ours, or of another ``kind``."""
        return f"{kind}{self.check.replace('_', '-')}-v{version}.html"


def drift_results(
    bench: Workbench,
    monitoring: MonitoringSpec,
    answering: Answering,
    frame: pd.DataFrame,
    *,
    folder: Path,
    about: Mapping[str, Any],
) -> tuple[CheckResult, ...]:
    """Compare a day of one version with its reference, inputs and answers apart; write the pages.

    The declared rate of false alarms is shared between the two comparisons.

    Parameters
    ----------
    frame : DataFrame
        Inputs and answers of the day.
    folder : Path
        For the pages, below the reports folder.
    about : mapping
        Model, version and day.
    """
    current = FrameTable(frame)
    store = CalibrationStore(bench.settings.var / "monitoring" / answering.subject.model / "calibrations")
    effort = Effort(alarms_per_month=monitoring.false_alarms_per_month, budget_s=BUDGET_S)
    results = []
    for one in _comparisons(bench, answering):
        reference = Window(table=FrameTable(one.reference))
        found = watch_drift(one.watched, reference, Window(table=current), effort=effort.share(one.share), store=store)
        bench.say(f"{one.title} of {answering.subject} on {about['day']}: {found.outcome}. {found.sentence}")
        page = _write_pages(bench.settings.reports / folder, one, found, answering.subject, current, f"{about['day']}")
        report = page.relative_to(bench.settings.reports).as_posix()
        measurements = _own(one.check, found)
        if measurements:
            results.append(_result(one.check, measurements, report, about))
    return tuple(results)


def _comparisons(bench: Workbench, answering: Answering) -> tuple[_Comparison, ...]:
    signature, known = bench.spec(answering.subject.model).to_signature(), watch_reference(bench, answering)
    return (
        _Comparison(
            check=DRIFT, title="Drift", watched=Watched.inputs_of(signature),
            reference=known.inputs, share=1 - ANSWERS_SHARE,
        ),
        _Comparison(
            check=PREDICTION_DRIFT, title="Prediction drift", watched=Watched.answer_of(signature),
            reference=known.answers, share=ANSWERS_SHARE,
        ),
    )  # fmt: skip


def _write_pages(
    out: Path, one: _Comparison, found: DriftResult, subject: Subject, current: FrameTable, window: str
) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    beside, page = (out / one.page(subject.version, kind) for kind in ("evidently-", ""))
    first = tuple(column.name for column in found.columns)
    evidently_report(FrameTable(one.reference), current, one.watched.kinds, beside, first=first)
    shown = drift_page(found, subject, window=window, evidently=beside.name, title=one.title)
    page.write_text(shown, encoding="utf-8")
    return page


def _own(check: str, found: DriftResult) -> tuple[Measurement, ...]:
    """Return what a check says itself: that the day has too few rows is one cause, and the inputs' to tell."""
    if check == DRIFT:
        return found.measurements
    short = any(m.name == "drift.rows" and m.outcome is not Outcome.PASSED for m in found.measurements)
    return () if short else tuple(m for m in found.measurements if m.name != "drift.rows")


def _result(check: str, measurements: tuple[Measurement, ...], report: str, about: Mapping[str, Any]) -> CheckResult:
    causes = {m.name: f"{check}.{column_of(m)}" for m in measurements}
    return CheckResult(check=check, measurements=measurements, report=report, causes=causes, **about)


def column_of(measurement: Measurement) -> str:
    """Return the column that a measurement is about: all checks of a column make one alert.

    >>> column_of(Measurement(name="drift.missing.age", value=0.0))
    'age'
    """
    name = measurement.name.removeprefix("drift.")
    for check in _OF_A_CHECK:
        name = name.removeprefix(check)
    return name
