"""What an image's wheels must fit: an interpreter version and a machine, which may differ from this one's."""

from __future__ import annotations

import functools
import platform
import re
import sys
from dataclasses import dataclass

from slipway.errors import ImageBuildError

GLIBC_MINOR = 28
_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


@dataclass(frozen=True, slots=True)
class Target:
    """An interpreter ("3.11") on Linux with glibc 2.28 or later, on ``x86_64`` or ``aarch64``.

    >>> Target("3.11", "amd64").uv_platform
    'x86_64-manylinux_2_28'
    """

    python_version: str
    machine: str

    def __post_init__(self) -> None:
        """Refuse an interpreter or a machine that no wheel is named after."""
        if not re.fullmatch(r"3\.\d+", self.python_version):
            raise ImageBuildError(
                f"{self.python_version!r} is not a Python 3 version",
                remedy="use a base image with Python 3.11 or later",
            )
        known = _MACHINES.get(self.machine.lower())
        if known is None:
            raise ImageBuildError(f"machine {self.machine!r} is not supported", remedy="build on amd64 or arm64")
        object.__setattr__(self, "machine", known)

    @classmethod
    def of_this_host(cls) -> Target:
        """Return this interpreter on this machine."""
        return cls(f"{sys.version_info.major}.{sys.version_info.minor}", platform.machine())

    @property
    def uv_platform(self) -> str:
        """The platform as uv names it."""
        return f"{self.machine}-manylinux_2_{GLIBC_MINOR}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags of wheels that run here, best first."""
        found = []
        for minor in range(GLIBC_MINOR, 4 if self.machine == "x86_64" else 16, -1):
            found.append(f"manylinux_2_{minor}_{self.machine}")
            if minor in _LEGACY:
                found.append(f"{_LEGACY[minor]}_{self.machine}")
        return (*found, f"linux_{self.machine}")

    def rank(self, wheel_filename: str) -> int | None:
        """Return how well a wheel fits (0 is best), None if it does not.

        >>> Target("3.11", "x86_64").rank("numpy-2.4.6-cp312-cp312-manylinux_2_28_x86_64.whl") is None
        True
        """
        from packaging.utils import InvalidWheelFilename, parse_wheel_filename

        try:
            *_, tags = parse_wheel_filename(wheel_filename)
        except InvalidWheelFilename:
            return None
        ranks = _tag_ranks(self.python_version, self.platforms)
        return min((ranks[str(tag)] for tag in tags if str(tag) in ranks), default=None)

    def __str__(self) -> str:
        """Return both, as a person says them."""
        return f"python {self.python_version} on {self.uv_platform}"


@functools.lru_cache(maxsize=8)
def _tag_ranks(python_version: str, platforms: tuple[str, ...]) -> dict[str, int]:
    from packaging.tags import compatible_tags, cpython_tags

    version = tuple(int(part) for part in python_version.split("."))
    compact = python_version.replace(".", "")
    native = cpython_tags(version, abis=[f"cp{compact}"], platforms=platforms)
    general = compatible_tags(version, interpreter=f"cp{compact}", platforms=platforms)
    ranks: dict[str, int] = {}
    for tag in (*native, *general):
        ranks.setdefault(str(tag), len(ranks))
    return ranks
