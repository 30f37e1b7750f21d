import json
from pathlib import Path

import pytest

from bench.serving.environments import REQUIREMENTS, place_of, versions
from bench.serving.models import BenchModel
from bench.serving.payloads import Form
from bench.serving.systems import PEERS, launch, variants


@pytest.fixture
def model(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.joblib").write_bytes(b"")
    return BenchModel("gbm100", tmp_path / "m")


@pytest.fixture
def start(model, tmp_path):
    def start(system, variant):
        return launch(system, model, variant, python=Path("/env/bin/python"), folder=tmp_path / "run")

    return start


def test_mlserver_is_tried_with_both_runtimes_with_and_without_workers(model, tmp_path):
    assert len(variants("mlserver", model)) == 4
    assert len(variants("mlserver", BenchModel("pyfunc", tmp_path))) == 2


@pytest.mark.parametrize(("where", "workers"), [("in process", 0), ("one parallel worker", 1)])
def test_mlserver_gets_its_settings_as_files(start, tmp_path, where, workers):
    made = start("mlserver", f"sklearn, {where}")
    settings = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert settings["parallel_workers"] == workers
    assert settings["http_port"] == made.port
    assert made.form is Form.V2_MATRIX


def test_mlflow_is_asked_in_its_documented_form_without_an_access_log(start):
    made = start("mlflow", "default")
    assert made.form is Form.SPLIT
    assert made.env["UVICORN_ACCESS_LOG"] == "false"


@pytest.mark.parametrize("system", [*PEERS, "echo"])
def test_every_system_listens_on_loopback_with_one_thread(start, model, system, tmp_path):
    made = start(system, variants(system, model)[0])
    said = " ".join(map(str, made.argv))
    if system == "mlserver":
        said += (tmp_path / "run" / "settings.json").read_text()
    assert "127.0.0.1" in said
    assert made.env["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize("peer", PEERS)
def test_every_package_of_a_peer_is_pinned(peer):
    lines = (REQUIREMENTS / f"{peer}.txt").read_text().splitlines()
    assert all("==" in line for line in lines if line and not line.startswith("#"))
    assert versions(peer, ("uvicorn",))["uvicorn"]


def test_an_environment_is_another_one_when_a_requirement_changes(tmp_path):
    places = {place_of(text, folder=tmp_path, name="p", python="3.11") for text in ("a==1\n", "a==2\n")}
    assert len(places) == 2
