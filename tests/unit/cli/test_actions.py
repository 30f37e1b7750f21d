"""What the program does: release, decide, roll back, predict, train, onboard."""

import json

import pytest

from slipway.core.verdict import Outcome
from tests.unit.deploy.fakes import QuietHandler, Server


def triggered(airflow):
    return [(where, body) for method, where, _, body in airflow.calls if method == "POST" and where.endswith("dagRuns")]


def test_a_release_is_triggered_with_the_newest_version(slipway, airflow, registry):
    ran = slipway("release", "churn", "--reason", "better")
    assert ran.code == 0
    ((where, body),) = triggered(airflow)
    assert where == "/api/v2/dags/churn.release/dagRuns"
    assert body["conf"] == {"version": 2, "load_profile": "standard", "reason": "better"}
    assert body["dag_run_id"].startswith("release-v2-")
    assert f"http://airflow/dags/churn.release/runs/{body['dag_run_id']}" in ran.out


def test_a_release_that_was_paused_goes_on(slipway, airflow, registry):
    slipway("release", "churn")
    assert airflow.dags["churn.release"]["is_paused"] is False


FOLLOWED = {"success": 0, "failed": 1}


@pytest.mark.parametrize(("ends", "code"), FOLLOWED.items(), ids=FOLLOWED)
def test_a_followed_release_ends_as_the_release_does(slipway, airflow, registry, evidence, ends, code):
    airflow.ends = ends
    outcome = Outcome.PASSED if ends == "success" else Outcome.FAILED
    airflow.on_trigger = lambda dag_id, run_id: evidence(version=2, release=run_id, outcome=outcome)
    ran = slipway("release", "churn", "--version", 2, "--load-profile", "smoke", "--follow")
    assert ran.code == code
    assert outcome.value in ran.out
    assert "deploy" in ran.err
    assert ("last words of [deploy]" in ran.err) is (ends == "failed")


REFUSED = {
    "a version that is not registered": (("--version", 9), "VersionNotFound churn has no version 9", "slipway train"),
    "an unknown load profile": (("--load-profile", "heavy"), "there is no load profile 'heavy'", "smoke, standard"),
}


@pytest.mark.parametrize(("words", "says", "remedy"), REFUSED.values(), ids=REFUSED)
def test_a_release_is_not_triggered_for(slipway, airflow, registry, words, says, remedy):
    said = slipway("release", "churn", *words).paragraph()
    assert says in said
    assert remedy in said
    assert airflow.calls == []


def test_a_release_of_a_model_without_versions_says_how_to_get_one(slipway, airflow, registry, project):
    project(registered_model="not_yet")
    assert "train" in slipway("release", "churn").paragraph()
    assert airflow.calls == []


def test_a_release_takes_the_newest_version_of_what_mlflow_calls_the_model(slipway, airflow, registry, project):
    project(registered_model="leavers_forest")
    registry.add("leavers_forest", 3)
    assert slipway("release", "churn").code == 0
    assert [dag_id for dag_id, _ in airflow.runs] == ["churn.release"]
    assert "VersionNotFound churn has no version 2" in slipway("release", "churn", "--version", 2).paragraph()


@pytest.mark.parametrize(("command", "option"), [("approve", "Approve"), ("reject", "Reject")])
def test_an_answer_is_sent_with_its_comment(slipway, airflow, waiting, command, option):
    ran = slipway(command, "churn", "--comment", "looked at [it]")
    assert ran.code == 0
    assert airflow.answers == [{"chosen_options": [option], "params_input": {"comment": "looked at [it]"}}]


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_there_may_be_nothing_to_answer(slipway, airflow, command):
    said = slipway(command, "churn").paragraph()
    assert "no release of churn waits for a person" in said
    assert "slipway approvals" in said


def test_another_of_the_embedded_users_may_answer(slipway, airflow, waiting, settings):
    path = settings.var / "airflow" / "passwords.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"officer": "word", "admin": "other"}))
    assert slipway("approve", "churn", "--as", "officer").code == 0
    assert airflow.calls[0][3]["username"] == "officer"
    assert "401" in slipway("approve", "churn", "--as", "admin").paragraph()


@pytest.mark.parametrize(("ends", "code"), FOLLOWED.items(), ids=FOLLOWED)
def test_a_rollback_ends_as_its_run_does(slipway, airflow, ends, code):
    airflow.ends = ends
    ran = slipway("rollback", "churn", "--reason", "complaints")
    assert ran.code == code
    ((where, body),) = triggered(airflow)
    assert where == "/api/v2/dags/churn.rollback/dagRuns"
    assert body["conf"] == {"reason": "complaints"}
    assert ("serves again" in ran.out) is (ends == "success")


