"""Both runtimes keep one contract, with the real serving program; what only a container can do is tested below."""

import contextlib
import json
import socket
import time
import urllib.error
import urllib.request
from dataclasses import replace

import psutil
import pytest

from slipway.core.service import RuntimeName, ServiceSpec
from slipway.errors import ServiceError, StaleHandleError
from slipway.images.build import build_image
from slipway.runtime.engine import connect
from slipway.runtime.ports import free_port
from slipway.runtime.select import open_runtime
from slipway.serving.predictionlog import read_log
from slipway.settings import Settings
from tests.fakes.specs import a_spec
from tests.unit.images.toy import make_real_version

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.alone]
READY_S = 90
GOOD = {"dataframe_records": [{"tenure": 50.0, "spend": 1.0}]}


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return make_real_version(tmp_path_factory.mktemp("version"), version=1, seed=1)


@pytest.fixture(scope="module", params=["docker", "process"])
def world(request, version, tmp_path_factory):
    """One runtime, and an image for it; everything that it started is stopped at the end."""
    ours = Settings.load()
    folder = tmp_path_factory.mktemp(request.param)
    # A project of its own on this machine: nothing that runs here is seen or touched.
    settings = replace(ours, var=folder, runtime=request.param)
    image, _ = build_image(files=version, spec=a_spec(), settings=settings, out=folder / "out", progress=print)
    runtime = open_runtime(replace(settings, root=folder))
    yield runtime, image
    if runtime.name is RuntimeName.DOCKER:
        client = connect()
        client.images.remove(image.digest, force=True)
        client.close()


@pytest.fixture
def start(world, version):
    runtime, image = world
    started = []

    def start(name="churn-test", *, role="candidate", **options):
        spec = ServiceSpec(name=name, image=image, subject=version.subject, labels={"slipway.role": role}, **options)
        started.append(runtime.start(spec))
        return runtime, started[-1]

    yield start
    for handle in started:
        with contextlib.suppress(StaleHandleError):
            runtime.stop(handle, grace_s=1)


