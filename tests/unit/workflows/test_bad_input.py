"""What is missing, broken, full or dead ends a step with one error that says what to do; nothing is promoted."""

import multiprocessing
import resource
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from slipway.core.evidence import Check, Findings
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import (
    ArtifactError,
    EngineUnavailable,
    GateConfigurationError,
    PromotionRefused,
    ReferenceFailed,
    RegistryUnreachable,
    SpecError,
    StorageError,
)
from slipway.registry.artifacts import check_files
from slipway.registry.mlflow_registry import Registry
from slipway.workflows.approve import request_approval
from slipway.workflows.gate import run_gate
from slipway.workflows.run_scenarios import run_scenarios
from slipway.workflows.start_candidate import start_candidate
from slipway.workflows.validate_data import validate_data
from slipway.workflows.workbench import Workbench
from tests.unit.workflows.conftest import REGISTERED

MLMODEL = "flavors:\n  python_function:\n    loader_module: m\n"
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def champion(bench):
    """Version 7 serves; whatever happens, it must stay."""
    bench.registry.add("churn", 7, b"older")
    bench.registry.set_alias("churn", "champion", 7)
    yield 7
    assert bench.registry.aliases == {(REGISTERED, "champion"): 7}


def one_paragraph(error, remedy):
    assert "Traceback" not in str(error.value)
    assert remedy in error.value.remedy


@pytest.fixture
def snapshot(bench):
    """The version's files, as the registry's own checks want them."""
    folder = bench.registry.root / REGISTERED / "1"
    (folder / "model" / "MLmodel").write_text(MLMODEL)
    rows = [{"tenure": float(n % 100), "spend": float(n % 20 - 10), "left": n % 2} for n in range(200)]
    for name in ("train", "holdout"):
        pd.DataFrame(rows).to_parquet(folder / "snapshot" / f"{name}.parquet")
    return folder


@pytest.fixture
def candidate(bench, release, put, snapshot):
    put(Check.BUILD_IMAGE)
    return start_candidate(bench, release)


REFERENCES = {
    "is missing": (None, "reference.py is missing", "write reference.py"),
    "was never written": ("def score(rows):\n    raise NotImplementedError('write it')\n", "write it", "correct refer"),
    "borrows the estimator": (
        "import sklearn\ndef score(rows):\n    return rows\n",
        "is not independent",
        "plain Pyth",
    ),
    "is not Python": ("def score(rows:\n", "is not Python", "correct its syntax"),
}


@pytest.mark.parametrize(("text", "says", "remedy"), REFERENCES.values(), ids=REFERENCES)
def test_the_scenarios_stop_when_the_reference(bench, release, candidate, champion, text, says, remedy):
    if text is not None:
        (bench.settings.models / "churn" / "reference.py").write_text(text)
    with pytest.raises(ReferenceFailed, match=says) as error:
        run_scenarios(bench, release)
    assert remedy in error.value.remedy
    evidence = bench.ledger.evidence("churn")[-1]
    assert (evidence.check, evidence.outcome) == (Check.RUN_SCENARIOS, Outcome.INCONCLUSIVE)
    with pytest.raises(PromotionRefused, match="run_scenarios: INCONCLUSIVE"):
        request_approval(bench, release)


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


DAMAGE = {
    "the snapshot is cut off": (
        lambda folder: cut(folder / "snapshot" / "holdout.parquet"),
        "holdout.parquet is damaged",
    ),
    "the snapshot is gone": (lambda folder: (folder / "snapshot" / "holdout.parquet").unlink(), "has no snapshot/"),
    "the model is gone": (lambda folder: (folder / "model" / "MLmodel").unlink(), "has no model/MLmodel"),
    "the model is no declaration": (lambda folder: (folder / "model" / "MLmodel").write_text("]["), "is damaged"),
    "the estimator is cut off": (
        lambda folder: (folder / "model" / "m.skops").write_bytes(b"PK\3\4"),
        "m.skops is dam",
    ),
}


@pytest.mark.parametrize(("damage", "says"), DAMAGE.values(), ids=DAMAGE)
def test_a_version_does_not_enter_its_release_when(bench, release, snapshot, champion, damage, says, monkeypatch):
    whole = bench.registry.files

    def files(model, version):
        found = whole(model, version)
        check_files(found.root, f"{model} version {version}")
        return found

    monkeypatch.setattr(bench.registry, "files", files)
    assert bench.files(release).holdout.is_file()
    damage(snapshot)
    with pytest.raises(ArtifactError, match=says) as error:
        validate_data(bench, release)
    one_paragraph(error, "register the version again" if "damaged" in says or "dam" in says else "log the")
    assert bench.ledger.entries() == []


