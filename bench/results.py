"""The form in which a benchmark leaves its figures."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One figure: its value, how many samples it stands on, and what it is held against."""

    name: str
    value: float
    unit: str
    n: int
    against: str


def write(name: str, claims: list[Claim], *, started_at: datetime, more: Mapping[str, Any] | None = None) -> Path:
    """Write ``bench/results/<name>.json``, with whatever else there is to keep, and print the claims."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {
        "claims": [asdict(claim) for claim in claims],
        "host": {
            "machine": platform.machine(),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
        },
        "started_at": started_at.isoformat(),
        "ended_at": datetime.now(UTC).isoformat(),
        **(more or {}),
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
    for claim in claims:
        print(f"{claim.name:<44} {claim.value:>10.3f} {claim.unit:<4} n={claim.n}  {claim.against}")
    print(f"written to {path.relative_to(RESULTS.parents[1])}")
    return path
