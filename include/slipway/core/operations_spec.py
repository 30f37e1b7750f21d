"""The parts of model.yaml about what happens after a release: deployment, batch scoring, monitoring."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from slipway.core.part import Part


class StoreSpec(Part):
    """Where rows are: a folder of Parquet files, or a table of a database behind an Airflow connection.

    A relative folder is below the project's ``var``. ``time_column`` holds each row's time, in UTC.
    """

    folder: str | None = Field(default=None, min_length=1)
    connection: str | None = Field(default=None, min_length=1)
    table: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$")

    @model_validator(mode="after")
    def _one_of_both(self) -> StoreSpec:
        if (self.folder is None) == (self.connection is None) or (self.connection is None) != (self.table is None):
            raise ValueError("give either folder, or connection and table")
        return self

    @property
    def label(self) -> str:
        """Short text for reports."""
        return self.folder or f"{self.connection}: {self.table}"


class ScoringSpec(Part):
    """Batch scoring: where the rows come from, where the answers go, and when.

    ``schedule`` is a cron line, each run scoring the interval that has just ended; None: on demand only. ``keys`` are
    the source's columns that identify a row: they are written beside each answer. ``max_set_aside`` is the share of an
    interval's rows that may be set aside, with their reasons, before the run fails.
    """

    schedule: str | None = None
    source: StoreSpec
    sink: StoreSpec
    time_column: str = Field(default="at", min_length=1)
    keys: tuple[str, ...] = Field(min_length=1)
    partition_rows: int = Field(default=100_000, ge=1)
    max_set_aside: float = Field(default=0.01, ge=0, le=1)


class Act(StrEnum):
    """What a confirmed drift leads to."""

    NONE = "none"
    RETRAIN = "retrain"
    ROLLBACK = "rollback"


class ReactionSpec(Part):
    """What is done when drift is confirmed; ``dag`` is the one to trigger for ``retrain``."""

    do: Act = Act.NONE
    dag: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _retrain_names_its_dag(self) -> ReactionSpec:
        if (self.do is Act.RETRAIN) != (self.dag is not None):
            raise ValueError("dag goes with do: retrain, and only with it")
        return self


class RouteSpec(Part):
    """Who hears of alerts of ``severity`` and worse; e-mail goes through Airflow's SMTP connection."""

    to: Literal["log", "webhook", "email"]
    severity: Literal["note", "page"] = "note"
    url: str | None = Field(default=None, pattern=r"^https?://[^/]")
    addresses: tuple[Annotated[str, Field(pattern=r"^[^@,\s]+@[^@,\s]+$")], ...] = ()

    @model_validator(mode="after")
    def _target_fits(self) -> RouteSpec:
        if (self.to == "webhook") != (self.url is not None) or (self.to == "email") != bool(self.addresses):
            raise ValueError("url goes with to: webhook, addresses with to: email, and each is needed there")
        return self


class LabelsSpec(Part):
    """Where the truth arrives, some days later: rows of the same keys with the label's column."""

    source: StoreSpec
    time_column: str = Field(default="at", min_length=1)
    expected_within_days: int = Field(default=14, ge=1)


class MonitoringSpec(Part):
    """Nightly watch over the champion's scored days; ``false_alarms_per_month`` is per model, over all its checks.

    ``confirm_days``: how many days in a row a drift must show before it is a page; one that is far beyond its threshold
    is one at once.
    """

    schedule: str | None = "0 3 * * *"
    false_alarms_per_month: float = Field(default=1.0, gt=0, lt=15)
    confirm_days: int = Field(default=2, ge=1)
    labels: LabelsSpec | None = None
    routes: tuple[RouteSpec, ...] = ()
    reaction: ReactionSpec = ReactionSpec()


class DeploymentSpec(Part):
    """How traffic moves to a new version."""

    strategy: Literal["switch", "canary"] = "switch"
    canary_steps: tuple[int, ...] = ()
    watch_seconds: float = Field(default=5, ge=1, le=3600)
    replicas: int = Field(default=1, ge=1, le=1)

    @model_validator(mode="after")
    def _steps_rise(self) -> DeploymentSpec:
        steps = list(self.canary_steps)
        if (self.strategy == "canary") != bool(steps):
            raise ValueError("canary_steps go with strategy: canary, and only with it")
        if steps != sorted(set(steps)) or any(not 0 < step < 100 for step in steps):
            raise ValueError("canary_steps must rise, each between 1 and 99 percent")
        return self
