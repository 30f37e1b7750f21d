"""Requests that are too slow by themselves, and a service that protects itself from overload."""

import time

from slipway.core.spec import Objectives
from slipway.core.verdict import Outcome
from slipway.scenarios import replay
from tests.unit.scenarios.findings import outcome, smallest, value


def slow_where(service, slow):
    class Slow(service):
        def predict(self, rows):
            if any(slow(row) for row in rows):
                time.sleep(0.15)
            return super().predict(rows)

    return Slow()


def test_a_row_with_a_gap_that_is_too_slow_by_itself_fails_with_that_request(gate, tiny, tiny_service):
    tiny.spec = tiny.spec.model_copy(update={"objectives": Objectives(p95_ms=90, p99_ms=100)})
    found = gate(slow_where(tiny_service, lambda row: row["c"] is None))
    assert outcome(found) is Outcome.FAILED
    assert value(found, "latency.slow_cases") > 0
    first = smallest(found)[0]
    assert (first["kind"], first["columns"]) == ("slower_alone_than_the_objective", ["c"])
    assert "a plain row beside it took" in first["message"]
    assert value(found, "detection.power_at_half_percent") < 0.99, "the flood is not sent once something has failed"


def test_a_service_that_is_now_and_then_slow_is_left_to_the_load_test(gate, tiny, tiny_service):
    tiny.spec = tiny.spec.model_copy(update={"objectives": Objectives(p95_ms=90, p99_ms=100)})

    class Stalls(tiny_service):
        def predict(self, rows):
            if self.calls % 97 == 50:
                time.sleep(0.15)
            return super().predict(rows)

    found = gate(Stalls())
    assert outcome(found) is Outcome.PASSED, smallest(found)


def test_a_service_that_protects_itself_from_overload_passes(gate, tiny_service, monkeypatch):
    monkeypatch.setattr(replay, "seconds_to_wait", lambda *_, **__: 0.01)

    class Protected(tiny_service):
        def __call__(self, path, body):
            if self.calls % 50 == 49:
                self.calls += 1
                return 429, {"error": "come back later"}
            return super().__call__(path, body)

        def headers(self):
            return {**super().headers(), "retry-after": "0"}

    found = gate(Protected())
    assert outcome(found) is Outcome.PASSED, smallest(found)
    assert found.details["told_to_wait"] > 10


def test_a_service_that_refuses_whatever_it_is_told_fails_by_a_kind_of_its_own(gate, tiny_service, monkeypatch):
    monkeypatch.setattr(replay, "seconds_to_wait", lambda *_, **__: 0.0)

    class Refuses(tiny_service):
        def __call__(self, path, body):
            status, data = super().__call__(path, body)
            return (503, {"error": "not now"}) if '"c": null' in body.decode("utf-8", "replace") else (status, data)

        def headers(self):
            return {**super().headers(), "retry-after": "1"}

    found = gate(Refuses())
    assert outcome(found) is Outcome.FAILED
    assert smallest(found)[0]["kind"] == "still_refuses_after_waiting"
    assert "were refused each of" in found.details["stopped"]
