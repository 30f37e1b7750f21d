"""The embedded stack as one thing: what ends first, and what is said when nothing runs."""

import json

import pytest

from slipway.core.evidence import Check
from slipway.errors import EngineUnavailable
from slipway.workflows import embedded
from slipway.workflows.embedded import fleet_status, logins, password_of, prepare_runtime, stop_embedded
from slipway.workflows.start_candidate import start_candidate

NO_ENGINE = "tcp://127.0.0.1:1"


@pytest.fixture(autouse=True)
def no_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)


def test_stopping_nothing_is_fine(bench):
    assert stop_embedded(bench.settings, progress=pytest.fail) == []


def test_tasks_end_before_the_services_that_they_judge(bench, release, put, monkeypatch):
    put(Check.BUILD_IMAGE)
    start_candidate(bench, release)
    running_then = []

    def stop_stack(settings, *, progress):
        running_then.extend(handle.name for handle in bench.runtime.list())
        return ["airflow-scheduler"]

    monkeypatch.setattr(embedded, "stop_stack", stop_stack)
    monkeypatch.setattr(embedded, "_runtimes", lambda settings: [bench.runtime])
    stopped = stop_embedded(bench.settings, progress=str)
    assert running_then == ["slipway-churn-v1-candidate"]
    assert stopped == ["airflow-scheduler", "slipway-churn-v1-candidate"]
    assert bench.runtime.list() == []


def test_the_status_of_nothing_names_every_service_as_down(bench):
    found = fleet_status(bench.settings)
    assert {service["healthy"] for service in found["services"]} == {False}
    assert (found["servers"], found["routes"]) == ([], [])


def test_the_runtime_is_named_with_its_reason(bench):
    said = []
    prepare_runtime(bench.settings, progress=said.append)
    assert "no container engine answers" in said[0]
    assert said[-1].startswith("runtime process: ")


def test_an_engine_that_is_demanded_and_dead_is_an_error(bench):
    from dataclasses import replace

    from slipway.workflows.workbench import Workbench

    with pytest.raises(EngineUnavailable, match="no container engine answers") as error:
        _ = Workbench(replace(bench.settings, runtime="docker")).runtime
    assert "start the docker daemon" in error.value.remedy


@pytest.mark.parametrize(("user", "password"), [("officer", "secret"), ("guest", "")])
def test_a_password_is_the_embedded_ones_or_the_settings(bench, user, password):
    assert logins(bench.settings) == {}
    path = embedded.passwords_file(bench.settings)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"officer": "secret"}))
    assert password_of(bench.settings, user) == password
