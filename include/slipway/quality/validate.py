"""Gate 1: is the data that a version was made from what its contract, its suite and its signature say?

Rules
-----
1. The dataset's expectation suite runs on both files of the snapshot; :mod:`slipway.quality.suite` says what each
   severity means.
2. Signature and contract are checked on the rows that are kept: a row set aside has its verdict already. At most
   ``MAX_QUARANTINED`` of a file may be set aside.
3. Holdout rows that are also training rows, to the last digit or moved by a hair (:mod:`slipway.quality.twins`), and
   an input that gives the label away, are leaks, and stop the version.
4. Beside the champion's data: gross shifts (:mod:`slipway.quality.drift`), and an input that tells far more of the
   label than it did there (:mod:`slipway.quality.giveaway`), stop the version too.
5. A file with fewer rows than ``quality.min_rows`` decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.evidence import Findings
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Bound, Measurement
from slipway.core.version import VersionFiles
from slipway.quality.conformance import Violation, signature_violations
from slipway.quality.contract import contract_violations, load_contract
from slipway.quality.drift import Drift, drift_measurements, find_drift, not_compared
from slipway.quality.giveaway import MAX_GAIN, Gain, find_gains
from slipway.quality.leaks import LEAK, MIN_ROWS, LabelLeak, label_leak
from slipway.quality.quarantine import QUARANTINE_FILE, Split, quarantine_table, split_rows
from slipway.quality.snapshot import read_table
from slipway.quality.suite import RuleResult, Severity, Status, Suite, load_suite
from slipway.quality.twins import Twins, exact_twins, near_twins

if TYPE_CHECKING:
    import pandas as pd

MAX_QUARANTINED = 0.05
MAX_DUPLICATED = 0.01
REPORT_FILE = "validate_data.html"
Count = Callable[["pd.DataFrame", "pd.DataFrame", Sequence[str]], Twins]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The champion's snapshot, and in what the version's differs from it."""

    name: str
    frames: Mapping[str, pd.DataFrame]
    drift: tuple[Drift, ...]
    not_compared: tuple[str, ...]
    gains: tuple[Gain, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReview:
    """All that was found out about a snapshot; what the report shows."""

    suite: Suite
    frames: Mapping[str, pd.DataFrame]
    results: tuple[RuleResult, ...]
    splits: Mapping[str, Split]
    signature: Mapping[str, tuple[Violation, ...]]
    contract: Mapping[str, tuple[Violation, ...]]
    twins: Twins | None
    near: Twins | None
    leak: LabelLeak
    beside: Beside | None


def validate_data(
    *, files: VersionFiles, spec: ModelSpec, suite_dir: Path, out: Path, champion: VersionFiles | None = None
) -> Findings:
    """Validate a version's data snapshot.

    Parameters
    ----------
    champion : VersionFiles or None
        Whose snapshot it is compared with; None: a first release.
    suite_dir : Path
        The dataset's folder: ``suite.json`` and ``contract.yaml``.
    out : Path
        Gets ``validate_data.html``, ``data_docs/``, ``gx/`` and ``quarantine.parquet``.

    Raises
    ------
    GateConfigurationError
        If suite or contract are missing, empty or malformed.
    ArtifactError
        If a snapshot file is missing or is not Parquet.
    """
    from slipway.quality.checks import DOCS_DIR, run_suite
    from slipway.quality.validate_report import render

    suite, promises = load_suite(suite_dir), load_contract(suite_dir)
    frames = _frames(files)
    out.mkdir(parents=True, exist_ok=True)
    results = run_suite(suite, frames, out, subject=files.subject)
    splits = {name: split_rows(frame, (r for r in results if r.file == name)) for name, frame in frames.items()}
    review = DataReview(
        suite=suite,
        frames=frames,
        results=results,
        splits=splits,
        signature={name: signature_violations(split.kept, spec) for name, split in splits.items()},
        contract={name: contract_violations(split.kept, promises, spec) for name, split in splits.items()},
        twins=_twins(frames, (*spec.to_signature().names, spec.quality.label), exact_twins),
        near=_twins(frames, spec.to_signature().names, near_twins),
        leak=_strongest_leak(frames, spec),
        beside=None if champion is None else _beside(champion, frames, spec),
    )
    measurements = measure(review, spec)
    kept = out / QUARANTINE_FILE
    quarantine_table(frames, splits).to_parquet(kept, index=False)
    report, docs = out / REPORT_FILE, out / DOCS_DIR / "index.html"
    report.write_text(render(review, measurements, spec=spec, subject=files.subject), encoding="utf-8")
    return Findings(
        measurements=measurements,
        reports={
            str(report): "Data validation",
            str(docs): "Great Expectations Data Docs",
            str(kept): "Rows set aside",
        },
        details=_details(review),
    )


def measure(review: DataReview, spec: ModelSpec) -> tuple[Measurement, ...]:
    """Return everything that the gate decides on; pure."""
    found = [_rows(name, frame, spec) for name, frame in review.frames.items()]
    found.extend(_suite_measurements(review.results))
    for name, split in review.splits.items():
        found.append(_quarantine_share(name, split))
        found.append(_violation_count(f"signature.violations.{name}", review.signature[name], split))
        found.append(_violation_count(f"contract.violations.{name}", review.contract[name], split))
    rows = len(review.frames["holdout"])
    found.append(_twin_share("rows.duplicated_across_split", review.twins, rows))
    found.append(_twin_share("rows.near_duplicates_across_split", review.near, rows))
    leak = review.leak
    found.append(
        Measurement(
            name="label.leak",
            value=leak.strength,
            threshold=LEAK,
            bound=Bound.MAX,
            n=leak.rows,
            n_required=MIN_ROWS,
            note=f"the strongest single input is {leak.column or 'unknown'}",
        )
    )
    if review.beside is not None:
        found.extend(drift_measurements(review.beside.drift, review.beside.frames, review.frames, spec))
        found.append(_gain(review.beside.gains))
    return tuple(found)


def _rows(name: str, frame: pd.DataFrame, spec: ModelSpec) -> Measurement:
    need, rows = spec.quality.min_rows, len(frame)
    return Measurement(
        name=f"rows.{name}", value=rows, threshold=need, bound=Bound.MIN, unit="rows", n=rows, n_required=need
    )


def _suite_measurements(results: tuple[RuleResult, ...]) -> list[Measurement]:
    binding = [r for r in results if r.rule.severity is not Severity.WARN]
    failing = [r for r in binding if r.rule.severity is Severity.FAIL]
    broken = [r for r in failing if r.status is Status.BROKEN]
    errors = [r for r in binding if r.status is Status.ERROR]
    warned = [r for r in results if r.rule.severity is Severity.WARN and r.status is not Status.HELD]
    return [
        _count("expectations.failed", broken, len(failing)),
        _count("expectations.errors", errors, len(binding)),
        Measurement(name="warnings", value=len(warned), n=len(results) - len(binding), note=_named(warned)),
    ]


def _count(name: str, found: list[RuleResult], judged: int) -> Measurement:
    # Nothing of that severity is a declared choice; the suite itself is never empty.
    return Measurement(
        name=name, value=len(found), threshold=0, bound=Bound.MAX, n=judged, n_required=0, note=_named(found)
    )


def _named(results: list[RuleResult]) -> str:
    said = [f"{r.file}: {r.rule.sentence}: {r.message or r.observed}" for r in results]
    return "; ".join(said[:3]) + (f"; and {len(said) - 3} more" if len(said) > 3 else "")


def _quarantine_share(name: str, split: Split) -> Measurement:
    return Measurement(
        name=f"quarantine.share.{name}",
        value=split.share,
        threshold=MAX_QUARANTINED,
        bound=Bound.MAX,
        n=split.total,
        note=f"{len(split.reasons)} of {split.total} rows set aside, {len(split.kept)} kept",
    )


def _violation_count(name: str, violations: tuple[Violation, ...], split: Split) -> Measurement:
    said = "; ".join(v.sentence() for v in violations[:3])
    more = f"; and {len(violations) - 3} more" if len(violations) > 3 else ""
    return Measurement(
        name=name, value=len(violations), threshold=0, bound=Bound.MAX, n=len(split.kept), note=said + more
    )


def _frames(files: VersionFiles) -> dict[str, pd.DataFrame]:
    return {"train": read_table(files.train), "holdout": read_table(files.holdout)}


def _beside(champion: VersionFiles, frames: Mapping[str, pd.DataFrame], spec: ModelSpec) -> Beside:
    before = _frames(champion)
    drift = find_drift(before, frames, spec)
    return Beside(
        name=str(champion.subject),
        frames=before,
        drift=drift,
        not_compared=not_compared(drift, spec),
        gains=find_gains(before, frames, spec),
    )


def _twins(frames: Mapping[str, pd.DataFrame], columns: Sequence[str], count: Count) -> Twins | None:
    """Count twins by ``columns``; None where one of them is absent."""
    if any(name not in frame.columns for frame in frames.values() for name in columns):
        return None
    return count(frames["train"], frames["holdout"], columns)


def _twin_share(name: str, twins: Twins | None, rows: int) -> Measurement:
    said = "" if twins is None else f"{twins.found} of {twins.rows} holdout rows are also training rows"
    if twins is not None and twins.reach:
        said += f", give or take {twins.reach:.2g} standard deviations in each input"
    if twins is not None and twins.by_chance:
        said += f"; chance explains {twins.by_chance}"
    return Measurement(
        name=name,
        value=None if twins is None else twins.excess,
        threshold=MAX_DUPLICATED,
        bound=Bound.MAX,
        n=rows if twins is None else twins.rows,
        note=said,
    )


def _gain(gains: tuple[Gain, ...]) -> Measurement:
    name = "label.leak_gain"
    if not gains:
        return Measurement(
            name=name, value=None, threshold=MAX_GAIN, bound=Bound.MAX, n=0, note="no input is comparable"
        )
    top = gains[0]
    said = f"{top.column} in {top.file} alone orders the labels to {top.now:.3f}, the champion's to {top.before:.3f}"
    return Measurement(name=name, value=top.judged, threshold=MAX_GAIN, bound=Bound.MAX, n=top.rows, note=said)


def _strongest_leak(frames: Mapping[str, pd.DataFrame], spec: ModelSpec) -> LabelLeak:
    found = [label_leak(frame, spec) for frame in frames.values()]
    return max(found, key=lambda leak: -1.0 if leak.strength is None else leak.strength)


def _details(review: DataReview) -> dict[str, Any]:
    kept = {
        name: {"rows": split.total, "kept": len(split.kept), "quarantined": len(split.reasons)}
        for name, split in review.splits.items()
    }
    statuses = [r.status.value for r in review.results]
    return {
        "suite": review.suite.name,
        "expectations": {status.value: statuses.count(status.value) for status in Status},
        "rows": kept,
        "signature": {name: [v.sentence() for v in found] for name, found in review.signature.items()},
        "contract": {name: [v.sentence() for v in found] for name, found in review.contract.items()},
        "strongest_single_input": {"column": review.leak.column, "strength": review.leak.strength},
        "first_release": review.beside is None,
        "not_compared": [] if review.beside is None else list(review.beside.not_compared),
        "shifts": [] if review.beside is None else [_shift_json(d) for d in review.beside.drift if d.worth_saying],
    }


def _shift_json(drift: Drift) -> dict[str, Any]:
    return {
        "file": drift.file,
        "columns": list(drift.columns),
        "kind": drift.shift.kind.value,
        "effect": drift.shift.effect,
        "limit": drift.limit,
        "chance": drift.chance,
        "gross": drift.gross,
        "intended": drift.intended,
        "seen": drift.shift.seen,
    }
