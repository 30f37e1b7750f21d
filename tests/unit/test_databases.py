"""A database takes one writer at a time, waits for a bounded time, and says what to do when it does not answer."""

import sqlite3
import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa

from slipway.databases import Database, Keeping
from slipway.errors import LedgerBroken, LedgerError, StorageError

OURS = Keeping(
    name="the log", address="LOG_URL", unread=StorageError, unwritten=LedgerError, damaged=LedgerBroken, wait_seconds=1
)
THEIRS = Keeping(
    name="the source", address="the connection", unread=StorageError, unwritten=LedgerError, damaged=LedgerBroken,
    wait_seconds=1, ours=False,
)  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folder" / "log.db"


@pytest.fixture
def database(file):
    made = Database(f"sqlite:///{file}", OURS)
    with made.writing() as connection:
        connection.execute(sa.text("CREATE TABLE log (line TEXT)"))
    return made


def write(database, line, *, broken=False):
    with database.writing() as connection:
        connection.execute(sa.text("INSERT INTO log VALUES (:line)"), {"line": line})
        if broken:
            raise ValueError("in the middle")


def lines(database):
    with database.reading() as connection:
        return [line for (line,) in connection.execute(sa.text("SELECT line FROM log ORDER BY line"))]


def test_what_ends_in_an_error_leaves_nothing_and_the_error_as_it_was(database):
    write(database, "kept")
    with pytest.raises(ValueError, match="in the middle"):
        write(database, "lost", broken=True)
    assert lines(database) == ["kept"]


def test_writers_take_turns_and_none_is_lost(database):
    threads = [threading.Thread(target=write, args=(database, f"{n:02}")) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lines(database) == [f"{n:02}" for n in range(12)]


def test_readers_of_our_own_go_on_while_somebody_writes(database):
    write(database, "before")
    with database.writing() as connection:
        connection.execute(sa.text("INSERT INTO log VALUES ('now')"))
        assert lines(database) == ["before"]


def test_a_writer_waits_no_longer_than_it_should(database, file):
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="locked") as caught:
            write(database, "late")
        other.execute("ROLLBACK")
    assert caught.value.remedy == "another program holds it; end it or wait"


def test_no_folder_is_made_for_a_database_of_somebody_else(file):
    with pytest.raises(StorageError, match="unable to open"), Database(f"sqlite:///{file}", THEIRS).reading():
        pass
    assert not file.parent.exists()


def test_a_damaged_file_is_kept_as_it_is(file):
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(LedgerBroken) as caught:
        lines(Database(f"sqlite:///{file}", OURS))
    assert caught.value.remedy == "keep the file as it is, and restore the log from a backup"
    assert file.read_bytes() == b"no database" * 1000


def test_a_damaged_file_of_somebody_else_is_told_as_what_was_done_with_it(tmp_path):
    file = tmp_path / "source.db"
    file.write_bytes(b"no database" * 1000)
    theirs = Database(f"sqlite:///{file}", replace(THEIRS, damaged=None))
    with pytest.raises(LedgerError, match="not a database"):
        write(theirs, "line")
    with pytest.raises(StorageError, match="not a database"):
        lines(theirs)


REFUSED = {
    "no URL": ("log.db", "is not a URL", "write LOG_URL as sqlite:////path"),
    "a driver that nobody has": ("nosuch://host/log", "cannot be kept in nosuch", "use a sqlite:////path/file.db or"),
    "another database": ("mysql://host/log", "cannot be kept in mysql", "use a sqlite:////path/file.db or"),
    "in memory": ("sqlite://", r"cannot be kept in sqlite \(no file\)", "use a sqlite:////path/file.db or"),
}


@pytest.mark.parametrize(("url", "said", "remedy"), REFUSED.values(), ids=REFUSED)
def test_an_address_of_no_such_database_is_refused_before_anything_is_opened(url, said, remedy):
    with pytest.raises(StorageError, match=said) as caught:
        Database(url, OURS)
    assert caught.value.remedy.startswith(remedy)


def test_a_server_that_is_away_is_told_without_the_password():
    url = "postgresql+psycopg2://ada:secret@127.0.0.1:9/log"
    with pytest.raises(StorageError, match=r"the log at .* did not answer") as caught:
        lines(Database(url, OURS))
    assert caught.value.remedy == "start the database, or correct LOG_URL"
    assert "secret" not in str(caught.value)
