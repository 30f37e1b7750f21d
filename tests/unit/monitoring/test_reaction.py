import pytest

from slipway.core.operations_spec import Act
from slipway.monitoring.alerts import AlertRule, decide_alerts
from slipway.monitoring.reaction import ReactionRule, decide_reaction

BAD, FAR = 0.15, 0.5
RETRAIN = ReactionRule(act=Act.RETRAIN, dag="churn.train")


@pytest.fixture
def confirmed(result):
    """Open alerts of pages on these columns."""

    def made(*columns, check="drift", version=1):
        results = [result(1, dict.fromkeys(columns, FAR), check=check, version=version)]
        return decide_alerts((), results, AlertRule()).standing

    return made


def test_a_confirmed_drift_asks_for_what_is_declared(confirmed):
    alerts = confirmed("spend")
    reaction = decide_reaction(alerts, RETRAIN, reacted=(), champion=1)
    assert (reaction.act, reaction.dag, reaction.version) == (Act.RETRAIN, "churn.train", 1)
    assert reaction.alerts == (alerts[0].key,)
    assert "drift.spend" in reaction.reason


def test_drifts_confirmed_together_are_one_reaction(confirmed):
    assert len(decide_reaction(confirmed("spend", "tenure"), RETRAIN, reacted=(), champion=1).alerts) == 2


def test_nothing_declared_is_a_reaction_too_and_does_nothing(confirmed):
    assert decide_reaction(confirmed("spend"), ReactionRule(), reacted=(), champion=1).act is Act.NONE


def test_an_alert_that_was_reacted_to_is_not_reacted_to_again(confirmed):
    old = confirmed("spend")
    assert decide_reaction(old, RETRAIN, reacted={old[0].key}, champion=1) is None
    both = decide_reaction((*old, *confirmed("tenure")), RETRAIN, reacted={old[0].key}, champion=1)
    assert both.alerts == (confirmed("tenure")[0].key,)


def test_an_unconfirmed_drift_asks_for_nothing(result):
    noted = decide_alerts((), [result(1, {"spend": BAD})], AlertRule()).standing
    assert len(noted) == 1
    assert decide_reaction(noted, RETRAIN, reacted=(), champion=1) is None


def test_a_check_that_is_not_named_asks_for_nothing(confirmed):
    assert decide_reaction(confirmed("p95_ms", check="service"), RETRAIN, reacted=(), champion=1) is None


def test_an_alert_about_another_version_than_the_champion_waits(confirmed):
    assert decide_reaction(confirmed("spend", version=1), RETRAIN, reacted=(), champion=2) is None
    assert decide_reaction(confirmed("spend", version=2), RETRAIN, reacted=(), champion=2) is not None
