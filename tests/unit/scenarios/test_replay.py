import pytest

from slipway.scenarios.client import Client
from slipway.scenarios.replay import MAX_REFUSED, MAX_SILENT_IN_A_ROW, MAX_TIMEOUTS, TRIES, Replay, seconds_to_wait
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


BUSY = Reply(status=429, headers={"retry-after": "2"})


def test_a_request_that_is_told_to_wait_is_sent_again_after_that_time(tiny):
    replies = iter([BUSY, BUSY, Reply(status=200)])
    slept = []
    sender = Replay(FakeClient(lambda i: next(replies)), tiny.signature, "tiny", sleep=slept.append)
    [reply] = sender.send(CASES[1])
    assert reply.status == 200
    assert len(slept) == 2
    assert 2.0 <= slept[0] <= 3.0
    assert (sender.requests, sender.waits, sender.stopped) == (3, 2, "")


def test_a_request_that_is_always_refused_is_given_up_and_then_the_suite(tiny):
    slept = []
    sender = Replay(FakeClient(lambda i: BUSY), tiny.signature, "tiny", sleep=slept.append)
    replies = sender.run(CASES, workers=1)
    assert [bool(reply) for reply in replies[: MAX_REFUSED + 1]] == [True] * MAX_REFUSED + [False]
    assert replies[0][0].status == 429
    assert sender.requests == MAX_REFUSED * TRIES
    assert max(slept) <= 5.0 + TRIES
    assert "refused" in sender.stopped
    assert sender.dead


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(status=503), id="no-time-named"),
        pytest.param(Reply(status=500, headers={"retry-after": "1"}), id="a-crash"),
    ],
)
def test_any_other_refusal_is_an_answer(tiny, reply):
    sender = Replay(FakeClient(lambda i: reply), tiny.signature, "tiny", sleep=pytest.fail)
    assert sender.send(CASES[0]) == (reply,)


@pytest.mark.parametrize(
    ("text", "seconds"), [("3", 3.0), ("0", 0.0), ("9999", 5.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 1.0), ("-1", 1.0)]
)
def test_the_time_to_wait_is_bounded(text, seconds):
    assert seconds_to_wait(Reply(status=429, headers={"retry-after": text}), 1, spread=0.0) == seconds


def test_what_must_come_before_a_case_is_sent_before_each_of_its_calls(tiny):
    sent = []
    client = FakeClient(lambda i: sent.append(i) or Reply(status=200))
    case = Case(name="c", kind=CaseClass.EDGE, body=b"2", repeats=2, after=CASES[1])
    assert len(Replay(client, tiny.signature, "tiny").send(case)) == 2
    assert sent == [1, 2, 1, 2]


def test_after_its_time_is_over_a_suite_can_be_resumed_unless_the_service_is_dead(tiny):
    sender = Replay(FakeClient(lambda i: Reply(status=200)), tiny.signature, "tiny")
    sender.limit(0.0, "enough was seen")
    sender.send(CASES[0])
    assert sender.stopped == "enough was seen"
    sender.resume(60)
    assert sender.send(CASES[1])
    dead = Replay(FakeClient(lambda i: Reply(error="refused")), tiny.signature, "tiny")
    dead.run(CASES, workers=1)
    dead.resume(60)
    assert dead.stopped
