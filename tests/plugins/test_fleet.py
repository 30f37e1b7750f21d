"""Slipway's routes, behind Airflow's own auth manager: who may read is let in, everybody else is refused."""

import pytest
import yaml

from slipway.ledger import EntryKind, Ledger
from tests.fakes.specs import declared

ROLES = {"a viewer": "viewer", "a user": "user", "an admin": "admin"}
RUN = "manual__2026-01-01T00:00:00+00:00"
ROUTES = {
    "/fleet": "/fleet",
    "/fleet/{model}": "/fleet/churn",
    "/api/models": "/api/models",
    "/api/models/{model}": "/api/models/churn",
    "/api/models/{model}/timeline": "/api/models/churn/timeline",
    "/api/models/{model}/live": "/api/models/churn/live?at=2026-01-01T00:00",
    "/reports/{path:path}": "/reports/churn/v1/page.html",
    "/runs/{dag_id}/{run_id}": f"/runs/churn.release/{RUN}",
}


@pytest.fixture(autouse=True)
def fleet(project, tmp_path):
    """One model with a word in the ledger that nobody may see without leave."""
    reports = tmp_path / "var" / "reports" / "churn"
    for path in ("v1/page.html", "v1/manual__2026-01-01T00_00_00_00_00/release.html"):
        (reports / path).parent.mkdir(parents=True, exist_ok=True)
        (reports / path).write_text("<h1>churn</h1>")
    subject = {"model": "churn", "version": 1, "artifact_sha256": "sha256:" + "a" * 64, "image_digest": None}
    Ledger(f"sqlite:///{tmp_path}/var/ledger.db").append(
        EntryKind.DEPLOYMENT, model="churn", version=1, actor="ada", payload={"subject": subject, "release": "r"}
    )


@pytest.fixture(scope="module")
def manager():
    from airflow.api_fastapi.app import init_auth_manager
    from airflow.utils.db import initdb

    initdb()  # a token is looked up among those that were revoked
    return init_auth_manager()


@pytest.fixture
def client(manager):
    from fastapi.testclient import TestClient

    from slipway_airflow.ui.app import app

    with TestClient(app) as client:
        yield client


@pytest.fixture
def token(manager):
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return lambda role: manager.generate_jwt(SimpleAuthManagerUser(username="somebody", role=role))


def routes():
    from fastapi.routing import APIRoute

    from slipway_airflow.ui.app import app

    return [route for route in app.routes if isinstance(route, APIRoute)]


def test_every_route_is_tried_below():
    assert {route.path for route in routes()} == set(ROUTES)


def test_no_route_changes_anything():
    assert {method for route in routes() for method in route.methods} <= {"GET", "HEAD"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ROUTES.values(), ids=ROUTES)
def test_an_admin_cannot_change_anything_here_either(client, token, path, method):
    answer = client.request(method, path, headers={"Authorization": f"Bearer {token('admin')}"})
    assert answer.status_code == 405


@pytest.mark.parametrize("path", ROUTES.values(), ids=ROUTES)
def test_who_is_not_logged_in_is_refused(client, path):
    answer = client.get(path)
    assert answer.status_code == 401
    assert "churn" not in answer.text


@pytest.mark.parametrize("path", ROUTES.values(), ids=ROUTES)
def test_a_forged_or_foreign_token_is_refused(client, token, path):
    import jwt

    head, body, _ = token("admin").split(".")
    forged = jwt.encode(
        {"sub": "somebody", "role": "admin", "exp": 9e9}, "another key that is long enough " * 3, "HS512"
    )
    for bad in (f"{head}.{body}.AAAA", forged, "nonsense"):
        answer = client.get(path, headers={"Authorization": f"Bearer {bad}"})
        assert answer.status_code in {401, 403}, bad
        assert "churn" not in answer.text


@pytest.mark.parametrize("path", ROUTES.values(), ids=ROUTES)
def test_a_user_without_a_role_is_refused(client, token, path):
    answer = client.get(path, headers={"Authorization": f"Bearer {token(None)}"})
    assert answer.status_code == 403
    assert "churn" not in answer.text


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
@pytest.mark.parametrize("path", ROUTES.values(), ids=ROUTES)
def test_who_may_read_dags_is_let_in(client, token, path, role):
    answer = client.get(path, headers={"Authorization": f"Bearer {token(role)}"})
    assert answer.status_code == 200
    assert "churn" in answer.text


@pytest.mark.parametrize("path", ROUTES.values(), ids=ROUTES)
def test_the_session_of_airflows_pages_is_enough(client, token, path):
    assert client.get(path, cookies={"_token": token("viewer")}).status_code == 200


