"""The anchor file: signed heads, one a line, kept outside the ledger's database.

Rules
-----
1. A line is appended whole and is on the disk before anybody is told; nothing in the file is ever changed.
2. A last line without its end is a writing that was killed: it never counted, and the next anchor takes its place.
3. Any other line that is no head is told by its number, and the rest of the file still counts.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import LedgerError
from slipway.ledger.chain import canonical
from slipway.ledger.signing import SignedHead
from slipway.runtime.files import locked

LOCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A signed head and where it was found, as a person says it."""

    head: SignedHead
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Something where an anchor should be, and why it is none."""

    where: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a place holds."""

    anchors: tuple[Anchor, ...] = ()
    unread: tuple[Unread, ...] = ()


def parse(text: str, *, where: str) -> Anchor | Unread:
    """Return the anchor that a text is, or why it is none."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("it is no JSON object")
        return Anchor(head=SignedHead.from_json(data), where=where)
    except (ValueError, RecursionError) as error:
        return Unread(where=where, why=f"it is no JSON: {error}")
    except LedgerError as error:
        return Unread(where=where, why=error.reason)


class AnchorFile:
    """One file of anchors; safe to use from several processes at once.

    Parameters
    ----------
    path : Path
        Made, with its folder, by the first anchor.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Found:
        """Return the anchors, oldest first; nothing where there is no file. LedgerError if it cannot be read."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Found()
        except OSError as error:
            raise self._unusable(error) from error
        whole = data[: data.rfind(b"\n") + 1].decode("utf-8", "replace")
        parsed = [parse(line, where=f"{self.path}, line {n}") for n, line in enumerate(whole.split("\n")[:-1], 1)]
        return Found(
            anchors=tuple(one for one in parsed if isinstance(one, Anchor)),
            unread=tuple(one for one in parsed if isinstance(one, Unread)),
        )

    def append(self, head: SignedHead) -> None:
        """Add a head at the end; it is on the disk when this returns. LedgerError if it cannot be written."""
        line = canonical(head.to_json()) + b"\n"
        try:
            with locked(self.path.with_name(f".{self.path.name}.lock"), timeout_s=LOCK_SECONDS):
                new = not self.path.exists()
                with self.path.open("ab") as file:
                    file.truncate(self._whole_bytes())
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
                if new:
                    _sync_folder(self.path.parent)
        except OSError as error:
            raise self._unusable(error) from error

    def _whole_bytes(self) -> int:
        return self.path.read_bytes().rfind(b"\n") + 1

    def _unusable(self, error: OSError) -> LedgerError:
        return LedgerError(
            f"the anchor file {self.path} cannot be used: {error}",
            remedy="see that SLIPWAY_LEDGER_ANCHORS is yours and that its disk has room",
        )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
