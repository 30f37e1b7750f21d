"""The question to a person: what it shows, what becomes of an answer, and of one that decides nothing."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.standard.exceptions import HITLTimeoutError, HITLTriggerEventError
from airflow.sdk import DAG
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException, TaskAwaitingInput

from slipway.core.approval import Answer
from slipway.core.identity import Subject
from slipway.errors import GateStopped, PromotionRefused
from slipway.workflows.approve import SILENCE, Question
from slipway_airflow.dags import model_dags
from slipway_airflow.operators import approve
from slipway_airflow.operators.approve import COMMENT, AskForApprovalOperator

SUBJECT = Subject(model="churn", version=3, artifact_sha256="sha256:" + "1" * 64, image_digest="sha256:" + "2" * 64)
HOURS = timedelta(hours=8)


@pytest.fixture(autouse=True)
def no_task_runner(project, monkeypatch):
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)


@pytest.fixture
def make():
    def build(**given):
        with DAG("churn.release", schedule=None):
            return AskForApprovalOperator(task_id="approve", model="churn", answer_within=HOURS, **given)

    return build


@pytest.fixture
def ask(make):
    return make()


def context(**params):
    run = SimpleNamespace(run_id="manual__1", run_type="manual", triggering_user_name="ada")
    params = {"version": 3, "load_profile": "smoke", "reason": "better", **params}
    return {"dag_run": run, "params": params, "task_instance": SimpleNamespace(id="ti")}


def asked(left=HOURS):
    return {"until": (datetime.now(UTC) + left).isoformat(), "about": SUBJECT.to_json()}


def answered(option, **given):
    user = {"id": "officer", "name": "officer"}
    return {"chosen_options": [option], "params_input": {COMMENT: "seen"}, "responded_by_user": user, **given}


@pytest.fixture
def questions(monkeypatch):
    """The questions that were put to Airflow; each parks the task."""
    put = []
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **given: put.append(given)
    )
    monkeypatch.setattr(approve, "upsert_hitl_detail", lambda **given: put.append(given))
    return put


@pytest.fixture
def question(monkeypatch):
    """What the workflow asks."""
    numbers = []

    def request(bench, release, *, number):
        numbers.append((release.id, number))
        return Question(text=f"evidence {release.id}", subject=SUBJECT, logins=("officer", "director"))

    monkeypatch.setattr("slipway.workflows.approve.request_approval", request)
    return numbers


@pytest.fixture
def considered(monkeypatch):
    """The answers that were considered; ``reasons`` says why the next ones decide nothing."""
    found = SimpleNamespace(answers=[], reasons=[])

    def consider(bench, release, answer, *, number, asked_about=None):
        found.answers.append((release.id, answer, number, asked_about))
        if answer == SILENCE or answer.approved is False:
            raise GateStopped(f"rejected by {answer.by}", remedy="ask them")
        return found.reasons.pop(0) if found.reasons else ""

    monkeypatch.setattr("slipway.workflows.approve.consider", consider)
    return found


def test_the_question_shows_the_evidence_and_comes_back_with_what_it_was_about(ask, question, questions):
    with pytest.raises(TaskAwaitingInput) as parked:
        ask.execute(context(**{COMMENT: ""}))
    assert [q["body"] for q in questions] == ["evidence manual__1"]
    assert parked.value.kwargs["asked"]["about"] == SUBJECT.to_json()
    assert datetime.fromisoformat(parked.value.kwargs["asked"]["until"]) > datetime.now(UTC) + HOURS / 2
    assert (parked.value.method_name, parked.value.timeout) == ("execute_complete", HOURS)


def test_the_second_question_is_told_from_the_first(make, question, questions):
    for number in (1, 2):
        with pytest.raises(TaskAwaitingInput):
            make(number=number).execute(context())
    assert question == [("manual__1", 1), ("manual__1", 2)]
    assert questions[1]["subject"] == questions[0]["subject"] + " Second approval"


MANAGERS = {
    "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager": ["officer", "director"],
    "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager": [],
}


@pytest.mark.parametrize(("manager", "assigned"), MANAGERS.items(), ids=["by login", "by number"])
def test_airflow_is_told_who_may_answer_where_it_knows_logins(ask, question, questions, monkeypatch, manager, assigned):
    monkeypatch.setattr(approve, "conf", SimpleNamespace(get=lambda *_, **__: manager))
    with pytest.raises(TaskAwaitingInput):
        ask.execute(context())
    assert [user["id"] for user in questions[0]["assigned_users"] or []] == assigned


def test_nobody_is_asked_on_an_incomplete_dossier(ask, questions, monkeypatch):
    def incomplete(bench, release, *, number):
        raise PromotionRefused("load_test: no evidence", remedy="release again")

    monkeypatch.setattr("slipway.workflows.approve.request_approval", incomplete)
    with pytest.raises(AirflowFailException, match="load_test: no evidence"):
        ask.execute(context())
    assert questions == []


def test_the_comment_is_no_param_of_the_release(ask):
    assert ask.release(context(**{COMMENT: "hello"})).version == 3
    assert list(ask.params) == [COMMENT]


def test_an_approval_is_considered_with_its_author_and_what_it_was_about(ask, considered):
    assert ask.execute_complete(context(), answered("Approve"), asked()) == {"by": "officer", "comment": "seen"}
    answer = Answer(by="officer", approved=True, comment="seen")
    assert considered.answers == [("manual__1", answer, 1, SUBJECT)]


def test_a_rejection_fails_the_task(ask, considered):
    with pytest.raises(AirflowFailException, match="rejected by officer"):
        ask.execute_complete(context(), answered("Reject"), asked())


def test_silence_is_a_rejection_by_the_timeout(ask, considered):
    event = {"error": "no response in time", "error_type": "timeout"}
    with pytest.raises(AirflowFailException, match="rejected by timeout"):
        ask.execute_complete(context(), event, asked())


def test_an_answer_that_went_wrong_is_no_decision(ask, considered):
    with pytest.raises(HITLTriggerEventError) as raised:
        ask.execute_complete(context(), {"error": "invalid input", "error_type": "validation"}, asked())
    assert not isinstance(raised.value, HITLTimeoutError)
    assert considered.answers == []


def test_an_answer_that_decides_nothing_is_asked_for_again_for_what_is_left_of_the_time(ask, considered, questions):
    considered.reasons = ["officer asked for this release"]
    before = asked(timedelta(hours=2))
    with pytest.raises(TaskAwaitingInput) as parked:
        ask.execute_complete(context(), answered("Approve"), before)
    assert [q["ti_id"] for q in questions] == ["ti"]  # Airflow forgets the answer with that
    assert parked.value.kwargs == {"asked": before}
    assert timedelta(hours=1) < parked.value.timeout <= timedelta(hours=2)


def test_no_answer_is_asked_for_again_after_the_time(ask, considered, questions):
    considered.reasons = ["officer asked for this release"]
    with pytest.raises(AirflowFailException, match="rejected by timeout"):
        ask.execute_complete(context(), answered("Approve"), asked(timedelta(0)))
    assert questions == []


PLAIN = {
    "nobody's": ({"responded_by_user": None}, Answer(by="", approved=True, comment="seen")),
    "without a form": ({"params_input": None}, Answer(by="officer", approved=True)),
    "without an option": ({"chosen_options": []}, Answer(by="officer", approved=None, comment="seen")),
    "of both options": (
        {"chosen_options": ["Approve", "Reject"]},
        Answer(by="officer", approved=None, comment="seen"),
    ),
}


@pytest.mark.parametrize(("given", "answer"), PLAIN.values(), ids=PLAIN)
def test_an_answer_is_taken_for_no_more_than_it_says(ask, given, answer):
    assert ask.answer(answered("Approve", **given)) == answer


@pytest.mark.parametrize(("tier", "questions"), [("low", 0), ("medium", 1), ("high", 2)])
def test_a_dag_asks_as_many_persons_as_the_tier_wants(tmp_path, tier, questions):
    import yaml

    path = tmp_path / "include" / "models" / "churn" / "model.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"risk_tier": tier}))
    release, _ = model_dags("churn")
    asking = [task.number for task in release.tasks if isinstance(task, AskForApprovalOperator)]
    assert sorted(asking) == list(range(1, questions + 1))
    last = "approve_second" if questions == 2 else "approve"
    assert release.get_task("promote").upstream_task_ids == {last}
