"""Say what has to be said: log, webhook, e-mail. What fails is recorded and tried again, and stops nobody.

Notices are sent at least once. One is sent twice only if its sender died between the sending and the record of it; its
key (``Idempotency-Key`` of a webhook) is then the same.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from slipway.errors import ServiceError, SlipwayError
from slipway.monitoring.notices import Notice
from slipway.monitoring.rules import Route, RouteKind
from slipway.monitoring.store import MonitoringStore
from slipway.monitoring.values import Severity

Channel = Callable[[Notice], None]
SendMail = Callable[[list[str], str, str], None]
"""Sends an e-mail: addresses, subject, text."""

MOST_AT_ONCE = 500
TIMEOUT_S = 10.0
TRIES = 3
_WORTH_RETRYING = (408, 425, 429)
_log = logging.getLogger("slipway.monitoring")


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many notices were sent, and what kept the others (route and error)."""

    sent: int
    failed: tuple[tuple[str, str], ...]


def channels_for(routes: Iterable[Route], *, send_mail: SendMail | None = None) -> dict[str, Channel]:
    """Return a channel for each route, by the route's name.

    ``send_mail`` is what e-mail goes through; without it an e-mail route fails with what to do.
    """
    return {route.name: _channel(route, send_mail) for route in routes}


def deliver(store: MonitoringStore, channels: Mapping[str, Channel]) -> Delivered:
    """Send every notice that is due, once each; never raises for a channel's failure.

    At most ``MOST_AT_ONCE`` notices are sent; what is left over is due the next time. StorageError if the store itself
    does not answer.
    """
    sent, failed = 0, []
    for _ in range(MOST_AT_ONCE):
        delivery = store.claim(list(channels))
        if delivery is None:
            break
        error = _sent(channels[delivery.route], delivery.notice)
        store.settle(delivery, error=error)
        if error:
            failed.append((delivery.route, error))
            _log.warning("%s could not be sent over %s: %s", delivery.notice.subject, delivery.route, error)
        else:
            sent += 1
    return Delivered(sent, tuple(failed))


def _sent(channel: Channel, notice: Notice) -> str:
    try:
        channel(notice)
    except SlipwayError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a mail client handed in may raise anything, and the night goes on
        return f"{type(error).__name__}: {error}"
    return ""


def _channel(route: Route, send_mail: SendMail | None) -> Channel:
    if route.kind is RouteKind.WEBHOOK:
        return webhook(route.target)
    if route.kind is RouteKind.EMAIL:
        return mail(route.target.split(","), send_mail)
    return to_log


def to_log(notice: Notice) -> None:
    """Write a notice to the log: a page as an error, a note as a warning."""
    _log.log(logging.ERROR if notice.severity is Severity.PAGE else logging.WARNING, "%s", notice.text)


def mail(addresses: list[str], send_mail: SendMail | None) -> Channel:
    """Return a channel that hands a notice to ``send_mail``."""

    def send(notice: Notice) -> None:
        if send_mail is None:
            raise ServiceError("there is nothing to send e-mail with", remedy="give the run an e-mail connection")
        send_mail(addresses, notice.subject, f"{notice.text}\n\n{notice.key}\n")

    return send


def webhook(url: str, *, timeout_s: float = TIMEOUT_S, tries: int = TRIES, pause_s: float = 0.5) -> Channel:
    """Return a channel that posts a notice as JSON.

    Parameters
    ----------
    url : str
    timeout_s : float
        For one try as a whole, however slowly the other side speaks.
    tries : int
        A connection that fails, a status of 5xx, 408, 425 or 429 is tried again so often, ``pause_s`` seconds later at
        first and twice as long each time. No redirect is followed.

    Raises
    ------
    ServiceError
        From the channel: names the host, and neither path nor query, where a webhook's secret is.
    """
    host = urlsplit(url).hostname

    def send(notice: Notice) -> None:
        said = ""
        for attempt in range(tries):
            if attempt:
                time.sleep(pause_s * 2 ** (attempt - 1))
            said, again = _post(url, notice, timeout_s)
            if not said:
                return
            if not again:
                break
        raise ServiceError(f"the webhook at {host} did not take the notice: {said}", remedy="see to the receiver")

    return send


def _post(url: str, notice: Notice, timeout_s: float) -> tuple[str, bool]:
    """Return what went wrong, empty for nothing, and whether it may be better next time."""
    answers: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()
    # httpx bounds each wait, not the whole: a receiver that sends a byte now and then would hold the night.
    thread = threading.Thread(target=lambda: answers.put(_answer(url, notice, timeout_s)), daemon=True)
    thread.start()
    try:
        return answers.get(timeout=timeout_s)
    except queue.Empty:
        return f"no answer within {timeout_s:g} s", True


def _answer(url: str, notice: Notice, timeout_s: float) -> tuple[str, bool]:
    import httpx

    try:
        # Only the status counts: a body of any size is left unread.
        with httpx.stream(
            "POST",
            url,
            json={**notice.to_json(), "text": notice.text},
            headers={"Idempotency-Key": notice.key.encode("ascii", "backslashreplace").decode()},
            timeout=timeout_s,
        ) as response:
            status = response.status_code
    except Exception as error:  # noqa: BLE001 - whatever it is, the waiting side must hear of it
        return type(error).__name__, True
    if 200 <= status < 300:
        return "", False
    return f"status {status}", status >= 500 or status in _WORTH_RETRYING
