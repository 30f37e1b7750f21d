"""Settings: environment first, then the embedded stack's file, then the defaults."""

import json

import pytest

from slipway.errors import SettingsError
from slipway.settings import Settings


@pytest.fixture
def project(tmp_path):
    (tmp_path / "include" / "models").mkdir(parents=True)
    return tmp_path


def test_the_environment_wins_over_the_stack_file_over_the_defaults(project):
    var = project / "var"
    var.mkdir()
    (var / "stack.json").write_text(json.dumps({"airflow_url": "http://stack", "gateway_url": "http://stack-gateway"}))
    settings = Settings.load({"SLIPWAY_ROOT": str(project), "SLIPWAY_AIRFLOW_URL": "http://env"})
    assert settings.airflow_url == "http://env"
    assert settings.gateway_url == "http://stack-gateway"
    assert settings.runtime == "auto"
    assert settings.wheel_dir == var / "wheels"


def test_a_folder_that_is_no_project_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="not a Slipway project"):
        Settings.load({"SLIPWAY_ROOT": str(tmp_path)})


def test_an_unknown_runtime_is_refused(project):
    with pytest.raises(SettingsError, match="podman"):
        Settings.load({"SLIPWAY_ROOT": str(project), "SLIPWAY_RUNTIME": "podman"})


def test_a_damaged_stack_file_is_named(project):
    (project / "var").mkdir()
    (project / "var" / "stack.json").write_text("{")
    with pytest.raises(SettingsError, match=r"stack\.json"):
        Settings.load({"SLIPWAY_ROOT": str(project)})
