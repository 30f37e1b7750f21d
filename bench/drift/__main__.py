"""Quiet nights, shifted nights and a wide table: ``python -m bench.drift`` -> bench/results/drift.json."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import results
from bench.drift import wide_data
from bench.drift.claims import night_claims, wide_claims
from bench.drift.quiet import PEER_REFERENCE_ROWS, REFERENCE_DAYS, ROWS, Nights, Tally, simulate
from bench.drift.wide import Figures, in_child
from slipway.settings import Settings

SHARES = (0.001, 0.01, 0.1, 1.0)
OUR_SECONDS, OUR_MB = 600.0, 8192.0
PEER_SECONDS, PEER_MB = 180.0, 10240.0
DAY_SPREAD = 0.05


def main(argv: Sequence[str]) -> int:
    """Run both parts, one after the other, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the nights, a hundredth of the rows; no figures"
    )
    parser.add_argument("--data", type=Path, help="a folder to keep the wide table in, 6.3 GB, and to find it again")
    asked = parser.parse_args(argv)
    started = datetime.now(UTC)
    clock = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - clock:7.1f} s  {line}", flush=True)

    with tempfile.TemporaryDirectory(dir=_scratch()) as folder:
        ours, theirs = wide(asked.data or Path(folder), say, quick=asked.quick)
    alike, differing = nights(say, quick=asked.quick)
    claims = [*night_claims(alike, differing), *wide_claims(ours, theirs[-1] if theirs else None)]
    more = {
        "nights": {"rows": ROWS, "reference_days": REFERENCE_DAYS, "day_spread_sd": DAY_SPREAD,
            "evidently_reference_rows": PEER_REFERENCE_ROWS,
                   "alike": alike.to_json(), "differing": differing.to_json()},
        "wide": {"slipway": ours, "evidently": theirs, "evidently_limits": {"seconds": PEER_SECONDS, "mb": PEER_MB}},
    }  # fmt: skip
    if asked.quick:
        for claim in claims:
            print(f"{claim.name:<48} {claim.value:>10.3f} {claim.unit:<3} n={claim.n}  {claim.against}")
        return 0
    results.write("drift", claims, started_at=started, more=more)
    return 0


def wide(folder: Path, say: Any, *, quick: bool) -> tuple[Figures, list[Figures]]:
    """Return our figures on the whole table, and Evidently's on each share of it that it came through."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "current.parquet").is_file():
        thin = 100 if quick else 1
        wide_data.make(folder, rows=wide_data.ROWS // thin, reference_rows=wide_data.REFERENCE_ROWS // thin)
        say("wide table made")
    ours = in_child("slipway", folder, limit_s=OUR_SECONDS, limit_mb=OUR_MB)
    if ours is None:
        raise SystemExit(f"the wide table took more than {OUR_SECONDS:g} s or {OUR_MB:g} MB")
    say(
        f"Slipway: {ours['rows']:,} rows in {ours['seconds']:.0f} s, {ours['peak_mb']:,.0f} MB; "
        f"drifted: {ours['drifted']}"
    )
    theirs: list[Figures] = []
    for share in SHARES[:1] if quick else SHARES:
        found = in_child("evidently", folder, share=share, limit_s=PEER_SECONDS, limit_mb=PEER_MB)
        if found is None:
            say(f"Evidently: {share:g} of the rows take more than {PEER_SECONDS:g} s or {PEER_MB:g} MB")
            break
        say(f"Evidently: {found['rows']:,} rows in {found['seconds']:.0f} s, {found['peak_mb']:,.0f} MB")
        theirs.append(found)
    return ours, theirs


def nights(say: Any, *, quick: bool) -> tuple[Tally, Tally]:
    """Return the nights whose days are alike, and those whose days differ and are told apart.

    Evidently has no notion of days: it is compared on the former alone.
    """
    series = Nights(models=2, quiet=10, moved=5) if quick else Nights()
    say("nights of one distribution")
    alike = simulate(series, say)
    say(f"nights that differ by {DAY_SPREAD:g} sd")
    series = replace(series, evidently=False, moved=0)
    return alike, simulate(series, say, day_spread=DAY_SPREAD, days_told=True)


def _scratch() -> Path:
    folder = Settings.load().var / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
