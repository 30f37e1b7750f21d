"""Airflow's connections as database addresses: the password stays where Airflow keeps it."""

from __future__ import annotations

from slipway.errors import SettingsError

_DRIVERS = {"postgres": "postgresql+psycopg2", "postgresql": "postgresql+psycopg2"}


def database_url(connection_id: str) -> str:
    """Return the SQLAlchemy URL of a connection; SettingsError if Airflow knows none of this name."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException
    from sqlalchemy.engine import URL

    try:
        found = Connection.get(connection_id)
    except AirflowNotFoundException as error:
        raise SettingsError(
            f"Airflow has no connection {connection_id!r}",
            remedy=f"add it: `airflow connections add {connection_id}`, or set AIRFLOW_CONN_{connection_id.upper()}",
        ) from error
    if found.conn_type == "sqlite":  # as Airflow's own hook has it: the host is the file
        return f"sqlite:///{found.host or found.schema}"
    url = URL.create(
        _DRIVERS.get(found.conn_type or "", found.conn_type or ""),
        username=found.login or None,
        password=found.password or None,
        host=found.host or None,
        port=found.port,
        database=found.schema or None,
        query={key: str(value) for key, value in found.extra_dejson.items()},
    )
    return url.render_as_string(hide_password=False)
