"""A version is registered, and its release begins by itself: once, in order, and also after everything was killed.

The versions have no files, so that each release fails at its first gate: it must not be tried again by itself either.
"""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest
import yaml

from slipway.deploy.files import write_bootstrap
from slipway.ledger import EntryKind, Ledger
from slipway.orchestrator.client import AirflowClient
from slipway.settings import Settings
from slipway.stack import airflow, stack
from tests.fakes.specs import declared

pytestmark = pytest.mark.slow

PLUGIN = Path(__file__).parents[2] / "plugins" / "slipway_airflow"
REGISTERED = "leavers_forest"  # what MLflow calls churn
DAG_ID = "churn.release"
DAG_FILE = '"""airflow"""\nfrom slipway_airflow.dags import model_dags\n\nmodel_dags("churn")\n'
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    (root / "include" / "models" / "churn").mkdir(parents=True)
    (root / "dags").mkdir()
    (root / "plugins").mkdir()
    asked = declared(registered_model=REGISTERED, release={"on_new_version": True, "load_profile": "smoke"})
    (root / "include" / "models" / "churn" / "model.yaml").write_text(yaml.safe_dump(asked))
    (root / "dags" / "churn.py").write_text(DAG_FILE)
    (root / "plugins" / "slipway_airflow").symlink_to(PLUGIN, target_is_directory=True)
    return Settings.load({"SLIPWAY_ROOT": str(root), "SLIPWAY_RUNTIME": "process"})


def start(settings):
    write = lambda port, admin: write_bootstrap(settings.gateway, port=port, admin_port=admin)  # noqa: E731
    return stack.start(settings, progress=print, gateway_config=write)


@pytest.fixture(scope="module")
def running(settings):
    try:
        yield start(settings)
    finally:
        stack.stop(settings, progress=print)


@pytest.fixture
def register(running):
    api = f"{running.addresses.tracking_uri}/api/2.0/mlflow"

    def post(path, **body):
        return httpx.post(f"{api}/{path}", json=body, timeout=60).raise_for_status().json()

    def version():
        run = post("runs/create", experiment_id="0")["run"]["info"]
        made = post("model-versions/create", name=REGISTERED, run_id=run["run_id"], source=run["artifact_uri"] + "/m")
        return int(made["model_version"]["version"])

    if httpx.get(f"{api}/registered-models/get", params={"name": REGISTERED}, timeout=60).status_code == 404:
        post("registered-models/create", name=REGISTERED)
    return version


@pytest.fixture
def ended(settings):
    """Wait until so many releases have ended; return the versions, in the order of their ends."""

    def wait(count):
        ledger, deadline = Ledger(settings.ledger_url), time.monotonic() + PATIENCE_S
        while True:
            entries = ledger.entries(model="churn", kinds=[EntryKind.RELEASE_ENDED])
            if len(entries) >= count or time.monotonic() > deadline:
                return [entry.version for entry in entries]
            time.sleep(0.2)

    return wait


def test_each_registered_version_has_its_release_once_and_in_order(settings, running, register, ended):
    assert airflow.TRIGGERER in {record.name for record in running.services}
    addresses = running.addresses
    with AirflowClient(addresses.airflow_url, addresses.airflow_user, addresses.airflow_password) as client:
        client.wait_for_dag(DAG_ID, PATIENCE_S)
        register()
        assert ended(1) == [1]
        (first,) = client.runs(DAG_ID)
        assert first.run_id.startswith("asset_triggered__")

        for record in running.services:
            if record.name in (airflow.TRIGGERER, airflow.SCHEDULER):
                os.kill(record.pid, signal.SIGKILL)
        start(settings)
        assert [register(), register()] == [2, 3]
        assert ended(3) == [1, 2, 3]
        assert len(client.runs(DAG_ID)) == 3
