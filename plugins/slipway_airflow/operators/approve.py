"""The approval: by persons in the UI, the API or the command line; by policy for a low risk tier.

Airflow takes any answer of anybody who may run the DAG, or who is assigned, and resumes the task. What the rules do not
accept is recorded and decides nothing: the task waits again, for what is left of the time, with the question as it was.
Most such answers are refused before Airflow takes them (:mod:`slipway_airflow.ui.answers`); nothing relies on that.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import conf
from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time.hitl import upsert_hitl_detail

from slipway_airflow.operators.base import ReleaseOperator, airflow_errors, release_page
from slipway_airflow.ui.links import ReleaseLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from slipway.core.approval import Answer
    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench

COMMENT = "comment"
WHY = "Why; it is kept in the ledger. A rejection needs one."
SHORTEST = timedelta(seconds=1)


class ApproveOperator(ReleaseOperator):
    """Approve a low risk tier by policy; the ledger says so."""

    def run(self, bench: Workbench, release: Release) -> str:
        """Return who approved."""
        from slipway.workflows.approve import POLICY, decide_by_policy

        decide_by_policy(bench, release)
        return POLICY


class AskForApprovalOperator(ApprovalOperator):
    """Ask a person, with the evidence in front of them; no answer in time is a refusal, and both fail the task.

    Parameters
    ----------
    model : str
        The model's folder.
    answer_within : timedelta
        How long the decision may take, answers that decide nothing included.
    number : int
        1 for the first question; 2 for the second of a high risk tier, which another person has to answer.
    """

    ui_color = "#fff6df"
    operator_extra_links = (ReleaseLink(),)
    form_fields = frozenset({COMMENT})
    release = ReleaseOperator.release
    workbench = ReleaseOperator.workbench

    def __init__(self, *, model: str, answer_within: timedelta, number: int = 1, **kwargs: Any) -> None:
        super().__init__(
            subject=f"Release {model}: may this version become champion?",
            body="The evidence is being gathered.",
            fail_on_reject=True,
            response_timeout=answer_within,
            **{**kwargs, "params": {COMMENT: Param("", type=["null", "string"], title="Comment", description=WHY)}},
        )
        self.model = model
        self.number = number
        self.answer_within = answer_within
        self.release_path = ""

    def execute(self, context: Context) -> NoReturn:
        """Check that the dossier is complete, then ask."""
        from slipway.workflows.approve import request_approval

        with airflow_errors():
            release = self.release(context)
            bench = self.workbench()
            self.release_path = release_page(bench, release)
            question = request_approval(bench, release, number=self.number)
        self.body = question.text
        if question.logins and logins_are_ids():
            self.assigned_users = [{"id": login, "name": login} for login in question.logins]
        if release.version:  # two questions that wait must not look alike
            which = " Second approval" if self.number > 1 else ""
            self.subject = f"Release {self.model} version {release.version}: may it become champion?{which}"
        until = datetime.now(UTC) + self.answer_within
        asked = {"until": until.isoformat(), "about": question.subject.to_json()}
        try:
            super().execute(context)
        except TaskAwaitingInput as parked:
            parked.kwargs = {"asked": asked}  # what was asked comes back with the answer
            raise
        raise RuntimeError("Airflow went on without waiting for an answer")

    def execute_complete(self, context: Context, event: dict[str, Any], asked: dict[str, Any]) -> dict[str, str]:
        """Record the answer: a decision ends the wait, a rejection or a silence fails the task.

        Parameters
        ----------
        asked : dict
            What was asked: ``about``, the bytes; ``until``, when the time for an answer is over.
        """
        from slipway.core.identity import Subject
        from slipway.workflows.approve import SILENCE, consider

        answer = self.answer(event)
        left = datetime.fromisoformat(asked["until"]) - datetime.now(UTC)
        with airflow_errors():
            bench, release = self.workbench(), self.release(context)
            self.release_path = release_page(bench, release)
            about = Subject.from_json(asked["about"])
            reason = consider(bench, release, answer, number=self.number, asked_about=about)
            if reason and left < SHORTEST:
                consider(bench, release, SILENCE, number=self.number)
        if reason:
            self.log.warning("The answer of %s decides nothing: %s.", answer.by, reason)
            self.ask_again(context, asked, left)
        return {"by": answer.by, "comment": answer.comment}

    def answer(self, event: dict[str, Any]) -> Answer:
        """Return who answered what; silence is a rejection by ``timeout``."""
        from slipway.core.approval import Answer
        from slipway.workflows.approve import SILENCE

        if "error" in event:
            try:
                self.process_trigger_event_error(event)
            except HITLTimeoutError:
                return SILENCE
        by = str((event.get("responded_by_user") or {}).get("name") or "")
        comment = str((event.get("params_input") or {}).get(COMMENT) or "")
        approved = {(self.APPROVE,): True, (self.REJECT,): False}.get(tuple(event["chosen_options"]))
        return Answer(by=by, approved=approved, comment=comment)

    def ask_again(self, context: Context, asked: dict[str, Any], left: timedelta) -> NoReturn:
        """Wait for another answer to the same question: Airflow keeps its words, and forgets the answer it had."""
        upsert_hitl_detail(
            ti_id=context["task_instance"].id,
            options=self.options,
            subject=self.subject,
            body=self.body,
            multiple=self.multiple,
            params=self.serialized_params,
            assigned_users=self.assigned_users,
        )
        raise TaskAwaitingInput(method_name="execute_complete", kwargs={"asked": asked}, timeout=left)


def logins_are_ids() -> bool:
    """Return whether Airflow's auth manager knows users by their login: only then can a question be assigned to them.

    Elsewhere (Flask-AppBuilder has numbers) Airflow would refuse everybody; the rules refuse the others all the same.
    """
    return "SimpleAuthManager" in str(conf.get("core", "auth_manager", fallback=""))
