"""``slipway lineage``: a tree for people, JSON for programs, a clear error for what nobody knows."""

import pytest

from slipway.cli.connections import database_url
from slipway.core.identity import Subject, digest_bytes
from slipway.errors import SettingsError
from slipway.ledger import EntryKind

DIGEST = digest_bytes(b"x")


@pytest.fixture
def known(ledger):
    """Version 1 is known with its data, and serves."""
    subject = Subject(model="churn", version=1, artifact_sha256=DIGEST, image_digest=DIGEST)
    bench_payload = {"release": "r1", "subject": subject.to_json()}
    ledger.append(EntryKind.DEPLOYMENT, model="churn", version=1, actor="ada", payload=bench_payload)


def test_a_version_is_told_as_a_tree(slipway, known):
    done = slipway("lineage", "churn", "--version", "1")
    assert done.code == 0
    assert "churn version 1" in done.out
    assert f"image {DIGEST[7:19]}" in done.out
    assert "lineage-of-churn-version-1.html" in done.out


def test_it_is_json_for_programs(slipway, known):
    said = slipway("lineage", "churn", "--version", "1", "--direction", "down", "--json").json
    assert [node["kind"] for node in said["nodes"]] == ["version", "image", "deployment"]
    assert len(said["edges"]) == 2
    assert said["page"].endswith(".html")


WRONG = {
    "nothing asked": (("churn",), "asked of one thing"),
    "two things asked": (("churn", "--version", "1", "--row", "a=b"), "asked of one thing"),
    "a dataset of a model": (("churn", "--dataset", "customers"), "asked of one thing"),
    "a version of no model": (("--version", "1"), "asked of one thing"),
    "a row without a value": (("churn", "--row", "row_id"), "'row_id' names no row"),
    "a model without scoring": (("churn", "--row", "row_id=1"), "declares no batch scoring"),
    "an unknown version": (("churn", "--version", "9"), "knows no version 9"),
    "an unknown dataset": (("--dataset", "nothing"), "no version was made of 'nothing'"),
    "an unknown model": (("nobody", "--version", "1"), "there is no model 'nobody'"),
}


@pytest.mark.parametrize(("words", "says"), WRONG.values(), ids=WRONG)
def test_a_question_without_an_answer_says_what_to_do(slipway, known, words, says):
    done = slipway("lineage", *words)
    assert done.code == 1
    assert says in done.paragraph()
    assert "What to do:" in done.paragraph()


URLS = {
    "a URI": ("postgres://ada:p%40ss@host/db", "postgresql+psycopg2://ada:p%40ss@host/db"),
    "JSON": (
        '{"conn_type": "postgres", "host": "host", "login": "ada", "password": "p@ss", "schema": "db"}',
        "postgresql+psycopg2://ada:p%40ss@host/db",
    ),
    "a SQLite file": ('{"conn_type": "sqlite", "host": "/d/rows.db"}', "sqlite:////d/rows.db"),
}


@pytest.mark.parametrize(("given", "url"), URLS.values(), ids=URLS)
def test_a_connection_is_read_from_the_environment_as_airflow_does(monkeypatch, given, url):
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", given)
    assert database_url("warehouse") == url


@pytest.mark.parametrize(("given", "says"), [("", "does not know"), ("{broken", "no connection")])
def test_a_connection_that_is_not_there_is_an_error(monkeypatch, given, says):
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", given)
    with pytest.raises(SettingsError, match=says):
        database_url("warehouse")
