"""Gate 2: is a version good enough, by itself, on every declared part, and beside the champion?

Rules
-----
1. The version answers its own holdout in a process of its own. An answer that is not finite stops it. Rows that the
   data's producer sets aside (quarantine) are no evidence about a model: they are not scored, but counted.
2. Each declared metric is held against its threshold, overall and on each slice; each fairness difference against its
   limit (:mod:`slipway.quality.slices`).
3. The champion answers the *same* rows. Those that the champion was trained on flatter it: they are left out as long
   as ``min_rows`` others remain; otherwise all rows are compared, and the details say so.
4. The challenger is stopped when the paired bootstrap shows that it is worse than the champion by more than
   ``champion_margin`` (:mod:`slipway.quality.compare`). Without a champion there is nothing to compare: a first
   release is recorded as one, and the other rules decide.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slipway.core.evidence import Findings
from slipway.core.spec import MetricThreshold, ModelSpec, Task
from slipway.core.verdict import Bound, Measurement
from slipway.core.version import VersionFiles
from slipway.errors import ArtifactError
from slipway.quality.compare import Comparison, compare
from slipway.quality.leaks import duplicated_rows
from slipway.quality.metrics import Array
from slipway.quality.predictions import TIMEOUT_S, predict
from slipway.quality.slices import Group, Scored, fairness_measurement, slice_measurement
from slipway.quality.snapshot import read_table, write_without

if TYPE_CHECKING:
    import pandas as pd

REPORT_FILE = "evaluate.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """The champion's answers to the challenger's holdout, and which of its rows it was trained on."""

    name: str
    predicted: Array
    trained_on: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """All that was found out about a version; what the report shows."""

    scored: Scored
    measurements: tuple[Measurement, ...]
    groups: dict[str, tuple[Group, ...]]
    comparison: Comparison | None
    details: dict[str, Any]


def evaluate(
    *,
    files: VersionFiles,
    spec: ModelSpec,
    champion: VersionFiles | None,
    out: Path,
    set_aside: Collection[int] = (),
    timeout_s: float = TIMEOUT_S,
) -> Findings:
    """Evaluate a version on its holdout, and beside the champion if there is one.

    Parameters
    ----------
    champion : VersionFiles or None
        None: a first release.
    out : Path
        Gets ``evaluate.html``.
    set_aside : collection of int
        Positions of the holdout rows that the data gate has set aside.
    timeout_s : float
        Seconds that each model may take for the whole holdout.

    Raises
    ------
    ArtifactError
        If the holdout cannot be read or has no usable label.
    CommandError
        If a model crashes or takes too long.
    """
    from slipway.quality.evaluate_report import render

    with tempfile.TemporaryDirectory(prefix="slipway-evaluate-") as folder:
        holdout = files.holdout
        if set_aside:
            holdout = write_without(holdout, set_aside, Path(folder) / holdout.name)
        quality = _judged(files, spec, champion, holdout=holdout, set_aside=len(set_aside), timeout_s=timeout_s)
    out.mkdir(parents=True, exist_ok=True)
    report = out / REPORT_FILE
    report.write_text(render(quality, spec=spec, subject=files.subject), encoding="utf-8")
    return Findings(
        measurements=quality.measurements, reports={str(report): "Model evaluation"}, details=quality.details
    )


def _judged(
    files: VersionFiles,
    spec: ModelSpec,
    champion: VersionFiles | None,
    *,
    holdout: Path,
    set_aside: int,
    timeout_s: float,
) -> Quality:
    """Let both versions answer the rows of ``holdout``, and judge."""
    signature = spec.to_signature()
    frame = read_table(holdout)
    truth = labels(frame, spec)
    predicted = predict(files, holdout, signature, timeout_s=timeout_s)
    rival = None
    if champion is not None:
        rival = Rival(
            name=str(champion.subject),
            predicted=predict(champion, holdout, signature, timeout_s=timeout_s),
            trained_on=_trained_on(champion, frame, spec),
        )
    return judge(spec, frame, truth, predicted, rival=rival, set_aside=set_aside)


def judge(
    spec: ModelSpec, frame: pd.DataFrame, truth: Array, predicted: Array, *, rival: Rival | None, set_aside: int = 0
) -> Quality:
    """Return what follows from the predictions; pure. Rows without a finite prediction are counted, then left out.

    ``set_aside`` is the number of holdout rows that are not in ``frame``; it is only recorded.
    """
    finite = np.isfinite(predicted)
    threshold = spec.quality.positive_threshold
    scored = Scored(frame=frame[finite], truth=truth[finite], predicted=predicted[finite], positive_threshold=threshold)
    found = [
        Measurement(
            name="predictions.not_finite",
            value=int((~finite).sum()),
            threshold=0,
            bound=Bound.MAX,
            unit="rows",
            n=len(truth),
            n_required=spec.quality.min_rows,
        )
    ]
    found.extend(_metric(scored, declared, spec) for declared in spec.quality.metrics)
    found.extend(slice_measurement(scored, part) for part in spec.quality.slices)
    groups = {}
    for fairness in spec.quality.fairness:
        measurement, groups[measurement.name] = fairness_measurement(scored, fairness)
        found.append(measurement)
    total = len(truth) + set_aside
    said = f"{set_aside} of {total} holdout rows set aside by the producer's suite, {len(truth)} scored"
    found.append(Measurement(name="rows.set_aside", value=set_aside, unit="rows", n=total, note=said))
    details: dict[str, Any] = {
        "first_release": rival is None,
        "holdout_rows": total,
        "rows_scored": len(truth),
        "rows_set_aside": set_aside,
    }
    comparison = None
    if rival is not None:
        comparison, details["champion"] = _beside(spec, truth, predicted, rival)
        found.extend(comparison_measurements(comparison, spec))
    return Quality(scored=scored, measurements=tuple(found), groups=groups, comparison=comparison, details=details)


def labels(frame: pd.DataFrame, spec: ModelSpec) -> Array:
    """Return the holdout's labels; ArtifactError if they are absent, not numbers, or not 0 and 1 where they must be."""
    import pandas as pd

    name = spec.quality.label
    if name not in frame.columns:
        raise ArtifactError(f"the holdout has no label {name!r}", remedy="log the label with the snapshot")
    truth = np.asarray(pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan))
    good = np.isin(truth, (0, 1)) if spec.task is Task.CLASSIFICATION else np.isfinite(truth)
    if not good.all():
        wanted = "0 or 1" if spec.task is Task.CLASSIFICATION else "a finite number"
        raise ArtifactError(
            f"in {int((~good).sum())} holdout rows the label {name!r} is not {wanted}", remedy="correct the snapshot"
        )
    return truth


