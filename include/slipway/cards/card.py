"""A card as values: sections of blocks, which both renderings show in the same order and with the same numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.identity import Subject
from slipway.core.verdict import Measurement
from slipway.reporting.release.compare import Compared


@dataclass(frozen=True, slots=True)
class Prose:
    """What a person wrote, as Markdown."""

    text: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"prose": self.text}


@dataclass(frozen=True, slots=True)
class FactList:
    """Names and what they are; text."""

    items: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"facts": dict(self.items)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Measurements with their limits, n and verdicts; ``empty`` is said where there is none."""

    measurements: tuple[Measurement, ...]
    empty: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"measurements": [m.to_json() for m in self.measurements]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table of text; ``numeric`` names right-aligned columns."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"table": [dict(zip(self.header, row, strict=True)) for row in self.rows]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A version beside another: what both were measured by.

    Attributes
    ----------
    version, other : int
    lines : tuple of Compared
        ``there`` is the other version's value.
    """

    version: int
    other: int
    lines: tuple[Compared, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        shown = [line.to_json() for line in self.lines]
        return {"other": self.other, "differences": [{**line, "other": line.pop("champion")} for line in shown]}


Block = Prose | FactList | Measured | Grid | Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the card; ``note`` says how to read it."""

    title: str
    blocks: tuple[Block, ...]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"title": self.title, "blocks": [block.to_json() for block in self.blocks], "note": self.note}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The card of one version.

    Attributes
    ----------
    subject : Subject
    lead : str
        What the model is for, in the words of its declaration.
    figures : mapping of str to str
        The few numbers to see first.
    sections : tuple of Section
    """

    subject: Subject
    lead: str
    figures: Mapping[str, str]
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """What the card is called."""
        return f"Model card: {self.subject.model} version {self.subject.version}"

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        return {
            "subject": self.subject.to_json(),
            "purpose": self.lead,
            "figures": dict(self.figures),
            "sections": [section.to_json() for section in self.sections],
        }
