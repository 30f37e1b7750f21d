"""Report files: only what lies below the reports folder is sent, to who is logged in, in a sandbox."""

from types import SimpleNamespace

import pytest

SECRET = "not a report"


@pytest.fixture
def root(tmp_path):
    reports = tmp_path / "var" / "reports"
    (reports / "m" / "v1").mkdir(parents=True)
    (reports / "m" / "v1" / "page.html").write_text("<h1>page</h1>")
    (tmp_path / "var" / "passwords.json").write_text(SECRET)
    (tmp_path / "var" / "reports-of-others").mkdir()
    (tmp_path / "var" / "reports-of-others" / "page.html").write_text(SECRET)
    (reports / "m" / "outward.html").symlink_to(tmp_path / "var" / "passwords.json")
    (reports / "m" / "folder-outward").symlink_to(tmp_path / "var")
    (reports / "m" / "latest.html").symlink_to(reports / "m" / "v1" / "page.html")
    return reports


INSIDE = {"a file": "m/v1/page.html", "a link to a file inside": "m/latest.html", "a detour": "m/v1/../v1/page.html"}


@pytest.mark.parametrize("path", INSIDE.values(), ids=INSIDE)
def test_a_report_is_found(root, path):
    from slipway_airflow.ui.reports import resolve

    assert resolve(root, path) == root / "m" / "v1" / "page.html"


NOWHERE = {
    "a file above": "../passwords.json",
    "a file above, by a detour": "m/v1/../../../passwords.json",
    "a neighbour whose name begins alike": "../reports-of-others/page.html",
    "an absolute path": "/etc/hostname",
    "a link that leads out": "m/outward.html",
    "a file behind a linked folder": "m/folder-outward/passwords.json",
    "a folder": "m/v1",
    "the root itself": "",
    "nothing there": "m/v2/page.html",
}


@pytest.mark.parametrize("path", NOWHERE.values(), ids=NOWHERE)
def test_anything_else_is_not_there(root, path):
    from fastapi import HTTPException

    from slipway_airflow.ui.reports import resolve

    with pytest.raises(HTTPException) as refused:
        resolve(root, path)
    assert refused.value.status_code == 404


@pytest.fixture
def client(root, monkeypatch):
    from fastapi.testclient import TestClient

    from slipway_airflow.ui.reports import app

    monkeypatch.setenv("SLIPWAY_VAR", str(root.parent))
    return TestClient(app)


@pytest.fixture
def logged_in(client, monkeypatch):
    from airflow.api_fastapi.core_api.security import get_user

    from slipway_airflow.ui.reports import app

    monkeypatch.setitem(app.dependency_overrides, get_user, lambda: SimpleNamespace(name="officer"))
    return client


def test_a_report_is_sent_in_a_sandbox_without_the_readers_session(logged_in):
    answer = logged_in.get("/reports/m/v1/page.html")
    assert (answer.status_code, answer.text) == (200, "<h1>page</h1>")
    policy = answer.headers["content-security-policy"].split()
    assert policy[0] == "sandbox"
    assert "allow-same-origin" not in policy
    assert {"allow-scripts", "allow-downloads"} <= set(policy)


@pytest.mark.parametrize("path", ["..%2Fpasswords.json", "m/outward.html", "%2Fetc%2Fhostname"])
def test_an_encoded_way_out_is_refused_too(logged_in, path):
    answer = logged_in.get(f"/reports/{path}")
    assert answer.status_code == 404
    assert SECRET not in answer.text


def test_who_is_not_logged_in_gets_no_report(client):
    answer = client.get("/reports/m/v1/page.html")
    assert answer.status_code in {401, 403}
    assert "page" not in answer.text


LINKS = {
    "a report": (SimpleNamespace(report_path="m/v1/page.html"), "/slipway/reports/m/v1/page.html"),
    "no report yet": (SimpleNamespace(report_path=""), ""),
    "a step without reports": (SimpleNamespace(), ""),
}


@pytest.mark.parametrize(("operator", "address"), LINKS.values(), ids=LINKS)
def test_the_link_leads_to_what_the_gate_wrote(operator, address):
    from slipway_airflow.ui.links import ReportLink

    assert ReportLink().get_link(operator, ti_key=None) == address


def test_the_link_and_the_reports_are_registered_under_one_address():
    from slipway_airflow.plugin import SlipwayPlugin
    from slipway_airflow.ui.links import URL_PREFIX

    assert [link.name for link in SlipwayPlugin.operator_extra_links] == ["Report"]
    assert [app["url_prefix"] for app in SlipwayPlugin.fastapi_apps] == [URL_PREFIX]
