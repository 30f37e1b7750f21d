"""A small real project to tamper with: two models, their versions in an MLflow store, a ledger with its anchors."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from slipway.core.evidence import REQUIRED_CHECKS, Evidence, Report
from slipway.core.identity import Subject, digest_bytes
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.ledger.entries import EntryKind
from slipway.registry.mlflow_registry import Registry
from slipway.settings import Settings
from slipway.workflows.anchor import anchor_ledger
from slipway.workflows.standing import CHAMPION
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODELS = ("first_model", "second_model")
VERSIONS = 2
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = Path(__file__).resolve().parents[2] / "include" / "models" / "diabetes_progression" / "model.yaml"


def make_project(folder: Path) -> Workbench:
    """Write a project below ``folder``, release every version of its models on paper, and anchor the ledger twice.

    No gate runs: what each would leave is written, with report files whose digests are real.
    """
    for model in MODELS:
        declared = yaml.safe_load(SOURCE.read_text())
        target = folder / "include" / "models" / model / "model.yaml"
        target.parent.mkdir(parents=True)
        target.write_text(yaml.safe_dump({**declared, "name": model, "registered_model": model}))
    settings = Settings.load({"SLIPWAY_ROOT": str(folder)})
    bench = Workbench(settings, say=lambda _line: None)
    store = _store(settings)
    for version in range(1, VERSIONS + 1):
        for model in MODELS:
            _register(store, folder / "made", model, value=f"{model} {version}")
            _release(bench, model, version)
        anchor_ledger(bench)
    return bench


def artifacts_of(bench: Workbench, model: str, version: int) -> Path:
    """Return the folder of a version's files in the registry's store."""
    client = _client(bench.settings)
    run = client.get_model_version(model, str(version)).run_id
    return Path(client.get_run(run).info.artifact_uri.removeprefix("file://"))


def _client(settings: Settings) -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=settings.tracking_uri, registry_uri=settings.tracking_uri)


def _store(settings: Settings) -> tuple[MlflowClient, str]:
    database = Path(settings.tracking_uri.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    database.touch()
    Registry(settings.tracking_uri, cache=settings.var / "versions").check()  # makes the tables
    client = _client(settings)
    return client, client.create_experiment("bench", artifact_location=(settings.var / "artifacts").as_uri())


def _register(store: tuple[MlflowClient, str], made: Path, model: str, *, value: str) -> None:
    from mlflow.exceptions import MlflowException

    client, experiment = store
    draw = random.Random(value)
    files = {
        "model/MLmodel": b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n# " + value.encode(),
        "model/model.bin": draw.randbytes(4000),
        "model/requirements.txt": b"numpy==2.3.4\n",
        "snapshot/train.parquet": draw.randbytes(3000),
        "snapshot/holdout.parquet": draw.randbytes(2000),
        "reference/parameters.json": value.encode(),
    }
    for name, data in files.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(data)
    run = client.create_run(experiment)
    client.log_artifacts(run.info.run_id, str(made))
    shutil.rmtree(made)
    try:
        client.create_registered_model(model)
    except MlflowException:
        client.get_registered_model(model)
    client.create_model_version(model, f"{run.info.artifact_uri}/model", run.info.run_id)


def _release(bench: Workbench, model: str, version: int) -> None:
    digest = bench.registry.artifact_digest(model, version)
    subject = Subject(model=model, version=version, artifact_sha256=digest)
    named = {"model": model, "version": version, "actor": "ada"}
    release = f"{model}-{version}"
    bench.ledger.append(EntryKind.RELEASE_STARTED, **named, payload={"release": release, "subject": subject.to_json()})
    image = digest_bytes(release.encode())
    for check in REQUIRED_CHECKS:
        judged = subject.with_image(image) if check.needs_image else subject
        payload = _evidence(bench.settings.reports, judged, check, release).to_json()
        bench.ledger.append(EntryKind.EVIDENCE, **named, payload=payload)
    bench.ledger.append(EntryKind.APPROVAL, **named, payload={"release": release, "by": "bob", "comment": "seen"})
    before = bench.registry.alias(model, CHAMPION)
    bench.registry.set_alias(model, CHAMPION, version)
    promoted: dict[str, Any] = {"release": release, "subject": subject.with_image(image).to_json(), "before": before}
    bench.ledger.append(EntryKind.PROMOTION, **named, payload=promoted)
    bench.ledger.append(EntryKind.RELEASE_ENDED, **named, payload={"release": release, "outcome": "PASSED"})


def _evidence(reports: Path, subject: Subject, check: Any, release: str) -> Evidence:
    files = []
    for name in (f"{check}.html", "figures.json"):
        path = reports / subject.model / f"v{subject.version}" / release / check / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = random.Random(f"{release} {check} {name}").randbytes(1500).hex().encode()
        path.write_bytes(data)
        files.append(Report(path=path.relative_to(reports).as_posix(), sha256=digest_bytes(data), title=name))
    evidence = Evidence(
        check=check,
        outcome=Outcome.PASSED,
        subject=subject,
        runtime="docker",
        measurements=(Measurement(name="m", value=1.0, threshold=1.0, bound=Bound.MIN, n=100),),
        reports=tuple(files),
        started_at=BEGIN,
        ended_at=BEGIN + timedelta(seconds=3),
        release=release,
    )
    return replace(evidence, host={"machine": "bench"})
