"""The store is a cache: what it says is what was put in, and a damaged, foreign or read-only file is made anew."""

import sqlite3

import pytest

from slipway.fleet.store import FleetStore
from slipway.fleet.values import Cell
from tests.unit.fleet.conftest import NOW, a_declared, a_summary

CELL = Cell(version=1, check="evaluate", outcome="PASSED", seq=2, at=NOW, release="r", report="m/e.html")


def fill(store, seq=9):
    with store.turn() as turn:
        turn.keep([a_summary(last_seq=seq)], [("churn", CELL)], seq=seq, hash="sha256:x")


def read(store):
    with store.turn() as turn:
        return turn.mark(), turn.summaries()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "fleet.db"


def test_what_was_kept_is_read_back_by_another_process(path):
    fill(FleetStore(path))
    other = FleetStore(path)
    assert read(other) == ((9, "sha256:x"), [a_summary()])
    assert other.cells("churn") == [CELL]
    assert other.cells("fraud") == []


def test_a_turn_that_fails_changes_nothing(path):
    store = FleetStore(path)
    fill(store)
    with pytest.raises(RuntimeError), store.turn() as turn:
        turn.keep([a_summary(last_seq=10)], [], seq=10, hash="sha256:y")
        raise RuntimeError
    assert read(store)[0] == (9, "sha256:x")


def test_only_what_changed_since_is_read(path):
    store = FleetStore(path)
    fill(store)
    with store.turn() as turn:
        turn.keep([a_summary("fraud", last_seq=12)], [], seq=12, hash="sha256:z")
        assert [one.model for one in turn.summaries(since_seq=9)] == ["fraud"]


def test_declarations_are_kept_with_the_stamp_of_their_file(path):
    store = FleetStore(path)
    store.keep_declarations([("1:2", a_declared())])
    store.keep_declarations([("3:4", a_declared(team="other"))])
    assert FleetStore(path).declarations() == {"churn": ("3:4", a_declared(team="other"))}


def _no_database(path):
    path.write_bytes(b"this is no database" * 100)


def _other_layout(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()


def _other_fields(path):
    fill(FleetStore(path))
    connection = sqlite3.connect(path)
    connection.execute('UPDATE summaries SET data = \'{"model": "churn", "unheard_of": 1}\'')
    connection.commit()
    connection.close()


DAMAGE = {"no database": _no_database, "another layout": _other_layout, "fields of another version": _other_fields}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_file_that_cannot_be_read_is_replaced(path, damage):
    path.parent.mkdir()
    damage(path)
    store = FleetStore(path)
    assert read(store) == ((0, ""), [])
    fill(store)
    assert read(FleetStore(path))[0] == (9, "sha256:x")


def test_without_a_place_to_write_it_is_kept_in_memory(tmp_path):
    (tmp_path / "deep").write_text("a file where the folder should be")
    store = FleetStore(tmp_path / "deep" / "fleet.db")
    fill(store)
    assert read(store)[0] == (9, "sha256:x")
