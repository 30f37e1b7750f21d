"""The parts of model.yaml about who decides, what is kept, and what happens by itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from slipway.core.part import Part


class ReleaseSpec(Part):
    """How a release begins. ``on_new_version``: each newly registered version is released by itself, once."""

    on_new_version: bool = False
    load_profile: Literal["smoke", "standard", "article", "surge"] = "standard"


class ApproverRole(Part):
    """A role, and the logins of those who have it."""

    name: str = Field(min_length=1)
    logins: tuple[str, ...] = Field(min_length=1)


class ApprovalSpec(Part):
    """Who may approve, on top of what the risk tier demands.

    ``approvers`` are logins, any of whom may answer; empty means anyone whom Airflow lets answer. ``roles`` instead
    name who answers which question, in order: one of a medium tier, two of a high one. ``valid_hours``: how long an
    approval holds.
    """

    approvers: tuple[str, ...] = ()
    roles: tuple[ApproverRole, ...] = ()
    valid_hours: float = Field(default=24, gt=0, le=24 * 90)

    @model_validator(mode="after")
    def _one_way(self) -> ApprovalSpec:
        if self.roles and self.approvers:
            raise ValueError("name approvers or roles, not both")
        return self

    def problem(self, people: int) -> str:
        """Return why ``people`` different persons can never approve as declared; empty if they can."""
        if self.roles and len(self.roles) != people:
            return f"{len(self.roles)} roles are named, the risk tier asks for {people}"
        if self.approvers and len(set(self.approvers)) < people:
            return f"the risk tier asks for {people} persons, approvers names {len(set(self.approvers))}"
        if len({login for role in self.roles for login in role.logins}) < len(self.roles):
            return "both roles are one person's, and two different persons must approve"
        return ""


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
