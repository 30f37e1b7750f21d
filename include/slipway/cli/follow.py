"""Follow a DAG run: one line for each change, then the verdicts; also where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from slipway.cli.clients import airflow
from slipway.cli.output import chip, err, out, print_table
from slipway.core.evidence import Evidence
from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.orchestrator.follow import TaskChange
    from slipway.orchestrator.records import TaskState

MARKS = {
    "success": "[green]done[/]",
    "failed": "[bold red]failed[/]",
    "upstream_failed": "[dim]not reached[/]",
    "running": "[cyan]running[/]",
    "up_for_retry": "[yellow]will be tried again[/]",
    "awaiting_input": "[yellow]waits for a person[/]",
    "skipped": "[dim]skipped[/]",
}

LONGEST_S = 24 * 3600.0  # an approval may take a working day


def follow_release(
    settings: Settings, model: str, run_id: str, *, on_waiting: Callable[[], None] | None = None
) -> bool:
    """Follow a release to its end and print its verdicts; True only when the version is champion.

    ``on_waiting`` is called once when the release waits for a person.
    """
    waiting = on_waiting or (
        lambda: err.print(f"  answer with `slipway approve {model}` or `slipway reject {model}`, or in Airflow")
    )
    succeeded = follow_run(settings, f"{model}.release", run_id, on_waiting=waiting)
    print_verdicts(settings, model, run_id)
    return succeeded


def follow_run(settings: Settings, dag_id: str, run_id: str, *, on_waiting: Callable[[], None] | None = None) -> bool:
    """Print each task's changes until the run ends; True if it succeeded. A failed task's last words are shown."""
    from slipway.orchestrator.follow import follow
    from slipway.workflows.leadtime import seconds_of

    client = airflow(settings)
    failed: list[TaskState] = []

    def show(change: TaskChange) -> None:
        task = change.after
        if task.state not in MARKS:
            return
        took = f" in {seconds_of(task):.1f} s" if task.state in ("success", "failed") else ""
        err.print(f"  {task.task_id:<16} {MARKS[task.state]}{took}")
        if task.state == "failed":
            failed.append(task)
        if task.state == "awaiting_input" and on_waiting:
            on_waiting()

    run = follow(client, dag_id, run_id, on_change=show, timeout_s=LONGEST_S)
    for task in failed:
        err.print(f"\n[bold]{task.task_id}[/] said last:")
        tail = client.log_tail(dag_id, run_id, task.task_id, task.try_number, lines=15, map_index=task.map_index)
        err.print(tail, markup=False)
    return run.state == "success"


def print_verdicts(settings: Settings, model: str, run_id: str) -> list[Evidence]:
    """Print a release's verdicts, worst news included, and return the evidence."""
    from slipway.workflows.workbench import Workbench

    found = [e for e in Workbench(settings).ledger.evidence(model) if e.release == run_id]
    rows = [(e.check, chip(e.outcome), f"{e.seconds:.1f} s", _headline(e)) for e in found]
    print_table(f"verdicts of {run_id}", ("gate", "verdict", "took", "what it found"), rows)
    out.print(f"in full: {_page(settings, model, run_id)}", markup=False, soft_wrap=True)
    return found


def _page(settings: Settings, model: str, run_id: str) -> str:
    """Return where the release's page is, written anew; where nothing is known of it, where else to look."""
    from slipway.errors import EvidenceError
    from slipway.workflows.release_report import write_release_report
    from slipway.workflows.workbench import Workbench

    try:
        return f"{write_release_report(Workbench(settings), model, release=run_id)}, or `slipway report {model}`"
    except EvidenceError:
        return f"`slipway evidence {model}`; the reports are in {settings.reports}"


def _headline(evidence: Evidence) -> str:
    if evidence.reasons:
        return evidence.reasons[0][:160]
    judged = [m for m in evidence.measurements if m.outcome is not None]
    return "; ".join(
        f"{m.name} {m.value:.4g}{'' if m.unit == '1' else ' ' + m.unit}" for m in judged[:3] if m.value is not None
    )
