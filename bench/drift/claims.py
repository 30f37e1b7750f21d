"""The claims that the figures come to, each with what it is against. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.drift.quiet import SHIFTS, Tally
from bench.results import Claim

STATED = 1.0
LIMIT_S, LIMIT_MB = 180.0, 4096.0
HALF = 0.5
Figures = Mapping[str, Any]


def night_claims(alike: Tally, differing: Tally) -> Iterator[Claim]:
    """Yield the claims on false alarms and on detection.

    Parameters
    ----------
    alike, differing : Tally
        Nights whose rows come from one distribution, and nights that differ from each other, with days told apart.
    """
    theirs = f"Evidently's preset {alike.evidently_quiet.per_month:.3g}" if alike.evidently_quiet.nights else "no peer"
    yield Claim(
        name="drift.false_alarms_per_model_month", value=alike.quiet.per_month, unit="1", n=alike.quiet.nights,
        against=f"stated: at most {STATED:g}; {theirs}",
    )  # fmt: skip
    yield Claim(
        name="drift.false_alarms_when_days_differ", value=differing.quiet.per_month, unit="1", n=differing.quiet.nights,
        against=f"stated: at most {STATED:g}; every column's place differs from day to day, days told apart",
    )  # fmt: skip
    for by in SHIFTS:
        found, peer = alike.found[by], alike.evidently_found[by]
        theirs = f"Evidently's preset {peer.share:.2f}" if peer.nights else "no peer"
        yield Claim(
            name="drift.detection_rate_half_sd" if by == HALF else f"drift.detection_rate_{by:g}_sd",
            value=found.share, unit="1", n=found.nights,
            against=f"one column in 20 shifted by {by:g} sd, found the same night; {theirs}",
        )  # fmt: skip
    yield Claim(
        name="drift.detection_rate_at_stated_shift", value=alike.at_stated.share, unit="1", n=alike.at_stated.nights,
        against="the shift that the report says it finds 95 times in 100, of each column its own",
    )  # fmt: skip


def wide_claims(ours: Figures, theirs: Figures | None) -> Iterator[Claim]:
    """Yield the claims on the wide table; ``theirs`` is the largest share of it that Evidently came through."""
    rows = int(ours["rows"])
    yield Claim(
        name="drift.wide_seconds", value=ours["seconds"], unit="s", n=rows,
        against=f"limit {LIMIT_S:g} s; both reports; {ours['sampling']['used']:,} of {rows:,} rows used",
    )  # fmt: skip
    yield Claim(name="drift.wide_peak_mb", value=ours["peak_mb"], unit="MB", n=rows, against=f"limit {LIMIT_MB:g} MB")
    if theirs is None:
        return
    what = f"Evidently's preset on {theirs['rows']:,} rows: {theirs['seconds']:.0f} s, {theirs['peak_mb']:,.0f} MB"
    yield Claim(
        name="drift.wide_vs_evidently_preset", value=theirs["seconds"] / ours["seconds"], unit="x", n=theirs["rows"],
        against=f"{what}; ours on {rows:,}",
    )  # fmt: skip
    pace = (rows / ours["seconds"]) / (theirs["rows"] / theirs["seconds"])
    yield Claim(name="drift.wide_rows_per_second_vs_evidently_preset", value=pace, unit="x", n=rows, against=what)
