"""What is measured, and how each is started: as its own documentation has it, one worker, no debug or access log."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.serving.models import BenchModel
from bench.serving.payloads import Form
from slipway.runtime.ports import free_port

HOST = "127.0.0.1"
PEERS = ("mlflow", "mlserver", "bentoml")
SLIPWAY, ECHO = "slipway", "echo"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How one system is started for one model, and how it is then asked.

    Attributes
    ----------
    argv : tuple
    cwd : Path
    env : mapping
        Its whole environment.
    port : int
    ready : str
        The path that answers 200 once it can answer.
    path : str
    form : Form
        The payload that its documentation recommends.
    """

    argv: tuple[str | Path, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    port: int
    ready: str
    path: str
    form: Form


def variants(system: str, model: BenchModel) -> tuple[str, ...]:
    """Return the ways in which a system may be set up for a model; the fastest of them is measured."""
    if system == "mlserver":
        runtimes = ("mlflow",) if model.joblib is None else ("sklearn", "mlflow")
        return tuple(f"{runtime}, {where}" for runtime in runtimes for where in ("in process", "one parallel worker"))
    if system == "bentoml":
        return ("plain", "adaptive batching")
    return ("default",)


def launch(system: str, model: BenchModel, variant: str, *, python: Path, folder: Path) -> Launch:
    """Return how to start a system for a model.

    Parameters
    ----------
    python : Path
        The interpreter of its environment.
    folder : Path
        Where its own files may lie.
    """
    folder.mkdir(parents=True, exist_ok=True)
    make = {"mlflow": _mlflow, "mlserver": _mlserver, "bentoml": _bentoml, ECHO: _echo}[system]
    return make(model, variant, python, folder)


def _environment(python: Path, folder: Path, **extra: str) -> dict[str, str]:
    return {
        "PATH": f"{python.parent}{os.pathsep}{os.defpath}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **_ONE_THREAD,
        **extra,
    }


def _mlflow(model: BenchModel, variant: str, python: Path, folder: Path) -> Launch:
    del variant
    port = free_port(HOST)
    command = (python.with_name("mlflow"), "models", "serve", "--model-uri", model.folder, "--env-manager", "local")
    return Launch(
        argv=(*command, "--host", HOST, "--port", str(port), "--workers", "1"),
        cwd=folder,
        # mlflow has no option for it; uvicorn reads its own from the environment
        env=_environment(python, folder, UVICORN_ACCESS_LOG="false", UVICORN_LOG_LEVEL="warning"),
        port=port,
        ready="/ping",
        path="/invocations",
        form=Form.SPLIT,
    )


def _mlserver(model: BenchModel, variant: str, python: Path, folder: Path) -> Launch:
    runtime, _, where = variant.partition(", ")
    ports = {name: free_port(HOST) for name in ("http_port", "grpc_port", "metrics_port")}
    workers = 0 if where == "in process" else 1
    settings = {"host": HOST, "debug": False, "parallel_workers": workers, **ports}
    implementation = {"sklearn": "mlserver_sklearn.SKLearnModel", "mlflow": "mlserver_mlflow.MLflowRuntime"}[runtime]
    uri = model.joblib if runtime == "sklearn" else model.folder
    served = {"name": "m", "implementation": implementation, "parameters": {"uri": str(uri)}}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(served))
    return Launch(
        argv=(python.with_name("mlserver"), "start", folder),
        cwd=folder,
        env=_environment(python, folder),
        port=ports["http_port"],
        ready="/v2/models/m/ready",
        path="/v2/models/m/infer",
        form=Form.V2_MATRIX if runtime == "sklearn" else Form.V2_COLUMNS,
    )


def _bentoml(model: BenchModel, variant: str, python: Path, folder: Path) -> Launch:
    port = free_port(HOST)
    batched = "1" if variant == "adaptive batching" else "0"
    return Launch(
        argv=(python.with_name("bentoml"), "serve", "bentoml_service:Scorer", "--host", HOST, "--port", str(port)),
        cwd=_HERE / "peers",
        env=_environment(
            python,
            folder,
            BENTOML_HOME=str(folder / "home"),
            BENTOML_DO_NOT_TRACK="True",
            BENCH_MODEL=str(model.folder),
            BENCH_BATCHED=batched,
            PYTHONDONTWRITEBYTECODE="1",
        ),
        port=port,
        ready="/readyz",
        path="/predict",
        form=Form.ROWS,
    )


def _echo(model: BenchModel, variant: str, python: Path, folder: Path) -> Launch:
    del model, variant
    port = free_port(HOST)
    quiet = ("--no-access-log", "--log-level", "warning", "--lifespan", "off")
    fast = ("--loop", "uvloop", "--http", "httptools", "--workers", "1")
    return Launch(
        argv=(python, "-m", "uvicorn", "echo_app:app", "--host", HOST, "--port", str(port), *fast, *quiet),
        cwd=_HERE / "peers",
        env=_environment(python, folder, PYTHONDONTWRITEBYTECODE="1"),
        port=port,
        ready="/",
        path="/",
        form=Form.SPLIT,
    )
