"""What the docker runtime makes of the engine's figures; the rest needs an engine."""

import pytest

from slipway.errors import EngineUnavailable
from slipway.runtime.docker import DockerRuntime, memory_mb
from slipway.settings import Settings

MIB = 2**20
FIGURES = {
    "cgroup 1, with a peak": (
        {"usage": 50 * MIB, "max_usage": 90 * MIB, "stats": {"total_inactive_file": 10 * MIB}},
        80,
    ),
    "cgroup 2": ({"usage": 50 * MIB, "stats": {"inactive_file": 5 * MIB}}, 45),
    "no detail": ({"usage": 50 * MIB}, 50),
    "nothing": ({}, None),
}


@pytest.mark.parametrize(("stats", "expected"), FIGURES.values(), ids=FIGURES)
def test_memory_is_the_peak_without_page_cache(stats, expected):
    assert memory_mb(stats) == expected


def test_making_a_runtime_needs_no_engine_but_using_it_does(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    runtime = DockerRuntime(Settings(root=tmp_path, var=tmp_path))
    with pytest.raises(EngineUnavailable):
        runtime.find("churn-v1")
