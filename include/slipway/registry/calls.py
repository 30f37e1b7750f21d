"""How MLflow is called: each request tried twice at most, nothing drawn, and its errors told as ours.

MLflow's own defaults wait for minutes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slipway.errors import RegistryError, RegistryUnreachable, SlipwayError, VersionNotFound
from slipway.runtime.files import storage_error

_NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
_UNREACHABLE_REMEDY = "start the registry, or correct SLIPWAY_TRACKING_URI"


@contextmanager
def bounded_and_quiet(timeout_s: float) -> Iterator[None]:
    """Let MLflow, which reads the environment at each request, try twice and draw no progress bar."""
    wanted = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, round(timeout_s))),
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_CONFIGURE_LOGGING": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def translated(error: Exception, uri: str) -> SlipwayError:
    """Return what an error of MLflow's, or of the system's, means for somebody who asks the registry at ``uri``."""
    if is_connection_fault(error):
        return RegistryUnreachable(f"the model registry at {uri} does not answer: {error}", remedy=_UNREACHABLE_REMEDY)
    full = storage_error(error)
    if full is not None:
        return full
    if getattr(error, "error_code", "") == _NOT_FOUND:
        return VersionNotFound(str(error), remedy="look at `slipway models` for what is registered")
    return RegistryError(f"the model registry refused: {error}", remedy="look at the registry's log")


def is_connection_fault(error: BaseException | None) -> bool:
    """Tell whether an error comes, in the end, of nobody answering."""
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import Timeout

    for _ in range(10):
        if error is None or isinstance(error, NoConnection | Timeout):
            return error is not None
        error = error.__cause__ or error.__context__
    return False


def pages(search: Any, **query: Any) -> Iterator[Any]:
    """Yield what one of MLflow's searches finds, page after page."""
    token: str | None = None
    while True:
        page = search(page_token=token, **query)
        yield from page
        token = page.token
        if not token:
            return
