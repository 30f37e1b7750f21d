import pytest

from slipway.core.operations_spec import Act
from slipway.errors import SpecError
from slipway.monitoring.rules import RouteKind, WatchRules, parse_rules
from slipway.monitoring.values import Severity


def test_nothing_declared_is_the_log_and_no_reaction():
    assert parse_rules(None) == parse_rules({}) == WatchRules()


def test_all_of_it_is_read():
    rules = parse_rules(
        {
            "alerts": {"confirm_days": 3, "far": 4},
            "routes": [
                {"to": "log"},
                {"to": "webhook", "url": "https://example.org/hook", "severity": "page"},
                {"to": "email", "addresses": ["ada@example.org", "bob@example.org"]},
            ],
            "reaction": {"do": "rollback", "checks": ["performance"]},
            "labels_after_days": 30,
        }
    )
    assert (rules.alerts.confirm_days, rules.alerts.far, rules.alerts.clear_days) == (3, 4.0, 2)
    assert [r.kind for r in rules.routes] == [RouteKind.LOG, RouteKind.WEBHOOK, RouteKind.EMAIL]
    assert [r.severity for r in rules.routes] == [Severity.NOTE, Severity.PAGE, Severity.NOTE]
    assert rules.routes[2].target == "ada@example.org,bob@example.org"
    assert (rules.reaction.act, rules.reaction.checks) == (Act.ROLLBACK, ("performance",))
    assert rules.labels_after_days == 30


WRONG = {
    "no mapping": ([], "monitoring: must be a mapping"),
    "an unknown key": ({"alert": {}}, "monitoring.alert: is not known; known are alerts"),
    "a number that is a text": ({"alerts": {"far": "2"}}, "monitoring.alerts.far: must be a number"),
    "half a day": ({"alerts": {"clear_days": 1.5}}, "monitoring.alerts.clear_days: must be a whole number"),
    "no day at all": ({"labels_after_days": 0}, "monitoring.labels_after_days: must be a whole number of 1 or more"),
    "far that is near": ({"alerts": {"far": 1}}, "monitoring.alerts.far: must be above 1"),
    "routes that are no list": ({"routes": {"to": "log"}}, "monitoring.routes: must be a list"),
    "a route to nowhere": ({"routes": [{"to": "pigeon"}]}, "routes.0.to: must be one of log, webhook, email"),
    "a webhook without its URL": ({"routes": [{"to": "webhook"}]}, "monitoring.routes.0.url: must be an http"),
    "a webhook to a file": ({"routes": [{"to": "webhook", "url": "file:///x"}]}, "must be an http or https URL"),
    "an e-mail to nobody": ({"routes": [{"to": "email"}]}, "monitoring.routes.0.addresses: must be a list of e-mail"),
    "a log with a URL": ({"routes": [{"to": "log", "url": "https://x.org"}]}, "routes.0.url: does not go with log"),
    "a route twice": ({"routes": [{"to": "log"}, {"to": "log"}]}, "monitoring.routes: log is declared twice"),
    "a loudness unheard of": ({"routes": [{"to": "log", "severity": "loud"}]}, "must be one of note, page"),
    "a retraining of nothing": ({"reaction": {"do": "retrain"}}, "monitoring.reaction.dag: goes with do: retrain"),
    "a rollback with a DAG": ({"reaction": {"do": "rollback", "dag": "x"}}, "goes with do: retrain, and only with it"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "said"), WRONG.values(), ids=WRONG)
def test_what_does_not_hold_is_named_with_its_path(data, said):
    with pytest.raises(SpecError, match=said):
        parse_rules(data)


def test_every_problem_is_listed_at_once():
    with pytest.raises(SpecError) as caught:
        parse_rules({"alerts": {"far": 0}, "routes": [{"to": "webhook"}], "reaction": {"do": "sing"}})
    assert all(path in str(caught.value) for path in ("alerts.far", "routes.0.url", "reaction.do"))


def test_a_routes_name_does_not_tell_its_secret():
    (route,) = parse_rules({"routes": [{"to": "webhook", "url": "https://example.org/s3cret"}]}).routes
    assert "s3cret" not in route.name
