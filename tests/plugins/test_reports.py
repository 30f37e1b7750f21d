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
    from airflow.api_fastapi.app import init_auth_manager
    from fastapi.testclient import TestClient

    from slipway_airflow.ui.app import app

    init_auth_manager()
    monkeypatch.setenv("SLIPWAY_VAR", str(root.parent))
    return TestClient(app)


@pytest.fixture
def logged_in(client, monkeypatch):
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.security import get_user

    from slipway_airflow.ui.app import app

    officer = SimpleAuthManagerUser(username="officer", role="viewer")
    monkeypatch.setitem(app.dependency_overrides, get_user, lambda: officer)
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
    "a report": (
        SimpleNamespace(report_path="m/v1/page.html", release_path="m/v1/r/release.html", model="m"),
        "page.html",
    ),
    "no report yet": (SimpleNamespace(report_path="", release_path=""), ""),
    "a step without reports": (SimpleNamespace(), ""),
}


@pytest.mark.parametrize(("operator", "name"), LINKS.values(), ids=LINKS)
def test_the_links_lead_to_what_the_gate_wrote_and_to_the_release(operator, name):
    from slipway_airflow.ui.links import ModelLink, ReleaseLink, ReportLink

    found = tuple(link.get_link(operator, ti_key=None) for link in (ReportLink(), ReleaseLink(), ModelLink()))
    reports = "/slipway/reports/m/v1"
    wanted = (f"{reports}/page.html", f"{reports}/r/release.html", "/slipway/fleet/m") if name else ("", "", "")
    assert found == wanted


def test_links_pages_and_the_runs_tab_are_registered_under_one_address():
    from slipway_airflow.plugin import SlipwayPlugin
    from slipway_airflow.ui.links import URL_PREFIX

    assert [link.name for link in SlipwayPlugin.operator_extra_links] == ["Report", "Release", "Model"]
    assert [app["url_prefix"] for app in SlipwayPlugin.fastapi_apps] == [URL_PREFIX]
    views = {view["destination"]: view["href"] for view in SlipwayPlugin.external_views}
    assert views == {"nav": f"{URL_PREFIX}/fleet", "dag_run": f"{URL_PREFIX}/runs/{{DAG_ID}}/{{RUN_ID}}"}


def test_airflow_takes_the_runs_tab_and_the_entry_in_its_navigation(monkeypatch):
    from airflow import plugins_manager

    from slipway_airflow.plugin import SlipwayPlugin

    monkeypatch.setattr(plugins_manager, "_get_plugins", lambda: ([SlipwayPlugin], {}))
    views, _ = plugins_manager._get_ui_plugins.__wrapped__()
    assert [view["name"] for view in views] == ["Slipway", "Release"]


RUN = "manual__2026-01-01T00:00:00+00:00"


@pytest.fixture
def released(root):
    page = root / "churn" / "v2" / "manual__2026-01-01T00_00_00_00_00" / "release.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>released</h1>")
    return page


def test_the_tab_of_a_run_frames_its_release(logged_in, released):
    answer = logged_in.get(f"/runs/churn.release/{RUN}")
    assert answer.status_code == 200
    assert 'src="/slipway/reports/churn/v2/manual__2026-01-01T00_00_00_00_00/release.html"' in answer.text
    assert "unsafe-inline" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("dag", "says"), [("churn.release", "after its first gate"), ("churn.rollback", "This is no release")]
)
def test_the_tab_of_a_run_without_a_page_says_why(logged_in, root, dag, says):
    answer = logged_in.get(f"/runs/{dag}/{RUN}")
    assert (answer.status_code, says in answer.text) == (404, True)


@pytest.mark.parametrize(("dag", "run"), [("...release", "v1"), ("*.release", "*"), ("m.release", "..")])
def test_a_run_that_is_named_like_a_way_out_has_no_page(root, released, dag, run):
    from slipway_airflow.ui.reports import release_page

    assert release_page(root, dag, run) is None


def test_the_tab_of_a_run_is_for_who_is_logged_in(client, released):
    assert client.get(f"/runs/churn.release/{RUN}").status_code in {401, 403}
