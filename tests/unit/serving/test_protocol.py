"""What goes directly is answered as uvicorn and the application would, byte for byte, in the same order."""

import asyncio
import json
import re
from itertools import accumulate, pairwise

import numpy as np
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from slipway.core.serving_options import Mode, ServingOptions
from slipway.serving.app import App
from slipway.serving.config import Limits, ServingConfig
from slipway.serving.predictor import Predictor
from slipway.serving.protocol import DirectProtocol
from slipway.serving.tensors import MATRIX
from tests.unit.serving.samples import GOOD_ROW, SIGNATURE, SUBJECT, half_size

INFER = "/v2/models/clinic/versions/3/infer"
ROWS = {"dataframe_records": [GOOD_ROW]}


def request(body=ROWS, *, method="POST", path="/invocations", version="1.1", chunked=False, **headers):
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"x-request-id": "me", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if chunked:
        data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)
        named["transfer-encoding"] = "chunked"
    else:
        named["content-length"] = str(len(data))
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/{version}\r\nhost: model\r\n{lines}\r\n".encode() + data


def tensor(value):
    return {"inputs": [{"name": MATRIX, "shape": [1, 4], "datatype": "FP64", "data": [value, 40, 0.5, 0.75]}]}


DIRECT = {
    "records": request(),
    "another answer": request({"dataframe_records": [GOOD_ROW | {"size": 9}]}),
    "split": request({"dataframe_split": {"columns": list(GOOD_ROW), "data": [list(GOOD_ROW.values())]}}),
    "v2": request(tensor(3.0), path=INFER),
    "an odd id": request(x_request_id="no spaces please"),
    "a model that crashes": request({"dataframe_records": [GOOD_ROW | {"size": 6.66}]}),
    "through the gateway": request(x_envoy_expected_rq_timeout_ms="30000"),
    "two deadlines": request(x_envoy_expected_rq_timeout_ms="30000", x_slipway_deadline_ms="010"),
}
OTHERS = {
    "missing value": request({"dataframe_records": [GOOD_ROW | {"dose": None}]}),
    "rejected": request({"dataframe_records": [GOOD_ROW | {"size": 11}]}),
    "not JSON": request(b"{"),
    "nothing": request(b""),
    "ready": request(None, method="GET", path="/v2/health/ready"),
    "wrong method": request(None, method="GET"),
    "unknown path": request(path="/nowhere"),
    "a query": request(path="/invocations?a=1"),
    "a deadline that is over": request(x_slipway_deadline_ms="00"),
    "no deadline": request(x_slipway_deadline_ms=""),
    "a deadline in words": request(x_slipway_deadline_ms="soon"),
    "one of two deadlines is over": request(x_envoy_expected_rq_timeout_ms="30000", x_slipway_deadline_ms="-1"),
    "binary": request(inference_header_content_length="3"),
    "chunked": request(chunked=True),
    "large": request({"dataframe_records": [GOOD_ROW] * 30}),
    "expects": request(expect="100-continue"),
}
LAST = {
    "closes": request(connection="close"),
    "of old": request(version="1.0"),
    "upgrades": request(connection="upgrade", upgrade="h2c"),
    "two lengths": request().replace(b"host", b"content-length: 4\r\nhost"),
    "no HTTP": b"what is this?\r\n\r\n",
}


class Wire(asyncio.Transport):
    """The server's side of a connection."""

    def __init__(self):
        super().__init__({"peername": ("127.0.0.1", 9), "sockname": ("127.0.0.1", 80)})
        self.sent, self.closed = b"", False

    def write(self, data):
        self.sent += bytes(data)

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

    def pause_reading(self): ...

    def resume_reading(self): ...


def crashing(risk):
    if 0.333 in risk:
        raise ValueError("no")
    return np.stack([1 - risk, risk], axis=1)


@pytest.fixture(scope="module")
def app():
    config = ServingConfig(subject=SUBJECT, signature=SIGNATURE)

    def load():
        def by_row(matrix):
            return crashing(matrix[:, 0] / 20)

        return Predictor("test", lambda columns: crashing(half_size(columns)[:, 1]), SIGNATURE.output, by_row)

    made = App(config, load, limits=Limits(max_bytes=1500), options=ServingOptions(mode=Mode.INLINE))
    asyncio.run(made.load())
    yield made
    made.close()


