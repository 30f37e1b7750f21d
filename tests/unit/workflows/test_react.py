"""What was declared for a confirmed drift is done once, and only to the version that it is about."""

from datetime import date

import pytest

from slipway.core.operations_spec import Act
from slipway.core.verdict import Bound, Measurement
from slipway.ledger import EntryKind
from slipway.monitoring.reaction import ReactionRule
from slipway.monitoring.rules import WatchRules
from slipway.monitoring.values import CheckResult
from slipway.workflows import react as module
from slipway.workflows.monitor import open_store
from slipway.workflows.react import react

DRIFTED = Measurement(name="drift.tenure", value=9.0, threshold=1.0, bound=Bound.MAX, n=500)


@pytest.fixture
def decided(bench):
    """A night that confirmed a drift of version 2, and its declared reaction."""

    def decide(act, dag=""):
        night = CheckResult(
            model="churn", version=2, day=date(2026, 3, 1), check="drift", measurements=(DRIFTED,), certain=True
        )
        rules = WatchRules(reaction=ReactionRule(act=act, dag=dag))
        reaction = open_store(bench).close_night([night], rules, champion=2).reaction
        assert reaction is not None
        return reaction

    return decide


@pytest.fixture
def triggered():
    return []


@pytest.fixture
def trigger(triggered):
    return lambda *given: triggered.append(given)


def reactions(bench):
    return [entry.payload for entry in bench.ledger.entries(kinds=[EntryKind.REACTION])]


def test_a_retraining_is_triggered_once_and_entered(bench, decided, trigger, triggered):
    decided(Act.RETRAIN, "churn.train")
    assert len(react(bench, "churn", trigger=trigger)) == 1
    assert react(bench, "churn", trigger=trigger) == []
    ((dag, run_id, reason),) = triggered
    assert dag == "churn.train"
    assert "drift.tenure" in reason
    assert set(run_id) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
    assert [entry["act"] for entry in reactions(bench)] == ["retrain"]


def test_a_trigger_that_failed_is_tried_again_under_the_same_run_id(bench, decided, trigger, triggered):
    decided(Act.RETRAIN, "churn.train")

    def down(*given):
        triggered.append(given)
        raise ConnectionError("Airflow is down")

    with pytest.raises(ConnectionError):
        react(bench, "churn", trigger=down)
    assert reactions(bench) == []
    react(bench, "churn", trigger=trigger)
    assert triggered[0] == triggered[1]


@pytest.fixture
def rolled_back(monkeypatch):
    done = []

    class Deployment:
        class handle:  # noqa: N801
            name = "slipway-churn-v1"

    def rollback(bench, model, **given):
        done.append((model, given["run_id"]))
        return Deployment

    monkeypatch.setattr(module, "rollback", rollback)
    return done


def serves(monkeypatch, version):
    class Answering:
        class subject:  # noqa: N801
            pass

    Answering.subject.version = version
    monkeypatch.setattr(module, "answering_now", lambda bench, model: Answering)


def test_the_version_that_drifted_is_rolled_back(bench, decided, trigger, rolled_back, monkeypatch):
    decided(Act.ROLLBACK)
    serves(monkeypatch, 2)
    (said,) = react(bench, "churn", trigger=trigger)
    assert "serves again" in said
    assert len(rolled_back) == 1


def test_another_version_is_not_rolled_back_in_its_place(bench, decided, trigger, rolled_back, monkeypatch):
    decided(Act.ROLLBACK)
    serves(monkeypatch, 3)
    (said,) = react(bench, "churn", trigger=trigger)
    assert "version 3 serves by now" in said
    assert rolled_back == []
    assert len(reactions(bench)) == 1


def test_nothing_declared_is_nothing_done(bench, decided, trigger, triggered):
    decided(Act.NONE)
    assert react(bench, "churn", trigger=trigger) == []
    assert triggered == []