@pytest.fixture
def of_one_team(manager, monkeypatch, tmp_path):
    """A second model, and an auth manager by which nobody but an admin may read its DAGs."""
    folder = tmp_path / "include" / "models" / "secret_one"
    folder.mkdir()
    (folder / "model.yaml").write_text(yaml.safe_dump(declared(name="secret_one")))
    report = tmp_path / "var" / "reports" / "secret_one" / "page.html"
    report.parent.mkdir()
    report.write_text("secret_one")
    real = type(manager).is_authorized_dag

    def is_authorized_dag(self, *, method, user, access_entity=None, details=None):
        of_others = details is not None and (details.id or "").startswith("secret_one")
        return real(self, method=method, user=user, access_entity=access_entity, details=details) and (
            not of_others or user.role == "admin"
        )

    monkeypatch.setattr(type(manager), "is_authorized_dag", is_authorized_dag)


ITS_ROUTES = [
    "/fleet/secret_one",
    "/api/models/secret_one",
    "/api/models/secret_one/timeline",
    "/api/models/secret_one/live?at=2026-01-01T00:00",
    "/reports/secret_one/page.html",
    f"/runs/secret_one.release/{RUN}",
]


@pytest.mark.parametrize("path", ITS_ROUTES)
def test_a_model_whose_dags_one_may_not_read_is_refused(client, token, of_one_team, path):
    refused = client.get(path, headers={"Authorization": f"Bearer {token('viewer')}"})
    assert (refused.status_code, "secret_one" in refused.text) == (403, False)
    assert client.get(path, headers={"Authorization": f"Bearer {token('admin')}"}).status_code in {200, 404}


def test_a_detour_through_another_models_reports_leads_nowhere(client, token, of_one_team):
    for path in ("/reports/churn/..%2Fsecret_one/page.html", "/reports/churn/../secret_one/page.html"):
        answer = client.get(path, headers={"Authorization": f"Bearer {token('viewer')}"})
        assert (answer.status_code in {403, 404}, "secret_one" in answer.text) == (True, False)


@pytest.mark.parametrize("path", ["/fleet", "/api/models"])
def test_the_inventory_holds_what_one_may_read(client, token, of_one_team, path):
    seen = {
        role: client.get(path, headers={"Authorization": f"Bearer {token(role)}"}).text for role in ("viewer", "admin")
    }
    assert ("churn" in seen["viewer"], "secret_one" in seen["viewer"]) == (True, False)
    assert "secret_one" in seen["admin"]


@pytest.fixture
def get(client, token):
    return lambda path: client.get(path, headers={"Authorization": f"Bearer {token('viewer')}"})


@pytest.mark.parametrize("path", ["/fleet", "/fleet/churn"])
def test_a_page_is_sent_with_a_policy_that_lets_nothing_in(get, path):
    headers = get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


UNKNOWN = ["/fleet/nowhere", "/fleet/fleet", "/fleet/..%2F..", "/api/models/nowhere", "/api/models/nowhere/timeline"]


@pytest.mark.parametrize("path", UNKNOWN)
def test_a_model_that_nobody_knows_is_not_there(get, path):
    assert get(path).status_code == 404


ASKED = {
    "a moment after": ("/api/models/churn/live?at=2999-01-01T00:00", 200, 1),
    "a moment before": ("/api/models/churn/live?at=2001-01-01T00:00", 200, None),
    "no moment": ("/api/models/churn/live?at=soon", 422, None),
    "none given": ("/api/models/churn/live", 422, None),
}


@pytest.mark.parametrize(("path", "status", "version"), ASKED.values(), ids=ASKED)
def test_the_api_tells_what_was_live(get, path, status, version):
    answer = get(path)
    assert answer.status_code == status
    if status == 200:
        live = answer.json()["live"]
        assert (live and live["version"]) == version


def test_the_api_filters_as_the_page_does(get):
    assert [one["name"] for one in get("/api/models?tier=low").json()["models"]] == ["churn"]
    assert get("/api/models?tier=high").json()["models"] == []


def test_the_api_pages_a_timeline(get):
    found = get("/api/models/churn/timeline?after=0&limit=1").json()
    assert ([entry["said"] for entry in found["entries"]], found["next"]) == (["version 1 serves"], None)
    assert get("/api/models/churn/timeline?after=1").json() == {"entries": [], "next": None}
    assert get("/api/models/churn/timeline?limit=100000").status_code == 422


def test_a_ledger_that_does_not_answer_is_said_by_the_api(get, tmp_path):
    get("/fleet")
    for name in ("ledger.db-wal", "ledger.db-shm", "ledger.db"):
        (tmp_path / "var" / name).unlink(missing_ok=True)
    (tmp_path / "var" / "ledger.db").write_text("no database at all" * 50)
    assert get("/api/models/churn/timeline").status_code == 503
    assert get("/api/models/churn/live?at=2999-01-01").status_code == 503
    page = get("/fleet/churn")
    assert (page.status_code, "What to do" in page.text) == (200, True)
