"""``approve`` and ``reject``: answer a release that waits for a person, as an Airflow user.

Airflow's API turns away whom the rules do not accept, with the reason, and records the attempt; so it does here.
"""

from __future__ import annotations

from typing import Annotated

import typer

from slipway.cli.clients import airflow
from slipway.cli.output import AsJson, out, print_json, print_table
from slipway.errors import OrchestratorError
from slipway.settings import Settings
from slipway.specs import model_folder

Comment = Annotated[str, typer.Option(help="Why; kept in the ledger.")]
User = Annotated[str | None, typer.Option("--as", help="The Airflow user who decides; the settings' user if left out.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(approve)
    app.command()(reject)
    app.command()(approvals)


def approve(model: str, comment: Comment = "", user: User = None) -> None:
    """Approve the release that waits."""
    answer(Settings.load(), model, option="Approve", comment=comment, user=user)
    out.print(f"approved the release of {model}")


def reject(model: str, comment: Comment = "", user: User = None) -> None:
    """Reject the release that waits, with a comment; it ends there, and the champion keeps serving."""
    answer(Settings.load(), model, option="Reject", comment=comment, user=user)
    out.print(f"rejected the release of {model}")


def approvals(as_json: AsJson = False) -> None:
    """List the releases that wait for a person."""
    waiting = airflow(Settings.load()).pending_approvals()
    if as_json:
        print_json(
            [
                {
                    "dag_id": p.dag_id,
                    "run_id": p.run_id,
                    "task_id": p.task_id,
                    "subject": p.subject,
                    "body": p.body,
                    "assigned": list(p.assigned),
                }
                for p in waiting
            ]
        )
        return
    rows = [(p.run_id, p.subject, ", ".join(p.assigned) or "whoever did not ask for it") for p in waiting]
    print_table("waiting for a person", ("release", "question", "who may answer"), rows)


def answer(settings: Settings, model: str, *, option: str, comment: str, user: str | None) -> None:
    """Answer the waiting release of a model; OrchestratorError if none waits, SpecError if there is no such model."""
    model_folder(settings, model)
    client = airflow(settings, user)
    waiting = client.pending_approvals(f"{model}.release")
    if not waiting:
        raise OrchestratorError(f"no release of {model} waits for a person", remedy="look with `slipway approvals`")
    client.respond(waiting[0], option=option, params={"comment": comment})
