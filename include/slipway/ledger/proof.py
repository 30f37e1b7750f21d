"""The ledger held against its anchors. Pure: the caller reads the places and the clock.

Rules
-----
1. An anchor counts when one of our keys signed it. What is altered, foreign or unreadable is told, and does not count.
2. Every anchor that counts is used, wherever it was found: what any of them knows must still be in the chain.
3. Two anchors that count and contradict each other mean that the key has signed two histories.
4. A place must hold at least what the ledger says that it held; else anchors were taken out of it.
5. An anchor signed later than now is told: a clock was wrong, or somebody prepares a history.
6. What lies beyond the last anchor is vouched for by the chain alone; how much that is, is always said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from slipway.core.finding import Finding, Kind, Severity, outcome_of
from slipway.core.verdict import Outcome
from slipway.errors import LedgerBroken
from slipway.ledger.anchors import Anchor, Found
from slipway.ledger.entries import FLEET, Entry, Head
from slipway.ledger.signing import PublicKeys

CLOCK_TOLERANCE = timedelta(minutes=5)
_PLACES = {"file": "the anchor file", "mlflow": "MLflow"}
_RESTORE = "keep the file as it is, put the copy of a backup in its place, and find out who wrote to it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a walk along the chain, beside every anchor that could be read, came to.

    Attributes
    ----------
    entries : int
        How many hold: all, or those before the first bad one.
    head : Head or None
        None where the chain is broken.
    first_bad : int or None
        The first entry that does not hold.
    anchors : int
        How many anchors were used.
    last_anchor : int
        The newest entry that an anchor vouches for; 0 without one.
    findings : tuple of Finding
    """

    entries: int
    head: Head | None
    first_bad: int | None
    anchors: int
    last_anchor: int
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        """The verdict."""
        return outcome_of(self.findings)

    @property
    def holds(self) -> bool:
        """Whether the chain holds, also beside its anchors."""
        return self.head is not None and not any(f.kind is Kind.ANCHORS_DISAGREE for f in self.findings)

    @property
    def beyond(self) -> int:
        """How many entries lie beyond the last anchor."""
        return max(0, self.entries - self.last_anchor)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        head = None if self.head is None else {"seq": self.head.seq, "hash": self.head.hash}
        return {
            "outcome": self.outcome.value,
            "entries": self.entries,
            "head": head,
            "first_bad": self.first_bad,
            "anchors": self.anchors,
            "last_anchor": self.last_anchor,
            "beyond_last_anchor": self.beyond,
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What anchors vouch for.

    Attributes
    ----------
    hashes : mapping of int to str
        The hashes of entries, or how they begin.
    anchors : tuple of Anchor
        Those that count.
    newest : mapping of str to int
        The newest anchored entry, by place.
    findings : tuple of Finding
    """

    hashes: Mapping[int, str]
    anchors: tuple[Anchor, ...]
    newest: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def last(self) -> int:
        """The newest entry that an anchor vouches for."""
        return max(self.newest.values(), default=0)


def weigh(places: Mapping[str, Found], keys: PublicKeys | None, *, now: datetime) -> Known:
    """Return what the anchors of these places vouch for (rules 1 to 3 and 5); without keys, nothing."""
    findings: list[Finding] = []
    counted: list[Anchor] = []
    newest: dict[str, int] = {}
    for place, found in places.items():
        findings += [_anchor_finding(Kind.ANCHOR_ALTERED, one.where, one.why) for one in found.unread]
        for anchor in found.anchors:
            problem = _problem(anchor, keys)
            if problem is not None:
                findings.append(problem)
                continue
            findings += _from_the_future(anchor, now)
            counted.append(anchor)
            newest[place] = max(newest.get(place, 0), anchor.head.seq)
    hashes, contradictions = _merged(counted)
    return Known(hashes=hashes, anchors=tuple(counted), newest=newest, findings=(*findings, *contradictions))


def _problem(anchor: Anchor, keys: PublicKeys | None) -> Finding | None:
    if keys is None:
        unchecked = _anchor_finding(Kind.NOT_LOOKED_AT, anchor.where, "there is no public key to check it with")
        return replace(unchecked, severity=Severity.UNKNOWN, remedy="name the public keys in SLIPWAY_LEDGER_PUBLIC_KEY")
    why = keys.problem(anchor.head)
    if not why:
        return None
    kind = Kind.ANCHOR_ALTERED if keys.knows(anchor.head.key) else Kind.ANCHOR_OF_ANOTHER_KEY
    return _anchor_finding(kind, anchor.where, why)


def _from_the_future(anchor: Anchor, now: datetime) -> list[Finding]:
    if anchor.head.at <= now + CLOCK_TOLERANCE:
        return []
    said = f"it was signed at {anchor.head.at:%Y-%m-%d %H:%M:%S} UTC, and now is {now:%Y-%m-%d %H:%M:%S}"
    return [_anchor_finding(Kind.ANCHOR_FROM_THE_FUTURE, anchor.where, said)]


def _merged(anchors: Iterable[Anchor]) -> tuple[dict[int, str], list[Finding]]:
    merged: dict[int, tuple[str, str]] = {}
    findings = []
    for anchor in anchors:
        for seq, text in anchor.head.hashes().items():
            before, where = merged.get(seq, ("", ""))
            short, long = sorted((before, text), key=len)
            if not long.startswith(short):
                said = f"of entry {seq} it knows the hash {text}, and {where} knows {before}"
                findings.append(_anchor_finding(Kind.ANCHORS_DISAGREE, anchor.where, said))
                break
            merged[seq] = (long, anchor.where if long == text else where)
    return {seq: text for seq, (text, _) in merged.items()}, findings


def _anchor_finding(kind: Kind, where: str, why: str) -> Finding:
    return Finding(
        kind=kind,
        model=FLEET,
        place=where,
        what=f"the anchor at {where} does not hold: {why}",
        remedy="correct the clock of the host that signed it" if kind is Kind.ANCHOR_FROM_THE_FUTURE else _RESTORE,
    )


def lost(entries: Sequence[Entry], known: Known, *, read: Iterable[str]) -> list[Finding]:
    """Return which places hold less than the ledger says that they held (rule 4).

    Parameters
    ----------
    entries : sequence of Entry
        The ledger's ANCHOR entries, oldest first.
    read : iterable of str
        The places that could be read.
    """
    held: dict[str, int] = {}
    for entry in entries:
        for place, seq in entry.payload.get("reached", {}).items():
            held[place] = max(held.get(place, 0), seq)
    findings = [_lost(place, held[place], known.newest.get(place, 0)) for place in read if place in held]
    told = [finding for finding in findings if finding is not None]
    newest = entries[-1].seq if entries else 0
    late = [place for place in read if known.newest.get(place, 0) < newest and place not in {f.place for f in told}]
    return told + [_incomplete(place, newest) for place in late]


def _lost(place: str, held: int, now: int) -> Finding | None:
    if now >= held:
        return None
    return Finding(
        kind=Kind.ANCHOR_LOST,
        model=FLEET,
        place=place,
        what=f"{_PLACES.get(place, place)} held the anchor of entry {held}, and now "
        + (f"its newest is that of entry {now}" if now else "it holds none"),
        remedy="find out who took it out; put a backup back, or begin anew with `slipway ledger anchor`",
    )


def _incomplete(place: str, seq: int) -> Finding:
    return Finding(
        kind=Kind.ANCHOR_INCOMPLETE,
        model=FLEET,
        place=place,
        what=f"the anchor of entry {seq} is not in {_PLACES.get(place, place)}: its writing was cut short, or it was "
        "taken out",
        remedy="`slipway ledger anchor` completes it",
        severity=Severity.WARN,
    )


def broken_finding(error: LedgerBroken) -> Finding:
    """Return what does not hold as a finding, placed at the first bad entry."""
    place = "" if error.seq is None else str(error.seq)
    return Finding(kind=Kind.LEDGER_BROKEN, model=FLEET, place=place, what=error.reason, remedy=error.remedy)


def no_anchor() -> Finding:
    """Return the warning that nothing outside vouches for the ledger."""
    return Finding(
        kind=Kind.NO_ANCHOR,
        model=FLEET,
        what="no anchor is known: that the ledger's end was cut off, or its history written anew, cannot be seen",
        remedy="`slipway ledger anchor` makes one; from then on it can be",
        severity=Severity.WARN,
    )
