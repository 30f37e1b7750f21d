"""The anchor file: whole lines only, on the disk, from several processes, and a killed writer costs nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from slipway.core.identity import digest_bytes
from slipway.errors import LedgerError
from slipway.ledger import Head
from slipway.ledger.anchors import AnchorFile
from slipway.ledger.signing import Signer

SIGNER = Signer(Ed25519PrivateKey.generate())


def head(seq):
    text = digest_bytes(str(seq).encode())
    return SIGNER.sign(Head(seq, text), at=datetime(2026, 1, 1, tzinfo=UTC), since=seq - 1, hashes=[text])


@pytest.fixture
def file(tmp_path):
    return AnchorFile(tmp_path / "deep" / "ledger.jsonl")


def test_what_is_appended_is_read_back_with_its_place(file):
    assert file.read().anchors == ()
    for seq in (1, 2):
        file.append(head(seq))
    found = file.read()
    assert [anchor.head for anchor in found.anchors] == [head(1), head(2)]
    assert [anchor.where for anchor in found.anchors] == [f"{file.path}, line {n}" for n in (1, 2)]
    assert found.unread == ()


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_line_whose_writer_was_killed_does_not_count_and_is_written_over(file, kept):
    file.append(head(1))
    whole = file.path.read_bytes()
    file.path.write_bytes(whole + whole[:kept])
    assert [a.head.seq for a in file.read().anchors] == [1]
    assert file.read().unread == ()
    file.append(head(2))
    assert [a.head.seq for a in file.read().anchors] == [1, 2]
    assert file.read().unread == ()


@pytest.mark.parametrize("line", ["", "nonsense", "[1]", "{}", '{"seq": 1}', "\xff", "[" * 100_000])
def test_a_line_that_is_none_is_named_and_the_others_count(file, line):
    file.append(head(1))
    with file.path.open("a", encoding="latin-1") as text:
        text.write(line + "\n")
    file.append(head(2))
    found = file.read()
    assert [a.head.seq for a in found.anchors] == [1, 2]
    assert [one.where for one in found.unread] == [f"{file.path}, line 2"]


def test_several_writers_leave_whole_lines(file):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seq: file.append(head(seq)), range(1, 21)))
    assert sorted(a.head.seq for a in file.read().anchors) == list(range(1, 21))


def test_a_file_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "ledger.jsonl").mkdir()
    file = AnchorFile(tmp_path / "ledger.jsonl")
    with pytest.raises(LedgerError, match="SLIPWAY_LEDGER_ANCHORS"):
        file.read()
    with pytest.raises(LedgerError, match="SLIPWAY_LEDGER_ANCHORS"):
        file.append(head(1))
