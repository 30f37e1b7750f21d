"""How the serving program is tuned: what the tuning gate searches over, and production starts with.

None of these changes an answer. They are part of a container's environment, not of its image, so that one image can be
tuned anew on another host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from slipway.errors import SettingsError

PREFIX = "SLIPWAY_SERVING_"


class Mode(StrEnum):
    """Where the model is called.

    ``inline``: on the event loop, for models that answer in far less than a millisecond. ``pool``: in a worker thread,
    so that the loop stays free. ``auto``: by the time that the model took when it was warmed.
    """

    AUTO = "auto"
    INLINE = "inline"
    POOL = "pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingOptions:
    """One configuration of the serving program.

    Attributes
    ----------
    mode : Mode
    threads : int
        Threads that the model itself may use for one call (ONNX Runtime's intra-op threads).
    batch_rows : int
        Up to how many rows of waiting requests are put into one call; 1: each request is a call of its own.
    batch_wait_ms : float
        How long a request may wait for others to join its batch; 0: only those that wait already do.
    workers : int
        Processes that share the port.

    >>> ServingOptions(threads=2).to_env()["SLIPWAY_SERVING_THREADS"]
    '2'
    """

    mode: Mode = Mode.AUTO
    threads: int = 1
    batch_rows: int = 1
    batch_wait_ms: float = 0.0
    workers: int = 1

    def __post_init__(self) -> None:
        """Raise SettingsError unless every value can be served with."""
        if self.threads < 1 or self.batch_rows < 1 or self.workers < 1 or not 0 <= self.batch_wait_ms <= 1000:
            raise SettingsError(f"{self} cannot be served with", remedy="counts start at 1, waits end at 1000 ms")

    def to_env(self) -> dict[str, str]:
        """Return the environment variables that say so."""
        return {PREFIX + name.upper(): str(value) for name, value in self.to_json().items()}

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> ServingOptions:
        """Read the variables that are set; SettingsError for one that cannot be read."""
        given = {name: env[PREFIX + name.upper()] for name in asdict(cls()) if env.get(PREFIX + name.upper())}
        return cls.from_json(given)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "mode": self.mode.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ServingOptions:
        """Read what :meth:`to_json` wrote; names that are left out keep their default."""
        readers = {"mode": Mode, "threads": int, "batch_rows": int, "batch_wait_ms": float, "workers": int}
        try:
            return cls(**{name: readers[name](value) for name, value in data.items()})
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(
                f"serving options {dict(data)!r} cannot be read: {error}", remedy=f"known: {', '.join(readers)}"
            ) from error
