"""What the registry says about one version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInfo:
    """One registered version.

    Attributes
    ----------
    version : int
    run_id : str
        The run that made it.
    created_at : datetime
        UTC.
    aliases : tuple of str
        Sorted.
    tags : mapping of str to str
    description : str
    """

    version: int
    run_id: str
    created_at: datetime
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    description: str