def test_a_dataset_without_a_contract_stops_the_first_gate(bench, release, snapshot, champion):
    with pytest.raises(GateConfigurationError, match=r"suite\.json is missing") as error:
        validate_data(bench, release)
    one_paragraph(error, "write the dataset's expectation suite")
    assert bench.ledger.evidence("churn")[-1].outcome is Outcome.INCONCLUSIVE


def passed(bench, release, work):
    subject = bench.files(release).subject

    def found(folder):
        page = folder / "evaluate.html"
        work(page)
        judged = Measurement(name="accuracy", value=0.9, threshold=0.8, bound=Bound.MIN)
        return subject, Findings(measurements=(judged,), reports={str(page): "Evaluation"})

    return run_gate(bench, release, Check.EVALUATE, subject, found)


def test_a_registry_that_goes_away_mid_release_leaves_nothing_passed(bench, release, champion):
    def work(page):
        page.write_text("<p>all is well</p>")
        bench.registry.down = True

    with pytest.raises(RegistryUnreachable) as error:
        passed(bench, release, work)
    one_paragraph(error, "start it")
    assert bench.ledger.entries() == []


def test_a_registry_that_is_not_there_is_told_in_seconds(bench, release, tmp_path):
    bench.registry = Registry(NOWHERE, cache=tmp_path / "versions")
    with pytest.raises(RegistryUnreachable, match="does not answer") as error:
        validate_data(bench, release)
    one_paragraph(error, "SLIPWAY_TRACKING_URI")


def test_a_dead_engine_is_told_before_any_work_is_done(bench, release, champion, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    del bench.runtime
    bench.settings = replace(bench.settings, runtime="docker")
    worked = []
    with pytest.raises(EngineUnavailable) as error:
        passed(bench, release, worked.append)
    one_paragraph(error, "start the docker daemon")
    assert worked == []
    assert bench.ledger.entries() == []


def test_an_engine_that_died_refuses_the_image_that_it_built(bench, release, put, champion, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    put(Check.BUILD_IMAGE)
    monkeypatch.setattr(bench, "verify_image", super(type(bench), bench).verify_image)
    with pytest.raises(EngineUnavailable):
        start_candidate(bench, release)
    assert bench.runtime.list() == []


def test_a_full_disk_is_said_to_be_full_and_the_gate_has_not_passed(bench, release, champion):
    with pytest.raises(StorageError, match="No space left") as error:
        passed(bench, release, lambda page: Path("/dev/full").write_text("<p>all is well</p>"))
    one_paragraph(error, "free disk space")
    (evidence,) = bench.ledger.evidence("churn")
    assert evidence.outcome is Outcome.INCONCLUSIVE
    assert "free disk space" in evidence.reasons[0]


def test_a_disk_without_room_for_the_report_stops_the_gate(bench, release, champion):
    """In a process of its own, since a limit on the size of files stays."""

    def limited(end):
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        try:
            passed(bench, release, lambda page: page.write_bytes(b"x" * 400_000))
        except StorageError as error:
            end.send(str(error))
        end.close()

    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=limited, args=(far,))
    process.start()
    process.join(60)
    assert near.poll()
    said = near.recv()
    assert "evaluate.html cannot be written" in said or "a file cannot be written" in said
    assert [e.outcome for e in bench.ledger.evidence("churn")] == [Outcome.INCONCLUSIVE]


def test_a_reports_folder_that_is_none_is_an_error(bench, release, champion):
    bench.settings.reports.parent.mkdir(parents=True, exist_ok=True)
    bench.settings.reports.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="reports") as error:
        passed(bench, release, lambda page: page.write_text("x"))
    one_paragraph(error, "SLIPWAY_VAR")
    assert [e.outcome for e in bench.ledger.evidence("churn")] == [Outcome.INCONCLUSIVE]


def test_a_broken_declaration_lists_every_problem_with_its_path(bench, release, project, champion):
    project(risk_tier="huge", purpose=7, surprise=True)
    with pytest.raises(SpecError) as error:
        Workbench.spec(bench, "churn")
    for path in ("risk_tier", "purpose", "surprise"):
        assert f"  {path}: " in error.value.reason
    with pytest.raises(SpecError):
        validate_data(bench, release)
    assert bench.ledger.entries() == []
