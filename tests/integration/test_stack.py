"""The embedded services and a DAG run, for real: a project of one small DAG, in a folder of its own."""

import json
import os
import signal
import time
from pathlib import Path

import httpx
import psutil
import pytest

from slipway.errors import OrchestratorError, StackError
from slipway.orchestrator.client import AirflowClient
from slipway.orchestrator.follow import follow
from slipway.settings import STACK_FILE, Settings
from slipway.stack import airflow, envoy, mlflow, ports, processes, stack

pytestmark = [pytest.mark.slow, pytest.mark.alone]

PLUGIN = Path(__file__).parents[2] / "plugins" / "slipway_airflow"
DAG_ID = "tiny.release"
DAG_FILE = '''
"""One measurement, one question, one step after it."""
import os

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param, task

with DAG("tiny.release", schedule=None, params={"version": Param(1, type="integer")}):

    @task(pool="performance")
    def measure():
        print("measured under", os.environ["SLIPWAY_RUNTIME"])
        return {name: os.environ[name] for name in ("SLIPWAY_ROOT", "SLIPWAY_VAR", "MLFLOW_TRACKING_URI")}

    @task
    def promote():
        raise ValueError("refused on purpose")

    comment = {"comment": Param("", type=["string", "null"])}
    measure() >> ApprovalOperator(task_id="approve", subject="Release?", params=comment) >> promote()
'''


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    for folder in ("include/models", "dags", "plugins"):
        (root / folder).mkdir(parents=True)
    (root / "dags" / "tiny.py").write_text(DAG_FILE)
    # The scheduler is started through the project's own plugin.
    (root / "plugins" / "slipway_airflow").symlink_to(PLUGIN, target_is_directory=True)
    return Settings.load({"SLIPWAY_ROOT": str(root), "SLIPWAY_RUNTIME": "process"})


@pytest.fixture(scope="module")
def started(settings):
    """The running stack, and at the end the proof that nothing of it is left."""
    said = []
    try:
        result = stack.start(settings, progress=said.append, gateway_config=gateway_config(settings))
        yield result, said
        last = json.loads((settings.var / STACK_FILE).read_text())["services"]
        identities = [processes.Identity(entry["pid"], entry["created"]) for entry in last]
        everything = {process.pid for process in processes.members(identities)}
    finally:
        stopped = stack.stop(settings, progress=said.append)
    assert set(stopped) == set(stack.service_names(settings))
    # The executor's workers too: more processes than services.
    assert len(everything) > len(stack.SERVICES)
    assert not [pid for pid in everything if _runs(pid)]


@pytest.fixture
def client(started):
    addresses = started[0].addresses
    with AirflowClient(addresses.airflow_url, addresses.airflow_user, addresses.airflow_password) as client:
        yield client


def gateway_config(settings, *, broken=False):
    """The least that makes Envoy answer: one listener that says ``ok``."""

    def write(port, admin_port):
        settings.gateway.mkdir(parents=True, exist_ok=True)
        path = settings.gateway / "bootstrap.json"
        path.write_text("{" if broken else json.dumps(_bootstrap(port, admin_port)))
        return path

    return write


def _bootstrap(port, admin_port):
    kind = "type.googleapis.com/envoy.extensions.filters"
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "ok"}}}
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    listener = {"name": "in", "address": _address(port), "filter_chains": [chain]}
    return {"admin": {"address": _address(admin_port)}, "static_resources": {"listeners": [listener]}}


def _address(port):
    return {"socket_address": {"address": ports.HOST, "port_value": port}}


def _runs(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_every_service_answers_at_the_address_that_the_settings_read(started, settings):
    seen = Settings.load({"SLIPWAY_ROOT": str(settings.root)})
    assert httpx.get(f"{seen.tracking_uri}/health").text == "OK"
    found = httpx.get(f"{seen.tracking_uri}/api/2.0/mlflow/registered-models/search")
    assert found.status_code == 200, found.text
    assert httpx.get(seen.gateway_url).text == "ok"
    assert httpx.get(f"{seen.gateway_admin_url}/ready").text.strip() == "LIVE"
    assert stack.status(settings).healthy


def test_every_service_listens_on_the_loopback_interface_only(started):
    pids = {
        process.pid
        for record in started[0].services
        for process in processes.members([processes.Identity(record.pid, record.created)])
    }
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.net_connections("inet")
        if connection.pid in pids and connection.status == psutil.CONN_LISTEN
    }
    assert {ip for ip, _ in listening} == {"127.0.0.1"}
    assert {port for _, port in listening} == set(started[0].ports.values())


