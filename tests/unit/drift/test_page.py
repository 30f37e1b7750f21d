import re
from html.parser import HTMLParser

import pytest

from slipway.core.identity import Subject
from slipway.drift.compare import compare
from slipway.drift.page import SHOWN, drift_page
from slipway.drift.plots import beside, evidence
from slipway.drift.result import DriftResult
from slipway.drift.run import Watched, Window, watch_drift
from slipway.drift.tables import FrameTable

SUBJECT = Subject(model="claims", version=4, artifact_sha256="sha256:" + "a" * 64)


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href")]


@pytest.fixture
def drifted(reference, calibration, rows_of, losses_of):
    frame = rows_of(1000, 5)
    frame["place"] = frame["place"].where(frame.index % 10 != 0, "<b>west</b>")
    return compare(reference, calibration, FrameTable(frame), prediction="score", losses=losses_of(400, 3))


def test_the_verdict_stands_first_and_the_columns_by_evidence(drifted):
    text = drift_page(drifted, SUBJECT, window="2026-11-23", evidently="evidently.html")
    assert text.index("FAILED") < text.index("<h2>")
    order = [text.index(f"<code>{column.measured}</code><br>") for column in drifted.columns]
    assert order == sorted(order)
    assert drifted.columns[0].measured == "place"
    assert text.count("<svg") == 2 * len(drifted.columns)


def test_the_page_loads_nothing_and_links_to_evidentlys_report(drifted):
    links = Links()
    links.feed(drift_page(drifted, SUBJECT, window="2026-11-23", evidently="evidently.html"))
    assert links.found == ["evidently.html"]
    assert not re.search(r"@import|url\(", drift_page(drifted, SUBJECT, window="today"))


def test_what_came_with_the_data_is_escaped(drifted):
    assert "<b>west</b>" not in drift_page(drifted, SUBJECT, window="<i>")
    assert "<i>" not in drift_page(drifted, SUBJECT, window="<i>")


def test_power_threshold_and_method_are_told(drifted):
    text = drift_page(drifted, SUBJECT, window="2026-11-23")
    assert "95 times in 100" in text
    assert "resampled windows" in text
    assert "rows taken as independent" in text
    assert "drift.performance" in text


def test_a_result_that_tells_nothing_says_why(kinds, rows_of):
    result = watch_drift(Watched(kinds=kinds), None, Window(table=FrameTable(rows_of(500, 1))))
    text = drift_page(result, SUBJECT, window="2026-11-23")
    assert "INCONCLUSIVE" in text
    assert "there is no reference" in text


def test_many_columns_fold_away_behind_the_first(drifted):
    many = DriftResult(
        measurements=drifted.measurements, columns=drifted.columns[:1] * (SHOWN + 3), details=drifted.details
    )
    assert "3 more" in drift_page(many, SUBJECT, window="2026-11-23")


@pytest.mark.parametrize(("value", "cut"), [(0.4, False), (1.5, False), (7.0, True)])
def test_a_bar_far_past_its_threshold_is_cut_and_marked(value, cut):
    assert ("<path" in evidence(value)) is cut


def test_a_picture_of_nothing_is_empty():
    assert beside((), ()) == ""
