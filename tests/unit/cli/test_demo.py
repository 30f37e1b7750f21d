"""The demo and the services, with everything that takes long in memory."""

import json
from types import SimpleNamespace

import pytest

from slipway.core.verdict import Outcome
from slipway.errors import StackError

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
        return SimpleNamespace(services=(1, 2, 3))

    monkeypatch.setattr("slipway.workflows.embedded.start_embedded", start)
    ran = slipway("start")
    assert (ran.code, ran.err) == (0, "mlflow: healthy [ok]\n")
    assert "http://airflow" in ran.out
    assert "3 services run" in ran.out
