"""The ledger's one table, and what the database itself refuses.

The chain finds an edit; the triggers make a careless one fail. ``previous`` is unique: the chain cannot fork.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

# Times and payloads are text: what was hashed is what comes back, on every database.
ledger_entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("model", sa.String(63), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("previous", sa.String(71), nullable=False, unique=True),
    sa.Column("hash", sa.String(71), nullable=False, unique=True),
    sa.Index("ledger_entries_by_model", "model", "version", "kind", "seq"),
)

_REFUSE = "the ledger is append-only"

_SQLITE = (
    f"CREATE TRIGGER IF NOT EXISTS ledger_no_update BEFORE UPDATE ON ledger_entries "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END",
    f"CREATE TRIGGER IF NOT EXISTS ledger_no_delete BEFORE DELETE ON ledger_entries "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END",
    # INSERT OR REPLACE removes a row without firing the trigger above.
    f"CREATE TRIGGER IF NOT EXISTS ledger_in_order BEFORE INSERT ON ledger_entries "
    f"WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM ledger_entries) "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END",
)

_POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSE}'; END $$",
    "CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger_entries "
    "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()",
    "CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_entries "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
)


def is_there(connection: sa.Connection) -> bool:
    """Tell whether the ledger's table exists."""
    return sa.inspect(connection).has_table(ledger_entries.name)


def create(connection: sa.Connection) -> None:
    """Create the table and its triggers; the caller holds the ledger's lock and commits."""
    metadata.create_all(connection)
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(statement)
