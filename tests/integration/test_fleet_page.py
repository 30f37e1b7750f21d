"""The fleet's page in a browser, from a real api-server behind its login: filter, sort, a model, a cell, "live at"."""

import http.client
import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect, sync_playwright

from bench.governance.fleet import make_fleet
from bench.governance.page import api_server, project
from slipway.ledger.store import Ledger

pytestmark = pytest.mark.slow

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
UNTIL = datetime.now(UTC)
WAIT_MS = 60_000
PATHS = ["/fleet", "/fleet/churn", "/api/models", "/api/models/churn", "/api/models/churn/timeline"]
PATHS += ["/api/models/churn/live?at=2026-01-01", "/reports/churn/page.html", "/runs/churn.release/r"]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    settings = project(tmp_path_factory.mktemp("fleet"))
    make_fleet(settings, models=12, entries=900, until=UNTIL, watched=5)
    broken = settings.models / "broken_one"
    broken.mkdir()
    (broken / "model.yaml").write_text("name: broken_one\nrisk_tier: <b>huge</b>\n")
    return settings


@pytest.fixture(scope="module")
def server(fleet):
    with api_server(fleet, print) as server:
        while "being read" in server.ask(server.connect(), "/slipway/fleet")[1]:  # a busy host takes its time
            time.sleep(0.2)
        yield server


@pytest.fixture(scope="module")
def browser():
    program = next((path for path in BROWSERS if os.path.exists(path)), None)  # noqa: PTH110
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    """A page of somebody who is logged in; at its end, nothing was refused or broken in it."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, base_url=f"http://127.0.0.1:{server.port}")
    context.add_cookies([{"name": "_token", "value": server.token, "domain": "127.0.0.1", "path": "/"}])
    page, wrong = context.new_page(), []
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert wrong == []


@pytest.mark.parametrize("path", PATHS)
def test_without_a_login_every_address_is_refused(server, path):
    for headers in ({}, {"Authorization": "Bearer forged"}, {"Cookie": "_token=forged"}):
        connection = server.connect()
        connection.request("GET", f"/slipway{path}", headers=headers)
        answer = connection.getresponse()
        assert answer.status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}
        assert b"churn" not in answer.read()


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc"])
def test_the_app_does_not_describe_itself(server, path):
    connection = server.connect()
    connection.request("GET", f"/slipway{path}")
    assert connection.getresponse().status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN, http.client.NOT_FOUND}


def names(page):
    return page.eval_on_selector_all("tr[data-model]", "rows => rows.map(row => row.dataset.model)")


def test_the_inventory_filters_as_one_types_and_sorts_by_its_heads(page):
    page.goto("/slipway/fleet")
    every = names(page)
    assert len(every) == 13
    assert every == sorted(every)
    assert page.locator("tr[data-model=broken_one] .problem").inner_text().count("<b>huge</b>") == 1
    page.fill("input[name=text]", "fraud")
    shown = page.locator("tr[data-model]")
    expect(shown).to_have_count(1, timeout=WAIT_MS)
    assert names(page) == ["fraud"]
    assert "text=fraud" in page.url
    page.reload()
    assert names(page) == ["fraud"]
    page.fill("input[name=text]", "")
    expect(shown).to_have_count(13, timeout=WAIT_MS)
    page.click("thead >> text=Model")
    expect(page.locator("th[aria-sort=descending]")).to_have_count(1, timeout=WAIT_MS)
    assert names(page) == sorted(every, reverse=True)
    page.select_option("select[name=drift]", "page")
    expect(shown).to_have_count(1, timeout=WAIT_MS)
    assert names(page) == ["claim_severity"]
    assert page.get_attribute("th[aria-sort]", "aria-sort") == "descending"  # the order stays while one filters


def test_a_model_opens_and_shows_a_gates_values_on_hover_and_on_focus(page):
    page.goto("/slipway/fleet")
    page.click("tr[data-model=churn] >> text=churn")
    page.wait_for_url("**/slipway/fleet/churn")
    cell = page.locator("a.gate[aria-label^='load_test']").first
    tip = page.locator("#tip")
    assert tip.is_hidden()
    cell.hover()
    tip.wait_for(state="visible")
    assert "latency.p95" in tip.inner_text()
    assert "≤ 170 ms" in tip.inner_text()
    box, width = tip.bounding_box(), page.viewport_size["width"]
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    page.locator("a.gate").first.focus()
    tip.wait_for(state="visible")
    assert page.locator("svg.latency circle").count() >= 2
    assert page.locator("svg.strip rect").count() >= 5


def test_live_at_answers_as_the_ledger_does(page, fleet):
    moment = UNTIL.replace(microsecond=0) - timedelta(days=20)
    entry = Ledger(fleet.ledger_url).live_at("churn", moment)
    page.goto("/slipway/fleet/churn")
    page.fill("input[name=at]", f"{moment:%Y-%m-%dT%H:%M:%S}")
    page.click("text=What served?")
    page.wait_for_selector(".answer")
    answer = page.inner_text(".answer")
    assert f"Version {entry.version} served" in answer
    assert entry.payload["subject"]["artifact_sha256"] in answer
    assert entry.payload["subject"]["image_digest"] in answer
    page.fill("input[name=at]", "2001-01-01T00:00:00")
    page.click("text=What served?")
    page.wait_for_selector(".answer >> text=Nothing served")


def test_the_timeline_goes_back_in_pages(page):
    page.goto("/slipway/fleet/fraud?show=decisions")
    kinds = set(page.locator(".timeline .chip").all_inner_texts())
    assert "scoring" not in kinds
    assert "promotion" in kinds
    page.goto("/slipway/fleet/fraud")
    first, last = (page.locator(".timeline .seq").nth(n).inner_text() for n in (0, -1))
    page.click("text=older →")
    page.wait_for_url("**before=**")
    assert page.locator(".timeline .seq").count() == 30
    older = page.locator(".timeline .seq").first.inner_text()
    assert int(older.replace(",", "")) < int(last.replace(",", "")) < int(first.replace(",", ""))


@pytest.mark.parametrize("width", [1400, 900, 420])
@pytest.mark.parametrize("path", ["/slipway/fleet", "/slipway/fleet/churn"])
def test_nothing_is_wider_than_the_window(page, path, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_airflow_shows_the_page_in_its_navigation_and_its_links_leave_the_frame(page):
    page.goto("/plugin/slipway-fleet")
    frame = page.frame_locator("iframe")
    frame.locator("tr[data-model=churn]").wait_for()
    frame.locator("tr[data-model=churn] >> text=churn").first.click()
    frame.locator("text=In Airflow:").wait_for()
    frame.locator("a[data-top] >> text=release").first.click()
    page.wait_for_url("**/dags/churn.release**")
