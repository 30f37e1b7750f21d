"""The release plan, without Airflow."""

import pytest

from slipway.core.evidence import REQUIRED_CHECKS
from slipway.plan.release import plan_release, plan_rollback
from slipway.plan.tasks import Role, Step
from tests.fakes.specs import a_spec


def reaches(plan, step):
    """Every step that must have succeeded before ``step``."""
    before = {task.step: set(task.after) for task in plan}
    seen, todo = set(), list(before[step])
    while todo:
        current = todo.pop()
        if current not in seen:
            seen.add(current)
            todo.extend(before[current])
    return seen


@pytest.mark.parametrize("check", REQUIRED_CHECKS)
@pytest.mark.parametrize("step", [Step.APPROVE, Step.PROMOTE, Step.DEPLOY])
def test_every_gate_comes_before(step, check):
    assert Step(check.value) in reaches(plan_release(a_spec()), step)


def test_the_candidate_is_torn_down_after_whatever_used_it():
    plan = {task.step: task for task in plan_release(a_spec())}
    assert plan[Step.START_CANDIDATE].role is Role.SETUP
    assert plan[Step.STOP_CANDIDATE].role is Role.TEARDOWN
    assert plan[Step.STOP_CANDIDATE].tears_down is Step.START_CANDIDATE
    used_by = {Step.RUN_SCENARIOS, Step.PROFILE_SERVING, Step.TUNE_SERVING, Step.LOAD_TEST}
    assert used_by <= reaches(plan_release(a_spec()), Step.STOP_CANDIDATE)


def test_what_measures_time_is_marked_so():
    measuring = {Step.PROFILE_SERVING, Step.TUNE_SERVING, Step.LOAD_TEST}
    assert {t.step for t in plan_release(a_spec()) if t.performance} == measuring


def test_the_serving_options_are_tuned_before_the_load_that_judges_them():
    plan = plan_release(a_spec())
    assert Step.TUNE_SERVING in reaches(plan, Step.LOAD_TEST)
    assert Step.PROFILE_SERVING in reaches(plan, Step.TUNE_SERVING)


@pytest.mark.parametrize(("tier", "person"), [("low", False), ("medium", True), ("high", True)])
def test_a_person_approves_above_the_low_tier(tier, person):
    (approve,) = [t for t in plan_release(a_spec(risk_tier=tier)) if t.step is Step.APPROVE]
    assert approve.needs_person is person


@pytest.mark.parametrize(("tier", "asked"), [("low", 1), ("medium", 1), ("high", 2)])
def test_the_second_person_of_a_high_tier_is_asked_after_the_first_and_before_the_promotion(tier, asked):
    plan = plan_release(a_spec(risk_tier=tier))
    questions = [task.step for task in plan if task.step in (Step.APPROVE, Step.APPROVE_SECOND)]
    assert questions == [Step.APPROVE, Step.APPROVE_SECOND][:asked]
    assert set(questions) <= reaches(plan, Step.PROMOTE)
    if asked == 2:
        assert Step.APPROVE in reaches(plan, Step.APPROVE_SECOND)


def test_what_changes_production_is_not_tried_again_by_itself():
    plan = {task.step: task for task in plan_release(a_spec())}
    assert {plan[step].retries for step in (Step.APPROVE, Step.PROMOTE, Step.DEPLOY)} == {0}


def test_a_rollback_is_one_step_with_nothing_in_its_way():
    (task,) = plan_rollback()
    assert (task.step, task.after, task.needs_person) == (Step.ROLLBACK, (), False)
