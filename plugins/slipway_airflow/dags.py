"""Task plans become operators and edges, here and nowhere else.

``model_dags`` is what a DAG file calls; it reads the model's declaration and builds its DAGs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, CronDataIntervalTimetable, CronTriggerTimetable, Param

from slipway.core.loadprofile import LOAD_PROFILES
from slipway.core.spec import ModelSpec
from slipway.plan.monitoring import plan_monitoring
from slipway.plan.release import plan_release, plan_rollback
from slipway.plan.scoring import plan_scoring
from slipway.plan.tasks import Role, Step, TaskPlan
from slipway.settings import Settings
from slipway.specs import load_model
from slipway_airflow.ended import step_failed
from slipway_airflow.operators.approve import ApproveOperator, AskForApprovalOperator
from slipway_airflow.operators.build_image import BuildImageOperator
from slipway_airflow.operators.check_scores import CheckScoresOperator
from slipway_airflow.operators.deploy import DeployOperator
from slipway_airflow.operators.evaluate import EvaluateOperator
from slipway_airflow.operators.interval import END, START
from slipway_airflow.operators.load_test import LoadTestOperator
from slipway_airflow.operators.monitor import MonitorOperator
from slipway_airflow.operators.plan_partitions import PlanPartitionsOperator
from slipway_airflow.operators.profile_serving import ProfileServingOperator
from slipway_airflow.operators.promote import PromoteOperator
from slipway_airflow.operators.react import ReactOperator
from slipway_airflow.operators.rollback import RollbackOperator
from slipway_airflow.operators.run_scenarios import RunScenariosOperator
from slipway_airflow.operators.score_partition import ScorePartitionOperator
from slipway_airflow.operators.start_candidate import StartCandidateOperator
from slipway_airflow.operators.stop_candidate import StopCandidateOperator
from slipway_airflow.operators.tune_serving import TuneServingOperator
from slipway_airflow.operators.validate_data import ValidateDataOperator

PERFORMANCE_POOL = "performance"
RELEASE = "release"

OPERATORS: Mapping[Step, type[BaseOperator]] = {
    Step.VALIDATE_DATA: ValidateDataOperator,
    Step.EVALUATE: EvaluateOperator,
    Step.BUILD_IMAGE: BuildImageOperator,
    Step.START_CANDIDATE: StartCandidateOperator,
    Step.RUN_SCENARIOS: RunScenariosOperator,
    Step.PROFILE_SERVING: ProfileServingOperator,
    Step.TUNE_SERVING: TuneServingOperator,
    Step.LOAD_TEST: LoadTestOperator,
    Step.STOP_CANDIDATE: StopCandidateOperator,
    Step.APPROVE: ApproveOperator,
    Step.PROMOTE: PromoteOperator,
    Step.DEPLOY: DeployOperator,
    Step.ROLLBACK: RollbackOperator,
    Step.PLAN_PARTITIONS: PlanPartitionsOperator,
    Step.SCORE_PARTITION: ScorePartitionOperator,
    Step.CHECK_SCORES: CheckScoresOperator,
    Step.MONITOR: MonitorOperator,
    Step.REACT: ReactOperator,
}


def model_dags(model: str) -> tuple[DAG, ...]:
    """Build a model's DAGs: ``<model>.release``, ``<model>.rollback``; where declared ``<model>.score``, ``.monitor``.

    They register with the DAG file that calls this; the return value is for steps of the model's own.
    """
    spec = load_model(Settings.load(), model)
    dags = [
        _dag(spec, RELEASE, plan_release(spec), _release_params(), RELEASE_DOC),
        _dag(spec, "rollback", plan_rollback(), _rollback_params(), ROLLBACK_DOC),
    ]
    if spec.scoring is not None:
        each = spec.scoring.schedule and CronDataIntervalTimetable(spec.scoring.schedule, timezone="UTC")
        dags.append(_dag(spec, "score", plan_scoring(), _interval_params(), SCORE_DOC, schedule=each))
    if spec.monitoring is not None:
        nightly = spec.monitoring.schedule and CronTriggerTimetable(spec.monitoring.schedule, timezone="UTC")
        dags.append(_dag(spec, "monitor", plan_monitoring(), _interval_params(), MONITOR_DOC, schedule=nightly))
    return tuple(dags)


RELEASE_DOC = """
### {name}: release
{purpose}