def test_only_the_owner_may_read_the_secrets(started, settings):
    home = airflow.home(settings)
    for path in (settings.var / STACK_FILE, home / airflow.PASSWORD_FILE, home / "airflow.cfg"):
        assert path.stat().st_mode & 0o077 == 0, path
    logs = "".join(path.read_text(errors="replace") for path in (settings.var / "logs").iterdir())
    assert not [name for name, word in airflow.passwords(settings).items() if word in logs]


def test_every_user_can_log_in_and_nobody_else(started, settings):
    for user, password in airflow.passwords(settings).items():
        with AirflowClient(started[0].addresses.airflow_url, user, password) as client:
            assert client.runs(DAG_ID) == [] or client.import_errors() == []
    assert httpx.get(f"{started[0].addresses.airflow_url}/api/v2/dags").status_code == 401
    assert httpx.get(f"{started[0].addresses.airflow_url}/docs").text.find("swagger") == -1


PAGES = [
    "/fleet",
    "/fleet/tiny",
    "/api/models",
    "/api/models/tiny/timeline",
    "/reports/tiny/x.html",
    f"/runs/{DAG_ID}/r",
]


@pytest.mark.parametrize("path", PAGES)
def test_slipways_pages_are_behind_airflows_login(started, path):
    address = f"{started[0].addresses.airflow_url}/slipway{path}"
    assert httpx.get(address).status_code == 401
    assert httpx.get(address, headers={"Authorization": "Bearer forged"}).status_code in {401, 403}
    assert httpx.get(address, cookies={"_token": "forged"}).status_code in {401, 403}


def test_who_has_logged_in_sees_the_fleet(started, settings):
    address = started[0].addresses.airflow_url
    login = {"username": "officer", "password": airflow.passwords(settings)["officer"]}
    token = httpx.post(f"{address}/auth/token", json=login, timeout=60).json()["access_token"]
    logged_in = {"headers": {"Authorization": f"Bearer {token}"}, "timeout": 60}
    page = httpx.get(f"{address}/slipway/fleet", **logged_in)
    assert (page.status_code, "<h1>Fleet</h1>" in page.text) == (200, True)
    assert httpx.get(f"{address}/slipway/api/models", **logged_in).json()["models"] == []
    assert httpx.post(f"{address}/slipway/fleet", **logged_in).status_code == 405


def test_a_second_start_keeps_every_service(started, settings):
    again = stack.start(settings, progress=str, gateway_config=gateway_config(settings))
    assert again == started[0]


def test_a_run_is_triggered_answered_and_followed_to_its_end(client, settings, started):
    assert client.check().startswith("3.3.")
    client.wait_for_dag(DAG_ID, 60)
    client.unpause(DAG_ID)
    assert client.trigger(DAG_ID, run_id="first", conf={"version": 2}).conf == {"version": 2}
    seen = []

    def on_change(change):
        seen.append((change.after.task_id, change.after.state))
        if change.after.state == "awaiting_input":
            (pending,) = client.pending_approvals(DAG_ID)
            with pytest.raises(OrchestratorError, match="not an option"):
                client.respond(pending, option="Perhaps")
            client.respond(pending, option="Approve", params={"comment": "seen"})
            with pytest.raises(OrchestratorError, match="answered already"):
                client.respond(pending, option="Reject")

    run = follow(client, DAG_ID, "first", on_change=on_change, timeout_s=120)
    assert run.state == "failed"
    assert {("measure", "success"), ("approve", "success"), ("promote", "failed")} <= set(seen)
    assert client.pending_approvals() == []
    assert [task.task_id for task in client.tasks(DAG_ID, "first")] == ["measure", "approve", "promote"]
    assert client.xcom(DAG_ID, "first", "measure") == {
        "SLIPWAY_ROOT": str(settings.root),
        "SLIPWAY_VAR": str(settings.var),
        "MLFLOW_TRACKING_URI": started[0].addresses.tracking_uri,
    }
    assert client.xcom(DAG_ID, "first", "approve")["params_input"] == {"comment": "seen"}
    assert "measured under process" in client.log_tail(DAG_ID, "first", "measure", 1, 10)
    assert "ValueError: refused on purpose" in client.log_tail(DAG_ID, "first", "promote", 1, 10)


