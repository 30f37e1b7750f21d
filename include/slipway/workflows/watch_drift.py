"""One version's day beside its reference: the drift checks, our page and Evidently's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.operations_spec import MonitoringSpec
from slipway.core.verdict import Measurement
from slipway.drift.calibration import CalibrationStore
from slipway.drift.evidently_report import evidently_report
from slipway.drift.page import drift_page
from slipway.drift.result import DriftResult
from slipway.drift.run import Effort, Watched, Window, watch_drift
from slipway.drift.tables import FrameTable
from slipway.monitoring.values import CheckResult
from slipway.workflows.scoring_run import Answering
from slipway.workflows.watch_reference import reference_rows
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    import pandas as pd

DRIFT, PREDICTION_DRIFT = "drift", "prediction_drift"
BUDGET_S = 120.0
_OF_A_CHECK = ("value.", "missing.")


def drift_results(
    bench: Workbench,
    monitoring: MonitoringSpec,
    answering: Answering,
    frame: pd.DataFrame,
    *,
    folder: Path,
    about: Mapping[str, Any],
) -> tuple[CheckResult, ...]:
    """Compare a day of one version with its reference; write the pages.

    Parameters
    ----------
    frame : DataFrame
        Inputs and answers of the day.
    folder : Path
        For the pages, below the reports folder.
    about : mapping
        Model, version and day.
    """
    watched = Watched.of(bench.spec(answering.subject.model).to_signature())
    reference, current = FrameTable(reference_rows(bench, answering)), FrameTable(frame)
    found = watch_drift(
        watched,
        Window(table=reference),
        Window(table=current),
        effort=Effort(alarms_per_month=monitoring.false_alarms_per_month, budget_s=BUDGET_S),
        store=CalibrationStore(bench.settings.var / "monitoring" / answering.subject.model / "calibrations"),
    )
    out = bench.settings.reports / folder
    out.mkdir(parents=True, exist_ok=True)
    version = answering.subject.version
    beside = out / f"evidently-v{version}.html"
    evidently_report(reference, current, watched.kinds, beside, first=tuple(c.name for c in found.columns))
    page = out / f"drift-v{version}.html"
    page.write_text(
        drift_page(found, answering.subject, window=f"{about['day']}", evidently=beside.name), encoding="utf-8"
    )
    report = page.relative_to(bench.settings.reports).as_posix()
    bench.say(f"drift of {answering.subject} on {about['day']}: {found.outcome}. {found.sentence}")
    return tuple(_result(check, part, report, about) for check, part in _parts(found).items() if part)


def _parts(found: DriftResult) -> dict[str, tuple[Measurement, ...]]:
    """Return the measurements of the inputs and those of the answers, apart: they say different things."""
    answers = tuple(m for m in found.measurements if column_of(m) == "prediction")
    inputs = tuple(m for m in found.measurements if column_of(m) != "prediction")
    return {DRIFT: inputs, PREDICTION_DRIFT: answers}


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
