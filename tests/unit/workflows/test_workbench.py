"""A service runs where its image was built for, whatever is built for now."""

from dataclasses import replace

import pytest

from slipway.core.service import RuntimeName
from slipway.workflows.candidate import service_spec, started
from tests.unit.deploy.fakes import FakeRuntime, image, subject


@pytest.fixture
def processes(monkeypatch):
    runtime = FakeRuntime()
    runtime.name = RuntimeName.PROCESS
    asked = []

    def open_runtime(settings):
        asked.append(settings.runtime)
        return runtime

    monkeypatch.setattr("slipway.runtime.select.open_runtime", open_runtime)
    yield runtime
    assert set(asked) <= {"process"}
    runtime.close()


@pytest.mark.parametrize("name", RuntimeName)
def test_a_service_starts_in_the_runtime_of_its_image(bench, processes, name):
    built = replace(image(1), runtime=name)
    spec = service_spec(bench.spec("churn"), subject(1), built, role="score")
    where = {RuntimeName.DOCKER: bench.runtime, RuntimeName.PROCESS: processes}
    with started(bench, spec, startup_seconds=10) as handle:
        assert [found.name for found in where.pop(name).list()] == [handle.name]
        assert [found for other in where.values() for found in other.list()] == []
    assert bench.runtime.list() == processes.list() == []
