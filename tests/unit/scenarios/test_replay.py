import pytest

from slipway.scenarios.client import Client
from slipway.scenarios.replay import MAX_SILENT_IN_A_ROW, MAX_TIMEOUTS, Replay
from slipway.scenarios.suite import Case, CaseClass, Reply

CASES = [Case(name=f"c{i}", kind=CaseClass.EDGE, body=b"%d" % i) for i in range(200)]


class FakeClient:
    """Answers by a function of the body; never touches the network."""

    def __init__(self, reply):
        self.reply = reply

    def post(self, path, body):
        return self.reply(int(body))


def test_replies_come_in_the_order_of_their_cases(tiny):
    replay = Replay(FakeClient(lambda i: Reply(status=i)), tiny.signature, "tiny")
    told = []
    assert [reply.status for [reply] in replay.run(CASES, progress=told.append)] == list(range(200))
    assert replay.requests == 200


def test_a_case_is_sent_as_often_as_it_asks_for(tiny):
    replay = Replay(FakeClient(lambda i: Reply(status=200)), tiny.signature, "tiny")
    case = Case(name="c", kind=CaseClass.EDGE, body=b"1", repeats=3)
    assert len(replay.run([case])[0]) == 3


@pytest.mark.parametrize(
    ("silence", "limit"),
    [
        pytest.param(Reply(error="refused"), MAX_SILENT_IN_A_ROW, id="dead"),
        pytest.param(Reply(error="late", timed_out=True), MAX_TIMEOUTS, id="hanging"),
    ],
)
def test_nothing_more_is_sent_once_the_service_has_fallen_silent(tiny, silence, limit):
    replay = Replay(FakeClient(lambda i: Reply(status=200) if i < 50 else silence), tiny.signature, "tiny")
    replies = replay.run(CASES, workers=1)
    assert replay.requests == 50 + limit
    assert [bool(reply) for reply in replies] == [True] * (50 + limit) + [False] * (150 - limit)
    assert replay.stopped


def test_single_errors_do_not_end_the_suite(tiny):
    replay = Replay(
        FakeClient(lambda i: Reply(error="reset") if i % 3 == 0 else Reply(status=200)), tiny.signature, "t"
    )
    assert all(replay.run(CASES, workers=1))
    assert not replay.stopped


def test_the_suite_ends_when_its_time_is_over(tiny):
    replay = Replay(FakeClient(lambda i: Reply(status=200)), tiny.signature, "tiny", max_seconds=0.0)
    replies = replay.run(CASES, workers=1)
    assert sum(bool(reply) for reply in replies) == 1
    assert "time" in replay.stopped


def test_a_real_client_can_be_shared_by_many_workers(tiny, tiny_service, serving):
    case = Case(name="c", kind=CaseClass.EDGE, rows=(tiny.base,))
    with serving(tiny_service()) as running, Client(running.url) as client:
        replies = Replay(client, tiny.signature, "tiny").run([case] * 200, workers=16)
    assert {reply.status for [reply] in replies} == {200}
