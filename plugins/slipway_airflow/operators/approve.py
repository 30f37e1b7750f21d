"""The approval: by a person in the UI, the API or the command line; by policy for a low risk tier."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param

from slipway_airflow.operators.base import ReleaseOperator, airflow_errors, release_page
from slipway_airflow.ui.links import ModelLink, ReleaseLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from slipway.workflows.release import Release
    from slipway.workflows.workbench import Workbench

COMMENT = "comment"
TIMEOUT = "timeout"
WHY = "Why; it is kept in the ledger."


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
        How long the answer may take.
    """

    ui_color = "#fff6df"
    operator_extra_links = (ReleaseLink(), ModelLink())
    form_fields = frozenset({COMMENT})
    release = ReleaseOperator.release
    workbench = ReleaseOperator.workbench

    def __init__(self, *, model: str, answer_within: timedelta, **kwargs: Any) -> None:
        super().__init__(
            subject=f"Release {model}: may this version become champion?",
            body="The evidence is being gathered.",
            fail_on_reject=True,
            response_timeout=answer_within,
            **{**kwargs, "params": {COMMENT: Param("", type=["null", "string"], title="Comment", description=WHY)}},
        )
        self.model = model
        self.release_path = ""

    def execute(self, context: Context) -> Any:
        """Check that the dossier is complete, then ask."""
        from slipway.workflows.approve import request_approval

        with airflow_errors():
            release = self.release(context)
            bench = self.workbench()
            self.release_path = release_page(bench, release)
            self.body = request_approval(bench, release)
        if release.version:  # two questions that wait must not look alike
            self.subject = f"Release {self.model} version {release.version}: may it become champion?"
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        """Record the answer; a rejection or a silence fails the task."""
        from slipway.workflows.approve import record_decision

        approved, by, comment = self.answer(event)
        with airflow_errors():
            bench, release = self.workbench(), self.release(context)
            self.release_path = release_page(bench, release)
            record_decision(bench, release, approved=approved, by=by, comment=comment)
        return {"by": by, "comment": comment}

    def answer(self, event: dict[str, Any]) -> tuple[bool, str, str]:
        """Return whether it was approved, by whom, and why; silence is a rejection by ``timeout``."""
        if "error" in event:
            try:
                self.process_trigger_event_error(event)
            except HITLTimeoutError:
                return False, TIMEOUT, "nobody answered in time"
        by = str((event.get("responded_by_user") or {}).get("name") or "unknown")
        comment = str((event.get("params_input") or {}).get(COMMENT) or "")
        return event["chosen_options"] == [self.APPROVE], by, comment
