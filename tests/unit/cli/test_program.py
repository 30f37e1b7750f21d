"""The program as a whole: its commands, how quickly it is there, how it fails."""

import json
import subprocess
import sys

import pytest

COMMANDS = {
    "new": "a registered version",
    "train": "registers a new version",
    "release": "through every gate",
    "report": "one page",
    "champion": "who is champion",
    "models": "every onboarded model",
    "evidence": "what each gate measured",
    "ledger": "hash-chained record",
    "audit": "with what was recorded",
    "rollback": "previous champion back",
    "approve": "release that waits",
    "reject": "release that waits",
    "approvals": "wait for a person",
    "predict": "through the gateway",
    "status": "what runs",
    "start": "Airflow, MLflow and the gateway",
    "stop": "what this checkout started",
    "demo": "ask the champion",
    "demo-monitoring": "one input drift",
    "score": "rows of an interval",
    "monitor": "a scored day with its reference",
    "alerts": "what to do next",
}
# What answers in seconds rather than at once, or is needed only where something is done.
HEAVY = {"mlflow", "pandas", "numpy", "sklearn", "docker", "sqlalchemy", "great_expectations", "httpx", "airflow"}


@pytest.fixture
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")


def test_help_lists_every_command_with_what_it_does(slipway, wide):
    ran = slipway("--help")
    assert ran.code == 0
    lines = [line.strip("│ ") for line in ran.out.splitlines()]
    for command, words in COMMANDS.items():
        (line,) = [line for line in lines if line.startswith(command + " ")]
        assert words in line


@pytest.mark.parametrize("command", [*COMMANDS, "ledger verify", "ledger anchor", "ledger show"])
def test_every_command_has_help_of_its_own(slipway, wide, command):
    ran = slipway(*command.split(), "--help")
    assert ran.code == 0
    assert f"slipway {command}" in ran.out


def test_the_program_is_there_before_anything_heavy_is():
    code = "import slipway.cli.main, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert HEAVY.isdisjoint(json.loads(done.stdout))


def test_no_command_is_a_question_of_usage(slipway):
    assert slipway("nonsense").code == 2
    assert slipway("release").code == 2


def test_a_folder_that_is_no_project_is_told(slipway, monkeypatch, tmp_path):
    monkeypatch.setenv("SLIPWAY_ROOT", str(tmp_path / "include"))
    assert "SettingsError" in slipway("models").paragraph()


def test_a_full_disk_is_told(slipway, monkeypatch):
    def full(settings):
        raise OSError(28, "No space left on device", "/var/x")

    monkeypatch.setattr("slipway.workflows.embedded.fleet_status", full)
    said = slipway("status").paragraph()
    assert "StorageError /var/x cannot be written: No space left on device." in said
    assert "What to do: free disk space" in said


def test_an_error_is_told_as_it_is_whatever_it_holds(slipway):
    assert "'[red]x[/]' is not a model name" in slipway("evidence", "[red]x[/]").paragraph()


UNKNOWN = [
    ("train", "nope"),
    ("release", "nope"),
    ("evidence", "nope"),
    ("evidence", "nope", "--json"),
    ("rollback", "nope"),
    ("approve", "nope"),
    ("reject", "nope"),
    ("predict", "nope", "--file", "rows.json"),
]


@pytest.mark.parametrize("words", UNKNOWN, ids=" ".join)
def test_an_unknown_model_is_told_with_those_there_are(slipway, airflow, registry, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.json").write_text("[{}]")
    ran = slipway(*words)
    assert "SpecError there is no model 'nope' (known: churn)." in ran.paragraph()
    assert ran.out == ""
    assert airflow.calls == []


@pytest.mark.parametrize("words", [("models",), ("models", "--json"), ("release", "churn")], ids=" ".join)
def test_a_broken_declaration_lists_every_problem_with_its_path(slipway, registry, project, words):
    project(risk_tier="huge", purpose=7, surprise=True)
    ran = slipway(*words)
    said = ran.paragraph()
    assert "include/models/churn/model.yaml does not hold" in said
    for path in ("risk_tier: ", "purpose: ", "surprise: "):
        assert path in said
    assert ("churn" in ran.out) is (words[0] == "models"), "only what lists models goes on"


@pytest.mark.parametrize(
    "words",
    [("approvals",), ("approvals", "--json"), ("approve", "churn"), ("reject", "churn"), ("rollback", "churn")],
    ids=" ".join,
)
def test_without_an_airflow_the_way_to_one_is_told(slipway, words):
    ran = slipway(*words)
    assert "OrchestratorError no Airflow address is known." in ran.paragraph()
    assert "slipway start" in ran.err
    assert ran.out == ""


def test_an_airflow_that_does_not_answer_is_told(slipway, monkeypatch):
    monkeypatch.setenv("SLIPWAY_AIRFLOW_URL", "http://127.0.0.1:1")
    assert "Airflow does not answer at http://127.0.0.1:1" in slipway("approvals").paragraph()


@pytest.mark.parametrize(
    "words",
    [("models", "--json"), ("release", "churn"), ("new", "fresh", "--from", "models:/churn/1")],
    ids=" ".join,
)
@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "sqlite:////nowhere/mlflow.db"])
def test_an_unreachable_registry_is_told(slipway, monkeypatch, words, uri):
    monkeypatch.setenv("SLIPWAY_TRACKING_URI", uri)
    ran = slipway(*words)
    assert "RegistryUnreachable" in ran.paragraph()
    assert "SLIPWAY_TRACKING_URI" in ran.err
    assert ran.out == ""
