"""Signed heads: only our key signs, everything that matters is signed, and the key stays where it is."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from slipway.core.identity import digest_bytes
from slipway.errors import LedgerError, SettingsError
from slipway.ledger import Head
from slipway.ledger.signing import PublicKeys, SignedHead, Signer, trusted

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HASHES = [digest_bytes(str(n).encode()) for n in range(1, 6)]


@pytest.fixture
def signer():
    return Signer(Ed25519PrivateKey.generate())


def signed(signer, since=2):
    return signer.sign(Head(5, HASHES[-1]), at=NOON, since=since, hashes=HASHES[since:])


def test_a_head_is_read_back_and_its_signature_holds(signer):
    head = SignedHead.from_json(signed(signer).to_json())
    assert head == signed(signer)
    assert signer.public().problem(head) == ""


def test_without_its_links_its_signature_still_holds(signer):
    assert signer.public().problem(signed(signer).without_links()) == ""
    assert signed(signer).without_links().hashes() == {5: HASHES[4]}


def test_its_links_tell_how_each_hash_since_the_anchor_before_began(signer):
    assert signed(signer).hashes() == {3: HASHES[2][:23], 4: HASHES[3][:23], 5: HASHES[4]}


OTHER = digest_bytes(b"other")
CHANGES = {
    "seq": {"seq": 4},
    "hash": {"hash": OTHER},
    "time": {"at": NOON + timedelta(seconds=1)},
    "since": {"since": 1},
    "links": {"links": "0" * 48},
    "links and their digest": {"links": "0" * 48, "links_sha256": digest_bytes(b"0" * 48)},
    "signature": {"signature": "AAAA"},
    "signature that is no base64": {"signature": "?"},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_whatever_is_changed_is_found(signer, changes):
    assert "those that were signed" in (said := signer.public().problem(replace(signed(signer), **changes))) or (
        said == "its signature does not hold"
    )


def test_another_key_is_named(signer):
    stranger = Signer(Ed25519PrivateKey.generate())
    assert (
        signer.public().problem(signed(stranger))
        == f"it is signed with key {stranger.id}, which is none of {signer.id}"
    )
    as_ours = replace(signed(stranger), key=signer.id)
    assert signer.public().problem(as_ours) == "its signature does not hold"


@pytest.mark.parametrize(
    "damage",
    [
        {"seq": "5"},
        {"seq": True},
        {"hash": "sha256:1"},
        {"at": "noon"},
        {"links": 3},
        {"more": 1},
        {"at": "2026-01-01"},
    ],
    ids=str,
)
def test_what_is_no_head_is_refused(signer, damage):
    with pytest.raises(LedgerError, match="no signed head"):
        SignedHead.from_json(signed(signer).to_json() | damage)


def test_hashes_that_do_not_lead_to_the_head_are_not_signed(signer):
    for hashes in (HASHES[:4], HASHES[1:], []):
        with pytest.raises(LedgerError, match="do not lead to entry 5"):
            signer.sign(Head(5, HASHES[4]), at=NOON, since=2, hashes=hashes)


def test_a_key_is_made_for_its_owner_alone_and_kept(tmp_path):
    path = tmp_path / "keys" / "ledger.pem"
    first = Signer.open(path, make=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["ledger.pem"]
    assert Signer.open(path, make=True).id == first.id


def test_processes_that_make_a_key_at_once_end_with_one(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: Signer.open(tmp_path / "ledger.pem", make=True).id, range(16))
    assert len(set(found)) == 1


def test_a_key_that_is_not_there_is_not_made_up(tmp_path):
    with pytest.raises(SettingsError, match="openssl genpkey"):
        Signer.open(tmp_path / "ledger.pem", make=False)


def test_a_key_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "ledger.pem"
    Signer.open(path, make=True)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="may be read by others"):
        Signer.open(path, make=True)


def test_a_file_that_is_no_key_is_told_without_its_text(tmp_path):
    path = tmp_path / "ledger.pem"
    path.write_text("hunter2")
    path.chmod(0o600)
    with pytest.raises(SettingsError) as told:
        Signer.open(path, make=True)
    assert "hunter2" not in str(told.value)


def test_the_key_shows_itself_to_nobody(tmp_path):
    path = tmp_path / "ledger.pem"
    signer = Signer.open(path, make=True)
    secret = path.read_text().splitlines()[1]
    assert secret not in repr(signer) + str(signed(signer)) + signer.public_pem().decode()


def test_several_public_keys_count_after_a_change_of_keys(tmp_path, signer):
    new, path = Signer(Ed25519PrivateKey.generate()), tmp_path / "ledger.pem.pub"
    path.write_bytes(signer.public_pem() + b"# since June\n" + new.public_pem())
    keys = PublicKeys.read(path)
    assert keys.ids == (signer.id, new.id)
    assert [keys.problem(signed(one)) for one in (signer, new)] == ["", ""]


def test_the_public_half_is_had_from_the_key_where_there_is_no_file_of_it(tmp_path):
    made = Signer.open(tmp_path / "ledger.pem", make=True)
    assert trusted(tmp_path / "ledger.pem", tmp_path / "none.pub").ids == (made.id,)
    with pytest.raises(SettingsError, match="public key"):
        trusted(tmp_path / "none", tmp_path / "none.pub")


def test_a_file_without_a_public_key_is_told(tmp_path):
    path = tmp_path / "ledger.pem.pub"
    for text in ("", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        path.write_text(text)
        with pytest.raises(SettingsError, match="public key"):
            PublicKeys.read(path)