def comparison_measurements(comparison: Comparison, spec: ModelSpec) -> tuple[Measurement, ...]:
    """Return the judged upper end of the interval, and beside it what is only recorded."""
    name, rows = comparison.metric, comparison.rows
    low, high = comparison.low, comparison.high
    seen = "the interval is not defined" if low is None or high is None else f"95 % interval [{low:.4g}, {high:.4g}]"
    return (
        Measurement(
            name=f"champion.{name}_difference",
            value=high,
            threshold=0.0 - spec.quality.champion_margin,
            bound=Bound.MIN,
            n=rows,
            n_required=spec.quality.min_rows,
            note=f"upper end; positive is better than the champion; {seen}, estimate {comparison.difference:.4g}",
        ),
        Measurement(name=f"champion.{name}", value=comparison.champion, n=rows, note="the champion on the same rows"),
        Measurement(name=f"champion.{name}_difference_estimate", value=comparison.difference, n=rows),
        Measurement(
            name=f"champion.{name}_resolution",
            value=comparison.resolution,
            n=rows,
            note="the smallest loss that these rows can show",
        ),
    )


def _metric(scored: Scored, declared: MetricThreshold, spec: ModelSpec) -> Measurement:
    return Measurement(
        name=declared.name.value,
        value=scored.value(declared.name) if len(scored.truth) else None,
        threshold=declared.threshold,
        bound=Bound.MIN if declared.name.higher_is_better else Bound.MAX,
        n=len(scored.truth),
        n_required=spec.quality.min_rows,
    )


def _beside(spec: ModelSpec, truth: Array, predicted: Array, rival: Rival) -> tuple[Comparison, dict[str, Any]]:
    usable = np.isfinite(predicted) & np.isfinite(rival.predicted)
    fresh = usable & ~rival.trained_on
    excluded = bool(rival.trained_on.any()) and int(fresh.sum()) >= spec.quality.min_rows
    rows = fresh if excluded else usable
    comparison = compare(
        spec.quality.champion_metric,
        truth[rows],
        predicted[rows],
        rival.predicted[rows],
        positive_threshold=spec.quality.positive_threshold,
    )
    return comparison, {
        "name": rival.name,
        "rows_trained_on": int(rival.trained_on.sum()),
        "rows_trained_on_excluded": excluded,
        "rows_compared": comparison.rows,
        "predictions_not_finite": int((~np.isfinite(rival.predicted)).sum()),
        "interval": [comparison.low, comparison.high],
    }


def _trained_on(champion: VersionFiles, holdout: pd.DataFrame, spec: ModelSpec) -> NDArray[np.bool_]:
    """Return which holdout rows are in the champion's training data, by all inputs and the label that both have."""
    train = read_table(champion.train)
    both = [n for n in (*spec.to_signature().names, spec.quality.label) if n in train and n in holdout]
    return duplicated_rows(train, holdout, both) if both else np.zeros(len(holdout), dtype=bool)