class Server:
    """One connection to an application, over a protocol of uvicorn's kind."""

    def __init__(self, app, protocol):
        state = ServerState()
        state.default_headers = [(b"date", b"today")]
        config = uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False)
        self.wire = Wire()
        self.protocol = protocol(config, state, {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.wire)

    async def feed(self, *parts):
        for part in parts:
            if not self.wire.closed:
                self.protocol.data_received(part)
        await self.settle()
        return self.wire.sent

    async def settle(self):
        for _ in range(60):
            await asyncio.sleep(0)

    def end(self):
        self.protocol.connection_lost(None)


def exchange(app, protocol, *parts, last=b""):
    async def run():
        server = Server(app, protocol)
        await server.feed(*parts)
        sent = await server.feed(last) if last else server.wire.sent
        server.end()
        return sent, server.wire.closed

    return asyncio.run(run())


def normal(sent):
    """Order of header lines and ids that the server makes up do not matter."""
    lines = sent.split(b"\r\n")
    return [line for line in sorted(lines) if not (line.startswith(b"x-request-id") and line != b"x-request-id: me")]


@pytest.mark.parametrize("name", [*DIRECT, *OTHERS, *LAST])
def test_it_is_answered_as_usual(app, name):
    sent = {**DIRECT, **OTHERS, **LAST}[name]
    direct, usual = exchange(app, DirectProtocol, sent), exchange(app, HttpToolsProtocol, sent)
    assert normal(direct[0]) == normal(usual[0])
    assert direct[1] == usual[1]
    assert direct[0].startswith(b"HTTP/1.1 ")


@pytest.fixture
def usual_calls(app, monkeypatch):
    """Counts what reaches the application the usual way."""
    seen = []
    original = App.__call__

    async def counted(self, scope, receive, send):
        seen.append(scope["path"])
        await original(self, scope, receive, send)

    monkeypatch.setattr(App, "__call__", counted)
    return seen


@pytest.mark.parametrize("name", DIRECT)
def test_a_small_request_of_clean_rows_goes_directly(app, usual_calls, name):
    sent, _ = exchange(app, DirectProtocol, DIRECT[name])
    assert usual_calls == []
    assert b"date: today\r\n" in sent


@pytest.mark.parametrize("name", [*OTHERS, "closes", "of old"])
def test_what_is_in_any_doubt_goes_the_usual_way(app, usual_calls, name):
    exchange(app, DirectProtocol, {**OTHERS, **LAST}[name])
    assert len(usual_calls) == 1


@given(
    names=st.lists(st.sampled_from([*DIRECT, *OTHERS]), min_size=1, max_size=4),
    again=st.integers(1, 3),
    apart=st.booleans(),
    last=st.none() | st.sampled_from(list(LAST)),
    cuts=st.lists(st.integers(0, 4000), max_size=5),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_requests_follow_each_other_and_are_cut_the_answers_are_the_usual_ones(
    app, names, again, apart, last, cuts
):
    # What is no HTTP comes when the others have their answers: uvicorn forgets those that it still owes.
    broken = LAST[last] if last else b""
    said = [{**DIRECT, **OTHERS}[name] for name in names for _ in range(again)]
    whole = b"".join(said)
    between = accumulate(map(len, said)) if apart else ()
    ends = [0, *sorted(min(cut, len(whole)) for cut in (*cuts, *between)), len(whole)]
    parts = [whole[a:b] for a, b in pairwise(ends) if b > a]
    direct, usual = (exchange(app, protocol, *parts, last=broken) for protocol in (DirectProtocol, HttpToolsProtocol))
    assert normal(direct[0]) == normal(usual[0])
    assert statuses(direct[0]) == statuses(usual[0])
    assert direct[1] == usual[1]


def statuses(sent):
    return [line for line in sent.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


@pytest.fixture
def parsed(monkeypatch):
    """Counts the requests that the parser read."""
    seen = []
    original = DirectProtocol.on_message_begin

    def counted(self):
        seen.append(self)
        original(self)

    monkeypatch.setattr(DirectProtocol, "on_message_begin", counted)
    return seen


def test_a_head_that_comes_again_is_recognised_whatever_its_body_says(app, parsed):
    first = DIRECT["split"]
    second = first.replace(b"[[4.0, ", b"[[9.0, ")
    assert len(second) == len(first)
    sent, _ = exchange(app, DirectProtocol, first, second, first)
    assert len(parsed) == 1
    assert re.findall(rb"predictions\W+([0-9.]+)", sent) == [b"0.2", b"0.45", b"0.2"]


@pytest.mark.parametrize("name", ["missing value", "ready", "rejected"])
def test_after_what_goes_the_usual_way_a_head_is_learnt_again(app, parsed, name):
    async def run():
        server = Server(app, DirectProtocol)
        for part in (SAME, SAME, OTHERS[name], SAME, SAME, SAME):
            await server.feed(part)
        server.end()

    asyncio.run(run())
    assert len(parsed) == 3


SAME = DIRECT["records"]
SECOND_LOOKS = {
    "another head": [SAME, DIRECT["v2"], SAME],
    "another length": [SAME, SAME.replace(b"content-length: ", b"content-length: 0")],
    "in two pieces": [SAME, SAME[:-1], SAME[-1:]],
    "two in one piece": [SAME, SAME + SAME],
    "after a line that is empty": [SAME, b"\r\n" + SAME],
    "a line that is empty behind it": [SAME + b"\r\n", SAME],
    "learnt from the end of a head": [SAME[:9], SAME[9:], SAME],
    "learnt behind the end of a body": [SAME[:-9], SAME[-9:] + SAME, SAME],
    "declined the second time": [SAME, SAME.replace(b'"size": 4', b'"size": ,')],
    "in a body": [SAME, request(SAME), SAME],
    "behind a byte that is too many": [SAME, b"P", SAME],
}


@pytest.mark.parametrize("name", SECOND_LOOKS)
def test_what_only_looks_like_a_known_head_is_read_as_usual(app, name):
    *parts, last = SECOND_LOOKS[name]
    direct, usual = (exchange(app, protocol, *parts, last=last) for protocol in (DirectProtocol, HttpToolsProtocol))
    assert normal(direct[0]) == normal(usual[0])
    assert statuses(direct[0]) == statuses(usual[0])
    assert direct[1] == usual[1]


def test_answers_keep_the_order_of_their_requests(app):
    order = ["records", "missing value", "another answer", "ready", "v2"]
    sent, _ = exchange(app, DirectProtocol, b"".join({**DIRECT, **OTHERS}[name] for name in order))
    found = [sent.find(mark) for mark in (b"[0.2]", b'"flags"', b"[0.45]", b"ready", b"outputs")]
    assert -1 not in found
    assert found == sorted(found)


def test_a_request_that_is_arriving_at_the_shutdown_is_answered(app):
    async def run():
        server = Server(app, DirectProtocol)
        sent = DIRECT["records"]
        await server.feed(sent[:-5])
        server.protocol.shutdown()
        assert not server.wire.closed
        await server.feed(sent[-5:])
        server.end()
        return server

    server = asyncio.run(run())
    assert b"[0.2]" in server.wire.sent
    assert b"connection: close" in server.wire.sent
    assert server.wire.closed


def test_while_it_drains_each_answer_tells_the_caller_to_leave(app, monkeypatch):
    monkeypatch.setattr(app, "draining", True)
    sent, _ = exchange(app, DirectProtocol, DIRECT["records"])
    assert b"connection: close" in sent
    assert b"[0.2]" in sent


def test_a_caller_that_takes_no_answers_is_held_back(app, usual_calls):
    async def run():
        server = Server(app, DirectProtocol)
        server.protocol.pause_writing()
        assert await server.feed(DIRECT["records"]) == b""
        server.protocol.resume_writing()
        await server.settle()
        server.end()
        return server.wire.sent

    assert b"[0.2]" in asyncio.run(run())
    assert len(usual_calls) == 1


def test_an_idle_connection_is_closed_and_one_that_asks_is_not(app):
    async def run(idle_s):
        server = Server(app, DirectProtocol)
        server.protocol.timeout_keep_alive = 0.05
        await server.feed(DIRECT["records"])
        for _ in range(4):
            await asyncio.sleep(idle_s)
            if not server.wire.closed:
                await server.feed(DIRECT["records"])
        return server.wire

    assert asyncio.run(run(0.2)).closed
    busy = asyncio.run(run(0.0))
    assert not busy.closed
    assert busy.sent.count(b"[0.2]") == 5


def test_two_requests_at_once_leave_no_timer_behind_that_closes_a_busy_connection(app):
    async def run():
        server = Server(app, DirectProtocol)
        server.protocol.timeout_keep_alive = 0.3
        await server.feed(DIRECT["records"] * 2)
        for _ in range(5):
            await asyncio.sleep(0.1)
            await server.feed(DIRECT["records"])
        return server.wire

    wire = asyncio.run(run())
    assert not wire.closed
    assert wire.sent.count(b"[0.2]") == 7


def test_a_request_that_went_directly_is_counted_as_any_other(app):
    def answered():
        return sum(app._tally.answered.values())

    before = answered()
    exchange(app, DirectProtocol, DIRECT["records"] + DIRECT["a model that crashes"])
    assert answered() == before + 2


@pytest.mark.parametrize("name", ["records", "missing value"])
def test_while_the_loop_is_too_far_behind_a_request_is_told_when_to_come_back(app, monkeypatch, name):
    monkeypatch.setattr(app._lateness, "seconds", 1.5)
    whole = {**DIRECT, **OTHERS}[name]
    for parts in ([whole], [whole[:-5], whole[-5:]]):
        sent, _ = exchange(app, DirectProtocol, *parts)
        assert sent.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 2\r\n" in sent.lower()


@pytest.mark.parametrize("protocol", [DirectProtocol, HttpToolsProtocol])
def test_a_body_in_two_parts_is_refused_too_while_the_loop_is_behind(app, monkeypatch, protocol):
    monkeypatch.setattr(app._lateness, "seconds", 1.5)
    whole = DIRECT["records"]

    async def run():
        server = Server(app, protocol)
        await server.feed(whole[:-5])
        sent = await server.feed(whole[-5:])
        server.end()
        return sent

    assert asyncio.run(run()).startswith(b"HTTP/1.1 429 ")
