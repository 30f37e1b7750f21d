"""The nightly numbers on a real PostgreSQL server, started for this file alone."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import psycopg2
import pytest

from slipway.core.verdict import Bound, Measurement
from slipway.errors import StorageError
from slipway.monitoring.deliver import deliver
from slipway.monitoring.rules import parse_rules
from slipway.monitoring.store import MonitoringStore
from slipway.monitoring.values import CheckResult
from tests.fakes.postgres import postgres_server

FIRST = date(2026, 3, 1)
RULES = parse_rules({"reaction": {"do": "retrain", "dag": "churn.train"}})

WRITER = """
import sys
from test_monitoring_postgres import FIRST, RULES, a_night
from slipway.monitoring.deliver import deliver
from slipway.monitoring.store import MonitoringStore
store, said = MonitoringStore(sys.argv[1]), []
for day in range(8):
    store.close_night([a_night(day, 0.15)], RULES, champion=1)
    deliver(store, {"log": lambda notice: said.append(notice.key)})
print(len(said))
"""


def a_night(day, value):
    bad = Measurement(name="drift.spend", value=value, threshold=0.1, bound=Bound.MAX)
    on = FIRST + timedelta(days=day)
    return CheckResult(model="churn", version=1, day=on, check="drift", measurements=(bad,))


@pytest.fixture(scope="module")
def server():
    with postgres_server() as address:
        connection = psycopg2.connect(f"postgresql://slipway@{address}/postgres")
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE night")
        connection.close()
        yield f"postgresql+psycopg2://slipway@{address}"


def test_processes_that_close_the_same_nights_at_once_say_and_do_each_thing_once(server):
    url, here = f"{server}/night", {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", WRITER, url]
    writers = [subprocess.Popen(command, env=here, stdout=subprocess.PIPE) for _ in range(3)]
    try:
        said = [int(writer.communicate(timeout=120)[0]) for writer in writers]
        assert [writer.returncode for writer in writers] == [0, 0, 0]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    store = MonitoringStore(url)
    assert sum(said) == 2  # opened, escalated
    assert len(store.alerts("churn")) == len(store.pending_reactions("churn")) == 1
    assert [p.day for p in store.points("churn", since=FIRST, until=FIRST + timedelta(days=99))] == [
        FIRST + timedelta(days=n) for n in range(8)
    ]
    assert store.runs("churn", since=FIRST, until=FIRST)[0].outcome == "FAILED"


def test_an_alert_that_is_over_is_closed_and_said(server):
    store, said = MonitoringStore(f"{server}/night"), []
    for day in (8, 9):
        store.close_night([a_night(day, 0.01)], RULES, champion=1)
    deliver(store, {"log": lambda notice: said.append(notice.turn)})
    assert said == ["closed"]


def test_a_database_that_does_not_exist_says_what_to_do(server):
    with pytest.raises(StorageError, match="create the database"):
        MonitoringStore(f"{server}/nowhere").alerts("churn")