REFUSED = {
    "a_run_id_twice": (DAG_ID, "first", {}, "follow the run first"),
    "a_wrong_parameter": (DAG_ID, "second", {"version": "x"}, "is not of type 'integer'"),
    "an_unknown_dag": ("nothing.release", "second", {}, "check the name nothing.release"),
}


@pytest.mark.parametrize(("dag_id", "run_id", "conf", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_airflow_refuses_is_an_error_with_advice(client, dag_id, run_id, conf, reason):
    client.wait_for_dag(DAG_ID, 60)
    if run_id == "first" and "first" not in [run.run_id for run in client.runs(DAG_ID)]:
        client.trigger(DAG_ID, run_id="first", conf={})
    with pytest.raises(OrchestratorError, match=reason):
        client.trigger(dag_id, run_id=run_id, conf=conf)


def test_a_dag_file_that_cannot_be_imported_is_shown_with_its_trace(client, settings):
    path = settings.root / "dags" / "broken.py"
    path.write_text("# a dag for airflow\nimport nothing_of_this_name\n")
    try:
        with pytest.raises(OrchestratorError, match=r"broken\.py[\s\S]*nothing_of_this_name"):
            client.wait_for_dag("broken.release", 60)
    finally:
        path.unlink()


def test_killed_services_are_started_again_where_they_were_and_the_others_are_kept(started, settings):
    killed = (airflow.SCHEDULER, mlflow.NAME)
    before = {
        record.name: record
        for record in stack.start(settings, progress=str, gateway_config=gateway_config(settings)).services
    }
    left = {process.pid for name in killed for process in processes.members([_identity(before[name])])}
    for name in killed:
        os.kill(before[name].pid, signal.SIGKILL)
    _wait_until(lambda: not any(_runs(before[name].pid) for name in killed))
    assert not stack.status(settings).healthy
    result = stack.start(settings, progress=str, gateway_config=gateway_config(settings))
    after = {record.name: record for record in result.services}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == set(killed)
    assert result.addresses == started[0].addresses
    assert not [pid for pid in left if _runs(pid)]
    assert stack.status(settings).healthy


def test_a_gateway_that_cannot_start_leaves_nothing_behind(settings, tmp_path):
    (tmp_path / "include/models").mkdir(parents=True)
    other = Settings.load({"SLIPWAY_ROOT": str(tmp_path)})
    said = []
    with pytest.raises(StackError, match=r"gateway ended before it was healthy[\s\S]*gateway\.log"):
        stack.start(other, progress=said.append, gateway_config=gateway_config(other, broken=True))
    assert f"{mlflow.NAME}: stopped" in said
    assert all(service.pid is None for service in stack.status(other).services)
    assert [process for process in psutil.process_iter() if str(tmp_path) in _command(process)] == []


def test_a_taken_port_is_named_with_its_holder(started, tmp_path):
    (tmp_path / "include/models").mkdir(parents=True)
    other = Settings.load({"SLIPWAY_ROOT": str(tmp_path)})
    taken = started[0].ports["gateway"]
    with pytest.raises(StackError, match=rf"port {taken}, asked for airflow, is held by envoy \(pid \d+\)"):
        stack.start(other, progress=str, gateway_config=gateway_config(other), ports={"airflow": taken})
    assert envoy.NAME in {record.name for record in started[0].services}


def _identity(record):
    return processes.Identity(record.pid, record.created)


def _command(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _wait_until(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
