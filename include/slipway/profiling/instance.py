"""One service in profile mode: asked, profiled, and timed without the profiler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slipway.errors import ServiceError

if TYPE_CHECKING:
    import httpx

MAX_FAILURES = 20
TIMED_REQUESTS = 10
NOT_FOUND = 404
OK = 200
REMEDY = "start the same image with SLIPWAY_SERVING_PROFILE=1 and profile that instance"

Document = dict[str, Any]
Bodies = Sequence[Sequence[Mapping[str, Any]]]


class Instance:
    """Counts what was sent and what failed, and takes no more than it is worth.

    Attributes
    ----------
    sent, errors : int
        Requests, and those without a 200.
    profiles : list of mapping
        What :meth:`look` saw.
    timed : list of float
        Ms a request, as :meth:`time` took it: one value each time, none if the image is of before it could be asked.
    timed_requests : int
        Of how many requests ``timed`` tells.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.sent = self.errors = self.timed_requests = 0
        self.profiles: list[Document] = []
        self.timed: list[float] = []

    @property
    def lost(self) -> bool:
        """Whether it has failed so often that nobody asks it any more."""
        return self.errors >= MAX_FAILURES

    def send(self, bodies: Bodies) -> None:
        """Send requests, one for each list of rows."""
        for rows in bodies:
            self.sent += 1
            body = {"dataframe_records": [dict(row) for row in rows]}
            self.errors += self._client.post("/invocations", json=body).status_code != OK
            if self.lost:
                return

    def profile(self, bodies: Bodies) -> Document:
        """Return the service's profile of exactly these requests."""
        self._call("POST", "/debug/profile/reset")
        self.send(bodies)
        return self._fetch()

    def look(self, bodies: Bodies) -> None:
        """Keep a profile of these requests."""
        self.profiles.append(self.profile(bodies))

    def time(self, bodies: Bodies) -> None:
        """Keep the time that the first of these requests take without the profiler."""
        switched = self._client.post("/debug/profile/time")
        if switched.status_code == NOT_FOUND:
            return
        self._check(switched)
        self.send(bodies[:TIMED_REQUESTS])
        told = self._fetch()
        if done := int(told["requests"]):
            self.timed.append(1000 * float(told["wall_seconds"]) / done)
            self.timed_requests += done

    def _call(self, method: str, path: str) -> httpx.Response:
        response, at = self._client.request(method, path), self._client.base_url
        if response.status_code == NOT_FOUND:
            raise ServiceError(f"the service at {at} has no {path}: it is not in profile mode", remedy=REMEDY)
        return self._check(response)

    @staticmethod
    def _check(response: httpx.Response) -> httpx.Response:
        if response.status_code >= 300:
            asked = f"{response.request.method} {response.request.url.path}"
            raise ServiceError(f"{asked} was answered with {response.status_code}", remedy=REMEDY)
        return response

    def _fetch(self) -> Document:
        try:
            return dict(self._call("GET", "/debug/profile").json())
        except (ValueError, TypeError) as error:
            raise ServiceError(f"the service's profile is not JSON: {error}", remedy=REMEDY) from error
