"""The pages show what they were given, escaped, and let in no script or style but their own."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from slipway.core.retention import Stage
from slipway.fleet.frame import ago, distance
from slipway.fleet.inventory_page import inventory_page
from slipway.fleet.model_page import LiveAt, ModelFacts, Moment, model_page
from slipway.fleet.plots import latency_plot
from slipway.fleet.query import Query
from slipway.fleet.values import Cell, Ended, Number
from slipway.fleet.wording import sentence
from tests.unit.fleet.conftest import NOW, a_load, days_ago

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def a_number(**changes):
    found = {"name": "latency.p95", "value": 171.0, "threshold": 170.0, "bound": "max", "unit": "ms", "n": 1200}
    return Number(**(found | {"outcome": "FAILED"} | changes))


def a_cell(**changes):
    found = {"version": 3, "check": "load_test", "outcome": "FAILED", "seq": 7, "at": NOW, "release": "r3"}
    return Cell(**(found | {"report": "churn/v3/r3/load_test.html", "numbers": (a_number(),)} | changes))


def a_moment(**changes):
    found = {"seq": 7, "at": NOW, "kind": "approval", "tone": "PASSED", "version": 3, "actor": "officer"}
    return Moment(**(found | {"said": "version 3 approved", "hash": "sha256:" + "c" * 64, "release": "r3"} | changes))


def facts(row, **changes):
    found = {"row": row, "cells": [a_cell()], "cards": {}, "drift": "", "drift_css": "", "trend": "", "said": ()}
    more = {
        "timeline": [a_moment()],
        "older": None,
        "newer": False,
        "live": None,
        "every_version": False,
        "decisions": False,
    }
    return ModelFacts(**(found | more | changes))


MARKS = {
    "nothing": ({}, set()),
    "removed": ({"stage": Stage.REMOVED}, {"archived"}),
    "archived, its removal not finished": ({"stage": Stage.ARCHIVED}, {"archived"}),
    "held by a command": ({"held": True}, {"held"}),
}


@pytest.mark.parametrize(("known", "marks"), MARKS.values(), ids=MARKS)
def test_the_matrix_marks_a_version_as(a_row, known, marks):
    first = a_row().summary.versions[1].model_copy(update=known)
    row = a_row(summary={"versions": {**a_row().summary.versions, 1: first}})
    head = re.search(r'<th scope="row">v1.*?</th>', model_page(facts(row)).html)
    assert {mark for mark in ("archived", "held") if f">{mark}<" in head.group()} == marks


@pytest.fixture
def evil_pages(a_row):
    released = Ended(release=EVIL, version=3, at=NOW, outcome="FAILED", step=EVIL, reason=EVIL)
    row = a_row(
        declared={
            "purpose": EVIL,
            "team": EVIL,
            "contact": EVIL,
            "tier": EVIL,
            "stakeholders": (EVIL,),
            "problem": EVIL,
        },
        summary={"release": released},
    )
    live = LiveAt(asked=EVIL, live=row.summary.live.model_copy(update={"actor": EVIL, "release": EVIL}))
    moment = a_moment(actor=EVIL, said=EVIL, kind=EVIL, tone=EVIL, release=EVIL)
    cell = a_cell(reason=EVIL, numbers=(a_number(name=EVIL, unit=EVIL),), report=EVIL)
    full = facts(row, cells=[cell], live=live, timeline=[moment], said=(EVIL,), cards={3: EVIL}, trend=EVIL)
    return {
        "inventory": inventory_page([row], Query(text=EVIL, owner=EVIL), [EVIL], seq=1),
        "model": model_page(full),
        "model, no moment": model_page(facts(row, live=LiveAt(asked=EVIL, problem=EVIL))),
    }


@pytest.mark.parametrize("which", ["inventory", "model", "model, no moment"])
def test_what_people_typed_stays_text(evil_pages, which):
    tags = Tags(evil_pages[which].html).found
    assert "alert(1)" in evil_pages[which].html
    assert [tag for tag, _ in tags].count("script") == 1
    assert not [tag for tag, attrs in tags if tag == "img" or any(name.startswith("on") for name in attrs)]


@pytest.mark.parametrize("which", ["inventory", "model"])
def test_nothing_is_loaded_and_no_attribute_needs_an_unsafe_policy(evil_pages, which):
    for tag, attrs in Tags(evil_pages[which].html).found:
        assert tag not in {"link", "iframe", "object", "embed", "base"}, tag
        assert not {"style", "srcset", "src"} & attrs.keys(), (tag, attrs)
        assert not str(attrs.get("href", "")).lower().startswith(("javascript:", "http", "//", "data:")), attrs


@pytest.mark.parametrize("which", ["inventory", "model"])
def test_the_policy_names_the_pages_own_script_and_style_and_nothing_else(evil_pages, which):
    page = evil_pages[which]
    rules = dict(rule.split(" ", 1) for rule in page.policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in page.policy
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page.html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_a_cell_has_its_values_beside_their_limits_and_leads_to_its_report(a_row):
    html = model_page(facts(a_row())).html
    assert 'href="/slipway/reports/churn/v3/r3/load_test.html"' in html
    (tip,) = re.findall(r'aria-label="load_test FAILED, version 3">.*?</a>', html, re.DOTALL)
    for part in ("latency.p95", "171 ms", "≤ 170 ms", "n=1,200"):
        assert part in tip


def test_a_gate_without_evidence_is_an_empty_cell_of_its_version(a_row):
    html = model_page(facts(a_row(), cells=[])).html
    assert html.count('title="no evidence"') == 3 * 7
    assert "gate PASSED" not in html


def test_old_versions_wait_behind_a_link(a_row):
    many = {n: a_row().summary.versions[1] for n in range(1, 31)}
    row = a_row(summary={"versions": many})
    assert "Show 10 older versions" in model_page(facts(row)).html
    assert "older versions" not in model_page(facts(row, every_version=True)).html


def test_the_inventory_shows_one_page_of_many_rows_and_says_how_many(a_row):
    rows = [a_row(f"m{n:04}") for n in range(250)]
    html = inventory_page(rows, Query(page=3), (), seq=1).html
    assert "201 to 250 of 250 models" in html
    assert html.count("data-model=") == 50
    assert 'data-model="m0249"' in html


def test_a_page_past_the_last_is_the_last(a_row):
    assert 'data-model="churn"' in inventory_page([a_row()], Query(page=99), (), seq=1).html


def test_no_match_says_so(a_row):
    assert "No model matches" in inventory_page([a_row()], Query(text="nowhere"), (), seq=1).html


ANSWERS = {
    "a version": (lambda live: LiveAt(asked="x", live=live), "Version 3</b> served"),
    "nothing": (lambda live: LiveAt(asked="x"), "Nothing served"),
    "no moment": (lambda live: LiveAt(asked="", problem="'x' is not a moment"), "is not a moment"),
}


@pytest.mark.parametrize(("answer", "says"), ANSWERS.values(), ids=ANSWERS)
def test_live_at_answers_in_words(a_row, answer, says):
    row = a_row()
    assert says in model_page(facts(row, live=answer(row.summary.live))).html


def test_a_champion_that_does_not_serve_is_marked(a_row):
    assert "does not serve" in inventory_page([a_row(summary={"live": None})], Query(), (), seq=1).html


def test_a_plot_marks_what_is_beyond_its_limit():
    drawn = latency_plot([a_load(), a_load(version=4, p95=400.0, outcome="FAILED")])
    assert drawn.count('class="dot p95 bad"') == 1
    assert drawn.count('class="dot p95 ok"') == 1
    assert latency_plot([]) == latency_plot([a_load(p95=None, p99=None, p95_limit=None, p99_limit=None)]) == ""


def test_a_plot_of_one_test_has_a_limit_that_can_be_seen():
    (first, last) = re.search(
        r'polyline class="limit p95" points="([\d.]+),[\d.]+ ([\d.]+),', latency_plot([a_load()])
    ).groups()
    assert float(last) - float(first) > 50


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "just now"), (59, "just now"), (60, "1 minute ago"), (86399, "23 hours ago"), (-86400, "in 1 day")],
)
def test_a_distance_is_told_in_the_largest_unit(seconds, said):
    assert distance(seconds) == said


def test_a_time_can_be_looked_up():
    assert 'title="2026-02-27 12:00:00 UTC">2 days ago' in ago(days_ago(2), NOW)


SAID = {
    "evidence that failed says why": (
        "evidence",
        3,
        {"check": "evaluate", "outcome": "FAILED", "reasons": ["auc is low"]},
        "evaluate FAILED for version 3: auc is low",
    ),
    "a first promotion": ("promotion", 3, {"before": None}, "version 3 is champion"),
    "a refusal": (
        "refusal",
        3,
        {"what": "promotion", "reason": "no approval"},
        "promotion of version 3 refused: no approval",
    ),
    "a kind that is not told here": ("audit", None, {"reason": "the chain holds"}, "the model: the chain holds"),
    "a payload that is odd": ("scoring", 3, {"rows": None}, "version 3"),
    "a comment over lines": ("approval", 3, {"comment": "a\n b"}, "version 3 approved: a b"),
}


@pytest.mark.parametrize(("kind", "version", "payload", "said"), SAID.values(), ids=SAID)
def test_an_entry_is_told_in_a_sentence(kind, version, payload, said):
    assert sentence(kind, version, payload) == said


def test_a_long_reason_is_cut():
    assert len(sentence("approval", 1, {"comment": "x" * 5000})) == 400
