"""The release of one version: gates first, then the approval, then production.

Rules
-----
1. Every gate comes before the approval, so that a person decides on complete evidence. A high risk tier is approved by
   two persons, the second asked after the first.
2. What measures time runs one at a time on a host.
3. The candidate is stopped whatever happened to the gates that used it.
4. Nothing that changes production is tried again by itself.
"""

from __future__ import annotations

from dataclasses import replace

from slipway.core.spec import ModelSpec
from slipway.plan.tasks import Role, Step, TaskPlan

APPROVAL_MINUTES = 8 * 60


def plan_release(spec: ModelSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of ``<model>.release``."""
    return (
        TaskPlan(step=Step.VALIDATE_DATA),
        TaskPlan(step=Step.EVALUATE, after=(Step.VALIDATE_DATA,)),
        TaskPlan(step=Step.BUILD_IMAGE, after=(Step.EVALUATE,), timeout_minutes=60),
        TaskPlan(step=Step.START_CANDIDATE, after=(Step.BUILD_IMAGE,), role=Role.SETUP),
        TaskPlan(step=Step.RUN_SCENARIOS, after=(Step.START_CANDIDATE,)),
        TaskPlan(step=Step.PROFILE_SERVING, after=(Step.RUN_SCENARIOS,), performance=True),
        TaskPlan(step=Step.TUNE_SERVING, after=(Step.PROFILE_SERVING,), performance=True),
        TaskPlan(step=Step.LOAD_TEST, after=(Step.TUNE_SERVING,), performance=True),
        TaskPlan(
            step=Step.STOP_CANDIDATE,
            after=(Step.LOAD_TEST,),
            role=Role.TEARDOWN,
            tears_down=Step.START_CANDIDATE,
            retries=2,
        ),
        *_approvals(spec),
        TaskPlan(step=Step.PROMOTE, after=(_approvals(spec)[-1].step,), retries=0),
        TaskPlan(step=Step.DEPLOY, after=(Step.PROMOTE,), retries=0),
    )


def _approvals(spec: ModelSpec) -> tuple[TaskPlan, ...]:
    """Return one question for each person who must approve; the policy decides in the same place."""
    first = TaskPlan(
        step=Step.APPROVE,
        after=(Step.LOAD_TEST, Step.STOP_CANDIDATE),
        needs_person=spec.risk_tier.needs_person,
        retries=0,
        timeout_minutes=APPROVAL_MINUTES,
    )
    second = replace(first, step=Step.APPROVE_SECOND, after=(Step.APPROVE,))
    return (first, second) if spec.risk_tier.people > 1 else (first,)


def plan_rollback() -> tuple[TaskPlan, ...]:
    """Return the tasks of ``<model>.rollback``: the contingency, so one step and no gate in its way."""
    return (TaskPlan(step=Step.ROLLBACK, retries=0),)
