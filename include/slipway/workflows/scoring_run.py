"""A run of batch scoring: which interval, whose rows, which version answers; and where everything is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from slipway.core.identity import Subject
from slipway.core.operations_spec import ScoringSpec, StoreSpec
from slipway.core.service import BuiltImage
from slipway.core.serving_options import ServingOptions
from slipway.errors import EvidenceError, SpecError
from slipway.ledger.entries import SERVING_KINDS, Entry, EntryKind
from slipway.scoring import Interval, Limits, Partition, Stamp, Summary, open_sink, open_source
from slipway.settings import Settings
from slipway.workflows.deploy import recorded_options
from slipway.workflows.release import folder_name
from slipway.workflows.retirement import require_in_service
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    from slipway.scoring.parquet_sink import ParquetSink
    from slipway.scoring.parquet_source import ParquetSource
    from slipway.scoring.sql_sink import SqlSink
    from slipway.scoring.sql_source import SqlSource

Connect = Callable[[str], str]
"""A connection's name to its SQLAlchemy URL."""

RUNS_COMPARED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringRun:
    """One run.

    Attributes
    ----------
    id : str
        The DAG run's id.
    model : str
    interval : Interval
    connect : callable
    """

    id: str
    model: str
    interval: Interval
    connect: Connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The version that answers in a run: its bytes, and how it is started. Settled once, when the run is planned."""

    subject: Subject
    image: BuiltImage
    options: ServingOptions

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "subject": self.subject.to_json(),
            "image": self.image.to_json(),
            "options": self.options.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Answering:
        """Read what :meth:`to_json` wrote."""
        return cls(
            subject=Subject.from_json(data["subject"]),
            image=BuiltImage.from_json(data["image"]),
            options=ServingOptions.from_json(data["options"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What one task does: a partition, and who answers. JSON, since it goes from task to task."""

    run_id: str
    planned_at: datetime
    answering: Answering
    partition: Partition

    @property
    def stamp(self) -> Stamp:
        """What its answers carry."""
        return Stamp(subject=self.answering.subject, run_id=self.run_id, scored_at=self.planned_at)

    @property
    def service_name(self) -> str:
        """The name of the service that answers for it, the same when it is tried again."""
        subject = self.answering.subject
        run = folder_name(self.run_id)[-40:].strip("._-").lower()
        return f"slipway-{subject.model}-v{subject.version}-score-{run}-{self.partition.index}"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "run_id": self.run_id,
            "planned_at": self.planned_at.isoformat(),
            "answering": self.answering.to_json(),
            "partition": self.partition.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Assignment:
        """Read what :meth:`to_json` wrote."""
        return cls(
            run_id=data["run_id"],
            planned_at=datetime.fromisoformat(data["planned_at"]),
            answering=Answering.from_json(data["answering"]),
            partition=Partition.from_json(data["partition"]),
        )


def answering_now(bench: Workbench, model: str) -> Answering:
    """Return the version that serves now, its image and files checked to be the bytes that were judged.

    Raises
    ------
    EvidenceError
        If nothing serves, the model was decommissioned, or something has changed since.
    """
    require_in_service(bench, model)
    entries = bench.ledger.entries(model=model, kinds=SERVING_KINDS)
    if not entries:
        raise EvidenceError(
            f"{model} was never deployed, so nobody can score", remedy=f"release a version: `slipway release {model}`"
        )
    answering = _answering(entries[-1])
    subject, image = answering.subject, answering.image
    files = bench.registry.files(model, subject.version)
    if files.subject.artifact_sha256 != subject.artifact_sha256:
        raise EvidenceError(
            f"the registry's files of {subject} have changed since they were deployed",
            remedy="restore the artifact, or release a new version",
        )
    bench.verify_image(image, files)
    return answering


def recorded_answering(bench: Workbench, model: str, version: int) -> Answering:
    """Return a version as it served last; EvidenceError if it never did."""
    entries = bench.ledger.entries(model=model, version=version, kinds=SERVING_KINDS)
    if not entries:
        raise EvidenceError(
            f"{model} version {version} has never served, and rows carry its stamp",
            remedy="find out who wrote them; the sink belongs to this project alone",
        )
    return _answering(entries[-1])


def _answering(entry: Entry) -> Answering:
    return Answering(
        subject=Subject.from_json(entry.payload["subject"]),
        image=BuiltImage.from_json(entry.payload["image"]),
        options=recorded_options(entry),
    )


def declared_scoring(bench: Workbench, model: str) -> ScoringSpec:
    """Return a model's declaration of batch scoring; SpecError if it has none."""
    scoring = bench.spec(model).scoring
    if scoring is None:
        raise SpecError(f"{model} declares no batch scoring", remedy="add `scoring:` to its model.yaml")
    return scoring


def source_of(bench: Workbench, run: ScoringRun) -> ParquetSource | SqlSource:
    """Return where a run's rows come from."""
    scoring = declared_scoring(bench, run.model)
    url, table = place(bench.settings, scoring.source, run.connect)
    return open_source(url, time_column=scoring.time_column, keys=scoring.keys, table=table)


def sink_of(bench: Workbench, run: ScoringRun) -> ParquetSink | SqlSink:
    """Return where a run's answers go."""
    scoring = declared_scoring(bench, run.model)
    url, table = place(bench.settings, scoring.sink, run.connect)
    return open_sink(url, staging=bench.settings.var / "scoring" / "staging", table=table)


def quarantine_of(bench: Workbench) -> ParquetSink:
    """Return where rows go that were set aside: Parquet files below ``var``, in a folder for each model."""
    from slipway.scoring.parquet_sink import ParquetSink

    return ParquetSink(bench.settings.var / "scoring" / "quarantine")


def limits_of(scoring: ScoringSpec) -> Limits:
    """Return how far a run may go."""
    return Limits(max_set_aside=scoring.max_set_aside)


def place(settings: Settings, store: StoreSpec, connect: Connect) -> tuple[str, str | None]:
    """Return a declared store as a URL and a table; a folder has no table."""
    if store.folder is not None:
        return str(settings.var / store.folder), None
    assert store.connection is not None
    return connect(store.connection), store.table


def last_summaries(bench: Workbench, run: ScoringRun) -> tuple[Summary, ...]:
    """Return how the answers of the last other intervals were spread, one summary each, newest last."""
    entries = bench.ledger.entries(model=run.model, kinds=[EntryKind.SCORING])
    by_interval = {entry.payload["interval"]["start"]: entry for entry in entries}
    before = [
        entry.payload["summary"]
        for start, entry in sorted(by_interval.items())
        if datetime.fromisoformat(start) < run.interval.start.astimezone(UTC)
    ]
    return tuple(Summary.from_json(summary) for summary in before[-RUNS_COMPARED:])
