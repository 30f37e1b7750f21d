"""Airflow's connections as database addresses."""

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from sqlalchemy.engine import make_url

from slipway.errors import SettingsError
from slipway_airflow.connections import database_url

CASES = {
    "PostgreSQL": (
        Connection(conn_id="w", conn_type="postgres", host="db", port=5432, login="ada", password="p/w@1", schema="dw"),
        "postgresql+psycopg2://ada:p%2Fw%401@db:5432/dw",
    ),
    "SQLite": (Connection(conn_id="w", conn_type="sqlite", host="/data/rows.db"), "sqlite:////data/rows.db"),
    "options go along": (
        Connection(conn_id="w", conn_type="postgres", host="db", extra='{"sslmode": "require"}'),
        "postgresql+psycopg2://db?sslmode=require",
    ),
}


@pytest.mark.parametrize(("connection", "url"), CASES.values(), ids=CASES)
def test_a_connection_is_a_url(monkeypatch, connection, url):
    monkeypatch.setattr(Connection, "get", lambda name: {"w": connection}[name])
    assert make_url(database_url("w")) == make_url(url)


def test_a_connection_that_nobody_made_says_how_to_make_it(monkeypatch):
    def get(name):
        raise AirflowNotFoundException(name)

    monkeypatch.setattr(Connection, "get", get)
    with pytest.raises(SettingsError, match="airflow connections add warehouse"):
        database_url("warehouse")
