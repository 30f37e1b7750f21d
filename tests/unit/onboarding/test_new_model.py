from __future__ import annotations

import importlib.util
import json

import pytest
import yaml

from slipway.core.signature import DType
from slipway.core.spec import RiskTier, Task
from slipway.errors import IdentityError, SpecError
from slipway.onboarding.info import ModelInfo
from slipway.onboarding.new_model import new_model
from slipway.specs import load_model

DAG = '''"""Cure chance: release and rollback DAGs (airflow)."""
from slipway_airflow.dags import model_dags

model_dags("cure_chance")
'''


def onboard(files, settings, **info):
    return new_model("cure_chance", source=files, registered_model="a_model", settings=settings, info=ModelInfo(**info))


def test_the_whole_folder_the_dataset_and_the_dag_file_are_written(make_files, settings):
    written = onboard(make_files(), settings, dataset="trial")
    assert [str(path.relative_to(settings.root)) for path in written] == [
        "include/models/cure_chance/model.yaml",
        "include/models/cure_chance/reference.py",
        "include/models/cure_chance/scenarios.yaml",
        "include/models/cure_chance/card.md",
        "include/models/cure_chance/train.py",
        "dags/cure_chance.py",
        "expectations/trial/contract.yaml",
        "expectations/trial/suite.json",
    ]
    assert (settings.root / "dags" / "cure_chance.py").read_text() == DAG


def test_the_declaration_holds_and_says_what_was_seen(make_files, settings):
    onboard(make_files(), settings)
    spec = load_model(settings, "cure_chance")
    columns = {column.name: column for column in spec.signature.inputs}
    assert [(c.name, c.dtype) for c in spec.signature.inputs] == [
        ("dose", DType.FLOAT),
        ("age", DType.INT),
        ("site", DType.STRING),
        ("pulse", DType.FLOAT),
        ("smoker", DType.BOOL),
    ]
    assert (columns["dose"].min, columns["dose"].max) == (0.1, 4.9)
    assert (columns["age"].min, columns["age"].max) == (14, 86)
    assert columns["site"].categories == ("north", "south")
    assert [name for name, column in columns.items() if column.nullable] == ["pulse"]
    assert (spec.task, spec.quality.label) == (Task.CLASSIFICATION, "cured")
    assert (spec.signature.output.name, spec.signature.output.index) == ("p_cured", 1)
    assert (spec.registered_model, spec.dataset) == ("a_model", "cure_chance")
    assert spec.risk_tier is RiskTier.HIGH, "nobody has judged it yet"


def test_what_the_owner_says_is_taken_over(make_files, settings):
    onboard(make_files(), settings, purpose="To plan", team="T", contact="t@x.org", risk_tier=RiskTier.LOW)
    spec = load_model(settings, "cure_chance")
    assert (spec.purpose, spec.owner.team, spec.owner.contact) == ("To plan", "T", "t@x.org")
    assert spec.risk_tier is RiskTier.LOW


def test_a_regression_must_beat_the_mean(make_files, rows, settings):
    data = rows.assign(cured=[10.0, 20.0, 30.0, 40.0])
    onboard(make_files(data=data, predict_fn="predict"), settings)
    spec = load_model(settings, "cure_chance")
    assert spec.task is Task.REGRESSION
    (metric,) = spec.quality.metrics
    assert metric.name == "rmse"
    assert metric.threshold == pytest.approx(0.9 * 125**0.5)


def test_a_version_may_be_a_little_worse_than_the_champion(make_files, rows, settings):
    onboard(make_files(), settings)
    assert load_model(settings, "cure_chance").quality.champion_margin == 0.01
    text = (settings.models / "cure_chance" / "model.yaml").read_text()
    note = text.split("  champion_margin: 0.01\n")[0].splitlines()[-2:]
    assert all(line.startswith("  # ") for line in note)
    assert "With 0," in note[1]


def test_the_margin_of_an_error_is_in_the_labels_unit(make_files, rows, settings):
    onboard(make_files(data=rows.assign(cured=[10.0, 20.0, 30.0, 40.0]), predict_fn="predict"), settings)
    assert load_model(settings, "cure_chance").quality.champion_margin == pytest.approx(0.02 * 125**0.5, rel=0.05)


