"""Anchoring: what a killed run leaves is completed, what was done to ledger or anchors is found and named."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.finding import Kind, Severity
from slipway.core.verdict import Outcome
from slipway.errors import LedgerBroken, LedgerError, SettingsError
from slipway.ledger import EntryKind, Ledger
from slipway.ledger.anchors import AnchorFile
from slipway.ledger.chain import START, entry_hash
from slipway.ledger.entries import FLEET
from slipway.ledger.signing import Signer
from slipway.workflows import anchor as workflow
from slipway.workflows.anchor import anchor_ledger, verify_ledger


@pytest.fixture
def fill(bench):
    def write(count):
        for n in range(count):
            bench.ledger.append(EntryKind.APPROVAL, model="churn", version=1, actor="ada", payload={"n": n})

    return write


@pytest.fixture
def anchored(bench, fill):
    """Three entries and their anchor, entry 4; then three more and theirs, entry 8; three more beyond."""
    for _ in range(2):
        fill(3)
        anchor_ledger(bench)
    fill(3)
    return bench


def lines(bench):
    return [json.loads(line) for line in bench.settings.ledger_anchors.read_text().splitlines()]


def kinds(bench):
    return [finding.kind for finding in verify_ledger(bench).findings]


def direct(bench, *statements):
    """Change the database as somebody does who can: the triggers go first."""
    connection = sqlite3.connect(bench.settings.ledger_url.removeprefix("sqlite:///"))
    with connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement, values in statements:
            connection.execute(statement, values)
    connection.close()


def rewrite(bench, at, **changes):
    """Alter an entry and hash everything from there anew, as somebody does who knows the chain's rules."""
    entries = bench.ledger.entries()
    head = entries[at - 2].hash if at > 1 else START.hash
    statements = [("DELETE FROM ledger_entries WHERE seq >= ?", (at,))]
    for entry in entries[at - 1 :]:
        new = replace(entry, previous=head, **(changes if entry.seq == at else {}))
        new = replace(new, hash=entry_hash(new))
        head = new.hash
        row = {**new.content(), "payload": json.dumps(new.payload, sort_keys=True, separators=(",", ":"))}
        names = ("seq", "at", "kind", "model", "version", "actor", "payload", "previous")
        values = (*(row[name] for name in names), head)
        statements.append(("INSERT INTO ledger_entries VALUES (?,?,?,?,?,?,?,?,?)", values))
    direct(bench, *statements)


def test_a_ledger_without_anchors_says_so_plainly_and_holds(bench, fill):
    fill(2)
    found = verify_ledger(bench)
    assert (found.entries, found.anchors, found.beyond, found.outcome) == (2, 0, 2, Outcome.PASSED)
    (warning,) = found.findings
    assert warning.kind is Kind.NO_ANCHOR
    assert "no anchor is known" in warning.what


def test_the_anchor_is_in_file_and_registry_and_covers_its_own_entry(bench, fill):
    fill(3)
    done = anchor_ledger(bench)
    entry = bench.ledger.entries()[-1]
    assert (entry.kind, entry.model, entry.seq) == (EntryKind.ANCHOR, FLEET, 4)
    assert entry.payload["places"]["file"] == str(bench.settings.ledger_anchors)
    assert (done.head.seq, done.head.hash, done.missed) == (4, entry.hash, {})
    (line,) = lines(bench)
    noted = json.loads(bench.registry.ledger_note()[0])
    assert line == done.head.to_json()
    assert noted == line | {"links": ""}
    found = verify_ledger(bench)
    assert (found.anchors, found.last_anchor, found.beyond, found.findings) == (2, 4, 0, ())


def test_an_untouched_ledger_has_no_findings_and_tells_what_lies_beyond(anchored):
    found = verify_ledger(anchored)
    assert (found.outcome, found.findings, found.last_anchor, found.beyond) == (Outcome.PASSED, (), 8, 3)


