"""What our containers and processes are marked with, so that each is found again and no other is touched."""

from __future__ import annotations

from slipway.core.identity import digest_bytes
from slipway.core.service import ServiceSpec
from slipway.settings import Settings

PROJECT = "slipway.project"
SERVICE = "slipway.service"
ROLE = "slipway.role"
MODEL = "slipway.model"
VERSION = "slipway.version"
ARTIFACT = "slipway.artifact_sha256"
PORT = "slipway.port"
CHAMPION = "champion"
LOG_DIR = "SLIPWAY_SERVING_LOG_DIR"
"""The variable that tells a service where to write its prediction log."""


def project_id(settings: Settings) -> str:
    """Return twelve digits that stand for what this checkout runs from one ``var`` folder, and nothing else."""
    return digest_bytes(f"{settings.root}\0{settings.var}".encode())[7:19]


def service_labels(spec: ServiceSpec, project: str) -> dict[str, str]:
    """Return what a service is marked with; the spec's own labels cannot hide whose it is."""
    return {
        **spec.labels,
        PROJECT: project,
        SERVICE: spec.name,
        MODEL: spec.subject.model,
        VERSION: str(spec.subject.version),
        ARTIFACT: spec.subject.artifact_sha256,
    }


def restarts(spec: ServiceSpec) -> bool:
    """Tell whether the service comes back by itself: the champion does, what is under test must not."""
    return spec.labels.get(ROLE) == CHAMPION
