"""model.yaml, parsed: strict, frozen, every problem reported at once.

One declaration, everything derived: the request schema, the scenario suite, the load payloads, the batch contract
and the model card's table all come from here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from slipway.core.golden import Tolerance
from slipway.core.governance_spec import ApprovalSpec, AuditSpec, ReleaseSpec, RetentionSpec
from slipway.core.identity import parse_model_name
from slipway.core.operations_spec import DeploymentSpec, MonitoringSpec, ScoringSpec
from slipway.core.part import Part
from slipway.core.signature import Column, DType, ExtraColumns, Output, Policy, Signature


def _policy(declared: object) -> object:
    from slipway.errors import SignatureError

    try:
        return Policy.parse(declared)
    except SignatureError as error:
        raise ValueError(error.reason) from error


DeclaredPolicy = Annotated[Policy, BeforeValidator(_policy), PlainSerializer(lambda p: p.to_json())]
ModelName = Annotated[str, BeforeValidator(lambda v: _checked_name(v))]


def _checked_name(value: object) -> str:
    from slipway.errors import IdentityError

    try:
        return parse_model_name(str(value))
    except IdentityError as error:
        raise ValueError(f"{error.reason}; {error.remedy}") from error


class RiskTier(StrEnum):
    """How much harm a wrong answer can do; sets the approval policy."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def needs_person(self) -> bool:
        """Whether a person must approve; a low tier is approved by policy, and the ledger says so."""
        return self is not RiskTier.LOW

    @property
    def people(self) -> int:
        """How many different persons must approve."""
        return {RiskTier.LOW: 0, RiskTier.MEDIUM: 1, RiskTier.HIGH: 2}[self]


class Task(StrEnum):
    """What kind of answer the model gives; decides which metrics apply."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class Owner(Part):
    """Who answers for the model."""

    team: str = Field(min_length=1)
    contact: str = Field(min_length=1)


class ColumnSpec(Part):
    """One declared input; see :class:`slipway.core.signature.Column`."""

    name: str = Field(min_length=1)
    dtype: DType
    unit: str = "1"
    min: float | None = None
    max: float | None = None
    nullable: bool = False
    categories: tuple[str, ...] = ()
    on_missing: DeclaredPolicy = Policy.parse("reject")
    on_out_of_range: DeclaredPolicy = Policy.parse("reject")
    description: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> ColumnSpec:
        self.to_column()
        return self

    def to_column(self) -> Column:
        """Return it as a value of the core; ValueError if it contradicts itself."""
        from slipway.errors import SignatureError

        try:
            return Column(**{name: getattr(self, name) for name in type(self).model_fields if name != "description"})
        except SignatureError as error:
            raise ValueError(error.reason) from error


class OutputSpec(Part):
    """What the model answers; ``index`` picks a column of a class-probability matrix."""

    name: str = Field(min_length=1)
    dtype: DType = DType.FLOAT
    unit: str = "1"
    min: float | None = None
    max: float | None = None
    index: int | None = Field(default=None, ge=0)


class SignatureSpec(Part):
    """Declared inputs and output."""

    inputs: tuple[ColumnSpec, ...] = Field(min_length=1)
    output: OutputSpec
    extra_columns: ExtraColumns = ExtraColumns.REJECT

    @model_validator(mode="after")
    def _names_once(self) -> SignatureSpec:
        names = [column.name for column in self.inputs]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"inputs declared twice: {', '.join(twice)}")
        return self

    def to_signature(self) -> Signature:
        """Return it as a value of the core."""
        return Signature(
            inputs=tuple(column.to_column() for column in self.inputs),
            output=Output(**self.output.model_dump()),
            extra_columns=self.extra_columns,
        )


class ReferenceSpec(Part):
    """The independent ground truth, and how far an answer may lie from it.

    An answer agrees if ``|a - b| <= absolute_tolerance + relative_tolerance * |b|``, b being the reference's, or if at
    most ``ulp_tolerance`` units in the last place lie between the two (of single precision if ``single_precision``).
    """

    entry_point: str = Field(default="reference.py:score", pattern=r"^[A-Za-z0-9_/]+\.py:[A-Za-z_][A-Za-z0-9_]*$")
    absolute_tolerance: float = Field(default=1e-9, ge=0)
    relative_tolerance: float = Field(default=1e-6, ge=0)
    ulp_tolerance: int = Field(default=0, ge=0)
    single_precision: bool = False

    @property
    def tolerance(self) -> Tolerance:
        """How far an answer may lie from the reference's."""
        return Tolerance(
            absolute=self.absolute_tolerance,
            relative=self.relative_tolerance,
            ulps=self.ulp_tolerance,
            single=self.single_precision,
        )


class Objectives(Part):
    """What the service must hold: latency, errors, resources."""

    p95_ms: float = Field(default=200, gt=0)
    p99_ms: float = Field(default=300, gt=0)
    error_rate: float = Field(default=0.0, ge=0, lt=1)
    arrival_rate_per_s: float = Field(default=20, gt=0, le=10_000)
    startup_seconds: float = Field(default=30, gt=0)
    memory_mb: int = Field(default=512, ge=64)
    cpus: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Objectives:
        if self.p99_ms < self.p95_ms:
            raise ValueError(f"p99_ms {self.p99_ms} is below p95_ms {self.p95_ms}")
        return self


