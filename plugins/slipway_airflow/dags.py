"""Task plans become operators and edges, here and nowhere else.

``model_dags`` is what a DAG file calls; it reads the model's declaration and builds its DAGs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, Param

from slipway.core.loadprofile import LOAD_PROFILES
from slipway.core.spec import ModelSpec
from slipway.plan.release import plan_release, plan_rollback
from slipway.plan.tasks import Role, Step, TaskPlan
from slipway.settings import Settings
from slipway.specs import load_model
from slipway_airflow.ended import step_failed
from slipway_airflow.operators.approve import ApproveOperator, AskForApprovalOperator
from slipway_airflow.operators.build_image import BuildImageOperator
from slipway_airflow.operators.deploy import DeployOperator
from slipway_airflow.operators.evaluate import EvaluateOperator
from slipway_airflow.operators.load_test import LoadTestOperator
from slipway_airflow.operators.profile_serving import ProfileServingOperator
from slipway_airflow.operators.promote import PromoteOperator
from slipway_airflow.operators.rollback import RollbackOperator
from slipway_airflow.operators.run_scenarios import RunScenariosOperator
from slipway_airflow.operators.start_candidate import StartCandidateOperator
from slipway_airflow.operators.stop_candidate import StopCandidateOperator
from slipway_airflow.operators.tune_serving import TuneServingOperator
from slipway_airflow.operators.validate_data import ValidateDataOperator

PERFORMANCE_POOL = "performance"
RELEASE = "release"

OPERATORS: Mapping[Step, Callable[..., BaseOperator]] = {
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
}


def model_dags(model: str) -> tuple[DAG, ...]:
    """Build a model's DAGs: ``<model>.release`` and ``<model>.rollback``.

    They register with the DAG file that calls this; the return value is for steps of the model's own.
    """
    spec = load_model(Settings.load(), model)
    return (
        _dag(spec, RELEASE, plan_release(spec), _release_params(), RELEASE_DOC),
        _dag(spec, "rollback", plan_rollback(), _rollback_params(), ROLLBACK_DOC),
    )


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


def _dag(spec: ModelSpec, kind: str, tasks: tuple[TaskPlan, ...], params: dict[str, Param], doc: str) -> DAG:
    with DAG(
        dag_id=f"{spec.name}.{kind}",
        schedule=None,
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
        _wire(tasks, {plan.step: _operator(spec, plan) for plan in tasks})
    return dag


def _operator(spec: ModelSpec, plan: TaskPlan) -> BaseOperator:
    common: dict[str, Any] = {"task_id": plan.step.value, "model": spec.name, "retries": plan.retries}
    common["retry_delay"] = timedelta(seconds=5)
    if plan.needs_person:
        return AskForApprovalOperator(**common, answer_within=timedelta(minutes=plan.timeout_minutes))
    if plan.performance:
        common["pool"] = PERFORMANCE_POOL
    return OPERATORS[plan.step](**common, execution_timeout=timedelta(minutes=plan.timeout_minutes))


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
