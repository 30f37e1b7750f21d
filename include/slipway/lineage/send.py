"""Sends events to a file or a server; whatever becomes of it, the caller goes on within seconds.

Rules
-----
1. Sending never raises, and never takes longer than :data:`BUDGET_S`: what is lost is told, and nothing else.
2. A server is tried once: an event is worth less than a release's time.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from slipway.errors import shorten
from slipway.lineage.events import Happening, to_open_lineage

if TYPE_CHECKING:
    from openlineage.client.transport.transport import Transport

BUDGET_S = 4.0
_REQUEST_S = 2.0
_SAID = 300


def send(url: str, happenings: Sequence[Happening], *, root: Path, key: str = "", budget_s: float = BUDGET_S) -> str:
    """Send events; return why they are lost, or nothing.

    Parameters
    ----------
    url : str
        ``file:…`` (a relative path is below ``root``) or ``http(s)://…``.
    happenings : sequence of Happening
    root : Path
    key : str
        Sent to a server as its API key.
    budget_s : float
        After so many seconds the events are given up.
    """
    said: list[str] = []

    def work() -> None:
        try:
            transport = _transport(url, root, key)
            for happening in happenings:
                transport.emit(to_open_lineage(happening))
        except Exception as error:  # noqa: BLE001 - by rule 1
            said.append(f"{type(error).__name__}: {error}")
        else:
            said.append("")

    worker = threading.Thread(target=work, name="lineage", daemon=True)
    worker.start()
    worker.join(budget_s)
    return shorten(said[0], _SAID) if said else f"no answer within {budget_s:g} s"


def _transport(url: str, root: Path, key: str) -> Transport:
    from openlineage.client.transport import get_default_factory

    return get_default_factory().create(_config(url, root, key))


def _config(url: str, root: Path, key: str) -> dict[str, Any]:
    if url.startswith("file:"):
        path = root / url2pathname(urlsplit(url).path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return {"type": "file", "log_file_path": str(path), "append": True}
    auth = {"auth": {"type": "api_key", "apiKey": key}} if key else {}
    return {"type": "http", "url": url, "timeout": _REQUEST_S, "retry": {"total": 0}, **auth}
