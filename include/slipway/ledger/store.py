"""The ledger in a database: SQLite embedded, PostgreSQL in production.

Writers, in any number of threads, processes and hosts, take turns under the database's own lock. Each reads the head,
seals its entry on it and commits: no fork, no gap, nothing lost.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from slipway.core.evidence import Dossier, Evidence
from slipway.core.identity import Subject
from slipway.databases import Database, Keeping
from slipway.errors import EvidenceError, LedgerBroken, LedgerError, SlipwayError
from slipway.ledger import chain, tables
from slipway.ledger.entries import SERVING_KINDS, Draft, Entry, EntryKind, Head, VerifyResult, format_time
from slipway.ledger.tables import ledger_entries as table


def _prepare(connection: sqlite3.Connection) -> None:
    # Bytes that are not UTF-8 come back as something that cannot be hashed, so that verify() names their entry.
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    connection.execute("PRAGMA synchronous=FULL")


_KEEPING = Keeping(
    name="the ledger",
    address="SLIPWAY_LEDGER_URL",
    unread=LedgerError,
    unwritten=LedgerError,
    damaged=LedgerBroken,
    lock=0x5119_4A1E,
    prepare=_prepare,
)


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """An append-only log whose entries are chained by hash.

    Nothing is opened before the first use; the table is made when it is missing. Safe to share between threads,
    to use after a fork, and from many processes at once.

    Parameters
    ----------
    url : str
        SQLAlchemy URL: ``sqlite:////path/ledger.db`` or ``postgresql+psycopg2://user@host/name``.
    clock : callable, optional
        Returns the time, with its zone.

    Notes
    -----
    Every method raises LedgerError, with its remedy, when the database cannot be reached, is full or is locked
    for too long.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime] = _now) -> None:
        self._url = url
        self._clock = clock

    @cached_property
    def _database(self) -> Database:
        database = Database(self._url, _KEEPING)
        with database.reading() as connection:
            there = tables.is_there(connection)
        if not there:
            with database.writing() as connection:
                if not tables.is_there(connection):
                    tables.create(connection)
        return database

    def append(
        self, kind: EntryKind, *, model: str, version: int | None, actor: str, payload: Mapping[str, Any]
    ) -> Entry:
        """Add one entry at the end; it is durable when this returns.

        Raises
        ------
        EvidenceError
            If ``kind`` is evidence and the payload is not ``Evidence.to_json()`` of this model and version.
        LedgerError
            If the payload is not JSON, or the database did not take it.
        """
        draft = Draft(kind=EntryKind(kind), model=model, version=version, actor=actor, payload=payload)
        if draft.kind is EntryKind.EVIDENCE:
            _check_evidence(draft)
        with self._database.writing() as connection:
            last = connection.execute(sa.select(table).order_by(table.c.seq.desc()).limit(1)).one_or_none()
            head, at = chain.START, self._clock()
            if last is not None:
                # A clock that was set back must not let history run backwards.
                head, at = Head(last.seq, last.hash), max(at, datetime.fromisoformat(last.at))
            entry = chain.seal(draft, head=head, at=at)
            connection.execute(table.insert().values(_to_row(entry)))
        return entry

    def entries(
        self,
        *,
        model: str | None = None,
        version: int | None = None,
        kinds: Iterable[EntryKind] | None = None,
        since_seq: int = 0,
        limit: int | None = None,
    ) -> list[Entry]:
        """Return the entries that match, oldest first.

        Parameters
        ----------
        model, version, kinds : optional
            Keep only these.
        since_seq : int
            Keep only entries after this number.
        limit : int, optional
            Return at most so many: the oldest after ``since_seq``.
        """
        query = sa.select(table).where(table.c.seq > since_seq).order_by(table.c.seq).limit(limit)
        if model is not None:
            query = query.where(table.c.model == model)
        if version is not None:
            query = query.where(table.c.version == version)
        if kinds is not None:
            query = query.where(table.c.kind.in_([str(kind) for kind in kinds]))
        with self._database.reading() as connection:
            return [_to_entry(row) for row in connection.execute(query)]

    def evidence(self, model: str, version: int | None = None) -> list[Evidence]:
        """Return all evidence on a model, or on one of its versions, oldest first."""
        found = self.entries(model=model, version=version, kinds=[EntryKind.EVIDENCE])
        return [Evidence.from_json(entry.payload) for entry in found]

    def dossier(self, subject: Subject) -> Dossier:
        """Return the evidence that speaks about exactly these digests."""
        return Dossier.of(subject, self.evidence(subject.model, subject.version))

    def head(self) -> Head:
        """Return the newest entry's number and hash."""
        query = sa.select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return chain.START if row is None else Head(row.seq, row.hash)

    def verify(
        self,
        expected_head: tuple[int, str] | None = None,
        *,
        known: Mapping[int, str] | None = None,
        start: Head = chain.START,
    ) -> VerifyResult:
        """Walk the whole chain, in one snapshot; LedgerBroken names the first entry that does not hold.

        Parameters are those of :func:`slipway.ledger.chain.verify`. Without a head or hashes seen earlier and kept
        elsewhere, entries cut off at the end, and a chain that was hashed anew, go unnoticed.
        """
        query = sa.select(table).order_by(table.c.seq)
        if start.seq:  # without it nothing is left out, whatever its number
            query = query.where(table.c.seq > start.seq)
        with self._database.reading() as connection:
            rows = connection.execution_options(yield_per=1000).execute(query)
            return chain.verify(_each(rows), expected_head=expected_head, known=known, start=start)

    def hashes(self, *, since_seq: int, until_seq: int) -> list[str]:
        """Return the hashes of the entries after ``since_seq`` up to ``until_seq``, in their order."""
        query = sa.select(table.c.hash).where(table.c.seq > since_seq, table.c.seq <= until_seq).order_by(table.c.seq)
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def live_at(self, model: str, moment: datetime) -> Entry | None:
        """Return the deployment or rollback that was in force at ``moment`` (with its zone); None before the first."""
        kinds = [str(kind) for kind in SERVING_KINDS]
        # The column's text is fixed-width UTC and rises with seq: as text it compares as the times do.
        past = (table.c.model == model, table.c.kind.in_(kinds), table.c.at <= format_time(moment))
        query = sa.select(table).where(*past).order_by(table.c.seq.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _to_entry(row)

    def newest(
        self, model: str, *, limit: int, before_seq: int | None = None, kinds: Iterable[EntryKind] | None = None
    ) -> list[Entry]:
        """Return a model's newest entries, newest first: ``limit`` at most, all before ``before_seq`` if given."""
        query = sa.select(table).where(table.c.model == model).order_by(table.c.seq.desc()).limit(limit)
        if before_seq is not None:
            query = query.where(table.c.seq < before_seq)
        if kinds is not None:
            query = query.where(table.c.kind.in_([str(kind) for kind in kinds]))
        with self._database.reading() as connection:
            return [_to_entry(row) for row in connection.execute(query)]


def _check_evidence(draft: Draft) -> None:
    try:
        subject = Evidence.from_json(draft.payload).subject
    except (LookupError, TypeError, ValueError) as error:
        raise EvidenceError(f"this is not evidence: {error!r}", remedy="append Evidence.to_json()") from error
    if (subject.model, subject.version) != (draft.model, draft.version):
        raise EvidenceError(
            f"evidence on {subject} cannot be filed under {draft.model} version {draft.version}",
            remedy="append it under its own subject",
        )


def _to_row(entry: Entry) -> dict[str, Any]:
    return {**entry.content(), "payload": chain.canonical(entry.payload).decode(), "hash": entry.hash}


def _each(rows: Iterable[sa.Row[Any]]) -> Iterator[Entry]:
    return (_to_entry(row) for row in rows)


def _to_entry(row: sa.Row[Any]) -> Entry:
    """Return a row as an entry; LedgerBroken unless it is written exactly as the ledger writes it."""
    try:
        entry = Entry(
            **{
                **row._mapping,
                "at": datetime.fromisoformat(row.at),
                "kind": EntryKind(row.kind),
                "payload": json.loads(row.payload),
            }
        )
        exact = _to_row(entry) == dict(row._mapping)
    except (SlipwayError, TypeError, ValueError) as error:
        raise chain.broken(row.seq, f"altered: {error}") from error
    if not exact:
        raise chain.broken(row.seq, "altered: it is not written as the ledger writes")
    return entry