def ask(handle, body=GOOD):
    request = urllib.request.Request(
        f"{handle.url}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    return json.loads(urllib.request.urlopen(request, timeout=10).read())


def test_a_service_starts_answers_and_stops(start):
    runtime, handle = start()
    assert handle.runtime is runtime.name
    assert handle.host == "127.0.0.1"
    assert runtime.wait_ready(handle, timeout_s=READY_S) > 0
    assert 0 <= ask(handle)["predictions"][0] <= 1
    assert runtime.is_alive(handle)
    assert runtime.find("churn-test") == handle
    assert runtime.list() == [handle]
    assert 20 < runtime.peak_memory_mb(handle) < 512
    assert "ready" in runtime.logs(handle)
    assert len(runtime.logs(handle, max_bytes=10)) <= 10
    runtime.stop(handle)
    assert (runtime.is_alive(handle), runtime.find("churn-test"), runtime.list()) == (False, None, [])
    assert runtime.peak_memory_mb(handle) is None
    runtime.stop(handle)


def test_what_was_answered_can_be_read_on_the_host_once_it_has_stopped(start, tmp_path):
    folder = tmp_path / "predictions"
    runtime, handle = start(prediction_log=folder)
    runtime.wait_ready(handle, timeout_s=READY_S)
    spends = [spend / 2 for spend in range(20)]
    answers = [ask(handle, {"dataframe_records": [{"tenure": 50.0, "spend": s}]})["predictions"][0] for s in spends]
    runtime.stop(handle)
    logged = list(read_log(folder))
    assert [dict(zip(one.columns, one.numbers[0], strict=True))["spend"] for one in logged] == spends
    assert [one.answers[0] for one in logged] == answers


def test_a_leftover_is_replaced_and_its_handle_is_stale(start):
    runtime, first = start()
    _, second = start()
    assert not runtime.is_alive(first)
    with pytest.raises(StaleHandleError):
        runtime.stop(first)
    assert runtime.list() == [second]


def test_two_versions_run_beside_each_other(start):
    runtime, first = start("churn-a")
    _, second = start("churn-b")
    for handle in (first, second):
        runtime.wait_ready(handle, timeout_s=READY_S)
    runtime.stop(first)
    assert ask(second)["predictions"]


def test_one_that_cannot_start_says_why(start):
    runtime, handle = start(env={"SLIPWAY_SERVING_MAX_ROWS": "none"})
    with pytest.raises(ServiceError, match=r"(?s)churn-test died.*SLIPWAY_SERVING_MAX_ROWS"):
        runtime.wait_ready(handle, timeout_s=READY_S)


@pytest.fixture
def engine(world):
    if world[0].name is not RuntimeName.DOCKER:
        pytest.fail("asked for an engine with the process runtime")
    client = connect()
    yield client
    client.close()


only_docker = pytest.mark.parametrize("world", ["docker"], indirect=True)


@only_docker
def test_a_container_is_hardened_and_limited(start, engine):
    runtime, handle = start(memory_mb=300, cpus=0.5)
    runtime.wait_ready(handle, timeout_s=READY_S)
    container = engine.containers.get(handle.id)
    host, config = container.attrs["HostConfig"], container.attrs["Config"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (300 * 2**20, 300 * 2**20, 500_000_000)
    assert (host["PidsLimit"], host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (
        256,
        True,
        ["ALL"],
        False,
    )
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert config["User"] == "10001:10001"
    assert container.attrs["Image"] == handle.image_digest
    assert host["PortBindings"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(handle.port)}]}
    assert container.exec_run(["touch", "/srv/x"]).exit_code != 0
    assert container.exec_run(["touch", "/tmp/x"]).exit_code == 0
    assert container.exec_run(config["Healthcheck"]["Test"][1:]).exit_code == 0


@only_docker
def test_a_port_that_another_took_meanwhile_is_left_to_it(start, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = iter([other.getsockname()[1], free_port("127.0.0.1")])
        monkeypatch.setattr("slipway.runtime.docker.free_port", lambda host: next(ports))
        runtime, handle = start()
        assert handle.port != other.getsockname()[1]
        assert runtime.list() == [handle]


@only_docker
def test_labels_name_whose_it_is(start, engine, version):
    _, handle = start()
    labels = engine.containers.get(handle.id).labels
    assert labels["slipway.service"] == "churn-test"
    assert labels["slipway.role"] == "candidate"
    assert labels["slipway.artifact_sha256"] == version.subject.artifact_sha256
    assert (labels["slipway.model"], labels["slipway.version"]) == ("churn", "1")


@only_docker
def test_a_foreign_container_with_the_name_is_left_alone(start, engine, world):
    runtime, image = world
    _, handle = start()
    name = engine.containers.get(handle.id).name
    runtime.stop(handle, grace_s=0)
    foreign = engine.containers.create(image.digest, name=name, labels={"slipway.project": "somebody-else"})
    try:
        with pytest.raises(ServiceError, match="does not belong to this project"):
            start()
        assert runtime.find("churn-test") is None
        with pytest.raises(StaleHandleError):
            runtime.stop(replace(handle, id=foreign.id))
        assert engine.containers.get(foreign.id).id == foreign.id
    finally:
        foreign.remove(force=True)


def kill_inside(engine, handle):
    """Let its process die as a crash would."""
    psutil.Process(engine.containers.get(handle.id).attrs["State"]["Pid"]).kill()


@only_docker
def test_a_champion_comes_back_at_the_same_address(start, engine):
    runtime, handle = start(role="champion")
    runtime.wait_ready(handle, timeout_s=READY_S)
    kill_inside(engine, handle)
    assert back(runtime, handle)
    assert ask(handle)["predictions"]
    assert runtime.find("churn-test") == handle


def back(runtime, handle):
    for _ in range(READY_S * 5):
        try:
            if ask(handle):
                return runtime.is_alive(handle)
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    return False


@only_docker
def test_a_candidate_that_crashed_stays_dead(start, engine):
    runtime, handle = start()
    runtime.wait_ready(handle, timeout_s=READY_S)
    kill_inside(engine, handle)
    engine.containers.get(handle.id).wait(timeout=30)
    assert not runtime.is_alive(handle)
    with pytest.raises(ServiceError, match=r"exit code 137"):
        runtime.wait_ready(handle, timeout_s=5)


@only_docker
def test_one_that_needs_more_memory_than_it_may_says_so(start):
    runtime, handle = start(memory_mb=40)
    with pytest.raises(ServiceError, match=r"died: .*memory"):
        runtime.wait_ready(handle, timeout_s=READY_S)


@only_docker
def test_an_image_that_is_not_there_is_an_error(world, version):
    runtime, image = world
    missing = replace(image, digest="sha256:" + "0" * 64)
    with pytest.raises(ServiceError, match=r"(?i)no such image"):
        runtime.start(ServiceSpec(name="churn-none", image=missing, subject=version.subject))
