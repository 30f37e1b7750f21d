"""Databases behind Airflow's connections, for a program that runs outside of Airflow: from the environment."""

from __future__ import annotations

import json
import os
from typing import Any

from slipway.errors import SettingsError

_DRIVERS = {"postgres": "postgresql+psycopg2", "postgresql": "postgresql+psycopg2"}


def database_url(connection: str) -> str:
    """Return the SQLAlchemy URL of a connection that ``AIRFLOW_CONN_<NAME>`` gives, as a URI or as JSON.

    Raises
    ------
    SettingsError
        If the environment does not have it, or it is neither.
    """
    from sqlalchemy.engine import URL

    name = f"AIRFLOW_CONN_{connection.upper()}"
    given = os.environ.get(name, "")
    if not given:
        raise SettingsError(
            f"the rows are behind Airflow's connection {connection!r}, which this shell does not know",
            remedy=f"set {name} to its URI, as Airflow reads it",
        )
    if not given.lstrip().startswith("{"):
        kind, _, rest = given.partition("://")
        return f"{_DRIVERS.get(kind, kind)}://{rest}"
    try:
        said: dict[str, Any] = json.loads(given)
        kind = str(said["conn_type"])
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{name} is no connection: {error!r}", remedy="write it as a URI, or as JSON") from error
    if kind == "sqlite":
        return f"sqlite:///{said.get('host') or said.get('schema')}"
    url = URL.create(
        _DRIVERS.get(kind, kind),
        username=said.get("login"),
        password=said.get("password"),
        host=said.get("host"),
        port=said.get("port"),
        database=said.get("schema"),
    )
    return url.render_as_string(hide_password=False)
