"""What somebody with the database's password may do to the ledger: each returns the first entry that is wrong then.

The triggers are dropped first. Some know the chain's rules and hash everything anew from where they begin.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from slipway.ledger.chain import START, canonical, entry_hash
from slipway.ledger.entries import Entry, EntryKind

COLUMNS = ("seq", "at", "kind", "model", "version", "actor", "payload", "previous", "hash")
_READ = f"SELECT {', '.join(COLUMNS)} FROM ledger_entries ORDER BY seq"
_WRITE = f"INSERT INTO ledger_entries VALUES ({', '.join('?' * len(COLUMNS))})"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in a few words, and the first entry that does not hold any more."""

    what: str
    first: int


def open_unguarded(path: Path) -> sqlite3.Connection:
    """Open a copy of the ledger without its triggers."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def edit(rows: list[Row], draw: random.Random) -> Done:
    """Change one column of one entry."""
    row, column = draw.choice(rows), draw.choice([c for c in COLUMNS if c != "seq"])
    row[column] = _another(row, column, draw)
    return Done(f"edit of {column}", row["seq"])


def edit_and_hash(rows: list[Row], draw: random.Random) -> Done:
    """Change one entry, and give it the hash that goes with it."""
    row = draw.choice(rows)
    row["actor"] = "eve"
    row["hash"] = _hash(row)
    return Done("edit, hash of that entry made right", row["seq"])


def edit_and_rehash(rows: list[Row], draw: random.Random) -> Done:
    """Change one entry, and hash everything anew from there: the chain by itself is whole."""
    row, column = draw.choice(rows), draw.choice(("actor", "payload", "at", "model", "version"))
    row[column] = _another(row, column, draw)
    _rehash(rows)
    return Done(f"edit of {column}, all hashed anew", row["seq"])


def delete(rows: list[Row], draw: random.Random) -> Done:
    """Take one to five neighbours out."""
    at, count = draw.randrange(len(rows)), draw.randint(1, 5)
    first = rows[at]["seq"]
    del rows[at : at + count]
    return Done("deletion", first)


def delete_and_rehash(rows: list[Row], draw: random.Random) -> Done:
    """Take one out, number the rest anew and hash it anew."""
    at = draw.randrange(len(rows))
    first = rows[at]["seq"]
    del rows[at]
    _rehash(rows)
    return Done("deletion, all hashed anew", first)


def swap(rows: list[Row], draw: random.Random) -> Done:
    """Let two entries change places."""
    one, two = sorted(draw.sample(range(len(rows)), 2))
    rows[one]["seq"], rows[two]["seq"] = rows[two]["seq"], rows[one]["seq"]
    first = one + 1
    rows.sort(key=lambda row: row["seq"])
    return Done("swap", first)


def swap_and_rehash(rows: list[Row], draw: random.Random) -> Done:
    """Let two entries change places, and hash everything anew."""
    one, two = sorted(draw.sample(range(len(rows)), 2))
    rows[one], rows[two] = rows[two], rows[one]
    _rehash(rows)
    return Done("swap, all hashed anew", one + 1)


def truncate(rows: list[Row], draw: random.Random) -> Done:
    """Cut the end off: from one entry to all of them."""
    keep = draw.randrange(len(rows))
    del rows[keep:]
    return Done("truncation", keep + 1)


def insert_and_rehash(rows: list[Row], draw: random.Random) -> Done:
    """Put an approval that never was between two entries, and hash everything anew."""
    at = draw.randrange(len(rows))
    rows.insert(at, {**rows[at], "kind": EntryKind.APPROVAL.value, "actor": "eve", "payload": '{"by":"eve"}'})
    _rehash(rows)
    return Done("forged entry, all hashed anew", at + 1)


CASES: tuple[Callable[[list[Row], random.Random], Done], ...] = (
    edit,
    edit,
    edit_and_hash,
    edit_and_rehash,
    delete,
    delete_and_rehash,
    swap,
    swap_and_rehash,
    truncate,
    insert_and_rehash,
)


def tamper(path: Path, draw: random.Random) -> Done:
    """Do one of the cases to the ledger in a file, and return what was done."""
    connection = open_unguarded(path)
    try:
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in connection.execute(_READ)]
        done = draw.choice(CASES)(rows, draw)
        with connection:
            connection.execute("DELETE FROM ledger_entries")
            connection.executemany(_WRITE, [tuple(row[column] for column in COLUMNS) for row in rows])
    finally:
        connection.close()
    return done


def _another(row: Row, column: str, draw: random.Random) -> Any:
    value = row[column]
    if column == "at":
        shifted = datetime.fromisoformat(value) + timedelta(microseconds=draw.randint(1, 10**9))
        return shifted.isoformat(timespec="microseconds")
    if column == "payload":
        return canonical({**json.loads(value), "reason": f"another {draw.random()}"}).decode()
    if column == "kind":
        return draw.choice([kind.value for kind in EntryKind if kind.value != value])
    if column == "version":
        return (value or 0) + draw.randint(1, 9)
    if column in ("previous", "hash"):
        return f"sha256:{draw.randbytes(32).hex()}"
    return f"{value}x"


def _entry(row: Row) -> Entry:
    known = {"at": datetime.fromisoformat(row["at"]), "kind": EntryKind(row["kind"])}
    return Entry(**{**row, **known, "payload": json.loads(row["payload"])})


def _hash(row: Row) -> str:
    return entry_hash(_entry(row))


def _rehash(rows: list[Row]) -> None:
    head = START.hash
    for seq, row in enumerate(rows, 1):
        entry = replace(_entry(row), seq=seq, previous=head)
        head = entry_hash(entry)
        row.update(seq=seq, previous=entry.previous, hash=head)
