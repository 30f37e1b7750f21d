"""Who may read: those whose role lets them read the model's DAGs, as Airflow's own auth manager decides.

Rules
-----
1. Every route of Slipway's app depends on :func:`require_reader`, by the app itself: a route that is added is covered.
2. Who is not logged in is refused with 401, who may read no DAG with 403.
3. A route about one model, told from its ``model``, ``dag_id`` or report ``path``, asks for that model's release DAG.
4. The inventory holds the models of which the reader may read the release DAG, and no others.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import HTTPException, Request

RELEASE = ".release"


def require_reader(request: Request, user: GetUserDep) -> None:
    """Let the request through, or raise HTTPException 403."""
    model = _model_of(request)
    details = DagDetails(id=f"{model}{RELEASE}") if model else None
    if not get_auth_manager().is_authorized_dag(method="GET", details=details, user=user):
        raise HTTPException(403, "your role may not read this; ask for one that may read the model's DAGs")


def readable(models: Iterable[str], user: Any) -> set[str]:
    """Return those of the models that a user may read."""
    dags = {f"{model}{RELEASE}": model for model in models}
    found = get_auth_manager().filter_authorized_dag_ids(dag_ids=set(dags), user=user, method="GET")
    return {dags[dag] for dag in found}


def _model_of(request: Request) -> str:
    params = request.path_params
    if "model" in params:
        return str(params["model"])
    if "dag_id" in params:
        return str(params["dag_id"]).rsplit(".", 1)[0]
    # A path may lead through one model's folder into another's: what counts is where it ends.
    return posixpath.normpath("/" + str(params.get("path", ""))).lstrip("/").split("/", 1)[0]
