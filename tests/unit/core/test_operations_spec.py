"""What a declaration may say about the time after a release."""

import pytest
from pydantic import ValidationError

from slipway.core.operations_spec import Act, DeploymentSpec, ReactionSpec, RouteSpec, ScoringSpec, StoreSpec

FOLDER = {"folder": "data/churn"}
TABLE = {"connection": "warehouse", "table": "risk.churn"}


@pytest.mark.parametrize(("store", "label"), [(FOLDER, "data/churn"), (TABLE, "warehouse: risk.churn")])
def test_rows_are_in_a_folder_or_in_a_table(store, label):
    assert StoreSpec(**store).label == label


NO_STORE = {
    "neither": {},
    "both": FOLDER | TABLE,
    "a table of nowhere": {"table": "churn"},
    "a connection to nothing": {"connection": "warehouse"},
    "a table with a command in it": {"connection": "warehouse", "table": "churn; drop table churn"},
}


@pytest.mark.parametrize("store", NO_STORE.values(), ids=NO_STORE)
def test_a_store_that_is_neither_is_refused(store):
    with pytest.raises(ValidationError):
        StoreSpec(**store)


def test_rows_without_a_key_cannot_be_scored():
    with pytest.raises(ValidationError, match="keys"):
        ScoringSpec(source=FOLDER, sink=TABLE, keys=())


def test_the_dag_that_retrains_is_named_where_it_is_wanted():
    assert ReactionSpec(do="retrain", dag="churn.train").do is Act.RETRAIN


@pytest.mark.parametrize("said", [{"do": "retrain"}, {"dag": "churn.train"}, {"do": "rollback", "dag": "churn.train"}])
def test_the_dag_that_retrains_goes_with_the_reaction(said):
    with pytest.raises(ValidationError, match="dag"):
        ReactionSpec(**said)


ROUTES = {
    "a webhook without its address": {"to": "webhook"},
    "a webhook with a path alone": {"to": "webhook", "url": "/hook"},
    "mail to nobody": {"to": "email"},
    "mail to what is no address": {"to": "email", "addresses": ["ada"]},
    "a log with an address": {"to": "log", "addresses": ["ada@example.org"]},
}


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_a_route_that_leads_nowhere_is_refused(route):
    with pytest.raises(ValidationError):
        RouteSpec(**route)


@pytest.mark.parametrize("said", [{"strategy": "canary"}, {"canary_steps": (5,)}])
def test_canary_steps_go_with_a_canary(said):
    with pytest.raises(ValidationError, match="canary_steps"):
        DeploymentSpec(**said)
