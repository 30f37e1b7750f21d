"""Who answers for a model at the gateway, as the gateway itself says."""

from __future__ import annotations

import httpx

from slipway.deploy.envoy import BACKEND_HEADER
from slipway.deploy.gateway import Gateway
from slipway.deploy.smoke import make_client
from slipway.errors import GatewayError

TIMEOUT_S = 5.0


def answering_backend(gateway: Gateway, model: str) -> str | None:
    """Ask the gateway for a model's readiness, and return the backend that it passed the question to; None if none.

    Raises
    ------
    GatewayError
        If the gateway does not answer.
    """
    url = gateway.model_url(model)
    try:
        with make_client(url, timeout_s=TIMEOUT_S) as client:
            told: str | None = client.get(f"{url}/v2/health/ready").headers.get(BACKEND_HEADER)
            return told
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise GatewayError(
            f"the gateway at {gateway.url or 'no address'} does not answer: {type(error).__name__}",
            remedy="`slipway start` starts it, or correct SLIPWAY_GATEWAY_URL",
        ) from error
