"""What the program is started with: ``serving.json``, and limits from the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.core.identity import Subject
from slipway.core.serving_options import PREFIX
from slipway.core.signature import Signature
from slipway.errors import SettingsError, SlipwayError

_P99_MS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingConfig:
    """Which version is served, its signature, and how.

    Attributes
    ----------
    subject, signature : Subject, Signature
    backend : str or None
        What calls the model; None: found out when it is loaded.
    p99_ms : float
        The latency objective; how long a request may wait follows from it.
    """

    subject: Subject
    signature: Signature
    backend: str | None = None
    p99_ms: float = _P99_MS

    @classmethod
    def load(cls, path: Path) -> ServingConfig:
        """Read ``serving.json``: {"model", "version", "artifact_sha256", "signature", "backend", "objectives"}.

        Raises
        ------
        SettingsError
            If the file cannot be read or does not hold.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                subject=Subject.from_json(data),
                signature=Signature.from_json(data["signature"]),
                backend=data.get("backend"),
                p99_ms=float(data.get("objectives", {}).get("p99_ms", _P99_MS)),
            )
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
    max_held_bytes : int
        Size of all bodies at hand that are not small.  SLIPWAY_SERVING_MAX_HELD_BYTES.
    max_inflight : int
        Requests that are being answered or wait for it.  SLIPWAY_SERVING_MAX_INFLIGHT.
    queue_budget_ms : float or None
        How long a request may be expected to take from now, its waiting included; None: most of the latency
        objective.  SLIPWAY_SERVING_QUEUE_BUDGET_MS.
    deadline_seconds : float
        After which a request that still waits is given up, unless its caller says less.
        SLIPWAY_SERVING_DEADLINE_SECONDS.
    drain_seconds : float
        After SIGTERM: how long callers are still answered, and told to connect elsewhere.
        SLIPWAY_SERVING_DRAIN_SECONDS.
    """

    max_bytes: int = 16 * 1024 * 1024
    max_rows: int = 100_000
    max_held_bytes: int = 64 * 1024 * 1024
    max_inflight: int = 1024
    queue_budget_ms: float | None = None
    deadline_seconds: float = 30.0
    drain_seconds: float = 1.0

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Limits:
        """Read the limits; SettingsError for one that is not a positive number."""
        env = os.environ if env is None else env
        default = cls()
        budget = _number(env, "QUEUE_BUDGET_MS", 0.0, least=0.0)
        return cls(
            max_bytes=int(_number(env, "MAX_BYTES", default.max_bytes)),
            max_rows=int(_number(env, "MAX_ROWS", default.max_rows)),
            max_held_bytes=int(_number(env, "MAX_HELD_BYTES", default.max_held_bytes)),
            max_inflight=int(_number(env, "MAX_INFLIGHT", default.max_inflight)),
            queue_budget_ms=budget or None,
            deadline_seconds=_number(env, "DEADLINE_SECONDS", default.deadline_seconds, least=0.0),
            drain_seconds=_number(env, "DRAIN_SECONDS", default.drain_seconds, least=0.0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLimits:
    """How much the prediction log may take.

    Attributes
    ----------
    entries, queue_bytes : int
        What may wait to be written, in memory; the bytes are those of requests with more than a few rows.
        SLIPWAY_SERVING_LOG_ENTRIES, SLIPWAY_SERVING_LOG_QUEUE_BYTES.
    segment_bytes, segment_seconds : int, float
        When a new segment is begun.  SLIPWAY_SERVING_LOG_SEGMENT_BYTES, SLIPWAY_SERVING_LOG_SEGMENT_SECONDS.
    folder_bytes : int
        Of a version's segments together; the oldest go.  SLIPWAY_SERVING_LOG_FOLDER_BYTES.
    """

    entries: int = 20_000
    queue_bytes: int = 32 * 1024 * 1024
    segment_bytes: int = 32 * 1024 * 1024
    segment_seconds: float = 3600.0
    folder_bytes: int = 1024 * 1024 * 1024

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> LogLimits:
        """Read the limits; SettingsError for one that is not a positive number."""
        env = os.environ if env is None else env
        default = cls()
        return cls(
            entries=int(_number(env, "LOG_ENTRIES", default.entries)),
            queue_bytes=int(_number(env, "LOG_QUEUE_BYTES", default.queue_bytes)),
            segment_bytes=int(_number(env, "LOG_SEGMENT_BYTES", default.segment_bytes)),
            segment_seconds=_number(env, "LOG_SEGMENT_SECONDS", default.segment_seconds, least=0.0),
            folder_bytes=int(_number(env, "LOG_FOLDER_BYTES", default.folder_bytes)),
        )


def log_folder(env: Mapping[str, str] | None = None) -> Path | None:
    """Return where the prediction log is to be written: SLIPWAY_SERVING_LOG_DIR; None: nowhere."""
    folder = (os.environ if env is None else env).get(PREFIX + "LOG_DIR")
    return Path(folder) if folder else None


def backend_wanted(config: ServingConfig, evidence: Path, env: Mapping[str, str] | None = None) -> str | None:
    """Return which backend to serve with: SLIPWAY_SERVING_BACKEND, if the evidence is for it, else the image's choice.

    Raises
    ------
    SettingsError
        If the one that is asked for did not qualify when the image was built.
    """
    wanted = (os.environ if env is None else env).get(PREFIX + "BACKEND")
    if not wanted or wanted == config.backend:
        return config.backend
    try:
        told = json.loads(evidence.read_text(encoding="utf-8"))["candidates"]
        qualified = [one["name"] for one in told if one["outcome"] in ("native", "same")]
    except (OSError, ValueError, KeyError, TypeError):
        qualified = []
    if wanted not in qualified:
        raise SettingsError(
            f"{PREFIX}BACKEND={wanted!r} did not qualify when the image was built",
            remedy=f"leave it out, or use one of {', '.join(qualified)}" if qualified else "leave it out",
        )
    return wanted


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
