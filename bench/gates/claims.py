"""The benchmark's figures, from its records. Pure.

Rules
-----
1. A fault is caught if its release ended no later than at the last step that could know of it. Later is not caught.
2. A good version is blocked falsely if its release ended at all; one that was stopped before it was tampered with
   was good until then.
3. A run that broke (the case could not be made, the stack failed) counts for nothing, and is listed.
4. A rate stands beside its 95 % interval (Wilson).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from bench.gates.case import GOOD, STEPS
from bench.gates.records import Cell, Record, Verdict
from bench.results import Claim

SEEN_EARLY = ("validate_data", "evaluate", "run_scenarios")
CAUGHT_AT_LEAST, BLOCKED_AT_MOST, SECONDS_AT_MOST, POWER_AT_LEAST = 0.95, 0.02, 60.0, 0.99


def claims(records: Sequence[Record], power: Sequence[bool] = ()) -> list[Claim]:
    """Return the claims that the records allow.

    Parameters
    ----------
    records : sequence of Record
    power : sequence of bool
        For each injected half-percent fault, whether the scenario gate failed.
    """
    judged = [r for r in records if r.verdict is not Verdict.BROKEN]
    faulty, good = [r for r in judged if r.faulty], [r for r in judged if not r.faulty]
    found = []
    if faulty:
        caught = [r.verdict is Verdict.CAUGHT for r in faulty]
        found.append(_rate("gates.catch_rate", caught, f"at least {CAUGHT_AT_LEAST:.0%} of faulty versions"))
    if good:
        blocked = [r.verdict is Verdict.FALSE_BLOCK for r in good]
        found.append(_rate("gates.false_block_rate", blocked, f"at most {BLOCKED_AT_MOST:.0%} of good versions' runs"))
    early = seconds_of_early_faults(judged)
    if early:
        unbuilt = seconds_of_early_faults(judged, image=True)
        found.append(
            Claim(
                name="gates.seconds_to_verdict_p95",
                value=quantile(early, 0.95),
                unit="s",
                n=len(early),
                against=f"limit {SECONDS_AT_MOST:.0f} s from the trigger, image cached; median "
                f"{quantile(early, 0.5):.0f} s; p95 with the image built {quantile(unbuilt, 0.95):.0f} s",
            )
        )
    if power:
        against = f"at least {POWER_AT_LEAST:.0%} of faults that touch 0.5 % of rows, one at a time"
        found.append(_rate("gates.power_at_half_percent", power, against))
    return found


def seconds_of_early_faults(records: Iterable[Record], *, image: bool = False) -> list[float]:
    """Return the seconds to the verdict of the caught faults that the data gate or the scenarios can see.

    With ``image``, what building the image took is added where the release got as far as that.
    """
    early = [r for r in records if r.verdict is Verdict.CAUGHT and r.expected in SEEN_EARLY and r.seconds is not None]
    return [(r.seconds or 0.0) + (_image_seconds(r) if image else 0.0) for r in early]


def _image_seconds(record: Record) -> float:
    built = record.cells.get("build_image", Cell.NOT_REACHED) is not Cell.NOT_REACHED
    return (record.image_seconds or 0.0) if built else 0.0


def matrix(records: Sequence[Record]) -> dict[str, Any]:
    """Return the whole matrix as JSON values: each run, each case's repeats, and the counts behind the claims."""
    return {
        "steps": steps_of(records),
        "summary": summary(records),
        "cases": [
            {
                "case": runs[0].case,
                "group": runs[0].group,
                "model": runs[0].model,
                "why": runs[0].why,
                "expected": runs[0].expected or "released",
                "agree": agree(runs),
                "runs": [
                    {
                        "repeat": r.repeat,
                        "runtime": r.runtime,
                        "version": r.version,
                        "verdict": r.verdict.value,
                        "stopped_at": r.stopped_at,
                        "seconds": r.seconds,
                        "reason": r.reason,
                        "cells": dict(r.cells),
                    }
                    for r in runs
                ],
            }
            for runs in by_case(records)
        ],
    }


def summary(records: Sequence[Record]) -> dict[str, Any]:
    """Return counts: verdicts, at which step faults were caught, and how often repeats agree."""
    caught = [r for r in records if r.verdict is Verdict.CAUGHT]
    repeated = [runs for runs in by_case(records) if len(runs) > 1]
    return {
        "cases": len(by_case(records)),
        "runs": len(records),
        "verdicts": {v.value: sum(r.verdict is v for r in records) for v in Verdict},
        "caught_at": {s: n for s in STEPS if (n := sum(r.stopped_at == s for r in caught))},
        "caught_inconclusive": sum(r.cells[r.stopped_at] is Cell.INCONCLUSIVE for r in caught),
        "repeated_cases": len(repeated),
        "repeated_cases_that_agree": sum(agree(runs) for runs in repeated),
    }


def by_case(records: Iterable[Record]) -> list[list[Record]]:
    """Return the records of each case together, the cases group by group, as they come first; good ones last."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record.case].append(record)
    groups = list(dict.fromkeys(runs[0].group for runs in found.values()))
    return sorted(found.values(), key=lambda runs: (runs[0].group == GOOD, groups.index(runs[0].group)))


def agree(runs: Sequence[Record]) -> bool:
    """Tell whether all runs of a case ended at the same step; those that broke say nothing."""
    return len({r.stopped_at for r in runs if r.verdict is not Verdict.BROKEN}) <= 1


def steps_of(records: Iterable[Record]) -> list[str]:
    """Return the steps that the releases had, in their order."""
    present = {step for record in records for step in record.cells}
    return [step for step in STEPS if step in present]


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate.

    >>> [round(end, 3) for end in wilson(0, 50)]
    [0.0, 0.071]
    """
    z, p = 1.96, hits / n
    middle, width = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (middle - width) / scale), min(1.0, (middle + width) / scale)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that a share of the values does not exceed.

    >>> quantile([3.0, 1.0, 2.0], 0.95)
    3.0
    """
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _rate(name: str, hits: Sequence[bool], against: str) -> Claim:
    low, high = wilson(sum(hits), len(hits))
    text = f"{against}; {sum(hits)} of {len(hits)}, 95 % interval {low:.3f} to {high:.3f}"
    return Claim(name=name, value=sum(hits) / len(hits), unit="1", n=len(hits), against=text)
