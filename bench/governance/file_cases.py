"""What somebody with the disk's rights may do to files: each returns the files that are wrong then."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

Files = Sequence[Path]


def flip(files: Files, draw: random.Random) -> list[Path]:
    """Turn one bit of one file."""
    path = draw.choice(files)
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)
    return [path]


def append(files: Files, draw: random.Random) -> list[Path]:
    """Add a byte at the end of one file."""
    path = draw.choice(files)
    path.write_bytes(path.read_bytes() + draw.randbytes(1))
    return [path]


def cut(files: Files, draw: random.Random) -> list[Path]:
    """Cut the end of one file off: from a byte to all of it."""
    path = draw.choice(files)
    data = path.read_bytes()
    path.write_bytes(data[: draw.randrange(len(data))])
    return [path]


def remove(files: Files, draw: random.Random) -> list[Path]:
    """Take one file away."""
    path = draw.choice(files)
    path.unlink()
    return [path]


def swap(files: Files, draw: random.Random) -> list[Path]:
    """Let two files change places."""
    one, two = draw.sample(list(files), 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    return [one, two] if first != second else flip(files, draw)


def put_another(files: Files, draw: random.Random) -> list[Path]:
    """Put another file's content in one's place."""
    one, two = draw.sample(list(files), 2)
    if one.read_bytes() == two.read_bytes():
        return flip(files, draw)
    one.write_bytes(two.read_bytes())
    return [one]


CASES: tuple[Callable[[Files, random.Random], list[Path]], ...] = (flip, append, cut, remove, swap, put_another)
