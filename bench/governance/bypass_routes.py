"""Ways around the gates by other doors: tasks marked as done, keys slipped into a run, the alias moved by hand."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk.exceptions import AirflowException

from bench.governance.airflow_side import run_task
from bench.governance.bypass_evidence import Case, Step, approved
from bench.governance.stage import CHAMPION_VERSION, MODEL, OFFICER, REQUESTER, Stage
from slipway.workflows.deploy import deploy
from slipway.workflows.promote import promote
from slipway.workflows.rollback import rollback
from slipway.workflows.standing import put_alias_right

PROMOTE, DEPLOY, ASK, POLICY = (
    "promote.PromoteOperator",
    "deploy.DeployOperator",
    "approve.AskForApprovalOperator",
    "approve.ApproveOperator",
)
HOURS = timedelta(hours=8)


def dag(arrange: Step, attempt: Step, why: str, **more) -> Case:
    """Return a case in which a task runs that Airflow was made to run."""
    return Case(route="dag", arrange=arrange, attempt=attempt, why=why, errors=(AirflowException,), **more)


def workflow(arrange: Step, attempt: Step, why: str, **more) -> Case:
    """Return a case in which our own code is called."""
    return Case(route="workflow", arrange=arrange, attempt=attempt, why=why, **more)


def begun(stage: Stage) -> None:
    """The release has begun, and every gate was marked as successful."""
    stage.start(stage.release())


def gates(stage: Stage) -> None:
    """Every gate has passed; the approval was marked as successful."""
    stage.gates(stage.release())


def by_hand(stage: Stage) -> None:
    """The alias points at the candidate, which was never released."""
    stage.move_alias()


def to_a_third(stage: Stage) -> None:
    """The candidate is approved; the alias points at a version that nobody has judged."""
    approved(stage)
    stage.registry.add(MODEL, 3, b"model 3")
    stage.move_alias(3)


def made_up(stage: Stage) -> None:
    """Every gate has passed, nobody approved, and the ledger was given a promotion."""
    gates(stage)
    stage.promoted(stage.release())


def served_unpromoted(stage: Stage) -> None:
    """The ledger was given deployments, so that the candidate looks like the champion before."""
    stage.serve(2)
    stage.serve(CHAMPION_VERSION)


def own(stage: Stage) -> None:
    """Who asked has approved."""
    gates(stage)
    stage.approve(stage.release(), REQUESTER)


def without_user(stage: Stage) -> None:
    """Every gate has passed in a run that nobody knows the requester of."""
    stage.gates(stage.release(requester="manual"))


def goes_back(stage: Stage) -> None:
    """Roll back."""
    rollback(stage, MODEL, actor=REQUESTER, reason="to the one I like", run_id="back")


def run(kind: str, **given) -> Step:
    """Return an attempt that runs an operator."""
    return lambda stage: run_task(stage, kind, **given)


MARKED = {
    "every gate marked as done": dag(begun, run(PROMOTE), "no build_image has PASSED"),
    "the approval marked as done": dag(gates, run(PROMOTE), "approval 1 of 1 is missing"),
    "the second approval marked as done": dag(approved, run(PROMOTE), "approval 2 of 2 is missing", tier="high"),
    "the promotion marked as done": dag(approved, run(DEPLOY), "was not promoted in this release"),
    "everything marked as done": dag(begun, run(DEPLOY), "no build_image has PASSED"),
    "asked for the second approval first": dag(
        gates, run(ASK, number=2, answer_within=HOURS), "before approval 1 was given", tier="high"
    ),
    "the policy asked about a medium tier": dag(gates, run(POLICY), "is of risk tier medium"),
    "a run without a user": dag(without_user, run(ASK, user=None, answer_within=HOURS), "nobody knows who asked"),
}
KEYS = {
    "a key that skips gates": dag(gates, run(PROMOTE, conf={"skip_gates": True}), "unknown parameters: skip_gates"),
    "a key that names another requester": dag(own, run(PROMOTE, conf={"requester": "eve"}), "unknown parameters"),
    "a key at the approval": dag(
        gates, run(ASK, conf={"approved": True}, answer_within=HOURS), "unknown parameters: approved"
    ),
    "a key at the deployment": dag(gates, run(DEPLOY, conf={"force": 1}), "unknown parameters: force"),
}
DOORS = {
    "promoted in another's name": workflow(
        own, lambda s: promote(s, s.release(requester="eve")), "ada wrote it, and eve asked"
    ),
    "deployed without a promotion": workflow(
        approved, lambda s: deploy(s, s.release()), "was not promoted in this release"
    ),
    "deployed on a made-up promotion": workflow(made_up, lambda s: deploy(s, s.release()), "no approval that holds"),
    "a made-up promotion, by the task": dag(made_up, run(DEPLOY), "no approval that holds"),
    "alias moved by hand, then deployed": workflow(
        by_hand, lambda s: deploy(s, s.release()), "no build_image has PASSED"
    ),
    "alias moved by hand, then promoted": workflow(
        to_a_third, lambda s: promote(s, s.release()), "the alias was moved"
    ),
    "alias moved by hand, then rolled back": workflow(by_hand, goes_back, "no other champion before"),
    "rolled back to what was never promoted": workflow(served_unpromoted, goes_back, "no release has ever promoted"),
    "alias moved by hand, then `champion --as-recorded`": Case(
        route="cli",
        arrange=by_hand,
        attempt=lambda s: put_alias_right(s, MODEL, actor=OFFICER),
        why="the alias was moved to version 2 by no release",
    ),
}

ROUTES: dict[str, Case] = {f"door: {name}": case for name, case in {**MARKED, **KEYS, **DOORS}.items()}
