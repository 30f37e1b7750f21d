"""The parts of model.yaml about who decides, what is kept, and what happens by itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slipway.core.part import Part


class ReleaseSpec(Part):
    """How a release begins. ``on_new_version``: each newly registered version is released by itself, once."""

    on_new_version: bool = False
    load_profile: Literal["smoke", "standard", "article", "surge"] = "standard"


class ApprovalSpec(Part):
    """Who may approve, on top of what the risk tier demands.

    ``approvers`` are logins; empty means anyone whose role may answer. ``valid_hours``: how long an approval holds.
    """

    approvers: tuple[str, ...] = ()
    valid_hours: float = Field(default=24, gt=0, le=24 * 90)


class AuditSpec(Part):
    """What the audit does about a champion's alias that no release moved: ``restore`` puts it back, else it reports."""

    alias_moved: Literal["report", "restore"] = "restore"


class RetentionSpec(Part):
    """How long versions and evidence are kept.

    A version is kept while it is among the newest ``keep_versions`` or younger than ``keep_days``; one on
    ``legal_hold`` is kept whatever its age. Its evidence is kept for ``evidence_days``, the regulatory period, also
    after the version is gone.
    """

    keep_versions: int = Field(default=5, ge=2)
    keep_days: int = Field(default=365, ge=1)
    legal_hold: tuple[int, ...] = ()
    evidence_days: int = Field(default=3650, ge=1)
