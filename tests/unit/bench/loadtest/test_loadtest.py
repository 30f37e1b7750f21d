"""The demonstration: what it calculates, what it draws, and that a closed loop does hide a stall."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.loadtest import __main__ as demonstration
from bench.loadtest.closed import closed_loop
from bench.loadtest.picture import picture
from slipway.loadtest.quantiles import quantile


@pytest.mark.parametrize(("q", "ms"), [(0.5, 1.0), (0.9, 1.0), (0.95, 400.0), (0.99, 720.0), (1.0, 800.0)])
def test_what_a_caller_meets_is_calculated(q, ms):
    assert demonstration.truth(q) == pytest.approx(ms)


def test_the_picture_is_one_document_with_a_line_for_each_test_and_the_truth():
    drawn = picture(
        {"one": [1.0, 2.0, 900.0], "other & more": [1.0] * 50}, truth=[(0.0, 1.0), (0.99, 720.0)], limits={"p95": 200.0}
    )
    lines = [element for element in ElementTree.fromstring(drawn).iter() if element.tag.endswith("polyline")]
    assert [line.get("class") for line in lines] == ["truth", "line0", "line1"]


def test_a_closed_loop_hides_a_stall(monkeypatch):
    monkeypatch.setattr(demonstration, "EVERY", 0.4)
    monkeypatch.setattr(demonstration, "STALL", 0.2)
    with demonstration.stalling_server() as port:
        latencies = closed_loop(port, callers=1, seconds=2.0)
    # Half of the time nobody is served, and yet few of the requests that were sent have waited.
    assert sum(ms > 100 for ms in latencies) <= 8
    assert len(latencies) > 40
    assert quantile(latencies, 0.5).value < 100
