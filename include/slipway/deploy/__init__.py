"""Deployment: the gateway's routes, and versions that move through them without a failed request."""

from __future__ import annotations

from slipway.deploy.deployer import deploy, rollback
from slipway.deploy.files import write_bootstrap
from slipway.deploy.gateway import Gateway
from slipway.deploy.journal import Deployment, Event
from slipway.deploy.routes import Backend, Mirror, Role, Route
from slipway.deploy.services import Launch
from slipway.deploy.smoke import smoke

__all__ = [
    "Backend",
    "Deployment",
    "Event",
    "Gateway",
    "Launch",
    "Mirror",
    "Role",
    "Route",
    "deploy",
    "rollback",
    "smoke",
    "write_bootstrap",
]
