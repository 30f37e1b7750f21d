import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from slipway.errors import StackError
from slipway.stack import airflow
from slipway.stack.airflow import airflow_environment
from tests.fakes.specs import declared


def test_the_environment_is_that_of_this_project_and_of_no_other(settings):
    caller = {
        "AIRFLOW_HOME": "/elsewhere",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////elsewhere.db",
        "MLFLOW_TRACKING_URI": "http://elsewhere",
        "PYTHONPATH": "/elsewhere",
    }
    env = airflow_environment(settings, port=18080, tracking_uri="http://127.0.0.1:5000", caller=caller)
    assert not [name for name, value in env.items() if "elsewhere" in value]
    assert env["AIRFLOW_HOME"] == str(settings.var / "airflow")
    assert env["PYTHONPATH"] == str(settings.root / "plugins")
    assert env["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"


def test_tasks_find_the_api_under_the_port_that_it_listens_on(settings):
    env = airflow_environment(settings, port=18080)
    assert env["AIRFLOW__API__PORT"] == "18080"
    assert env["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:18080"
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_what_the_caller_sets_for_slipway_and_its_connections_reaches_the_tasks(settings):
    caller = {"SLIPWAY_WHEEL_DIR": "/wheels", "AIRFLOW_CONN_HUB": "{}", "AIRFLOW_VAR_REGION": "eu"}
    env = airflow_environment(settings, caller=caller)
    assert {name: env[name] for name in caller} == caller
    assert env["SLIPWAY_ROOT"] == str(settings.root)
    assert env["SLIPWAY_VAR"] == str(settings.var)
    assert env["SLIPWAY_RUNTIME"] == settings.runtime


def test_a_registry_that_the_caller_names_is_the_tasks_registry_too(settings):
    env = airflow_environment(settings, tracking_uri="http://own", caller={"SLIPWAY_TRACKING_URI": "http://named"})
    assert env["MLFLOW_TRACKING_URI"] == "http://named"


def test_a_component_is_another_one_when_its_runtime_changes(settings):
    def fingerprints(caller):
        return {service.fingerprint for service in airflow.services(settings, port=1, tracking_uri="", caller=caller)}

    assert fingerprints({"LANG": "C"}) == fingerprints({"LANG": "de"})
    assert fingerprints({"LANG": "C"}).isdisjoint(fingerprints({"SLIPWAY_SERVICE_HOST": "10.0.0.1"}))


def test_passwords_are_made_once_and_only_for_the_owners_eyes(settings):
    first = airflow.passwords(settings)
    path = airflow.home(settings) / airflow.PASSWORD_FILE
    assert set(first) == set(airflow.USERS)
    assert len(set(first.values())) == len(first)
    assert path.stat().st_mode & 0o777 == 0o600
    assert airflow.passwords(settings) == first == json.loads(path.read_text())


def test_a_user_who_has_no_password_yet_gets_one_and_the_others_keep_theirs(settings):
    airflow.home(settings).mkdir(parents=True)
    (airflow.home(settings) / airflow.PASSWORD_FILE).write_text('{"admin": "old"}')
    known = airflow.passwords(settings)
    assert known["admin"] == "old"
    assert known["officer"]


def test_a_damaged_password_file_is_an_error(settings):
    airflow.home(settings).mkdir(parents=True)
    (airflow.home(settings) / airflow.PASSWORD_FILE).write_text("[]")
    with pytest.raises(StackError, match="is damaged"):
        airflow.passwords(settings)


NOW = datetime.now(UTC)
HEARTBEATS = {
    "fresh": ("healthy", NOW.isoformat(), True),
    "of_the_run_before": ("healthy", (NOW - timedelta(seconds=60)).isoformat(), False),
    "stale": ("unhealthy", NOW.isoformat(), False),
    "never": ("healthy", None, False),
}


@pytest.mark.parametrize(("status", "beat", "healthy"), HEARTBEATS.values(), ids=HEARTBEATS)
@pytest.mark.parametrize(
    ("component", "key"),
    [(airflow.SCHEDULER, "scheduler"), (airflow.DAG_PROCESSOR, "dag_processor"), (airflow.TRIGGERER, "triggerer")],
)
def test_a_component_is_healthy_when_it_reported_after_its_start(monkeypatch, component, key, status, beat, healthy):
    body = {"metadatabase": {"status": "healthy"}, key: {"status": status, f"latest_{key}_heartbeat": beat}}
    monkeypatch.setattr(airflow, "get_json", lambda url: body)
    assert airflow.healthy("http://a", component, since=NOW.timestamp() - 5) is healthy


def test_nobody_can_tell_about_the_scheduler_while_the_api_is_silent(monkeypatch):
    monkeypatch.setattr(airflow, "get_json", lambda url: None)
    assert airflow.healthy("http://a", airflow.SCHEDULER, since=0) is None
    assert airflow.healthy("http://a", airflow.API, since=0) is False


def test_a_database_of_this_version_is_not_migrated_again(settings):
    folder = airflow.home(settings)
    folder.mkdir(parents=True)
    (folder / "airflow.db").touch()
    (folder / airflow.MIGRATED_FILE).write_text(airflow.version("apache-airflow-core"))
    said = []
    airflow.migrate(settings, {}, progress=said.append)
    assert said == []


WATCHES = {
    "no model": (None, False),
    "a model that asks": (declared(release={"on_new_version": True}), True),
    "a model that does not": (declared(), False),
    "a model that says no": (declared(release={"on_new_version": False}), False),
    "a broken declaration": ({"name": "churn", "release": {"on_new_version": True}}, False),
}


@pytest.mark.parametrize(("model", "watched"), WATCHES.values(), ids=WATCHES)
def test_there_is_a_triggerer_only_where_a_model_watches_for_versions(settings, model, watched):
    if model is not None:
        (settings.models / "churn").mkdir()
        (settings.models / "churn" / "model.yaml").write_text(yaml.safe_dump(model))
    started = airflow.services(settings, port=1, tracking_uri="", caller={})
    assert (airflow.TRIGGERER in {service.name for service in started}) is watched
    assert len(started) == 3 + watched
