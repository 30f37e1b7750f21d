"""The plan of batch scoring, without Airflow."""

from slipway.plan.scoring import plan_scoring
from slipway.plan.tasks import Step


def test_there_is_one_task_for_each_partition():
    plan = {task.step: task for task in plan_scoring()}
    assert plan[Step.SCORE_PARTITION].for_each_of is Step.PLAN_PARTITIONS


def test_what_was_written_is_checked_when_every_partition_has_ended():
    plan = {task.step: task for task in plan_scoring()}
    assert set(plan[Step.CHECK_SCORES].after) == {Step.PLAN_PARTITIONS, Step.SCORE_PARTITION}
