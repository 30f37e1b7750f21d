"""What a release is about: parsed once from what a person, a schedule or the API gave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.identity import parse_model_name
from slipway.core.loadprofile import load_profile
from slipway.errors import SpecError

_PARAMS = frozenset({"version", "load_profile", "reason"})


def folder_name(release: str) -> str:
    """Return a release's id as a folder's name.

    >>> folder_name("manual__2026-01-01T00:00:00+00:00")
    'manual__2026-01-01T00_00_00_00_00'
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", release)[:120]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One attempt to bring a version to production.

    Attributes
    ----------
    id : str
        The DAG run's id.
    model : str
    version : int or None
        None stands for the newest registered version.
    load_profile : str
    reason, requester : str
        Why, and who asked.
    """

    id: str
    model: str
    version: int | None = None
    load_profile: str = "standard"
    reason: str = ""
    requester: str = "unknown"

    def __post_init__(self) -> None:
        """Refuse what cannot be released."""
        parse_model_name(self.model)
        load_profile(self.load_profile)
        if self.version is not None and (isinstance(self.version, bool) or self.version < 1):
            raise SpecError(
                f"version {self.version!r} is not a version", remedy="give the registry's number, 1 or more"
            )

    @property
    def slug(self) -> str:
        """The id as a folder's name."""
        return folder_name(self.id)

    @classmethod
    def from_params(cls, model: str, run_id: str, params: Mapping[str, Any], *, requester: str) -> Release:
        """Read a trigger form or an API call.

        Raises
        ------
        SpecError
            If a key is not one of the form's: Airflow itself lets a misspelt key through.
        """
        unknown = sorted(set(params) - _PARAMS)
        if unknown:
            raise SpecError(
                f"unknown parameters: {', '.join(unknown)}", remedy=f"use {', '.join(sorted(_PARAMS))} and nothing else"
            )
        version = params.get("version")
        return cls(
            id=run_id,
            model=model,
            version=None if version is None else int(version),
            load_profile=str(params.get("load_profile") or "standard"),
            reason=str(params.get("reason") or ""),
            requester=requester,
        )
