"""What the docker runtime makes of the engine's figures; the rest needs an engine."""

import pytest

from slipway.core.identity import Subject
from slipway.core.service import BuiltImage, RuntimeName, ServiceSpec
from slipway.errors import EngineUnavailable, ServiceError
from slipway.runtime.docker import DockerRuntime, log_env, log_mount, memory_mb
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


def test_the_folder_of_a_prediction_log_is_mounted_where_the_service_writes_it(tmp_path):
    image = BuiltImage(digest="d", reference="d", runtime=RuntimeName.DOCKER, python_version="3.11", lock_sha256="l")
    subject = Subject(model="clinic", version=1, artifact_sha256="sha256:" + "0" * 64)
    folder = tmp_path / "a" / "b"
    spec = ServiceSpec(name="s", image=image, subject=subject, prediction_log=folder)
    assert log_mount(spec) == {str(folder): {"bind": "/predictions", "mode": "rw"}}
    assert log_env(spec) == {"SLIPWAY_SERVING_LOG_DIR": "/predictions"}
    there = folder.stat()
    assert there.st_uid == 10001 or there.st_mode & 0o777 == 0o777
    plain = ServiceSpec(name="s", image=image, subject=subject)
    assert (log_mount(plain), log_env(plain)) == ({}, {})
    (tmp_path / "file").touch()
    with pytest.raises(ServiceError, match="prediction log"):
        log_mount(ServiceSpec(name="s", image=image, subject=subject, prediction_log=tmp_path / "file"))
