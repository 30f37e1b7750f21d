"""The demo and the services, with everything that takes long in memory."""

import json

import pytest

from slipway.core.verdict import Outcome
from slipway.errors import StackError
from slipway.workflows.embedded import Started
from slipway.workflows.restore import Restoration, Restored

TRAINED = {"model": "churn", "version": 2, "run_id": "abc", "metrics": {"roc_auc": 0.9}}


@pytest.fixture
def demo(slipway, airflow, registry, evidence, monkeypatch):
    """Run the demo; the champion then says that it is version ``answers``."""

    def tries(dag_id, run_id):
        evidence(version=2, release=run_id, outcome=Outcome.INCONCLUSIVE, crashed=True)
        evidence(version=2, release=run_id, outcome=Outcome.PASSED)

    def run(*, answers, ends="success"):
        airflow.ends, airflow.on_trigger = ends, tries
        reply = {"model": "churn", "version": answers, "predictions": [0.5]}
        monkeypatch.setattr("slipway.workflows.embedded.start_embedded", lambda settings, *, progress: None)
        monkeypatch.setattr("slipway.workflows.embedded.prepare_runtime", lambda settings, *, progress: None)
        monkeypatch.setattr("slipway.workflows.train.train", lambda settings, model: TRAINED)
        monkeypatch.setattr("slipway.workflows.predict.sample_rows", lambda settings, model, *, count: [{}] * count)
        monkeypatch.setattr("slipway.workflows.predict.predict", lambda settings, model, rows: reply)
        return slipway("demo", "--model", "churn")

    return run


def test_the_demo_ends_well_when_the_new_champion_answers(demo, settings):
    path = settings.var / "airflow" / "passwords.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"admin": "word", "officer": "secret"}))
    ran = demo(answers=2)
    assert ran.code == 0
    assert "under load: p95 120.0 ms (limit 170), p99 140.0 ms (limit 270)" in ran.err
    assert "lead time" in ran.err
    for shown in ("PASSED", "http://airflow", "officer", "secret", "make stop"):
        assert shown in ran.out


@pytest.mark.parametrize("wrong", [{"answers": 1}, {"answers": 2, "ends": "failed"}], ids=["another", "none"])
def test_the_demo_fails_when_the_champion_that_answers_is(demo, wrong):
    assert demo(**wrong).code == 1


def test_the_demo_ends_with_its_first_error(slipway, monkeypatch):
    def start(settings, *, progress):
        progress("starting [it]")
        raise StackError("port 8080 is taken", remedy="free it")

    monkeypatch.setattr("slipway.workflows.embedded.start_embedded", start)
    ran = slipway("demo", "--model", "churn")
    assert "StackError port 8080 is taken." in ran.paragraph()
    assert "starting [it]" in ran.err
    assert ran.out == ""


def test_a_start_says_where_everything_is(slipway, airflow, monkeypatch):
    def start(settings, *, progress):
        progress("mlflow: healthy [ok]")
        return Started(services=3, champions=())

    monkeypatch.setattr("slipway.workflows.embedded.start_embedded", start)
    ran = slipway("start")
    assert (ran.code, ran.err) == (0, "mlflow: healthy [ok]\n")
    assert "http://airflow" in ran.out
    assert "3 services run" in ran.out


def test_a_start_that_leaves_a_champion_out_of_service_fails(slipway, airflow, monkeypatch):
    lost = Restored(model="churn", version=2, outcome=Restoration.FAILED, problem="its image is gone")
    started = Started(services=5, champions=(lost,))
    monkeypatch.setattr("slipway.workflows.embedded.start_embedded", lambda settings, *, progress: started)
    ran = slipway("start")
    assert ran.code == 1
    assert "5 services run" in ran.out
    assert "A champion does not serve" in ran.err


def test_the_status_marks_a_server_that_is_dead(slipway, monkeypatch):
    route = {"model": "churn", "version": 2, "weight": 100, "role": "champion", "url": "http://127.0.0.1:1"}
    found = {"services": [], "servers": [], "routes": [{**route, "alive": False}]}
    monkeypatch.setattr("slipway.workflows.embedded.fleet_status", lambda settings: found)
    ran = slipway("status")
    assert "dead" in ran.out
    assert "slipway start" in ran.err
    found["routes"][0]["alive"] = True
    assert (slipway("status").err, "dead" in slipway("status").out) == ("", False)
