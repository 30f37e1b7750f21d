"""The ledger in a SQLite file: writers at once, damage done behind its back, disks that are full."""

import random
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.evidence import Check, Evidence, Report
from slipway.core.identity import Subject
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import EvidenceError, LedgerBroken, LedgerError
from slipway.ledger import GENESIS, EntryKind, Ledger

ARTIFACT, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
IMAGE = "sha256:" + "c" * 64
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

WRITER = """
import sys
from slipway.ledger import Ledger
ledger = Ledger(sys.argv[1])
for number in range(int(sys.argv[3])):
    ledger.append("approval", model="churn", version=1, actor=sys.argv[2], payload={"number": number})
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "ledger.db"


@pytest.fixture
def ledger(path):
    return Ledger(f"sqlite:///{path}")


def fill(ledger, count):
    return [
        ledger.append(EntryKind.APPROVAL, model="churn", version=1, actor="ada", payload={"n": n, "x": n / 3})
        for n in range(count)
    ]


def evidence(check=Check.RUN_SCENARIOS, artifact=ARTIFACT, version=1, image=IMAGE):
    return Evidence(
        check=check,
        outcome=Outcome.PASSED,
        subject=Subject(model="churn", version=version, artifact_sha256=artifact, image_digest=image),
        runtime="process",
        measurements=(Measurement(name="wrong", value=0, threshold=0, bound=Bound.MAX, n=1000),),
        reports=(Report(path="churn/1/report.html", sha256=OTHER),),
        started_at=NOON,
        ended_at=NOON + timedelta(seconds=3),
        release="manual__1",
    )


def file_evidence(ledger, item):
    return ledger.append(
        EntryKind.EVIDENCE, model="churn", version=item.subject.version, actor="slipway", payload=item.to_json()
    )


def test_what_is_appended_is_read_back(ledger):
    written = fill(ledger, 3)
    assert ledger.entries() == written
    assert [entry.seq for entry in written] == [1, 2, 3]
    assert ledger.head() == (3, written[-1].hash)
    assert ledger.verify() == (3, (3, written[-1].hash))


def test_an_empty_ledger_holds(ledger):
    assert ledger.head() == (0, GENESIS)
    assert ledger.verify() == (0, (0, GENESIS))
    assert ledger.entries() == []


def test_entries_are_chosen_by_model_version_kind_and_place(ledger):
    for kind, model, version in (
        ("release_started", "churn", 1),
        ("approval", "churn", 1),
        ("approval", "churn", 2),
        ("approval", "fraud", 1),
        ("retirement", "churn", None),
    ):
        ledger.append(EntryKind(kind), model=model, version=version, actor="ada", payload={})

    def found(**query):
        return [entry.seq for entry in ledger.entries(**query)]

    assert found(model="churn") == [1, 2, 3, 5]
    assert found(model="churn", version=1) == [1, 2]
    assert found(kinds=[EntryKind.APPROVAL]) == [2, 3, 4]
    assert found(since_seq=3) == [4, 5]
    assert found(since_seq=1, limit=2) == [2, 3]
    assert found(kinds=[]) == []


def test_four_processes_and_four_threads_write_one_chain(ledger, path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, f"sqlite:///{path}", f"writer{n}", "50"]) for n in range(4)
    ]
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: fill(ledger, 5), range(4)))
        assert [writer.wait(120) for writer in writers] == [0, 0, 0, 0]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert ledger.verify().entries == 4 * 50 + 4 * 5
    for n in range(4):
        mine = [entry.payload["number"] for entry in ledger.entries() if entry.actor == f"writer{n}"]
        assert mine == list(range(50))


def test_a_writer_that_is_killed_leaves_a_whole_chain(ledger, path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, f"sqlite:///{path}", "doomed", "100000"])
    try:
        while not ledger.head().seq > 20:
            assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    before = ledger.verify().entries
    fill(ledger, 2)
    assert ledger.verify().entries == before + 2


# -- damage done behind the ledger's back ---------------------------------------------------------------------------


def without_triggers(path):
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


STATEMENTS = {
    "update": "UPDATE ledger_entries SET actor = 'eve' WHERE seq = 2",
    "delete": "DELETE FROM ledger_entries WHERE seq = 2",
    "replace": "INSERT OR REPLACE INTO ledger_entries SELECT seq, at, kind, model, version, 'eve', payload, previous, "
    "hash FROM ledger_entries WHERE seq = 2",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_the_database_itself_refuses_to_change_an_entry(ledger, path, statement):
    fill(ledger, 3)
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()
    assert ledger.verify().entries == 3


DAMAGE = {
    "payload": ("UPDATE ledger_entries SET payload = '{\"n\":7}' WHERE seq = 5", "entry 5 is broken: altered"),
    "white_space": (
        "UPDATE ledger_entries SET payload = replace(payload, ':', ': ') WHERE seq = 5",
        "entry 5 is broken: altered",
    ),
    "not_json": ("UPDATE ledger_entries SET payload = '{' WHERE seq = 5", "entry 5 is broken: altered"),
    "not_text": ("UPDATE ledger_entries SET actor = x'ff00' WHERE seq = 5", "entry 5 is broken: altered"),
    "not_utf8": ("UPDATE ledger_entries SET actor = CAST(x'ff' AS TEXT) WHERE seq = 5", "entry 5 is broken: altered"),
    "kind": ("UPDATE ledger_entries SET kind = 'coronation' WHERE seq = 5", "entry 5 is broken: altered"),
    "other_kind": ("UPDATE ledger_entries SET kind = 'promotion' WHERE seq = 5", "entry 5 is broken: altered"),
    "version": ("UPDATE ledger_entries SET version = NULL WHERE seq = 5", "entry 5 is broken: altered"),
    "time": ("UPDATE ledger_entries SET at = 'yesterday' WHERE seq = 5", "entry 5 is broken: altered"),
    "hash": ("UPDATE ledger_entries SET hash = 'sha256:0' WHERE seq = 5", "entry 5 is broken: altered"),
    "deleted": ("DELETE FROM ledger_entries WHERE seq = 5", "entry 5 is broken: gap"),
    "first_deleted": ("DELETE FROM ledger_entries WHERE seq = 1", "entry 1 is broken: gap"),
    "swapped": (
        "UPDATE ledger_entries SET seq = -1 WHERE seq = 5; UPDATE ledger_entries SET seq = 5 WHERE seq = 8; "
        "UPDATE ledger_entries SET seq = 8 WHERE seq = -1",
        "entry 5 is broken: reordered: it was written as entry 8",
    ),
}


@pytest.mark.parametrize(("script", "said"), DAMAGE.values(), ids=DAMAGE)
def test_an_edit_in_the_database_file_is_found_and_named(ledger, path, script, said):
    fill(ledger, 10)
    connection = without_triggers(path)
    connection.executescript(script)
    connection.close()
    with pytest.raises(LedgerBroken, match=said):
        ledger.verify()


@pytest.mark.parametrize("seed", range(12))
def test_random_damage_is_found_at_the_entry_it_was_done_to(ledger, path, seed):
    chance = random.Random(seed)
    fill(ledger, 30)
    connection = without_triggers(path)
    victim = chance.randint(1, 29)
    column = chance.choice(["at", "kind", "model", "actor", "payload", "previous", "hash", None])
    if column is None:
        connection.execute("DELETE FROM ledger_entries WHERE seq = ?", [victim])
    else:
        (old,) = connection.execute(f"SELECT {column} FROM ledger_entries WHERE seq = ?", [victim]).fetchone()
        at = chance.randrange(len(old))
        new = old[:at] + chr(33 + (ord(old[at]) - 33 + chance.randint(1, 90)) % 91) + old[at + 1 :]
        connection.execute(f"UPDATE ledger_entries SET {column} = ? WHERE seq = ?", [new, victim])
    connection.commit()
    connection.close()
    with pytest.raises(LedgerBroken, match=f"entry {victim} is broken"):
        ledger.verify()


def test_entries_cut_off_at_the_end_are_found_with_an_earlier_head(ledger, path):
    head = fill(ledger, 6)[-1]
    connection = without_triggers(path)
    connection.execute("DELETE FROM ledger_entries WHERE seq > 4")
    connection.commit()
    connection.close()
    assert ledger.verify().entries == 4
    with pytest.raises(LedgerBroken, match="entry 5 is broken: truncated"):
        ledger.verify(expected_head=(head.seq, head.hash))


# -- the database fails ---------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_named(path, ledger):
    path.parent.mkdir()
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 50)
    with pytest.raises(LedgerBroken, match="backup"):
        ledger.head()


BAD_URLS = {
    "no_url": ("ledger.db", "not a URL"),
    "other_database": ("mysql://localhost/ledger", "cannot be kept in mysql"),
    "memory": ("sqlite://", "cannot be kept in sqlite .no file"),
    "nobody_listens": (
        "postgresql+psycopg2://ada:secret@127.0.0.1:9/ledger",
        "or correct SLIPWAY_LEDGER_URL",
    ),
    "no_folder": ("sqlite:////proc/nowhere/ledger.db", "ledger at .* did not answer"),
}


@pytest.mark.parametrize(("url", "said"), BAD_URLS.values(), ids=BAD_URLS)
def test_a_ledger_that_cannot_be_reached_says_what_to_do(url, said):
    with pytest.raises(LedgerError, match=said) as caught:
        Ledger(url).append(EntryKind.APPROVAL, model="churn", version=1, actor="ada", payload={})
    assert "secret" not in str(caught.value)


def test_a_full_disk_loses_the_new_entry_alone(ledger, path):
    fill(ledger, 5)
    # No file of this process may grow past 96 KiB: what a full disk does to the ledger's file.
    program = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (96 * 1024, 96 * 1024))
from slipway.errors import LedgerError
from slipway.ledger import Ledger
ledger = Ledger("sqlite:///{path}")
try:
    for _ in range(200):
        ledger.append("approval", model="churn", version=1, actor="ada", payload={{"x": "y" * 5000}})
except LedgerError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "free disk space" in done.stdout
    before = ledger.verify().entries
    assert before >= 5
    fill(ledger, 1)
    assert ledger.verify().entries == before + 1


# -- evidence, and what was live ------------------------------------------------------------------------------------


def test_a_dossier_holds_the_evidence_on_exactly_these_digests(ledger):
    mine, other_bytes, other_version = evidence(), evidence(artifact=OTHER), evidence(version=2)
    for item in (mine, other_bytes, other_version):
        file_evidence(ledger, item)
    assert ledger.evidence("churn") == [mine, other_bytes, other_version]
    assert ledger.evidence("churn", 2) == [other_version]
    assert ledger.dossier(mine.subject).evidence == (mine,)
    assert ledger.dossier(mine.subject).problems([Check.RUN_SCENARIOS]) == []


def test_something_that_is_not_evidence_is_not_filed_as_evidence(ledger):
    with pytest.raises(EvidenceError, match="not evidence"):
        ledger.append(EntryKind.EVIDENCE, model="churn", version=1, actor="ada", payload={"check": "run_scenarios"})
    assert ledger.entries() == []


def test_evidence_on_one_version_is_not_filed_under_another(ledger):
    with pytest.raises(EvidenceError, match="cannot be filed under"):
        ledger.append(EntryKind.EVIDENCE, model="churn", version=2, actor="ada", payload=evidence().to_json())


def test_what_was_live_at_a_moment_is_the_last_deployment_or_rollback_before_it(path):
    times = iter(NOON + timedelta(hours=n) for n in range(10))
    ledger = Ledger(f"sqlite:///{path}", clock=lambda: next(times))
    for kind, model, version in (
        ("deployment", "churn", 1),
        ("deployment", "fraud", 7),
        ("deployment", "churn", 2),
        ("approval", "churn", 3),
        ("rollback", "churn", 1),
    ):
        ledger.append(EntryKind(kind), model=model, version=version, actor="slipway", payload={})

    def live(hours):
        entry = ledger.live_at("churn", NOON + timedelta(hours=hours))
        return entry and entry.version

    assert [live(h) for h in (-1, 0, 1.5, 2, 3.5, 4, 9)] == [None, 1, 1, 2, 2, 1, 1]


def test_a_clock_that_is_set_back_does_not_turn_history_round(path):
    times = iter([NOON, NOON - timedelta(hours=5), NOON + timedelta(hours=1)])
    ledger = Ledger(f"sqlite:///{path}", clock=lambda: next(times))
    assert [entry.at for entry in fill(ledger, 3)] == [NOON, NOON, NOON + timedelta(hours=1)]