def test_each_anchor_links_from_the_one_before(anchored):
    assert [(line["since"], line["seq"], len(line["links"]) // 16) for line in lines(anchored)] == [
        (0, 4, 4),
        (4, 8, 4),
    ]


def test_a_ledger_that_has_not_grown_is_not_anchored_again(anchored):
    anchor_ledger(anchored)
    before = anchored.ledger.head(), anchored.settings.ledger_anchors.read_bytes()
    again = anchor_ledger(anchored)
    assert (anchored.ledger.head(), anchored.settings.ledger_anchors.read_bytes()) == before
    assert again.head.seq == before[0].seq


def test_the_key_is_neither_in_the_ledger_nor_in_an_anchor_nor_said(anchored):
    secret = anchored.settings.ledger_key.read_text().splitlines()[1]
    database = anchored.settings.var / "ledger.db"
    told = str(anchored.said) + str([e.to_json() for e in anchored.ledger.entries()]) + str(lines(anchored))
    assert secret not in told
    assert secret.encode() not in database.read_bytes()
    assert Signer.open(anchored.settings.ledger_key, make=False).id in told


DAMAGE = {
    "edited": (("UPDATE ledger_entries SET actor = 'eve' WHERE seq = 3", ()), 3, "altered"),
    "deleted": (("DELETE FROM ledger_entries WHERE seq = 5", ()), 5, "gap"),
    "deleted at the start": (("DELETE FROM ledger_entries WHERE seq = 1", ()), 1, "gap"),
    "end cut off": (("DELETE FROM ledger_entries WHERE seq >= 7", ()), 7, "truncated"),
    "only the anchor's entry cut off": (("DELETE FROM ledger_entries WHERE seq >= 8", ()), 8, "truncated"),
    "all of it": (("DELETE FROM ledger_entries", ()), 1, "truncated"),
}


@pytest.mark.parametrize(("statement", "first", "said"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_and_its_first_entry_named(anchored, statement, first, said):
    direct(anchored, statement)
    found = verify_ledger(anchored)
    assert (found.outcome, found.first_bad, found.head) == (Outcome.FAILED, first, None)
    assert said in next(f.what for f in found.findings if f.kind is Kind.LEDGER_BROKEN)


@pytest.mark.parametrize("at", range(1, 9))
def test_a_history_hashed_anew_is_found_at_the_entry_where_it_begins(anchored, at):
    rewrite(anchored, at, actor="eve")
    Ledger(anchored.settings.ledger_url).verify()  # by itself the chain is whole
    found = verify_ledger(anchored)
    assert found.first_bad == at
    assert "rewritten" in found.findings[0].what


def test_with_the_registrys_anchor_alone_a_history_hashed_anew_is_found_too(anchored):
    rewrite(anchored, 2, actor="eve")
    anchored.settings.ledger_anchors.unlink()
    found = verify_ledger(anchored)
    assert found.first_bad == 8, "its head is all that it knows"
    assert found.outcome is Outcome.FAILED


def test_what_lies_beyond_the_last_anchor_is_vouched_for_by_nobody(anchored):
    rewrite(anchored, 10, actor="eve")
    found = verify_ledger(anchored)
    assert (found.outcome, found.beyond) == (Outcome.PASSED, 3)


def test_a_broken_ledger_is_not_anchored(anchored):
    rewrite(anchored, 2, actor="eve")
    before = anchored.ledger.head(), anchored.settings.ledger_anchors.read_bytes()
    with pytest.raises(LedgerBroken, match="it is not anchored") as told:
        anchor_ledger(anchored)
    assert told.value.seq == 2
    assert (anchored.ledger.head(), anchored.settings.ledger_anchors.read_bytes()) == before


def altered(bench, number, **changes):
    found = lines(bench)
    found[number] |= changes
    bench.settings.ledger_anchors.write_text("".join(json.dumps(line) + "\n" for line in found))


FORGED = {
    "another head": {"hash": "sha256:" + "0" * 64},
    "another number": {"seq": 3},
    "another time": {"at": "2026-01-01T00:00:00.000000+00:00"},
    "other links": {"links": "0" * 64},
    "no head at all": {"seq": "four"},
}


@pytest.mark.parametrize("changes", FORGED.values(), ids=FORGED)
def test_an_anchor_that_was_altered_is_named_by_its_line_and_counts_for_nothing(anchored, changes):
    altered(anchored, 0, **changes)
    found = verify_ledger(anchored)
    (finding,) = found.findings
    assert finding.kind is Kind.ANCHOR_ALTERED
    assert finding.place.endswith("line 1")
    assert (found.outcome, found.anchors, found.head.seq) == (Outcome.FAILED, 2, 11)


def test_an_anchor_of_another_key_is_named_with_the_key(anchored):
    stranger = Signer.open(anchored.settings.var / "other.pem", make=True)
    hashes = anchored.ledger.hashes(since_seq=0, until_seq=11)
    forged = stranger.sign(anchored.ledger.head(), at=anchored.now(), since=0, hashes=hashes)
    AnchorFile(anchored.settings.ledger_anchors).append(forged)
    found = verify_ledger(anchored)
    (finding,) = found.findings
    assert finding.kind is Kind.ANCHOR_OF_ANOTHER_KEY
    assert stranger.id in finding.what
    assert found.last_anchor == 8


def test_a_key_that_was_exchanged_signs_nothing_and_its_old_anchors_do_not_count(anchored):
    settings = anchored.settings
    settings.ledger_key.unlink()
    with pytest.raises(SettingsError, match="does not hold the public half"):
        anchor_ledger(anchored)
    settings.ledger_public_key.unlink()
    anchor_entries = [Kind.ANCHOR_OF_ANOTHER_KEY] * 3
    assert kinds(anchored)[:3] == anchor_entries


def test_an_anchor_from_the_future_is_told(anchored):
    now = anchored.now
    anchored.now = lambda: datetime.now(UTC) + timedelta(days=1)
    anchor_ledger(anchored)
    anchored.now = now
    assert set(kinds(anchored)) == {Kind.ANCHOR_FROM_THE_FUTURE}


def test_an_anchor_beyond_the_ledgers_end_is_a_ledger_cut_short(anchored):
    direct(anchored, ("DELETE FROM ledger_entries WHERE seq > 5", ()))
    (finding,) = verify_ledger(anchored).findings
    assert "truncated: entries 6 to 8 were there before" in finding.what


def test_two_histories_under_one_key_contradict_each_other(anchored):
    signer = Signer.open(anchored.settings.ledger_key, make=False)
    rewrite(anchored, 2, actor="eve")
    hashes = anchored.ledger.hashes(since_seq=0, until_seq=11)
    other = signer.sign(anchored.ledger.head(), at=anchored.now(), since=0, hashes=hashes)
    AnchorFile(anchored.settings.ledger_anchors).append(other)
    assert Kind.ANCHORS_DISAGREE in kinds(anchored)
    with pytest.raises(LedgerBroken):
        anchor_ledger(anchored)


def test_anchors_that_were_taken_out_are_missed(anchored):
    path = anchored.settings.ledger_anchors
    anchor_ledger(anchored)  # entry 12 says that the file held the anchor of entry 8
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:1]))
    found = verify_ledger(anchored)
    assert [(f.kind, f.place) for f in found.findings] == [(Kind.ANCHOR_LOST, "file")]
    assert "the anchor of entry 8, and now its newest is that of entry 4" in found.findings[0].what
    path.unlink()
    anchored.registry.note.clear()
    lost = [f.place for f in verify_ledger(anchored).findings if f.kind is Kind.ANCHOR_LOST]
    assert lost == ["file", "mlflow"]


