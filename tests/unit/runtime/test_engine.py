"""The engine's errors come in our words."""

import errno

import pytest
import requests
from docker.errors import APIError

from slipway.errors import EngineUnavailable, ImageBuildError, ServiceError
from slipway.runtime.engine import connect, reported_as
from tests.unit.runtime.engine_double import EngineDouble


def test_an_engine_that_answers_is_connected_to(monkeypatch):
    engine = EngineDouble()
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    try:
        client = connect(timeout_s=7)
        assert client.ping()
        assert client.api.timeout == 7
        client.close()
    finally:
        engine.close()


@pytest.mark.parametrize("host", ["unix:///nonexistent/docker.sock", "tcp://127.0.0.1:1"], ids=["no socket", "no port"])
def test_a_dead_engine_says_what_to_do(monkeypatch, host):
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineUnavailable, match=r"no container engine answers.*SLIPWAY_RUNTIME=process"):
        connect()


CASES = {
    "refused": (APIError("x", explanation="Conflict. The name is in use"), ServiceError, "The name is in use"),
    "full disk": (APIError("x", explanation="write: no space left on device"), ServiceError, "docker image prune"),
    "no image": (APIError("x", explanation="No such image: sha256:1"), ServiceError, "release the version again"),
    "late": (requests.exceptions.ReadTimeout("read timed out"), ServiceError, "did not answer in time"),
    "gone": (requests.exceptions.ConnectionError("reset"), EngineUnavailable, "the engine went away"),
    "broken pipe": (BrokenPipeError("pipe"), EngineUnavailable, "the engine went away"),
}


@pytest.mark.parametrize(("raised", "kind", "text"), CASES.values(), ids=CASES)
def test_what_the_engine_raises_becomes_ours(raised, kind, text):
    with pytest.raises(kind, match=text), reported_as(ServiceError, "it cannot be started"):
        raise raised


def test_our_own_errors_pass_unchanged():
    with pytest.raises(ImageBuildError, match="ours"), reported_as(ServiceError, "it cannot be started"):
        raise ImageBuildError("ours", remedy="none")


def test_a_full_disk_of_ours_is_not_blamed_on_the_engine():
    with pytest.raises(OSError, match="No space"), reported_as(ServiceError, "it cannot be built"):
        raise OSError(errno.ENOSPC, "No space left on device")
