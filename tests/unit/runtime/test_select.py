"""Which runtime, and which base image, on which machine."""

import pytest

from slipway.core.service import RuntimeName
from slipway.errors import EngineUnavailable, ImageBuildError
from slipway.runtime.docker import DockerRuntime
from slipway.runtime.process import ProcessRuntime
from slipway.runtime.select import LOCAL_BASE, base_image, choose_runtime, open_runtime
from slipway.settings import Settings
from tests.unit.runtime.engine_double import EngineDouble

DECLARED = "python:3.11-slim-bookworm"


@pytest.fixture
def settings(tmp_path):
    def make(runtime="auto", base=DECLARED):
        return Settings(root=tmp_path, var=tmp_path / "var", runtime=runtime, base_image=base)

    return make


@pytest.fixture
def engine(monkeypatch):
    running = []

    def start(**content):
        running.append(EngineDouble(**content))
        monkeypatch.setenv("DOCKER_HOST", running[-1].url)
        return running[-1]

    yield start
    for double in running:
        double.close()


@pytest.fixture
def no_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")


BASES = {
    "declared one is here": ([DECLARED, LOCAL_BASE], [], DECLARED, []),
    "declared one can be pulled": ([], [DECLARED], DECLARED, [DECLARED]),
    "pulled although ours is here": ([LOCAL_BASE], [DECLARED], DECLARED, [DECLARED]),
    "ours is here": ([LOCAL_BASE], [], LOCAL_BASE, [DECLARED]),
}


@pytest.mark.parametrize(("images", "registry", "expected", "pulls"), BASES.values(), ids=BASES)
def test_the_base_image_is_one_that_is_here(settings, engine, images, registry, expected, pulls):
    double = engine(images=images, registry=registry)
    assert base_image(settings()) == expected
    assert double.pulls == pulls


def test_neither_image_says_how_to_make_one(settings, engine):
    engine()
    with pytest.raises(ImageBuildError, match=r"no such host.*make base-image"):
        base_image(settings())


def test_a_failed_pull_is_remembered_while_there_is_another_image(settings, engine):
    double = engine(images=[LOCAL_BASE])
    assert [base_image(settings()) for _ in range(3)] == [LOCAL_BASE] * 3
    assert double.pulls == [DECLARED]


def test_a_failed_pull_is_tried_again_when_there_is_no_other_image(settings, engine):
    double = engine()
    for _ in range(2):
        with pytest.raises(ImageBuildError):
            base_image(settings())
    double.registry.add(DECLARED)
    assert base_image(settings()) == DECLARED


def test_a_reference_without_a_tag_means_latest(settings, engine):
    double = engine()
    with pytest.raises(ImageBuildError):
        base_image(settings(base="registry.example:5000/other"))
    assert double.pulls == ["registry.example:5000/other:latest"]


def test_auto_is_docker_where_an_engine_has_a_base_image(settings, engine):
    engine(images=[LOCAL_BASE])
    name, why = choose_runtime(settings())
    assert (name, LOCAL_BASE in why) == (RuntimeName.DOCKER, True)
    assert isinstance(open_runtime(settings()), DockerRuntime)


def test_auto_is_processes_where_an_engine_has_no_base_image(settings, engine):
    engine()
    name, why = choose_runtime(settings())
    assert (name, "cannot be pulled" in why) == (RuntimeName.PROCESS, True)


def test_auto_is_processes_where_no_engine_answers(settings, no_engine):
    name, why = choose_runtime(settings())
    assert (name, "no container engine answers" in why) == (RuntimeName.PROCESS, True)
    assert isinstance(open_runtime(settings()), ProcessRuntime)


def test_docker_on_demand_does_not_fall_back(settings, no_engine):
    with pytest.raises(EngineUnavailable):
        open_runtime(settings("docker"))


def test_processes_on_demand_ask_no_engine(settings, engine):
    engine(images=[DECLARED])
    assert isinstance(open_runtime(settings("process")), ProcessRuntime)
