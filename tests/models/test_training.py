"""train.py as a person runs it: a registered version with all that a release needs, and `slipway new` from it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from slipway.core.spec import RiskTier
from slipway.core.version import VersionFiles
from slipway.onboarding.info import ModelInfo
from slipway.onboarding.new_model import new_model
from slipway.registry.mlflow_registry import Registry
from slipway.settings import Settings
from slipway.specs import load_model, model_names

SETTINGS = Settings.load({})
NAMES = model_names(SETTINGS)


class Made:
    """What train.py printed, and the version's files."""

    def __init__(self, said: dict[str, Any], files: VersionFiles, metrics: dict[str, float]) -> None:
        self.said, self.files, self.metrics = said, files, metrics


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> dict[str, Made]:
    """Train each model once, into one SQLite store, as a program of its own."""
    folder = tmp_path_factory.mktemp("training")
    uri = f"sqlite:///{folder}/mlflow.db"
    registered = {name: load_model(SETTINGS, name).registered_model for name in NAMES}
    registry = Registry(uri, cache=folder / "cache", registered=registered.__getitem__)
    return {name: _train(name, uri, folder, registry) for name in NAMES}


def _train(name: str, uri: str, folder: Path, registry: Registry) -> Made:
    command = [sys.executable, str(SETTINGS.models / name / "train.py"), "--tracking-uri", uri]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    assert not (folder / "mlruns").exists(), "artifacts lie beside the database, not in the working directory"
    return Made(said, registry.files(name, said["version"]), registry.metrics(said["run_id"]))


@pytest.mark.parametrize("name", NAMES)
def test_a_version_is_registered_with_what_a_release_needs(made, name):
    said, files = made[name].said, made[name].files
    spec = load_model(SETTINGS, name)
    assert (said["model"], said["version"], said["run_id"]) == (spec.registered_model, 1, files.run_id)
    assert said["metrics"] == pytest.approx(made[name].metrics)
    columns = [*(c.name for c in spec.signature.inputs), spec.quality.label]
    assert list(pd.read_parquet(files.train).columns) == list(pd.read_parquet(files.holdout).columns) == columns
    assert json.loads((files.reference / "parameters.json").read_text())["trees"]
    requirements = (files.model / "requirements.txt").read_text().split()
    assert {line.split("==")[0] for line in requirements} == {
        "mlflow", "scikit-learn", "numpy", "pandas", "scipy", "skops"
    }  # fmt: skip
    assert all("==" in line for line in requirements)
    assert (files.model / "input_example.json").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_registered_model_answers_what_the_registered_reference_does(made, name):
    """In a process of its own: the reference, without scikit-learn; against MLflow's pyfunc, with signature."""
    import mlflow

    files, spec = made[name].files, load_model(SETTINGS, name)
    inputs = pd.read_parquet(files.holdout).drop(columns=spec.quality.label)
    gap = next(c.name for c in spec.signature.inputs if c.nullable)
    inputs[gap] = inputs[gap].astype(float)
    inputs.loc[::3, gap] = np.nan
    rows = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in inputs.to_dict("records")]
    program = (
        "import json, sys, importlib.util as u\n"
        "s = u.spec_from_file_location('reference', sys.argv[1]); m = u.module_from_spec(s); s.loader.exec_module(m)\n"
        "print(json.dumps(m.score(json.load(sys.stdin))))\n"
        "assert not {'sklearn', 'slipway', 'mlflow', 'pandas'} & set(sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(SETTINGS.models / name / "reference.py")],
        input=json.dumps(rows),
        env={"REFERENCE_DIR": str(files.reference)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    expected = np.array([answer[spec.signature.output.name] for answer in json.loads(ran.stdout)])
    answers = np.asarray(mlflow.pyfunc.load_model(str(files.model)).predict(inputs))
    index = spec.signature.output.index
    got = answers if index is None else answers[:, index]
    assert np.abs(got - expected).max() < 1e-9


def generated(made: Made, name: str, root: Path) -> dict[str, Any]:
    """Onboard a registered version into an empty project; return the model.yaml that comes of it."""
    (root / "include" / "models").mkdir(parents=True)
    spec = load_model(SETTINGS, name)
    info = ModelInfo(dataset=spec.dataset, risk_tier=RiskTier.HIGH)
    settings = replace(SETTINGS, root=root, var=root / "var")
    new_model(name, source=made.files, registered_model=spec.registered_model, settings=settings, info=info)
    load_model(settings, name)  # it holds
    return yaml.safe_load((settings.models / name / "model.yaml").read_text())


def test_the_diabetes_declaration_is_what_slipway_new_writes_and_edits_by_hand(made, tmp_path):
    name = "diabetes_progression"
    written = generated(made[name], name, tmp_path)
    committed = yaml.safe_load((SETTINGS.models / name / "model.yaml").read_text())
    by_hand = {
        "purpose", "owner.team", "owner.contact", "stakeholders", "risk_tier",
        "signature.output.unit", "signature.output.min", "signature.output.max",
        "quality.metrics", "quality.champion_margin", "quality.slices", "quality.fairness", "quality.min_rows",
        *(f"signature.inputs.{c}.{key}" for c in ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
          for key in ("unit", "description")),
        "signature.inputs.s6.dtype",
        *(f"signature.inputs.{c}.on_out_of_range" for c in ("bmi", "s1", "s2", "s4")),
        "signature.inputs.bp.on_missing",
    }  # fmt: skip
    assert differences(written, committed) <= by_hand
    assert list(written) == list(committed)


@pytest.mark.parametrize("name", NAMES)
def test_slipway_new_finds_the_inputs_of_every_registered_model(made, name, tmp_path):
    written = generated(made[name], name, tmp_path)
    spec = load_model(SETTINGS, name)
    assert [c["name"] for c in written["signature"]["inputs"]] == [c.name for c in spec.signature.inputs]
    assert written["signature"]["output"]["name"] == spec.signature.output.name
    assert written["task"] == spec.task


def test_the_suite_that_slipway_new_writes_holds_on_the_data_that_it_was_drawn_from(made, tmp_path):
    import great_expectations as gx

    name = "tumor_malignancy"
    generated(made[name], name, tmp_path)
    suite = json.loads(next((tmp_path / "expectations").glob("*/suite.json")).read_text())
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = context.data_sources.add_pandas("d").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    for path in (made[name].files.train, made[name].files.holdout):
        frame = pd.read_parquet(path)
        assert batch.get_batch({"dataframe": frame}).validate(gx.ExpectationSuite(**suite)).success


def differences(one: Any, other: Any, path: str = "") -> set[str]:
    """Return the paths at which two declarations differ; inputs are told apart by their names."""
    if isinstance(one, list) and one and isinstance(one[0], dict) and path.endswith(".inputs"):
        one, other = ({column["name"]: column for column in columns} for columns in (one, other))
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return set() if one == other else {path}
    found: set[str] = set()
    for key in one.keys() | other.keys():
        found |= differences(one.get(key), other.get(key), f"{path}.{key}".lstrip("."))
    return found
