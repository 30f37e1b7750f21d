"""HTTP to Airflow: the token, the time limit, and every refusal turned into an error with a remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from slipway.errors import OrchestratorError, shorten

START = "run `make demo` or `slipway start`"
MAX_DETAIL = 1500
PAGE = 100
MAX_PAGES = 100
REMEDIES = {
    400: "correct the request",
    401: "check SLIPWAY_AIRFLOW_USER and SLIPWAY_AIRFLOW_PASSWORD, or leave them to var/stack.json",
    403: "log in as a user who may do this",
    404: "check the names",
    409: "look at what is there already",
    422: "correct the request",
}
SERVER_REMEDY = "look into var/logs/airflow-api.log"


class Transport:
    """Calls below one Airflow address, as one user. The token is fetched at the first call and renewed when refused.

    Parameters
    ----------
    url : str
        Airflow's base address; empty where none is known, which every call reports.
    user, password : str
        The login.
    timeout_s : float
        The longest wait for any one answer.
    http : httpx.BaseTransport, optional
        What carries the requests, instead of the network.
    """

    def __init__(
        self, url: str, user: str, password: str, *, timeout_s: float = 30.0, http: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._login = {"username": user, "password": password}
        self._token = ""
        self._http = httpx.Client(timeout=timeout_s, transport=http, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, *, remedies: Mapping[int, str] | None = None
    ) -> Any:
        """Return the JSON of a GET below ``/api/v2``."""
        return self.send("GET", path, params=params, remedies=remedies)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        remedies: Mapping[int, str] | None = None,
    ) -> Any:
        """Send one request below ``/api/v2`` and return the answer's JSON.

        Raises
        ------
        OrchestratorError
            If Airflow does not answer, refuses, or answers something that is not JSON; ``remedies`` gives the advice
            for a status.
        """
        with self._translated():
            response = self._authorized(method, path, params=params, body=body)
            if response.is_error:
                raise refusal(response.status_code, response.text, remedies=remedies)
            return _json(response)

    def pages(
        self, path: str, key: str, params: Mapping[str, Any] | None = None, *, limit: int = PAGE * MAX_PAGES
    ) -> list[Any]:
        """Return up to ``limit`` entries of a collection, over as many pages as it takes."""
        entries: list[Any] = []
        while len(entries) < limit:
            size = min(PAGE, limit - len(entries))
            page = self.get(path, {**(params or {}), "limit": size, "offset": len(entries)}).get(key) or []
            entries += page
            if len(page) < size:
                break
        return entries

    def lines(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the objects of a newline-delimited JSON answer; a line that is none is given as an ``event``.

        Raises
        ------
        OrchestratorError
            As `send`.
        """
        with self._translated():
            self._ensure_token()
            headers = {"Accept": "application/x-ndjson", **self._headers()}
            with self._http.stream("GET", self._address(path), params=dict(params), headers=headers) as response:
                if response.is_error:
                    raise refusal(response.status_code, response.read().decode(errors="replace"))
                for line in response.iter_lines():
                    if line.strip():
                        yield _event(line)

    def _authorized(
        self, method: str, path: str, *, params: Mapping[str, Any] | None, body: Mapping[str, Any] | None
    ) -> httpx.Response:
        self._ensure_token()

        def once() -> httpx.Response:
            return self._http.request(
                method, self._address(path), params=dict(params or {}), json=body, headers=self._headers()
            )

        response = once()
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._token = ""
            self._ensure_token()
            response = once()
        return response

    def _ensure_token(self) -> None:
        if self._token:
            return
        if not self.url:
            raise OrchestratorError("no Airflow address is known", remedy=START)
        response = self._http.post(f"{self.url}/auth/token", json=self._login)
        if response.is_error:
            raise refusal(response.status_code, response.text)
        try:
            self._token = str(_json(response)["access_token"])
        except (KeyError, TypeError) as error:
            raise OrchestratorError(f"{self.url} gave no access token", remedy=START) from error

    def _address(self, path: str) -> str:
        return f"{self.url}/api/v2/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            raise OrchestratorError(
                f"Airflow at {self.url} did not answer in time", remedy="look at the machine's load, or " + START
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OrchestratorError(f"Airflow does not answer at {self.url}: {error}", remedy=START) from error


def path(*parts: object) -> str:
    """Join parts into a path, each one quoted.

    >>> path("dags", "a.release", "dagRuns", "manual__2026-01-01T00:00:00+00:00")
    'dags/a.release/dagRuns/manual__2026-01-01T00%3A00%3A00%2B00%3A00'
    """
    return "/".join(quote(str(part), safe="~") for part in parts)


def refusal(status: int, text: str, *, remedies: Mapping[int, str] | None = None) -> OrchestratorError:
    """Return the error for a refused request.

    >>> str(refusal(404, '{"detail": "no such dag"}'))
    'Airflow refused (404): no such dag. What to do: check the names.'
    """
    remedy = {**REMEDIES, **(remedies or {})}.get(status, SERVER_REMEDY)
    return OrchestratorError(f"Airflow refused ({status}): {detail(text)}", remedy=remedy)


def detail(text: str) -> str:
    """Return the words of an error answer, at most 1,500 characters: FastAPI's ``detail``, or the text itself.

    >>> detail('{"detail": [{"loc": ["body", "conf"], "msg": "is missing"}]}')
    'body.conf: is missing'
    """
    try:
        body = json.loads(text)
    except ValueError:
        return shorten(text.strip() or "no reason given", MAX_DETAIL)
    found = body.get("detail", body) if isinstance(body, dict) else body
    problems = found if isinstance(found, list) else [found]
    return shorten("; ".join(_words(problem) for problem in problems), MAX_DETAIL)


def _words(problem: Any) -> str:
    if isinstance(problem, dict) and "msg" in problem:
        place = ".".join(str(part) for part in problem.get("loc") or ())
        return f"{place}: {problem['msg']}" if place else str(problem["msg"])
    if isinstance(problem, dict):
        return str(problem.get("reason") or problem.get("message") or json.dumps(problem))
    return str(problem)


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise OrchestratorError(
            f"{response.request.url} answered something that is not JSON: {shorten(response.text, 200)}",
            remedy="check that SLIPWAY_AIRFLOW_URL is Airflow's own address",
        ) from error


def _event(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {"event": line}
    return value if isinstance(value, dict) else {"event": str(value)}
