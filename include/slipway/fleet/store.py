"""Where the page's summaries are kept between requests and restarts: a SQLite file of its own, made from the ledger.

Rules
-----
1. Nothing here is a record. The file may be deleted at any time; it is made anew from the ledger and the declarations.
2. It says up to which entry of the ledger it was made, by number and hash; both change in one transaction with what
   follows from them.
3. Processes that share the file take turns, and each sees at its next turn what another has added.
4. A file that cannot be read, or was written by another version of Slipway, is replaced; one that cannot be written is
   done without, in memory.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from slipway.fleet.values import Cell, Declared, Summary

FILE = "fleet.db"
_WAIT_SECONDS = 10.0
_TABLES = """
CREATE TABLE IF NOT EXISTS mark (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS summaries (model TEXT PRIMARY KEY, seq INTEGER NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS summaries_by_seq ON summaries (seq);
CREATE TABLE IF NOT EXISTS cells (
  model TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY (model, version, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS declared (model TEXT PRIMARY KEY, stamp TEXT NOT NULL, data TEXT NOT NULL);
"""


class FleetStore:
    """Summaries, cells of the gates' matrix and declarations, as they were made last.

    Parameters
    ----------
    path : Path
        The file; its folder is made when it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory: sqlite3.Connection | None = None
        self._ready = False

    # -- a turn -----------------------------------------------------------------------------------------------------

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Open a transaction that keeps others from writing until it ends; what it did is kept unless it raises."""
        try:
            with self._connection() as connection, _transaction(connection):
                yield Turn(connection)
        except sqlite3.Error as error:
            if self._memory is None and "locked" not in str(error):  # full, or taken away: the next turn is in memory
                self._do_without()
            raise

    def cells(self, model: str) -> list[Cell]:
        """Return a model's cells, newest version first."""
        query = "SELECT data FROM cells WHERE model = ? ORDER BY version DESC, name"
        with self._connection() as connection:
            return [Cell.model_validate_json(data) for (data,) in connection.execute(query, (model,))]

    def declarations(self) -> dict[str, tuple[str, Declared]]:
        """Return the declarations that were read last, each with the stamp of its file."""
        with self._connection() as connection:
            rows = connection.execute("SELECT model, stamp, data FROM declared").fetchall()
        return {model: (stamp, Declared.model_validate_json(data)) for model, stamp, data in rows}

    def keep_declarations(self, found: Iterable[tuple[str, Declared]]) -> None:
        """Keep declarations with their stamps."""
        rows = [(one.model, stamp, one.model_dump_json()) for stamp, one in found]
        with self.turn() as turn:
            turn.connection.executemany("INSERT OR REPLACE INTO declared VALUES (?, ?, ?)", rows)

    # -- connections ------------------------------------------------------------------------------------------------

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if not self._ready:
            self._prepare()
        if self._memory is not None:
            yield self._memory
            return
        with closing(self._open(self._path)) as connection:
            yield connection

    def _prepare(self) -> None:
        for _ in range(2):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with closing(self._open(self._path)) as connection:
                    _lay_out(connection)
                break
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError) and "locked" not in str(error):
                    self._do_without()
                    break
                self._remove()
            except OSError:
                self._do_without()
                break
        else:
            self._do_without()
        self._ready = True

    def _do_without(self) -> None:
        self._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._memory.executescript(_TABLES)

    def _remove(self) -> None:
        for end in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)

    @staticmethod
    def _open(path: str | Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=OFF")  # rule 1: what a crash loses is made anew
        return connection


class Turn:
    """What may be done while it is one's turn."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def mark(self) -> tuple[int, str]:
        """Return the number and hash of the entry up to which the summaries were made; ``(0, "")`` of none."""
        row = self.connection.execute("SELECT seq, hash FROM mark").fetchone()
        return (0, "") if row is None else (int(row[0]), str(row[1]))

    def summaries(self, *, since_seq: int = 0) -> list[Summary]:
        """Return the summaries that an entry after ``since_seq`` has changed."""
        rows = self.connection.execute("SELECT data FROM summaries WHERE seq > ?", (since_seq,))
        return [Summary.model_validate_json(data) for (data,) in rows]

    def keep(self, summaries: Iterable[Summary], cells: Iterable[tuple[str, Cell]], *, seq: int, hash: str) -> None:
        """Keep what follows from the entries up to ``seq``; each cell comes with its model."""
        put = self.connection
        put.executemany(
            "INSERT OR REPLACE INTO summaries VALUES (?, ?, ?)",
            [(one.model, one.last_seq, one.model_dump_json()) for one in summaries],
        )
        put.executemany(
            "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?)",
            [(model, cell.version, cell.check, cell.model_dump_json()) for model, cell in cells],
        )
        put.execute("INSERT OR REPLACE INTO mark VALUES (1, ?, ?)", (seq, hash))

    def forget(self) -> None:
        """Drop all that was made from the ledger."""
        for table in ("summaries", "cells", "mark"):
            self.connection.execute(f"DELETE FROM {table}")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@cache
def layout() -> int:
    """Return what a file's layout goes by: the tables, and the fields of all that is kept in them.

    It fits SQLite's ``user_version``, and is never 0, which is a new file's.
    """
    fields = [part.model_json_schema() for part in (Summary, Cell, Declared)]
    text = json.dumps([_TABLES, fields], sort_keys=True)
    return 1 + int(hashlib.sha256(text.encode()).hexdigest()[:7], 16)


def _lay_out(connection: sqlite3.Connection) -> None:
    """Make the tables; raise DatabaseError if the file is of another layout, or does not read."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found not in (0, layout()):
        raise sqlite3.DatabaseError(f"layout {found}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(_TABLES)
    connection.execute(f"PRAGMA user_version={layout()}")
    try:  # one is enough: the layout goes by the fields, so that they are all alike
        for (data,) in connection.execute("SELECT data FROM summaries LIMIT 1"):
            Summary.model_validate_json(data)
    except ValidationError as error:
        raise sqlite3.DatabaseError("of another version") from error
