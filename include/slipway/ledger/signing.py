"""Signed heads: what the ledger's end was at a moment, so that nobody without the key can say that it was another.

Rules
-----
1. A head is signed with Ed25519 over canonical JSON that also names its purpose: no other signature passes for one.
2. ``links`` hold how the hash of each entry since the anchor before began. The signature covers their digest, so that a
   rewritten entry can be named, and not only the head after it.
3. The private key is readable by its owner alone. It is in no entry, no anchor, no message and no ``repr``.
4. Several public keys may be trusted at once: after a change of keys, old heads keep their signatures.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from slipway.core.identity import digest_bytes, parse_digest
from slipway.errors import IdentityError, LedgerError, SettingsError
from slipway.ledger.chain import canonical
from slipway.ledger.entries import Head, format_time

PURPOSE = "slipway ledger head 1"
LINK_DIGITS = 16
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\s*", re.DOTALL)
_PREFIX = "sha256:"
_MAKE_KEY = "make one with `openssl genpkey -algorithm ed25519 -out FILE`, mode 0600, and name it in SLIPWAY_LEDGER_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """The newest entry at a moment, signed.

    Attributes
    ----------
    seq, hash : int, str
        The entry.
    at : datetime
        When it was signed, with its zone.
    since : int
        The entry after which ``links`` begin.
    links : str
        For each entry from ``since + 1`` to ``seq`` the first ``LINK_DIGITS`` digits of its hash; empty where they are
        kept elsewhere.
    links_sha256 : str
        Their digest.
    key : str
        Which key signed it, by its public half.
    signature : str
        Base64.
    """

    seq: int
    hash: str
    at: datetime
    since: int
    links: str
    links_sha256: str
    key: str
    signature: str

    def content(self) -> bytes:
        """Return what is signed (rule 1)."""
        covered = {name: value for name, value in self.to_json().items() if name not in ("links", "signature")}
        return canonical({"purpose": PURPOSE, **covered})

    def hashes(self) -> dict[int, str]:
        """Return what it knows of entries, by number: the head's hash, and how the others begin."""
        starts = range(0, len(self.links), LINK_DIGITS)
        linked = {self.since + 1 + n: _PREFIX + self.links[at : at + LINK_DIGITS] for n, at in enumerate(starts)}
        return {**linked, self.seq: self.hash}

    def without_links(self) -> SignedHead:
        """Return the same head for a place with little room; its signature holds."""
        return replace(self, links="")

    def to_json(self) -> dict[str, Any]:
        """Return the head as JSON values."""
        return {
            "seq": self.seq,
            "hash": self.hash,
            "at": format_time(self.at),
            "since": self.since,
            "links": self.links,
            "links_sha256": self.links_sha256,
            "key": self.key,
            "signature": self.signature,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SignedHead:
        """Read what :meth:`to_json` wrote; LedgerError for anything else."""
        try:
            head = cls(**{**data, "at": datetime.fromisoformat(data["at"])})
            parse_digest(head.hash)
            numbers = all(type(number) is int and number >= 0 for number in (head.seq, head.since))
            texts = (head.links, head.links_sha256, head.key, head.signature)
            if not numbers or not all(isinstance(text, str) for text in texts) or head.to_json() != dict(data):
                raise ValueError("it is not written as a head is")
        except (TypeError, ValueError, KeyError, AttributeError, LedgerError, IdentityError) as error:
            raise LedgerError(f"this is no signed head: {error}", remedy="compare it with a copy") from error
        return head


class PublicKeys:
    """The keys whose signatures count.

    Parameters
    ----------
    keys : mapping of str to Ed25519PublicKey
        By :func:`key_id`.
    """

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = dict(keys)

    @property
    def ids(self) -> tuple[str, ...]:
        """What they go by."""
        return tuple(self._keys)

    @classmethod
    def read(cls, path: Path) -> PublicKeys:
        """Read one or more PEM public keys from a file; SettingsError if it holds none."""
        try:
            found = [serialization.load_pem_public_key(block) for block in _PEM.findall(path.read_bytes())]
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise _no_key(path, "public key", error) from error
        keys = {key_id(key): key for key in found if isinstance(key, Ed25519PublicKey)}
        if not keys:
            raise _no_key(path, "public key", "no Ed25519 key in it")
        return cls(keys)

    def problem(self, head: SignedHead) -> str:
        """Return what is wrong with a head's signature or links; empty if nothing is."""
        key = self._keys.get(head.key)
        if key is None:
            return f"it is signed with key {head.key}, which is none of {', '.join(self.ids)}"
        try:
            key.verify(base64.b64decode(head.signature, validate=True), head.content())
        except (InvalidSignature, binascii.Error, LedgerError):
            return "its signature does not hold"
        if head.links and (digest_bytes(head.links.encode()) != head.links_sha256 or not _whole(head)):
            return "its links are not those that were signed"
        return ""

    def knows(self, key: str) -> bool:
        """Tell whether a key is among them."""
        return key in self._keys


class Signer:
    """Signs heads with one private key; says nothing about it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.id = key_id(key.public_key())

    def __repr__(self) -> str:
        """Name the key by its public half."""
        return f"Signer({self.id})"

    @classmethod
    def open(cls, path: Path, *, make: bool) -> Signer:
        """Read the private key, or ``make`` one; its public half is written beside it when it is missing.

        Raises
        ------
        SettingsError
            If there is none, if others may read it, or if it is not an Ed25519 key.
        """
        if make and not path.exists():
            _make(path)
        try:
            if path.stat().st_mode & 0o077:
                raise SettingsError(f"the ledger's key {path} may be read by others", remedy=f"`chmod 600 {path}`")
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _no_key(path, "key", type(error).__name__) from error  # the text of an error might quote it
        if not isinstance(key, Ed25519PrivateKey):
            raise _no_key(path, "key", "it is of another kind")
        return cls(key)

    def public(self) -> PublicKeys:
        """Return the public half."""
        return PublicKeys({self.id: self._key.public_key()})

    def public_pem(self) -> bytes:
        """Return the public half as it is kept in a file."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, head: Head, *, at: datetime, since: int, hashes: list[str]) -> SignedHead:
        """Return a head, signed.

        Parameters
        ----------
        since, hashes
            The hashes of the entries after ``since``, the head's own the last.
        """
        if len(hashes) != head.seq - since or hashes[-1:] != [head.hash]:
            raise LedgerError(f"{len(hashes)} hashes do not lead to entry {head.seq}", remedy="verify the ledger")
        links = "".join(text[len(_PREFIX) : len(_PREFIX) + LINK_DIGITS] for text in hashes)
        unsigned = SignedHead(
            seq=head.seq,
            hash=head.hash,
            at=at,
            since=since,
            links=links,
            links_sha256=digest_bytes(links.encode()),
            key=self.id,
            signature="",
        )
        return replace(unsigned, signature=base64.b64encode(self._key.sign(unsigned.content())).decode())


def key_id(key: Ed25519PublicKey) -> str:
    """Return what a key goes by: the first digits of its public half's digest."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"ed25519:{digest_bytes(raw).removeprefix(_PREFIX)[:16]}"


def trusted(private: Path, public: Path) -> PublicKeys:
    """Return the public keys of a file, or the private key's own half where there is no such file."""
    if not public.exists() and private.exists():
        return Signer.open(private, make=False).public()
    return PublicKeys.read(public)


def _whole(head: SignedHead) -> bool:
    right_length = len(head.links) == LINK_DIGITS * (head.seq - head.since)
    return right_length and head.hash.startswith(_PREFIX + head.links[-LINK_DIGITS:])


def _make(path: Path) -> None:
    """Write a new key with mode 0600 from the first byte; of two that make one at once, the first is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(name)
    except FileExistsError:
        return
    finally:
        Path(name).unlink(missing_ok=True)


def _no_key(path: Path, what: str, why: object) -> SettingsError:
    return SettingsError(f"the ledger's {what} {path} cannot be read: {why}", remedy=_MAKE_KEY)
