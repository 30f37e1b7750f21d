"""The client against a service over real HTTP: waiting, giving up, finding the rows that are refused."""

import numpy as np
import pyarrow as pa
import pytest

from slipway.scoring import ScoringStopped
from slipway.scoring import client as client_module
from slipway.scoring.client import ServiceClient
from tests.unit.scoring.fakes import SIGNATURE, SUBJECT


@pytest.fixture
def waits():
    return []


@pytest.fixture
def client(service, waits):
    with ServiceClient(service.url, subject=SUBJECT, signature=SIGNATURE, sleep=waits.append) as made:
        yield made


def inputs(tenures):
    values = np.asarray(tenures, dtype=float)
    return {"tenure": pa.array(values), "calls": pa.array(np.ones(len(values), dtype=np.int64))}


def test_answers_come_in_the_order_of_the_rows(client):
    assert client.score(inputs([5, 1, 99])).answers.tolist() == [0.05, 0.01, 0.99]


def test_a_service_that_has_no_room_is_asked_again_when_it_said(client, service, waits):
    service.early = [(429, {"Retry-After": "3"}), (503, {"Retry-After": "7"}), (503, {})]
    assert client.score(inputs([5])).answers.tolist() == [0.05]
    assert waits == [3, 7, 1]


def test_after_a_429_one_request_at_a_time_is_sent(client, service):
    assert client.width == 2
    service.early = [(429, {"Retry-After": "1"})]
    client.score(inputs([5]))
    assert client.width == 1


def test_a_long_wait_is_cut_and_the_tries_are_bounded(client, service, waits):
    service.early = [(503, {"Retry-After": "9999"})] * 100
    with pytest.raises(ScoringStopped, match="8 tries"):
        client.score(inputs([5]))
    assert waits == [client_module.LONGEST_WAIT_S] * 7


def test_a_service_that_is_gone_is_tried_a_few_times(service, waits):
    service.close()
    with (
        ServiceClient(service.url, subject=SUBJECT, signature=SIGNATURE, sleep=waits.append) as client,
        pytest.raises(ScoringStopped, match="ConnectionRefused"),
    ):
        client.score(inputs([5]))
    assert len(waits) == 7


def test_a_connection_that_was_closed_meanwhile_is_opened_again(client, service):
    service.headers["Connection"] = "close"
    for _ in range(3):
        assert client.score(inputs([5])).answers.tolist() == [0.05]


REFUSED = {
    "the first": {0},
    "the last": {199},
    "a few": {3, 50, 51, 120},
    "more than an answer names": set(range(20, 90)),
    "all": set(range(200)),
}


@pytest.mark.parametrize("names_rows", [True, False], ids=["rows are named", "rows are not named"])
@pytest.mark.parametrize("bad", REFUSED.values(), ids=REFUSED.keys())
def test_exactly_the_refused_rows_are_found(client, service, bad, names_rows):
    service.refuse, service.names_rows = bad.__contains__, names_rows
    answered = client.score(inputs(range(200)))
    assert set(answered.refused) == bad
    kept = [row for row in range(200) if row not in bad]
    assert [answered.answers[row] for row in kept] == [row / 100 for row in kept]


def test_the_reason_is_the_services_own(client, service):
    service.refuse = (7.0).__eq__
    assert client.score(inputs([6, 7])).refused == {1: "refused by the service: tenure: is odd"}
    service.names_rows = False
    assert "the rows break the model" in client.score(inputs([6, 7])).refused[1]


def test_a_service_that_refuses_everything_again_and_again_stops_the_run(client, service, monkeypatch):
    monkeypatch.setattr(client_module, "MAX_REFUSALS", 20)
    service.refuse, service.names_rows = (lambda _: True), False
    with pytest.raises(ScoringStopped, match="refused 21 requests"):
        client.score(inputs(range(100)))


def test_the_gateways_path_stands_before_the_services_own(service):
    with ServiceClient(f"{service.url}/models/churn/", subject=SUBJECT, signature=SIGNATURE) as client:
        client.score(inputs([5]))
    assert service.requests[0][0] == "/models/churn/v2/models/churn/infer"
