"""Gate 2: is a version good enough, by itself, on every declared part, and beside the champion?

Rules
-----
1. The version answers its own holdout in a process of its own. An answer that is not finite stops it. Rows that the
   data's producer sets aside (quarantine) are no evidence about a model: they are not scored, but counted.
2. Each declared metric is held against its threshold, overall and on each slice; each fairness difference against its
   limit (:mod:`slipway.quality.slices`).
3. The champion answers the *same* rows. Those that the champion was trained on flatter it: they are left out as long
   as ``FAIR_ROWS`` others remain. Otherwise all rows are compared: a version that holds against a flattered champion
   holds, and one that does not was not judged fairly (INCONCLUSIVE).
4. The challenger is stopped when the paired bootstrap shows that it is worse than the champion by more than
   ``champion_margin`` (:mod:`slipway.quality.compare`). Without a champion there is nothing to compare: a first
   release is recorded as one, and the other rules decide.
5. It is stopped when it is surely and materially wrong on a part of the holdout that nobody declared
   (:mod:`slipway.quality.discover`): beside the champion, or, in a first release, by itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
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
from slipway.quality.discover import Search, search
from slipway.quality.leaks import duplicated_rows
from slipway.quality.measured import FAIR_ROWS, comparison_measurements, part_json, search_measurements
from slipway.quality.metrics import Array
from slipway.quality.predictions import TIMEOUT_S, predict
from slipway.quality.slices import Group, Scored, fairness_interval, fairness_measurement, slice_measurement
from slipway.quality.snapshot import read_table, write_without

if TYPE_CHECKING:
    import pandas as pd

REPORT_FILE = "evaluate.html"
SHOWN = 10


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
    search: Search
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
    both = [files] if champion is None else [files, champion]
    with ThreadPoolExecutor(max_workers=len(both)) as threads:  # each waits for a process of its own
        predicted, *others = threads.map(lambda v: predict(v, holdout, signature, timeout_s=timeout_s), both)
    rival = None
    if champion is not None:
        rival = Rival(name=str(champion.subject), predicted=others[0], trained_on=_trained_on(champion, frame, spec))
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
    details["fairness_intervals"] = {
        name: fairness_interval(scored, fairness) for name, fairness in zip(groups, spec.quality.fairness, strict=True)
    }
    comparison = None
    if rival is not None:
        comparison, details["champion"] = _beside(spec, truth, predicted, rival)
        found.extend(comparison_measurements(comparison, spec, fair=details["champion"]["fair"]))
    parts = _search(spec, frame, truth, predicted, rival)
    found.extend(search_measurements(parts))
    details["worst_parts"] = [part_json(part) for part in parts.found[:SHOWN]]
    return Quality(
        scored=scored,
        measurements=tuple(found),
        groups=groups,
        comparison=comparison,
        search=parts,
        details=details,
    )


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


def _metric(scored: Scored, declared: MetricThreshold, spec: ModelSpec) -> Measurement:
    rows, need = int(scored.behind(declared.name).sum()), spec.quality.min_rows
    return Measurement(
        name=declared.name.value,
        value=scored.value(declared.name) if len(scored.truth) else None,
        threshold=declared.threshold,
        bound=Bound.MIN if declared.name.higher_is_better else Bound.MAX,
        n=rows,
        # ``min_rows`` is about the holdout: a metric of some of its rows needs as many of them as a slice does.
        n_required=need if rows == len(scored.truth) else min(FAIR_ROWS, need),
    )


def _beside(spec: ModelSpec, truth: Array, predicted: Array, rival: Rival) -> tuple[Comparison, dict[str, Any]]:
    usable = np.isfinite(predicted) & np.isfinite(rival.predicted)
    rows = _fair_rows(usable, rival)
    excluded = bool((usable & ~rows).any())
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
        "fair": not bool(rival.trained_on[rows].any()),
        "rows_compared": comparison.rows,
        "predictions_not_finite": int((~np.isfinite(rival.predicted)).sum()),
        "interval": [comparison.low, comparison.high],
    }


def _fair_rows(usable: NDArray[np.bool_], rival: Rival) -> NDArray[np.bool_]:
    """Return the rows to compare on: those new to the champion if there are enough, else all (rule 3)."""
    fresh = usable & ~rival.trained_on
    return fresh if int(fresh.sum()) >= FAIR_ROWS else usable


def _search(spec: ModelSpec, frame: pd.DataFrame, truth: Array, predicted: Array, rival: Rival | None) -> Search:
    """Search for parts beside the champion where that is fair, else the version by itself."""
    rows, champion = np.isfinite(predicted), None
    if rival is not None:
        both = _fair_rows(rows & np.isfinite(rival.predicted), rival)
        if both.any() and not rival.trained_on[both].any():
            rows, champion = both, rival.predicted[both]
    return search(
        frame[rows].reset_index(drop=True),
        truth[rows],
        predicted[rows],
        champion=champion,
        columns=spec.to_signature().names,
        chances=spec.task is Task.CLASSIFICATION,
    )


def _trained_on(champion: VersionFiles, holdout: pd.DataFrame, spec: ModelSpec) -> NDArray[np.bool_]:
    """Return which holdout rows are in the champion's training data, by all inputs and the label that both have."""
    train = read_table(champion.train)
    both = [n for n in (*spec.to_signature().names, spec.quality.label) if n in train and n in holdout]
    return duplicated_rows(train, holdout, both) if both else np.zeros(len(holdout), dtype=bool)