@pytest.fixture
def gateway(monkeypatch):
    """A gateway that keeps what it was asked and answers as a version would."""
    asked = []

    class Gateway(QuietHandler):
        def do_POST(self):  # noqa: N802
            asked.append((self.path, json.loads(self.body())))
            flag = {"row": 0, "column": "spend[eur]", "policy": "flag", "reason": "is missing"}
            self.reply(200, {"predictions": [0.25], "flags": [flag]}, {"x-slipway-version": "2"})

    server = Server(Gateway)
    monkeypatch.setenv("SLIPWAY_GATEWAY_URL", f"http://127.0.0.1:{server.port}")
    yield asked
    server.kill()


@pytest.fixture
def rows(tmp_path):
    def write(text):
        path = tmp_path / "rows.json"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("text", ['[{"tenure": 1}]', '{"tenure": 1}'], ids=["a list", "one row"])
def test_rows_are_sent_to_the_champion(slipway, gateway, rows, text):
    ran = slipway("predict", "churn", "--file", rows(text), "--json")
    assert gateway == [("/models/churn/invocations", {"dataframe_records": [{"tenure": 1}]})]
    assert (ran.json["version"], ran.json["predictions"]) == (2, [0.25])


def test_people_see_each_answer_and_what_was_done_to_a_row(slipway, gateway, rows):
    said = slipway("predict", "churn", "--file", rows('[{"tenure": 1}]')).out
    assert "churn version 2" in said
    assert "row 0: spend[eur] is missing, flag" in said


MALFORMED = {
    "no JSON": "tenure,spend\n1,2\n",
    "a word": '"tenure"',
    "a list of numbers": "[1, 2]",
    "an empty list": "[]",
    "nothing": "",
    "nested beyond reason": "[" * 100_000,
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_rows_file_is_refused_that_holds(slipway, gateway, rows, text):
    said = slipway("predict", "churn", "--file", rows(text)).paragraph()
    assert "SpecError" in said
    assert "rows.json" in said
    assert gateway == []


def test_a_row_with_nan_is_refused(slipway, gateway, rows):
    assert "write null" in slipway("predict", "churn", "--file", rows('[{"tenure": NaN}]')).paragraph()
    assert gateway == []


def test_a_rows_file_may_be_missing_or_a_folder(slipway, gateway, tmp_path):
    assert "cannot be read" in slipway("predict", "churn", "--file", tmp_path / "none.json").paragraph()
    assert "cannot be read" in slipway("predict", "churn", "--file", tmp_path).paragraph()


def test_without_a_gateway_the_way_to_one_is_told(slipway, rows):
    said = slipway("predict", "churn", "--file", rows("[{}]")).paragraph()
    assert "GatewayError no gateway is configured" in said
    assert "slipway start" in said


TRAINED = {"model": "churn", "version": 3, "run_id": "abc", "metrics": {"roc_auc": 0.9}}


def test_training_says_what_it_registered(slipway, project):
    (project() / "train.py").write_text(f"print('much text'); print({json.dumps(json.dumps(TRAINED))})")
    assert slipway("train", "churn", "--json").json == TRAINED
    assert slipway("train", "churn").out == "registered churn version 3: roc_auc 0.9\n"


def test_training_goes_by_the_models_own_name(slipway, project):
    told = json.dumps(TRAINED | {"model": "leavers_forest"})
    (project(registered_model="leavers_forest") / "train.py").write_text(f"print({told!r})")
    assert slipway("train", "churn", "--json").json["model"] == "churn"


def test_training_that_crashes_is_told(slipway, project):
    (project() / "train.py").write_text("raise SystemExit('no such [column]')")
    assert "no such [column]" in slipway("train", "churn").paragraph()


SOURCES = {
    "no version": (
        "models:/churn/x",
        "SpecError 'models:/churn/x' is not a registered version",
        "models:/NAME/VERSION",
    ),
    "an alias": ("models:/churn@champion", "is not a registered version", "models:/NAME/VERSION"),
    "a version that is not there": ("models:/churn/9", "VersionNotFound churn has no version 9", "train"),
    "a model that is not there": ("models:/nope/1", "VersionNotFound nope has no version 1", "train"),
}


@pytest.mark.parametrize(("source", "says", "remedy"), SOURCES.values(), ids=SOURCES)
def test_a_model_is_not_onboarded_from(slipway, registry, settings, source, says, remedy):
    said = slipway("new", "fresh", "--from", source).paragraph()
    assert says in said
    assert remedy in said
    assert not (settings.models / "fresh").exists()


def test_a_name_that_cannot_be_one_is_refused_before_anything_is_read(slipway, registry):
    registry.down = True
    assert "IdentityError" in slipway("new", "Not-A-Name", "--from", "models:/churn/1").paragraph()