def test_a_new_file_begins_anew_after_a_loss(anchored):
    anchored.settings.ledger_anchors.unlink()
    anchor_ledger(anchored)
    assert verify_ledger(anchored).findings == ()
    assert lines(anchored)[-1]["since"] in (0, 8)


# -- killed in between ----------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_at(monkeypatch, owner, name, *, before=True):
    original = getattr(owner, name)

    def die(*given, **named):
        if not before:
            original(*given, **named)
        raise Killed

    monkeypatch.setattr(owner, name, die)


@pytest.mark.parametrize("more", [0, 2], ids=["nothing more happened", "the ledger grew"])
@pytest.mark.parametrize("before", [True, False], ids=["before the file had it", "after the file had it"])
def test_an_anchoring_that_was_killed_is_completed_by_the_next(bench, fill, monkeypatch, before, more):
    fill(3)
    anchor_ledger(bench)
    fill(1)
    with monkeypatch.context() as patch:
        kill_at(patch, AnchorFile, "append", before=before)
        with pytest.raises(Killed):
            anchor_ledger(bench)
    left = verify_ledger(bench)
    assert left.outcome is Outcome.PASSED
    assert {f.kind for f in left.findings} == {Kind.ANCHOR_INCOMPLETE}
    assert {f.severity for f in left.findings} == {Severity.WARN}
    assert [f.place for f in left.findings] == (["file", "mlflow"] if before else ["mlflow"])
    fill(more)
    anchor_ledger(bench)
    assert [line["seq"] for line in lines(bench)] == ([4, 6, 9] if more else [4, 6])
    assert json.loads(bench.registry.ledger_note()[0])["seq"] == (9 if more else 6)
    assert verify_ledger(bench).findings == ()


def test_a_killed_first_anchoring_is_completed(bench, fill, monkeypatch):
    fill(1)
    with monkeypatch.context() as patch:
        kill_at(patch, workflow, "_place")
        with pytest.raises(Killed):
            anchor_ledger(bench)
    anchor_ledger(bench)
    assert [line["seq"] for line in lines(bench)] == [2]
    assert verify_ledger(bench).findings == ()


def test_a_registry_that_is_down_costs_its_place_alone_and_gets_the_next_anchor(bench, fill):
    fill(2)
    bench.registry.down = True
    done = anchor_ledger(bench)
    assert list(done.where) == ["file"]
    assert list(done.missed) == ["mlflow"]
    found = verify_ledger(bench)
    assert (found.outcome, found.anchors) == (Outcome.INCONCLUSIVE, 1)
    bench.registry.down = False
    assert [(f.kind, f.place) for f in verify_ledger(bench).findings] == [(Kind.ANCHOR_INCOMPLETE, "mlflow")]
    anchor_ledger(bench)
    assert json.loads(bench.registry.ledger_note()[0])["seq"] == 3
    assert len(lines(bench)) == 1
    assert verify_ledger(bench).findings == ()


def test_an_anchor_file_that_cannot_be_written_fails_and_is_completed_later(bench, fill):
    fill(1)
    bench.settings.ledger_anchors.mkdir(parents=True)
    with pytest.raises(LedgerError, match="SLIPWAY_LEDGER_ANCHORS"):
        anchor_ledger(bench)
    bench.settings.ledger_anchors.rmdir()
    anchor_ledger(bench)
    assert verify_ledger(bench).findings == ()