def test_the_reference_fails_closed_until_someone_writes_it(make_files, settings):
    onboard(make_files(), settings)
    path = settings.models / "cure_chance" / "reference.py"
    found = importlib.util.spec_from_file_location("generated_reference", path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    with pytest.raises(NotImplementedError, match="write the independent reference"):
        module.score([{"dose": 1.0}])


def test_training_registers_under_the_name_that_the_declaration_says(make_files, settings):
    onboard(make_files(), settings)
    written = (settings.models / "cure_chance" / "train.py").read_text()
    assert f'MODEL = "{load_model(settings, "cure_chance").registered_model}"' in written


@pytest.mark.parametrize("name", ["train.py", "reference.py"])
def test_the_python_files_compile(make_files, settings, name):
    onboard(make_files(), settings)
    path = settings.models / "cure_chance" / name
    compile(path.read_text(), str(path), "exec")


def test_the_suite_uses_all_severities_and_gives_reasons(make_files, settings):
    onboard(make_files(), settings)
    suite = json.loads((settings.expectations / "cure_chance" / "suite.json").read_text())
    assert suite["name"] == "cure_chance"
    assert {e["meta"]["severity"] for e in suite["expectations"]} == {"fail", "quarantine", "warn"}
    assert all(e["meta"]["why"] and e["type"].startswith("expect_") for e in suite["expectations"])
    contract = yaml.safe_load((settings.expectations / "cure_chance" / "contract.yaml").read_text())
    assert [c["name"] for c in contract["schema"]] == ["dose", "age", "site", "pulse", "smoker", "cured"]


def test_a_dataset_that_exists_is_left_alone(make_files, settings):
    existing = settings.expectations / "trial"
    existing.mkdir(parents=True)
    (existing / "suite.json").write_text("theirs")
    written = onboard(make_files(), settings, dataset="trial")
    assert not [path for path in written if "expectations" in path.parts]
    assert (existing / "suite.json").read_text() == "theirs"


def test_nothing_is_overwritten_and_all_that_exists_is_listed(make_files, settings):
    folder = settings.models / "cure_chance"
    folder.mkdir()
    (folder / "train.py").write_text("mine")
    (settings.root / "dags").mkdir()
    (settings.root / "dags" / "cure_chance.py").write_text("mine too")
    with pytest.raises(SpecError, match=r"cure_chance/train\.py, dags/cure_chance\.py"):
        onboard(make_files(), settings)
    assert sorted(path.name for path in folder.iterdir()) == ["train.py"]
    assert not settings.expectations.exists()


def test_a_second_run_changes_nothing(make_files, settings):
    files = make_files()
    written = onboard(files, settings)
    before = {path: path.read_bytes() for path in written}
    with pytest.raises(SpecError, match="exist already"):
        onboard(files, settings)
    assert {path: path.read_bytes() for path in written} == before


REFUSED = {
    "no_signature": ({"inputs": []}, {}, "no signature of named columns"),
    "tensor": ({"inputs": [{"type": "tensor", "tensor-spec": {}}]}, {}, "no signature of named columns"),
    "a_type_json_lacks": (
        {"inputs": [{"type": "datetime", "name": "dose"}]},
        {},
        "'dose' is of MLflow type 'datetime'",
    ),
    "an_absent_input": ({"inputs": [{"type": "double", "name": "weight"}]}, {}, "lacks the inputs weight"),
    "an_unclear_label": ({"inputs": [{"type": "double", "name": "dose"}]}, {}, "label is not clear"),
    "an_unknown_label": ({}, {"label": "healed"}, "'healed' is not a label"),
    "an_input_as_label": ({}, {"label": "dose"}, "'dose' is not a label"),
}


@pytest.mark.parametrize(("made", "info", "says"), REFUSED.values(), ids=REFUSED)
def test_a_version_that_does_not_say_enough_is_refused(make_files, settings, made, info, says):
    with pytest.raises(SpecError, match=says):
        onboard(make_files(**made), settings, **info)
    assert not list(settings.models.iterdir())


def test_a_name_that_is_no_model_name_is_refused(make_files, settings):
    with pytest.raises(IdentityError):
        new_model("../escape", source=make_files(), registered_model="a_model", settings=settings)


def test_a_file_that_cannot_be_written_leaves_nothing_half_done(make_files, settings):
    (settings.root / "dags").write_text("a file where the folder should be")
    with pytest.raises(SpecError, match="cannot be written"):
        onboard(make_files(), settings)
    assert not [path for path in settings.models.rglob("*") if path.is_file()]
