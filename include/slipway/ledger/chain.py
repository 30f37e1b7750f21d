"""The chain's rules. Pure: the caller reads the clock and stores the result.

1. Entries are numbered from 1 without gaps.
2. An entry's hash is sha256 over the canonical JSON of everything else in it.
3. Each entry holds the hash of the one before; the first holds ``GENESIS``.
4. Canonical JSON has sorted keys, no white space, UTF-8, shortest round-trip floats, and no NaN or infinity.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from slipway.core.identity import digest_bytes
from slipway.errors import LedgerBroken, LedgerError
from slipway.ledger.entries import Draft, Entry, Head, VerifyResult

GENESIS = "sha256:" + "0" * 64
START = Head(0, GENESIS)


def canonical(value: Any) -> bytes:
    r"""Return the one JSON text of ``value``, in UTF-8.

    Raises
    ------
    LedgerError
        If it holds NaN, an infinity, a key that is not text, or anything that JSON has no word for.

    >>> canonical({"b": 0.1, "a": ["é", None]})
    b'{"a":["\xc3\xa9",null],"b":0.1}'
    """
    try:
        _refuse_other_keys(value)
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_as_dict
        ).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise LedgerError(
            f"this cannot be written to the ledger: {error}", remedy="use JSON values: no NaN, no infinity, text keys"
        ) from error


def _as_dict(value: Any) -> Any:
    if hasattr(value, "keys"):  # mappings that are not dict, for instance a MappingProxyType
        return {key: value[key] for key in value.keys()}  # noqa: SIM118  a Mapping need not iterate as a dict does
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _refuse_other_keys(value: Any) -> None:
    # json.dumps would write the key 1 as "1", and the entry would not come back as it went in.
    if hasattr(value, "keys"):
        for key in value.keys():  # noqa: SIM118
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is not text")
            _refuse_other_keys(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_other_keys(item)


def entry_hash(entry: Entry) -> str:
    """Return the hash that ``entry`` must have, whatever its ``hash`` says."""
    return digest_bytes(canonical(entry.content()))


def seal(draft: Draft, *, head: Head, at: datetime) -> Entry:
    """Return ``draft`` as the entry that follows ``head``.

    The payload is the one that will be read back: tuples have become lists, and enumerations text.
    """
    entry = Entry(
        seq=head.seq + 1,
        at=at,
        kind=draft.kind,
        model=draft.model,
        version=draft.version,
        actor=draft.actor,
        payload=json.loads(canonical(draft.payload)),
        previous=head.hash,
        hash="",
    )
    return replace(entry, hash=entry_hash(entry))


def broken(seq: int, what: str) -> LedgerBroken:
    """Return the error that names a broken entry and what is wrong with it."""
    error = LedgerBroken(
        f"ledger entry {seq} is broken: {what}",
        remedy="keep the database as it is, restore a backup beside it and compare; trust nothing from this entry on",
    )
    error.seq = seq
    return error


def verify(
    entries: Iterable[Entry],
    *,
    expected_head: tuple[int, str] | None = None,
    known: Mapping[int, str] | None = None,
    start: Head = START,
) -> VerifyResult:
    """Walk the whole chain from its start.

    Parameters
    ----------
    entries : iterable of Entry
        All of them, in the order of the store; they are consumed one by one.
    expected_head : tuple of int and str, optional
        A head seen earlier. It must still be part of the chain, which may have grown since.
    known : mapping of int to str, optional
        Hashes of entries seen earlier, or how they begin. All of them must still be there.
    start : Head
        The entry before the first one given, verified earlier.

    Raises
    ------
    LedgerBroken
        At the first entry that is missing, altered, moved or linked to another predecessor; or if an entry seen
        earlier is gone (truncated) or another (rewritten).
    """
    seen = {**(known or {}), **({expected_head[0]: expected_head[1]} if expected_head else {})}
    head, walk = start, iter(entries)
    for entry in walk:
        problem = _problem(entry, head, walk, seen.get(entry.seq))
        if problem:
            raise broken(*problem)
        head = Head(entry.seq, entry.hash)
    last = max(seen, default=0)
    if last > head.seq:
        raise broken(head.seq + 1, f"truncated: entries {head.seq + 1} to {last} were there before")
    return VerifyResult(head.seq, head)


def _problem(entry: Entry, head: Head, rest: Iterator[Entry], before: str | None) -> tuple[int, str] | None:
    wanted = head.seq + 1
    if entry.seq > wanted:
        return wanted, f"gap: it is missing, entry {entry.seq} follows {head.seq or 'the start'}"
    if entry.seq < wanted:
        return entry.seq, f"reordered: it comes after entry {head.seq}"
    if not _holds(entry):
        place = _true_place(entry, rest)
        if place is not None:
            return entry.seq, f"reordered: it was written as entry {place}"
        return entry.seq, "altered: its content does not give its hash"
    if before is not None and not entry.hash.startswith(before):
        return entry.seq, f"rewritten: its hash was {before}, now it is {entry.hash}"
    if entry.previous != head.hash:
        return entry.seq, f"wrong previous: it follows {entry.previous}, but the entry before is {head.hash}"
    return None


def _holds(entry: Entry) -> bool:
    try:
        return entry_hash(entry) == entry.hash
    except LedgerError:
        return False


def _true_place(entry: Entry, rest: Iterator[Entry]) -> int | None:
    last = entry.seq
    for other in rest:
        last = max(last, other.seq)
    return next((seq for seq in range(1, last + 1) if _holds(replace(entry, seq=seq))), None)
