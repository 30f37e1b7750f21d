"""Ways around the approval by answers that the rules do not accept: over the API, by the program, to a resumed task."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException, TaskAwaitingInput

from bench.governance.airflow_side import FORBIDDEN, answered, decide, patch_answer, resume
from bench.governance.bypass_evidence import Case, Step
from bench.governance.stage import DIRECTOR, OFFICER, REQUESTER, Stage

NAMED = {"approvers": [OFFICER, DIRECTOR]}
ROLES = {"roles": [{"name": "risk", "logins": [OFFICER]}, {"name": "business", "logins": [DIRECTOR]}]}
TWICE = "approved this release already"
OWN = "asked for this release"


def waits(stage: Stage) -> None:
    """The candidate waits for its approval."""
    stage.gates(stage.release())


def waits_again(stage: Stage) -> None:
    """The candidate waits for its second approval."""
    waits(stage)
    stage.approve(stage.release(), OFFICER)


def api(attempt: Step, why: str, *, arrange: Step = waits, **more) -> Case:
    """Return a case that goes through Airflow's API."""
    return Case(route="api", arrange=arrange, attempt=attempt, why=why, **more)


def cli(attempt: Step, why: str, *, arrange: Step = waits, **more) -> Case:
    """Return a case that is typed at the command line."""
    return Case(route="cli", arrange=arrange, attempt=attempt, why=why, **more)


def dag(attempt: Step, why: str, *, arrange: Step = waits, **more) -> Case:
    """Return a case in which Airflow has taken the answer and resumes the task."""
    errors = (TaskAwaitingInput, AirflowException)
    return Case(route="dag", arrange=arrange, attempt=attempt, why=why, errors=errors, **more)


def body(option: str | None, comment: str = "seen") -> dict:
    """Return an answer as the API takes it."""
    return {"chosen_options": [] if option is None else [option], "params_input": {"comment": comment}}


SECOND = {"arrange": waits_again, "tier": "high"}
API = {
    "own request": api(lambda s: patch_answer(s, REQUESTER, body("Approve")), OWN),
    "own request, in capitals": api(lambda s: patch_answer(s, "ADA", body("Approve")), OWN),
    "own request rejected": api(lambda s: patch_answer(s, REQUESTER, body("Reject")), OWN),
    "not named": api(lambda s: patch_answer(s, "eve", body("Approve")), "not among those", approval=NAMED),
    "without the role": api(
        lambda s: patch_answer(s, DIRECTOR, body("Approve")), "may answer: risk", tier="high", approval=ROLES
    ),
    "rejection without a word": api(lambda s: patch_answer(s, OFFICER, body("Reject", " ")), "needs a comment"),
    "neither": api(lambda s: patch_answer(s, OFFICER, body(None)), "neither approves nor rejects"),
    "a login called policy": api(lambda s: patch_answer(s, "policy", body("Approve")), "no authenticated user"),
    "one person twice": api(
        lambda s: patch_answer(s, OFFICER, body("Approve"), task="approve_second"), TWICE, **SECOND
    ),
    "own request, second": api(
        lambda s: patch_answer(s, REQUESTER, body("Approve"), task="approve_second"), OWN, **SECOND
    ),
    "a user who may not": api(
        lambda s: patch_answer(s, "viewer", body("Approve"), airflow=FORBIDDEN), "Airflow does not let this user"
    ),
}
CLI = {
    "own request": cli(lambda s: decide(s, REQUESTER, "Approve"), OWN),
    "not named": cli(lambda s: decide(s, "eve", "Approve"), "not among those", approval=NAMED),
    "rejection without a word": cli(lambda s: decide(s, OFFICER, "Reject", comment=""), "needs a comment"),
    "one person twice": cli(lambda s: decide(s, OFFICER, "Approve", task="approve_second"), TWICE, **SECOND),
}


def on_other_bytes(stage: Stage) -> None:
    """The question named other bytes than the release is about now."""
    resume(stage, answered("Approve"), about=stage.subject().with_image("sha256:" + "9" * 64))


DAG = {
    "own request": dag(lambda s: resume(s, answered("Approve", REQUESTER)), OWN),
    "not named": dag(lambda s: resume(s, answered("Approve", "eve")), "not among those", approval=NAMED),
    "nobody's": dag(lambda s: resume(s, answered("Approve", None)), "no authenticated user"),
    "without an option": dag(lambda s: resume(s, answered(None)), "neither approves nor rejects"),
    "rejection without a word": dag(lambda s: resume(s, answered("Reject", comment="")), "needs a comment"),
    "one person twice": dag(lambda s: resume(s, answered("Approve"), number=2), TWICE, **SECOND),
    "on other bytes": dag(on_other_bytes, "the question is void"),
    "nobody in time": dag(
        lambda s: resume(s, {"error": "no response", "error_type": "timeout"}), "nobody answered in time"
    ),
}

ANSWERS: dict[str, Case] = {
    **{f"answer by API: {name}": case for name, case in API.items()},
    **{f"answer by CLI: {name}": case for name, case in CLI.items()},
    **{f"answer to the task: {name}": case for name, case in DAG.items()},
}
