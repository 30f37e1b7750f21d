"""The answer to a waiting question, checked before it is sent: Airflow takes one answer, unchecked, and for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.errors import OrchestratorError
from slipway.orchestrator.records import PendingApproval


def complete_answer(pending: PendingApproval, *, option: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of the answer, the form's defaults filled in.

    Raises
    ------
    OrchestratorError
        If the option is not offered, a field does not exist, or a value breaks the field's schema; all at once.
    """
    problems = []
    if option not in pending.options:
        problems.append(f"{option!r} is not an option, {', '.join(pending.options)} are")
    for name in sorted(set(params) - set(pending.fields)):
        problems.append(f"there is no field {name!r}")
    values = {name: params.get(name, field.get("value")) for name, field in pending.fields.items()}
    for name, field in pending.fields.items():
        problem = _problem(values[name], field.get("schema") or {})
        if problem:
            problems.append(f"{name}: {problem}")
    if problems:
        raise OrchestratorError(
            f"{pending.task_id} of {pending.dag_id} does not take this answer: {'; '.join(problems)}",
            remedy="correct the answer; nothing was sent",
        )
    return {"chosen_options": [option], "params_input": values}


def _problem(value: Any, schema: Mapping[str, Any]) -> str:
    """Return why a value breaks a JSON schema; empty when it does not. A schema without a type takes anything."""
    import jsonschema

    error = next(iter(jsonschema.Draft202012Validator(dict(schema)).iter_errors(value)), None)
    return str(error.message) if error else ""
