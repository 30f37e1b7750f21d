"""The plan of the nightly watch, without Airflow."""

from slipway.plan.monitoring import plan_monitoring
from slipway.plan.tasks import Step


def test_what_changes_production_is_not_tried_again_by_itself():
    plan = {task.step: task for task in plan_monitoring()}
    assert plan[Step.REACT].retries == 0
    assert plan[Step.REACT].after == (Step.MONITOR,)
