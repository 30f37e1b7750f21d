"""What the program is started with: ``serving.json``, and limits from the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.core.identity import Subject
from slipway.core.signature import Signature
from slipway.errors import SettingsError, SlipwayError

PREFIX = "SLIPWAY_SERVING_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingConfig:
    """Which version is served, and its signature."""

    subject: Subject
    signature: Signature

    @classmethod
    def load(cls, path: Path) -> ServingConfig:
        """Read ``serving.json``: {"model", "version", "artifact_sha256", "signature"}.

        Raises
        ------
        SettingsError
            If the file cannot be read or does not hold.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls(subject=Subject.from_json(data), signature=Signature.from_json(data["signature"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SlipwayError) as error:
            raise SettingsError(
                f"{path} cannot be used: {type(error).__name__}: {error}", remedy="build the image again"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is taken at once.

    Attributes
    ----------
    max_bytes : int
        Size of a request's body.  SLIPWAY_SERVING_MAX_BYTES.
    max_rows : int
        Rows of one request.  SLIPWAY_SERVING_MAX_ROWS.
    max_inflight : int
        Requests that are being answered or wait for it.  SLIPWAY_SERVING_MAX_INFLIGHT.
    drain_seconds : float
        After SIGTERM: how long callers are still answered, and told to connect elsewhere.
        SLIPWAY_SERVING_DRAIN_SECONDS.
    """

    max_bytes: int = 16 * 1024 * 1024
    max_rows: int = 100_000
    max_inflight: int = 64
    drain_seconds: float = 1.0

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Limits:
        """Read the limits; SettingsError for one that is not a positive number."""
        env = os.environ if env is None else env
        default = cls()
        return cls(
            max_bytes=int(_number(env, "MAX_BYTES", default.max_bytes)),
            max_rows=int(_number(env, "MAX_ROWS", default.max_rows)),
            max_inflight=int(_number(env, "MAX_INFLIGHT", default.max_inflight)),
            drain_seconds=_number(env, "DRAIN_SECONDS", default.drain_seconds, least=0.0),
        )


def profiling_wanted(env: Mapping[str, str] | None = None) -> bool:
    """Tell whether requests run under cProfile: SLIPWAY_SERVING_PROFILE=1."""
    return (os.environ if env is None else env).get(PREFIX + "PROFILE") == "1"


def _number(env: Mapping[str, str], name: str, default: float, *, least: float = 1.0) -> float:
    text = env.get(PREFIX + name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value < float("inf"):
        raise SettingsError(
            f"{PREFIX}{name}={text!r} is not a number of at least {least:g}", remedy="correct it or leave it out"
        )
    return value
