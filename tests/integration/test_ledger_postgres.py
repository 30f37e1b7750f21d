"""The ledger on a real PostgreSQL server, started for this file alone."""

import subprocess
import sys

import psycopg2
import pytest

from slipway.errors import LedgerBroken, LedgerError
from slipway.ledger import EntryKind, Ledger
from tests.fakes.postgres import postgres_server

WRITER = """
import sys
from slipway.ledger import Ledger
ledger = Ledger(sys.argv[1])
for number in range(50):
    ledger.append("approval", model="churn", version=1, actor=sys.argv[2], payload={"number": number, "x": number / 3})
"""


@pytest.fixture(scope="module")
def server():
    with postgres_server() as address:
        yield address


@pytest.fixture
def database(server, request):
    name = f"ledger_{abs(hash(request.node.name)) % 10**8}"
    connection = psycopg2.connect(f"postgresql://slipway@{server}/postgres")
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {name}")
    connection.close()
    return f"slipway@{server}/{name}"


def direct(database, *statements):
    connection = psycopg2.connect(f"postgresql://{database}")
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def fill(ledger, count):
    return [
        ledger.append(EntryKind.APPROVAL, model="churn", version=1, actor="ada", payload={"n": n, "text": "é\0\u2028"})
        for n in range(count)
    ]


def test_four_processes_that_start_at_once_write_one_chain(database):
    url = f"postgresql+psycopg2://{database}"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, f"writer{n}"]) for n in range(4)]
    try:
        assert [writer.wait(120) for writer in writers] == [0, 0, 0, 0]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    ledger = Ledger(url)
    assert ledger.verify().entries == 200
    for n in range(4):
        mine = [entry.payload["number"] for entry in ledger.entries() if entry.actor == f"writer{n}"]
        assert mine == list(range(50))


def test_what_is_appended_is_read_back(database):
    ledger = Ledger(f"postgresql+psycopg2://{database}")
    written = fill(ledger, 3)
    assert ledger.entries(model="churn") == written
    assert ledger.verify() == (3, (3, written[-1].hash))


REFUSED = {
    "update": "UPDATE ledger_entries SET actor = 'eve' WHERE seq = 2",
    "delete": "DELETE FROM ledger_entries WHERE seq = 2",
    "truncate": "TRUNCATE ledger_entries",
}


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_the_database_itself_refuses_to_change_an_entry(database, statement):
    ledger = Ledger(f"postgresql+psycopg2://{database}")
    fill(ledger, 3)
    with pytest.raises(psycopg2.errors.RaiseException, match="append-only"):
        direct(database, statement)
    assert ledger.verify().entries == 3


def test_an_edit_by_someone_who_disabled_the_trigger_is_found_and_named(database):
    ledger = Ledger(f"postgresql+psycopg2://{database}")
    fill(ledger, 6)
    direct(
        database,
        "ALTER TABLE ledger_entries DISABLE TRIGGER ALL",
        "UPDATE ledger_entries SET actor = 'eve' WHERE seq = 4",
    )
    with pytest.raises(LedgerBroken, match="entry 4 is broken: altered"):
        ledger.verify()


def test_a_database_that_does_not_exist_says_what_to_do(server):
    with pytest.raises(LedgerError, match="What to do: create the database"):
        Ledger(f"postgresql+psycopg2://slipway@{server}/nowhere").head()


def test_what_was_seen_earlier_must_still_be_there(database):
    ledger = Ledger(f"postgresql+psycopg2://{database}")
    entries = fill(ledger, 6)
    assert ledger.hashes(since_seq=2, until_seq=5) == [entry.hash for entry in entries[2:5]]
    known = {entry.seq: entry.hash[:23] for entry in entries}
    assert ledger.verify(known=known).entries == 6
    direct(
        database,
        "DROP TRIGGER ledger_no_change ON ledger_entries",
        "DELETE FROM ledger_entries WHERE seq > 4",
    )
    assert ledger.verify().entries == 4
    with pytest.raises(LedgerBroken, match="entry 5 is broken: truncated") as told:
        ledger.verify(known=known)
    assert told.value.seq == 5
    with pytest.raises(LedgerBroken, match="entry 2 is broken: rewritten"):
        ledger.verify(known={2: "sha256:" + "0" * 16})