Takes a registered version through every gate to production: data, quality, image, scenarios against the independent
reference, profile, tuning, load; then the approval, the alias and the traffic. The champion serves throughout.
Owner **{team}** ({contact}) · risk tier **{tier}**
"""

ROLLBACK_DOC = """
### {name}: rollback
Puts the previous champion of {name} back, from its warm service or from its image. Owner **{team}** ({contact})
"""


SCORE_DOC = """
### {name}: batch scoring
Scores the rows of an interval with the image that serves: rows that break the contract are set aside with their reason,
the others are answered, checked and written; a second run of the interval replaces its own rows and no others.
Owner **{team}** ({contact})
"""


MONITOR_DOC = """
### {name}: nightly watch
Compares the day's scored rows with the champion's reference, judges labels that came late, raises an alert for each
cause once, and does what is declared for a confirmed drift. Owner **{team}** ({contact})
"""


def _dag(
    spec: ModelSpec,
    kind: str,
    tasks: tuple[TaskPlan, ...],
    params: dict[str, Param],
    doc: str,
    *,
    schedule: Any = None,
) -> DAG:
    with DAG(
        dag_id=f"{spec.name}.{kind}",
        schedule=schedule,
        catchup=False,
        max_active_runs=1,
        params=params,
        doc_md=doc.format(
            name=spec.name,
            purpose=spec.purpose,
            team=spec.owner.team,
            contact=spec.owner.contact,
            tier=spec.risk_tier.value,
        ),
        tags=["slipway", kind, f"tier:{spec.risk_tier.value}", spec.owner.team],
        default_args={"owner": spec.owner.team} | ({"on_failure_callback": step_failed} if kind == RELEASE else {}),
    ) as dag:
        made: dict[Step, BaseOperator] = {}
        for plan in tasks:
            made[plan.step] = _operator(spec, plan, made)
        _wire(tasks, made)
    return dag


def _operator(spec: ModelSpec, plan: TaskPlan, made: Mapping[Step, BaseOperator]) -> BaseOperator:
    common: dict[str, Any] = {"task_id": plan.step.value, "model": spec.name, "retries": plan.retries}
    common["retry_delay"] = timedelta(seconds=5)
    if plan.needs_person:
        number = 2 if plan.step is Step.APPROVE_SECOND else 1
        return AskForApprovalOperator(**common, answer_within=timedelta(minutes=plan.timeout_minutes), number=number)
    if plan.performance:
        common["pool"] = PERFORMANCE_POOL
    common["execution_timeout"] = timedelta(minutes=plan.timeout_minutes)
    if plan.for_each_of is not None:
        return OPERATORS[plan.step].partial(**common).expand(item=made[plan.for_each_of].output)
    if plan.gathers:
        common["results"] = {step.value: made[step].output for step in plan.gathers}
    if plan.even_if_skipped:
        common["trigger_rule"] = "none_failed"
    return OPERATORS[plan.step](**common)


def _wire(tasks: tuple[TaskPlan, ...], made: Mapping[Step, BaseOperator]) -> None:
    for plan in tasks:
        for before in plan.after:
            made[before].set_downstream(made[plan.step])
    for plan in tasks:
        if plan.role is Role.TEARDOWN and plan.tears_down is not None:
            made[plan.step].as_teardown(setups=made[plan.tears_down])


def _release_params() -> dict[str, Param]:
    profiles = {name: f"{name}: {profile.description}" for name, profile in LOAD_PROFILES.items()}
    return {
        "version": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Version",
            description="The registered version; empty for the newest.",
        ),
        "load_profile": Param(
            "standard",
            type="string",
            enum=list(profiles),
            values_display=profiles,
            title="Load profile",
            description="What load the candidate must hold.",
        ),
        "reason": Param(
            None, type=["null", "string"], maxLength=500, title="Reason", description="Why now; kept in the ledger."
        ),
    }


def _interval_params() -> dict[str, Param]:
    def end(title: str, which: str) -> Param:
        said = f"{which} of the interval, UTC; empty for the schedule's own."
        return Param(None, type=["null", "string"], format="date-time", title=title, description=said)

    return {START: end("From", "Start"), END: end("To", "End, not included,")}


def _rollback_params() -> dict[str, Param]:
    return {
        "reason": Param(
            None,
            type=["null", "string"],
            maxLength=500,
            title="Reason",
            description="What is wrong; kept in the ledger.",
        )
    }