class MetricName(StrEnum):
    """Quality metrics; the sign that is better is part of the name's meaning."""

    ROC_AUC = "roc_auc"
    ACCURACY = "accuracy"
    RECALL = "recall"
    PRECISION = "precision"
    LOG_LOSS = "log_loss"
    RMSE = "rmse"
    MAE = "mae"
    R2 = "r2"

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger value is the better one."""
        return self not in (MetricName.LOG_LOSS, MetricName.RMSE, MetricName.MAE)

    @property
    def task(self) -> Task:
        """The task it applies to."""
        return Task.REGRESSION if self in (MetricName.RMSE, MetricName.MAE, MetricName.R2) else Task.CLASSIFICATION


class MetricThreshold(Part):
    """A metric and its limit: a minimum where higher is better, else a maximum."""

    name: MetricName
    threshold: float


class SliceSpec(Part):
    """A part of the data on which a metric must hold by itself."""

    column: str
    min: float | None = None
    max: float | None = None
    equals: str | float | None = None
    metric: MetricName
    threshold: float
    min_rows: int = Field(default=30, ge=1)

    @property
    def label(self) -> str:
        """Short text for reports, for instance ``age ≥ 50`` or ``14 ≤ age < 50``; ``min`` is in, ``max`` is not."""
        if self.equals is not None:
            return f"{self.column}={self.equals}"
        if self.min is None:
            return f"{self.column} known" if self.max is None else f"{self.column} < {self.max:g}"
        return f"{self.column} ≥ {self.min:g}" if self.max is None else f"{self.min:g} ≤ {self.column} < {self.max:g}"


class FairnessSpec(Part):
    """A declared group, and how far a metric may differ between its values."""

    column: str
    split_at: float | None = None
    metric: Literal["selection_rate", "recall", "accuracy", "mae", "mean_error"]
    max_difference: float = Field(gt=0)
    min_rows: int = Field(default=30, ge=1)


class DriftSpec(Part):
    """How far a version's data may lie from the champion's; see :mod:`slipway.quality.drift`.

    ``severity`` warn records every shift and stops nothing. ``intended`` names columns (label included) whose shift is
    wanted: they are recorded and do not stop. The limits are shares of the rows, so that they need no unit:
    ``max_shift`` for a distribution as a whole and for missing values, ``max_share`` for categories, single values,
    absent parts of the population and repeated rows, ``max_relation`` for the change of a rank correlation.
    """

    severity: Literal["fail", "warn"] = "fail"
    intended: tuple[str, ...] = ()
    max_shift: float = Field(default=0.25, gt=0, le=1)
    max_share: float = Field(default=0.15, gt=0, le=1)
    max_relation: float = Field(default=0.4, gt=0, le=2)


class QualitySpec(Part):
    """When a model is good enough."""

    label: str = Field(min_length=1)
    positive_threshold: float = 0.5
    metrics: tuple[MetricThreshold, ...] = Field(min_length=1)
    champion_metric: MetricName
    champion_margin: float = Field(default=0.0, ge=0, description="how much worse than the champion is still fine")
    slices: tuple[SliceSpec, ...] = ()
    fairness: tuple[FairnessSpec, ...] = ()
    drift: DriftSpec = DriftSpec()
    min_rows: int = Field(default=50, ge=1)


class ModelSpec(Part):
    """The whole of model.yaml."""

    name: ModelName
    purpose: str = Field(min_length=1)
    owner: Owner
    stakeholders: tuple[str, ...] = ()
    risk_tier: RiskTier
    dataset: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    registered_model: ModelName
    task: Task
    signature: SignatureSpec
    reference: ReferenceSpec = ReferenceSpec()
    objectives: Objectives = Objectives()
    quality: QualitySpec
    scoring: ScoringSpec | None = None
    monitoring: MonitoringSpec | None = None
    release: ReleaseSpec = ReleaseSpec()
    approval: ApprovalSpec = ApprovalSpec()
    audit: AuditSpec = AuditSpec()
    deployment: DeploymentSpec = DeploymentSpec()
    retention: RetentionSpec = RetentionSpec()

    @model_validator(mode="after")
    def _fits_together(self) -> ModelSpec:
        problems = [
            f"quality.metrics: {metric} is for {metric.task}, the model does {self.task}"
            for metric in (*(m.name for m in self.quality.metrics), self.quality.champion_metric)
            if metric.task is not self.task
        ]
        names = {column.name for column in self.signature.inputs}
        if self.quality.label in names:
            problems.append(
                f"quality.label: {self.quality.label!r} is also an input: the model would see its own answer"
            )
        unknown = sorted({*self.quality.drift.intended} - names - {self.quality.label})
        if unknown:
            problems.append(f"quality.drift.intended: {', '.join(unknown)} is neither an input nor the label")
        undecidable = self.approval.problem(self.risk_tier.people)
        if undecidable:
            problems.append(f"approval: {undecidable}")
        if self.monitoring is not None and self.scoring is None:
            problems.append("monitoring: the nightly watch reads the days that batch scoring scored; declare scoring")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def to_signature(self) -> Signature:
        """Return the declared signature as a value of the core."""
        return self.signature.to_signature()

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as JSON values."""
        return self.model_dump(mode="json")
