"""What a card is made from, gathered by the caller: this package reads no ledger and no registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.cards.snapshot import DataFacts
from slipway.core.evidence import Check, Evidence
from slipway.core.identity import Subject
from slipway.core.spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """The version to compare with.

    Attributes
    ----------
    version : int
    role : str
        ``champion``, or for the champion's own card ``previous champion``.
    evidence : tuple of Evidence
        Its own release's.
    data : DataFacts or None
        None where its files are gone.
    same_rows : bool
        Whether it is the version that this one's evaluation asked about the same rows.
    """

    version: int
    role: str
    evidence: tuple[Evidence, ...] = ()
    data: DataFacts | None = None
    same_rows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """Everything that the card of one version is made from.

    Attributes
    ----------
    spec : ModelSpec
        The declaration as it is now.
    subject : Subject
    evidence : mapping of Check to Evidence
        The newest of each check on exactly these digests.
    rival : Rival or None
    data : DataFacts or None
        None where the version's files are gone; ``data_problem`` says why.
    metrics : mapping of str to float
        What the training run logged in the registry.
    prose : str
        The text of card.md; empty where nobody wrote one.
    """

    spec: ModelSpec
    subject: Subject
    evidence: Mapping[Check, Evidence]
    rival: Rival | None = None
    data: DataFacts | None = None
    data_problem: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    prose: str = ""
