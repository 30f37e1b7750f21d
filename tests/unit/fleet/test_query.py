"""What a reader asks for stands in the address: filters, an order, a page."""

import pytest

from slipway.fleet.query import SORTS, Query
from slipway.fleet.values import Ended, Watched
from tests.unit.fleet.conftest import NOW, a_load


@pytest.fixture
def rows(a_row):
    failed = Ended(release="r", version=4, at=NOW, outcome="FAILED", step="load_test")
    return [
        a_row("churn"),
        a_row("fraud", declared={"team": "risk", "tier": "high"}, summary={"release": failed}),
        a_row("spam", declared={"team": "trust", "tier": "low"}, summary={"champion": None, "release": None}),
        a_row("triage", declared={"team": "Zebra"}, summary={"loads": (a_load(p95=999.0),)}, watched=Watched(pages=1)),
    ]


FILTERS = {
    "everything": ({}, ["churn", "fraud", "spam", "triage"]),
    "a word of the name": ({"text": "frau"}, ["fraud"]),
    "the owner, in any case": ({"text": "ZEBRA"}, ["triage"]),
    "two words, both of them": ({"text": "leave fraud"}, ["fraud"]),
    "nothing has it": ({"text": "nowhere"}, []),
    "a tier": ({"tier": "low"}, ["spam"]),
    "an owner": ({"owner": "risk"}, ["fraud"]),
    "a drift": ({"drift": "page"}, ["triage"]),
    "objectives": ({"met": "missed"}, ["triage"]),
    "a release": ({"release": "FAILED"}, ["fraud"]),
    "never released": ({"release": "never"}, ["spam"]),
    "two filters at once": ({"tier": "medium", "drift": "page"}, ["triage"]),
    "by owner, in any case": ({"sort": "owner"}, ["churn", "fraud", "spam", "triage"]),
    "by tier, the highest first": ({"sort": "tier", "down": "1"}, ["fraud", "churn", "triage", "spam"]),
    "what is not known comes last": ({"sort": "champion"}, ["churn", "fraud", "triage", "spam"]),
    "and last the other way too": ({"sort": "champion", "down": "1"}, ["churn", "fraud", "triage", "spam"]),
    "the worst drift first": ({"sort": "drift"}, ["triage", "churn", "fraud", "spam"]),
    "an order that nobody knows": ({"sort": "__class__"}, ["churn", "fraud", "spam", "triage"]),
    "a page that is no number": ({"page": "x"}, ["churn", "fraud", "spam", "triage"]),
}


@pytest.mark.parametrize(("given", "names"), FILTERS.values(), ids=FILTERS)
def test_rows_are_chosen_and_ordered(rows, given, names):
    assert [row.model for row in Query.parse(given).choose(rows)] == names


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_takes_every_row(rows, sort):
    assert len(Query(sort=sort, down=True).choose(rows)) == len(rows)


def test_an_address_says_what_it_was_read_from():
    asked = Query(text='a "b" &c', tier="high", sort="age", down=True, page=3)
    from urllib.parse import parse_qsl

    assert Query.parse(dict(parse_qsl(asked.address(page=3)[1:]))) == asked


def test_another_order_begins_at_the_first_page():
    assert "page" not in Query(page=7).address(sort="age")


@pytest.mark.parametrize(("text", "page"), [("0", 1), ("-3", 1), ("²", 1), ("9" * 30, 1_000_000), ("4", 4)])
def test_a_page_is_a_number_from_one(text, page):
    assert Query.parse({"page": text}).page == page
