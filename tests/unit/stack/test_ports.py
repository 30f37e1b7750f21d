import socket

import pytest

from slipway.errors import StackError
from slipway.stack import ports


def always(_port):
    return True


@pytest.fixture
def listener():
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_every_listener_gets_a_port_of_its_own():
    chosen = ports.choose({}, {})
    assert set(chosen) == set(ports.NAMES)
    assert len(set(chosen.values())) == len(ports.NAMES)
    assert all(ports.is_free(port) for port in chosen.values())


def test_a_port_that_was_used_before_is_used_again():
    assert ports.choose({}, {"airflow": 18080}, free=always)["airflow"] == 18080


def test_a_port_that_somebody_took_meanwhile_is_replaced(listener):
    chosen = ports.choose({}, {"airflow": listener})
    assert chosen["airflow"] != listener


def test_a_port_that_our_own_service_holds_is_kept(listener):
    assert ports.choose({}, {"airflow": listener}, ours=[listener])["airflow"] == listener


def test_a_port_asked_for_goes_before_one_remembered_for_another_service():
    chosen = ports.choose({"mlflow": 18080}, {"airflow": 18080}, free=always)
    assert chosen["mlflow"] == 18080
    assert chosen["airflow"] != 18080


def test_a_taken_port_that_was_asked_for_is_refused_with_its_holder(listener):
    with pytest.raises(StackError, match=rf"port {listener}, asked for airflow, is held by .*pid"):
        ports.choose({"airflow": listener}, {})


WRONG = {
    "unknown_name": ({"triggerer": 8000}, "no service has a port named triggerer"),
    "not_a_port": ({"airflow": 70000}, "70000 is not a port"),
    "zero": ({"airflow": 0}, "0 is not a port"),
    "shared": ({"airflow": 8000, "mlflow": 8000}, "share one port"),
}


@pytest.mark.parametrize(("asked", "reason"), WRONG.values(), ids=WRONG)
def test_ports_that_cannot_be_are_refused(asked, reason):
    with pytest.raises(StackError, match=reason):
        ports.choose(asked, {}, free=always)
