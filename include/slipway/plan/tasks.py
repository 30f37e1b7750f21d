"""Task plans: what a DAG holds, before anything makes operators of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The steps that have a workflow; each is named as its operator and its module."""

    VALIDATE_DATA = "validate_data"
    EVALUATE = "evaluate"
    BUILD_IMAGE = "build_image"
    START_CANDIDATE = "start_candidate"
    RUN_SCENARIOS = "run_scenarios"
    PROFILE_SERVING = "profile_serving"
    TUNE_SERVING = "tune_serving"
    LOAD_TEST = "load_test"
    STOP_CANDIDATE = "stop_candidate"
    APPROVE = "approve"
    APPROVE_SECOND = "approve_second"
    PROMOTE = "promote"
    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    PLAN_PARTITIONS = "plan_partitions"
    SCORE_PARTITION = "score_partition"
    CHECK_SCORES = "check_scores"
    MONITOR = "monitor"
    REACT = "react"
    AUDIT = "audit"
    RETAIN = "retain"
    REPRODUCE = "reproduce"


class Role(StrEnum):
    """How Airflow treats a task: a teardown runs whenever its setup succeeded."""

    WORK = "work"
    SETUP = "setup"
    TEARDOWN = "teardown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlan:
    """One task.

    Attributes
    ----------
    step : Step
    after : tuple of Step
        What must have succeeded before.
    role : Role
    tears_down : Step or None
        The setup step that a teardown belongs to.
    performance : bool
        Whether it measures time: such tasks run one at a time on a host.
    needs_person : bool
        Whether it waits for a person.
    for_each_of : Step or None
        The step whose result is a list: there is one task for each of its items.
    gathers : tuple of Step
        The steps whose results it is given.
    even_if_skipped : bool
        Whether it runs although a step before it had nothing to do.
    retries : int
        Further tries after an error; a gate's verdict is never tried again.
    timeout_minutes : int
        For a step that needs a person: how long the answer may take; it then fails closed.
    """

    step: Step
    after: tuple[Step, ...] = ()
    role: Role = Role.WORK
    tears_down: Step | None = None
    performance: bool = False
    needs_person: bool = False
    for_each_of: Step | None = None
    gathers: tuple[Step, ...] = ()
    even_if_skipped: bool = False
    retries: int = 1
    timeout_minutes: int = 30
