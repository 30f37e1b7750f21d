"""What the page of a release is told from: ledger entries, evidence, the state of the report files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from slipway.core.evidence import Evidence


class Recorded(Protocol):
    """An entry of the ledger, as far as a page needs it."""

    @property
    def seq(self) -> int:
        """Its number in the chain."""

    @property
    def at(self) -> datetime:
        """When it was written."""

    @property
    def kind(self) -> str:
        """What happened."""

    @property
    def version(self) -> int | None:
        """The version that it is about."""

    @property
    def actor(self) -> str:
        """Who did it."""

    @property
    def payload(self) -> Mapping[str, Any]:
        """JSON values."""


class FileState(StrEnum):
    """Whether a report file still is what its evidence recorded."""

    SOUND = "as recorded"
    ALTERED = "altered"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """The champion that the release was compared with, and what its own release measured."""

    version: int
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that is known of one release.

    Attributes
    ----------
    model, release : str
    version : int or None
        None only where the release crashed before anybody knew.
    entries : tuple of Recorded
        The release's own entries, oldest first.
    champion : Champion or None
    serving : int or None
        The version that served when the release had ended, or serves while it goes on.
    files : mapping of str to FileState
        Of each report that evidence names, by its path.
    folder : str
        Where the page lies below the reports folder, so that its links are relative.
    """

    model: str
    release: str
    version: int | None
    entries: tuple[Recorded, ...]
    champion: Champion | None = None
    serving: int | None = None
    files: Mapping[str, FileState] = field(default_factory=dict)
    folder: str = ""

    def evidence(self) -> tuple[Evidence, ...]:
        """Return this release's evidence, oldest first."""
        return tuple(Evidence.from_json(entry.payload) for entry in self.entries if entry.kind == "evidence")

    def of_kind(self, *kinds: str) -> tuple[Recorded, ...]:
        """Return the entries of these kinds, oldest first."""
        return tuple(entry for entry in self.entries if entry.kind in kinds)
