import json
import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from slipway.errors import ServiceError
from slipway.monitoring.deliver import channels_for, deliver, webhook
from slipway.monitoring.notices import Notice
from slipway.monitoring.rules import parse_rules

BAD, FAR = 0.15, 0.5


@pytest.fixture
def receiver():
    """A webhook's receiver: remembers what it gets, answers with the statuses it is given, then with 200."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((self.headers["Idempotency-Key"], json.loads(body)))
            self.send_response(server.statuses.pop(0) if server.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.statuses = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_address[1]}/hooks/s3cret"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def notice(store, result):
    store.close_night([result(1, {"spend": BAD})], parse_rules({}), champion=1)
    return store.claim(["log"]).notice


def night(store, result, rules, value=FAR, day=1):
    store.close_night([result(day, {"spend": value})], rules, champion=1)


def test_a_page_goes_to_the_log_as_an_error_with_what_to_do(store, result, caplog):
    rules = parse_rules({})
    night(store, result, rules)
    with caplog.at_level(logging.INFO, "slipway.monitoring"):
        assert deliver(store, channels_for(rules.routes)).sent == 1
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "[page] churn version 1: drift.spend opened" in record.message
    assert "What to do: open the drift report" in record.message


def test_a_webhook_gets_the_notice_as_json_with_its_key(receiver, notice):
    webhook(receiver.url)(notice)
    ((key, body),) = receiver.got
    assert key == body["key"] == notice.key
    assert Notice.from_json({k: v for k, v in body.items() if k != "text"}) == notice
    assert "drift.spend" in body["text"]


RETRIED = {"a busy one": [503, 429], "one that is down for a moment": [502, 500]}


@pytest.mark.parametrize("statuses", RETRIED.values(), ids=RETRIED)
def test_a_webhook_is_tried_again(statuses, receiver, notice):
    receiver.statuses = list(statuses)
    webhook(receiver.url, pause_s=0)(notice)
    assert [key for key, _ in receiver.got] == [notice.key] * 3


REFUSED = {"for good": ([404], 1), "again and again": ([500] * 9, 3)}


@pytest.mark.parametrize(("statuses", "tries"), REFUSED.values(), ids=REFUSED)
def test_a_webhook_that_does_not_take_it_is_given_up_and_its_secret_kept(statuses, tries, receiver, notice):
    receiver.statuses = list(statuses)
    with pytest.raises(ServiceError, match=f"status {statuses[0]}") as caught:
        webhook(receiver.url, pause_s=0)(notice)
    assert len(receiver.got) == tries
    assert "s3cret" not in str(caught.value)


def test_a_webhook_that_nobody_answers_is_given_up(notice):
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1 did not take the notice: ConnectError"):
        webhook("http://127.0.0.1:9/x", pause_s=0)(notice)


def test_a_webhook_that_dribbles_is_given_up_in_time(notice):
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def dribble():
            with listener.accept()[0] as other:
                for byte in b"HTTP/1.1 200 OK\r\nX: " + 1000 * b"x":
                    if ended.wait(0.02):
                        return
                    other.sendall(bytes([byte]))

        thread = threading.Thread(target=dribble)
        thread.start()
        try:
            with pytest.raises(ServiceError, match=r"no answer within 0\.3 s"):
                webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/x", timeout_s=0.3, tries=1)(notice)
        finally:
            ended.set()
            thread.join()


def test_an_email_goes_through_the_callable_that_was_handed_in(store, result):
    outbox = []
    rules = parse_rules({"routes": [{"to": "email", "addresses": ["ada@example.org", "bob@example.org"]}]})
    night(store, result, rules)
    done = deliver(store, channels_for(rules.routes, send_mail=lambda *mail: outbox.append(mail)))
    assert done.sent == 1
    ((addresses, subject, text),) = outbox
    assert addresses == ["ada@example.org", "bob@example.org"]
    assert subject == "[page] churn version 1: drift.spend opened"
    assert "What to do" in text


def test_a_channel_that_fails_is_recorded_and_the_others_are_served(store, result, clock):
    rules = parse_rules({"routes": [{"to": "log"}, {"to": "email", "addresses": ["ada@example.org"]}]})
    night(store, result, rules)

    def broken(*_):
        raise OSError("mail server down")

    done = deliver(store, channels_for(rules.routes, send_mail=broken))
    mail = rules.routes[1].name
    assert (done.sent, done.failed) == (1, ((mail, "OSError: mail server down"),))
    ((notice, route, error),) = store.unsent("churn")
    assert (notice.cause, route, error) == ("drift.spend", mail, "OSError: mail server down")
    clock.forward(days=1)
    assert deliver(store, channels_for(rules.routes, send_mail=lambda *_: None)).sent == 1
    assert store.unsent("churn") == []


def test_an_email_route_without_anything_to_send_with_says_what_to_do(store, result):
    rules = parse_rules({"routes": [{"to": "email", "addresses": ["ada@example.org"]}]})
    night(store, result, rules)
    ((_, error),) = deliver(store, channels_for(rules.routes)).failed
    assert "give the run an e-mail connection" in error


def test_delivering_twice_sends_once(store, result, receiver):
    rules = parse_rules({"routes": [{"to": "webhook", "url": receiver.url}]})
    night(store, result, rules)
    channels = channels_for(rules.routes)
    assert [deliver(store, channels).sent for _ in range(3)] == [1, 0, 0]
    assert len(receiver.got) == 1


def test_a_sender_that_dies_after_sending_sends_again_under_the_same_key(store, result, receiver, clock):
    rules = parse_rules({"routes": [{"to": "webhook", "url": receiver.url}]})
    night(store, result, rules)
    lost = store.claim([rules.routes[0].name])
    webhook(receiver.url)(lost.notice)  # sent, and killed before it was recorded
    clock.forward(hours=1)
    deliver(store, channels_for(rules.routes))
    first, second = (key for key, _ in receiver.got)
    assert first == second


def test_what_is_over_says_so_and_asks_for_nothing(store, result):
    rules, outbox = parse_rules({"routes": [{"to": "email", "addresses": ["ada@example.org"]}]}), []
    for day, value in enumerate((FAR, 0.01, 0.01), 1):
        night(store, result, rules, value, day)
    deliver(store, channels_for(rules.routes, send_mail=lambda *mail: outbox.append(mail)))
    assert [subject.rsplit(" ", 1)[1] for _, subject, _ in outbox] == ["opened", "closed"]
    assert "it is over" in outbox[1][2]
    assert "What to do" not in outbox[1][2]
