"""Ask the champion, through the gateway, as any client would."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from slipway.errors import GatewayError, RequestRejected
from slipway.settings import Settings
from slipway.specs import load_model


def predict(settings: Settings, model: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``{"model", "version", "predictions"}`` and, where a policy was applied, ``"flags"``.

    Raises
    ------
    GatewayError
        If the gateway does not answer or no version serves.
    RequestRejected
        If the rows are not JSON values, or the model refused them; the message says which value and why.
    """
    load_model(settings, model)
    if not settings.gateway_url:
        raise GatewayError("no gateway is configured", remedy="run `slipway start`, or set SLIPWAY_GATEWAY_URL")
    url = f"{settings.gateway_url}/models/{model}/invocations"
    reply = _post(url, _body(rows))
    if reply.status_code in (400, 413, 422):
        raise RequestRejected(f"the model refused the rows: {reply.text[:1500]}", remedy="correct the rows")
    if reply.status_code != httpx.codes.OK:
        raise GatewayError(
            f"{url} answered {reply.status_code}: {reply.text[:500]}",
            remedy=f"see whether a version serves: `slipway status`; if none does, `slipway release {model}`",
        )
    try:
        return {"model": model, "version": int(reply.headers["x-slipway-version"]), **reply.json()}
    except (KeyError, TypeError, ValueError) as error:
        raise GatewayError(
            f"{url} answered as no version of ours does: {reply.text[:500]}", remedy="correct SLIPWAY_GATEWAY_URL"
        ) from error


def _body(rows: Sequence[Mapping[str, Any]]) -> str:
    try:
        return json.dumps({"dataframe_records": list(rows)}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RequestRejected(f"the rows cannot be sent: {error}", remedy="write null for a missing value") from error


def _post(url: str, body: str) -> httpx.Response:
    headers = {"content-type": "application/json"}
    try:
        return httpx.post(url, content=body, headers=headers, timeout=30, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise GatewayError(f"{url} did not answer: {error}", remedy="look with `slipway status`") from error


def sample_rows(settings: Settings, model: str, *, count: int) -> list[dict[str, Any]]:
    """Return the first golden rows of the champion: inputs that it must answer."""
    from slipway.core.identity import Subject
    from slipway.ledger.entries import SERVING_KINDS
    from slipway.workflows.records import golden_answers
    from slipway.workflows.workbench import Workbench

    bench = Workbench(settings)
    entries = bench.ledger.entries(model=model, kinds=SERVING_KINDS)
    if not entries:
        raise GatewayError(f"{model} was never deployed", remedy=f"run `slipway release {model}`")
    golden = golden_answers(bench, Subject.from_json(entries[-1].payload["subject"]))
    return [dict(row) for row in golden.rows[:count]]
