"""A registry in a SQLite file, and versions in it that are written by hand: no training, no model library."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from slipway.registry.mlflow_registry import Registry

MODEL = "a_model"
MLMODEL = """\
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.zip
    python_version: 3.11.0
signature:
  inputs: '[{"type": "double", "name": "x"}]'
  outputs: null
  params: null
"""


def write_version(folder: Path, *, value: float = 1.0) -> Path:
    """Write what a run logs: a model, a snapshot and reference parameters."""
    for part in ("model", "snapshot", "reference"):
        (folder / part).mkdir(parents=True)
    (folder / "model" / "MLmodel").write_text(MLMODEL)
    with zipfile.ZipFile(folder / "model" / "model.zip", "w") as archive:
        archive.writestr("weights", f"{value}" * 1000)
    frame = pd.DataFrame({"x": [value, 2.0, 3.0], "y": [0, 1, 0]})
    frame.to_parquet(folder / "snapshot" / "train.parquet")
    frame.to_parquet(folder / "snapshot" / "holdout.parquet")
    (folder / "reference" / "parameters.json").write_text(f'{{"x": {value}}}')
    return folder


class Store:
    """A tracking store that tests write to as a training run would."""

    def __init__(self, uri: str, folder: Path, artifacts: Path | None = None) -> None:
        from mlflow import MlflowClient

        self.uri = uri
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        location = None if artifacts is None else artifacts.as_uri()
        self.experiment = self.client.create_experiment(folder.name, artifact_location=location)
        self.folder = folder

    def register(self, name: str = MODEL, *, value: float = 1.0, without: tuple[str, ...] = ()) -> int:
        """Log and register one version, leaving out some of its files; return its number."""
        from mlflow.exceptions import MlflowException

        made = write_version(self.folder / f"made-{time.monotonic_ns()}", value=value)
        for path in without:
            (made / path).unlink()
        run = self.client.create_run(self.experiment)
        self.client.log_metric(run.info.run_id, "rmse", 1.5)
        self.client.log_artifacts(run.info.run_id, str(made))
        shutil.rmtree(made)
        with contextlib.suppress(MlflowException):
            self.client.create_registered_model(name)
        source = f"{run.info.artifact_uri}/model"
        return int(self.client.create_model_version(name, source, run.info.run_id).version)

    def artifacts_of(self, version: int, name: str = MODEL) -> Path:
        """Return where a version's files lie; for a store on this machine."""
        run_id = self.client.get_model_version(name, str(version)).run_id
        return Path(self.client.get_run(run_id).info.artifact_uri.removeprefix("file://"))


@pytest.fixture(scope="session")
def template_database(tmp_path_factory) -> Path:
    """An empty MLflow database: making its tables takes seconds, copying it does not."""
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    path.touch()
    Registry(f"sqlite:///{path}", cache=path.parent / "cache").check()
    return path


@pytest.fixture
def open_store():
    """Opens a store by its address: ``open_store(uri, folder)``."""
    return Store


@pytest.fixture
def store(tmp_path, template_database) -> Store:
    database = tmp_path / "mlflow.db"
    shutil.copy(template_database, database)
    return Store(f"sqlite:///{database}", tmp_path, tmp_path / "artifacts")


@pytest.fixture
def registry(store, tmp_path) -> Registry:
    return Registry(store.uri, cache=tmp_path / "cache")


@pytest.fixture(scope="module")
def server(tmp_path_factory, template_database):
    """A tracking server that hands out artifacts itself, on a free loopback port; yields its address."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(template_database, folder / "mlflow.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
            env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_healthy(address, process, folder / "log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(2400):  # a busy machine takes a minute to import it
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"the tracking server did not start:\n{log.read_text()}")
