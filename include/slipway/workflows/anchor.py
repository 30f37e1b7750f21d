"""Anchor the ledger outside its database, and hold it against what was anchored before.

Rules
-----
1. Only a ledger that holds is anchored: an anchor on a broken one would vouch for the damage.
2. The ANCHOR entry comes first and the signed head covers it, so that nothing lies beyond a new anchor. It says where
   anchors are kept, and up to which entry each place was seen to hold them.
3. Killed in between, the entry is there and the anchor is not: the next run signs that very entry again, then goes on.
4. A ledger that has not grown since its last anchor is not anchored again.
5. The file is the anchor's place; MLflow is a second one, that may be late. Which places were reached is returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.core.finding import Finding, Kind, Severity
from slipway.errors import LedgerBroken, RegistryError, SettingsError
from slipway.ledger import anchors as places
from slipway.ledger import proof
from slipway.ledger.anchors import Anchor, AnchorFile, Found
from slipway.ledger.chain import START, canonical
from slipway.ledger.entries import FLEET, EntryKind, Head
from slipway.ledger.signing import PublicKeys, SignedHead, Signer, trusted
from slipway.runtime.files import locked
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    from slipway.settings import Settings

FILE, MLFLOW = "file", "mlflow"
ACTOR = "slipway ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """What an anchoring came to: the head, and where it is now; ``missed`` says why it is not elsewhere."""

    head: SignedHead
    where: Mapping[str, str]
    missed: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"head": self.head.without_links().to_json(), "where": dict(self.where), "missed": dict(self.missed)}


@dataclass(frozen=True, slots=True)
class _Seen:
    """The ledger beside its anchors, at one moment."""

    verification: proof.Verification
    known: proof.Known
    unreachable: Mapping[str, str]


def verify_ledger(bench: Workbench) -> proof.Verification:
    """Walk the chain beside every anchor that can be read; what does not hold is among the findings.

    Raises
    ------
    LedgerError
        If the database or the anchor file does not answer.
    """
    return _look(bench).verification


def anchor_ledger(bench: Workbench, *, actor: str = ACTOR) -> Anchored:
    """Sign the ledger's head and keep it outside the database.

    Raises
    ------
    LedgerBroken
        If the ledger does not hold; nothing is anchored then.
    SettingsError
        If there is no key to sign with.
    LedgerError
        If the anchor file does not take it.
    """
    settings = bench.settings
    signer = open_signer(settings)
    with locked(settings.ledger_anchors.with_name(".anchoring.lock"), timeout_s=places.LOCK_SECONDS):
        seen = _look(bench)
        _require_sound(seen.verification)
        newest = bench.ledger.entries(kinds=[EntryKind.ANCHOR])[-1:]
        head = seen.verification.head or START
        if newest and newest[0].seq < head.seq and seen.known.newest.get(FILE, 0) < newest[0].seq:
            cut_short = Head(newest[0].seq, newest[0].hash)
            AnchorFile(settings.ledger_anchors).append(_sign(bench, signer, cut_short, seen.known))
            seen = _look(bench)
        if not newest or newest[0].seq != head.seq:
            head = _enter(bench, signer, seen, head, actor)
        return _place(bench, signer, head, seen)


def open_signer(settings: Settings) -> Signer:
    """Return what signs heads; a key below ``var/`` is made when it is missing, and its public half put beside it.

    Raises
    ------
    SettingsError
        If there is no key, or its public half is not among those that are trusted.
    """
    path, public = settings.ledger_key, settings.ledger_public_key
    signer = Signer.open(path, make=path.is_relative_to(settings.var))
    if not public.exists():
        try:
            public.parent.mkdir(parents=True, exist_ok=True)
            public.write_bytes(signer.public_pem())
        except OSError as error:
            raise SettingsError(
                f"the public key {public} cannot be written: {error}", remedy="name a file in SLIPWAY_LEDGER_PUBLIC_KEY"
            ) from error
    if not PublicKeys.read(public).knows(signer.id):
        raise SettingsError(
            f"{public} does not hold the public half of the key that signs, {signer.id}",
            remedy="add it to that file, which may hold several; or correct SLIPWAY_LEDGER_KEY",
        )
    return signer


def _look(bench: Workbench) -> _Seen:
    found, unreachable = _read_places(bench)
    known = proof.weigh(found, _keys(bench.settings, found), now=bench.now())
    findings = list(known.findings)
    head: Head | None = None
    entries, first_bad = 0, None
    try:
        entries, head = bench.ledger.verify(known=known.hashes)
        findings += proof.lost(bench.ledger.entries(kinds=[EntryKind.ANCHOR]), known, read=found)
    except LedgerBroken as error:
        if error.seq is None:  # the database's file is damaged: there is nothing to look at
            raise
        first_bad, entries = error.seq, error.seq - 1
        findings.append(proof.broken_finding(error))
    if not known.anchors:
        findings.append(proof.no_anchor())
    findings += [_unreachable(place, why) for place, why in unreachable.items()]
    verification = proof.Verification(
        entries=entries,
        head=head,
        first_bad=first_bad,
        anchors=len(known.anchors),
        last_anchor=known.last,
        findings=tuple(findings),
    )
    return _Seen(verification, known, unreachable)


def _read_places(bench: Workbench) -> tuple[dict[str, Found], dict[str, str]]:
    found, unreachable = {FILE: AnchorFile(bench.settings.ledger_anchors).read()}, {}
    try:
        note = bench.registry.ledger_note()
        found[MLFLOW] = Found() if note is None else _one(places.parse(note[0], where=note[1]))
    except RegistryError as error:
        unreachable[MLFLOW] = error.reason
    return found, unreachable


def _one(read: Anchor | places.Unread) -> Found:
    return Found(anchors=(read,)) if isinstance(read, Anchor) else Found(unread=(read,))


def _keys(settings: Settings, found: Mapping[str, Found]) -> PublicKeys | None:
    """Return the keys that count; None where there is neither a key nor anything to check."""
    try:
        return trusted(settings.ledger_key, settings.ledger_public_key)
    except SettingsError:
        if any(place.anchors for place in found.values()) and settings.ledger_public_key.exists():
            raise
        return None


def _unreachable(place: str, why: str) -> Finding:
    return Finding(
        kind=Kind.NOT_LOOKED_AT,
        model=FLEET,
        place=f"anchor in {place}",
        what=f"the anchor in {place} could not be read: {why}",
        remedy="start the registry, then look again",
        severity=Severity.UNKNOWN,
    )


def _require_sound(verification: proof.Verification) -> None:
    bad = [f for f in verification.findings if f.kind in (Kind.LEDGER_BROKEN, Kind.ANCHORS_DISAGREE)]
    if bad:
        error = LedgerBroken(f"{bad[0].what}; it is not anchored", remedy=bad[0].remedy)
        error.seq = verification.first_bad
        raise error


def _enter(bench: Workbench, signer: Signer, seen: _Seen, verified: Head, actor: str) -> Head:
    """Append the ANCHOR entry, and return the head that it makes, verified from where the last walk ended."""
    entry = bench.ledger.append(
        EntryKind.ANCHOR,
        model=FLEET,
        version=None,
        actor=actor,
        payload={
            "key": signer.id,
            "places": _places(bench),
            "reached": dict(seen.known.newest),
        },
    )
    bench.ledger.verify(known={entry.seq: entry.hash}, start=verified)
    return Head(entry.seq, entry.hash)


def _place(bench: Workbench, signer: Signer, head: Head, seen: _Seen) -> Anchored:
    """Put a signed head wherever it is not yet."""
    path, newest = bench.settings.ledger_anchors, seen.known.newest
    missed: dict[str, str] = {}
    held = [a.head for a in seen.known.anchors if a.head.seq == head.seq and a.head.links]
    signed = held[0] if held else _sign(bench, signer, head, seen.known)
    if newest.get(FILE, 0) < head.seq:
        AnchorFile(path).append(signed)
    try:
        if newest.get(MLFLOW, 0) < head.seq:
            bench.registry.set_ledger_note(canonical(signed.without_links().to_json()).decode())
    except RegistryError as error:
        missed[MLFLOW] = error.reason
        bench.say(f"the anchor is in {path} only: {error}")
    where = {place: text for place, text in _places(bench).items() if place not in missed}
    return Anchored(head=signed, where=where, missed=missed)


def _places(bench: Workbench) -> dict[str, str]:
    return {FILE: str(bench.settings.ledger_anchors), MLFLOW: "a run's tag"}


def _sign(bench: Workbench, signer: Signer, head: Head, known: proof.Known) -> SignedHead:
    """Sign a head, with links from the last anchor of the file on."""
    since = known.newest.get(FILE, 0)
    since = since if since < head.seq else 0
    hashes = bench.ledger.hashes(since_seq=since, until_seq=head.seq)
    return signer.sign(head, at=bench.now(), since=since, hashes=hashes)
