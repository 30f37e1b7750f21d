"""The program as a person runs it, on a project in a temporary folder, with an Airflow and a registry in memory."""

import functools
import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from slipway.core.evidence import Check, Evidence, Report
from slipway.core.identity import Subject, digest_bytes
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import VersionNotFound
from slipway.ledger import EntryKind, Ledger
from slipway.orchestrator import client as orchestrator
from slipway.registry import mlflow_registry
from slipway.settings import Settings
from tests.fakes.registry import FakeRegistry
from tests.fakes.specs import declared
from tests.unit.orchestrator.conftest import FakeAirflow, approval, dag

T0 = datetime(2026, 1, 1, tzinfo=UTC)
IMAGE = digest_bytes(b"the image")
WIDE = "a reason that is far wider than a terminal: " + "x" * 200 + " and holds [brackets], [/] and [red]"


@dataclass(frozen=True)
class Ran:
    """How the program ended, and what it said where."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    def paragraph(self):
        """The error as one line, having checked that it is one of ours."""
        assert self.code == 1
        assert "Traceback" not in self.out + self.err
        assert "What to do: " in self.err
        return " ".join(self.err.split())


class Registry(FakeRegistry):
    """Knows a model that was registered from one that was not, as MLflow does."""

    def versions(self, model):
        found = super().versions(model)
        if not found:
            raise VersionNotFound(f"Registered Model with name={model} not found", remedy="train one")
        return found


class Airflow(FakeAirflow):
    """Runs everything at once, to the end that ``ends`` names."""

    def __init__(self):
        super().__init__()
        self.ends = "success"
        self.on_trigger = lambda dag_id, run_id: None
        for name in ("churn.release", "churn.rollback"):
            self.dags[name] = dag(name)

    def _trigger(self, dag_id, body):
        reply = super()._trigger(dag_id, body)
        run_id = body["dag_run_id"]
        self.runs[dag_id, run_id]["state"] = self.ends
        task = {"task_id": "deploy", "state": self.ends, "try_number": 1, "map_index": -1}
        times = {"start_date": T0.isoformat(), "end_date": (T0 + timedelta(seconds=4)).isoformat()}
        self.tasks[dag_id, run_id] = [task | times]
        self.logs["deploy"] = [json.dumps({"event": "last words of [deploy]"})]
        self.on_trigger(dag_id, run_id)
        return reply


@pytest.fixture
def slipway(capsys, monkeypatch):
    """Run the program with these words; returns how it ended."""

    def run(*words):
        from slipway.cli.main import main

        monkeypatch.setattr(sys, "argv", ["slipway", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """One model, a narrow terminal, no service and no engine anywhere."""
    for name in list(os.environ):
        if name.startswith("SLIPWAY_"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("SLIPWAY_ROOT", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("COLUMNS", "60")

    def write(**changes):
        folder = tmp_path / "include" / "models" / "churn"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.yaml").write_text(yaml.safe_dump(declared(**changes)))
        return folder

    write()
    return write


@pytest.fixture
def settings(project):
    return Settings.load()


@pytest.fixture
def registry(settings, monkeypatch):
    """Versions 1 and 2; 1 is champion. It goes by MLflow's names; a command opens it with those that it knows."""
    fake = Registry(settings.var / "registry")
    fake.add("churn", 1)
    fake.add("churn", 2, b"newer")
    fake.set_alias("churn", "champion", 1)
    monkeypatch.setattr(mlflow_registry, "Registry", lambda *_, cache, **names: replace(fake, **names))
    return fake


@pytest.fixture
def airflow(monkeypatch):
    fake = Airflow()
    client = functools.partial(orchestrator.AirflowClient, http=fake)
    monkeypatch.setattr(orchestrator, "AirflowClient", client)
    monkeypatch.setenv("SLIPWAY_AIRFLOW_URL", "http://airflow")
    monkeypatch.setenv("SLIPWAY_AIRFLOW_USER", "admin")
    monkeypatch.setenv("SLIPWAY_AIRFLOW_PASSWORD", "word")
    return fake


@pytest.fixture
def waiting(airflow):
    """A release of churn that waits for a person."""
    question = approval(params={"comment": {"value": "", "schema": {"type": ["string", "null"]}}})
    airflow.approvals.append(question)
    return question


@pytest.fixture
def ledger(settings):
    return Ledger(settings.ledger_url)


@pytest.fixture
def evidence(settings, ledger):
    """Write one piece of evidence to the ledger and return it."""

    def write(*, outcome=Outcome.FAILED, version=1, release="r1", check=Check.LOAD_TEST, crashed=False):
        value = 120.0 if outcome is Outcome.PASSED else 480.5
        subject_digest = digest_bytes(str(version).encode())
        item = Evidence(
            check=check,
            outcome=outcome,
            subject=Subject(model="churn", version=version, artifact_sha256=subject_digest).with_image(IMAGE),
            runtime="docker",
            measurements=()
            if crashed
            else (
                Measurement(name="latency.p95", value=value, threshold=170, bound=Bound.MAX, unit="ms", n=600),
                Measurement(name="latency.p99", value=140, threshold=270, bound=Bound.MAX, unit="ms", n=600),
                Measurement(name="slice.[a]>50.errors", value=0.5, n=600),
            ),
            reports=(Report(path="churn/v1/r1/load_test/load_test.html", sha256=IMAGE),),
            started_at=T0,
            ended_at=T0 + timedelta(seconds=21),
            release=release,
            reasons=() if outcome is Outcome.PASSED else (WIDE,),
        )
        ledger.append(EntryKind.EVIDENCE, model="churn", version=version, actor="ada", payload=item.to_json())
        return item

    return write
