"""What the figures come to, as claims. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.batch.kills import Killed
from bench.results import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything that one run measured.

    Attributes
    ----------
    rows : int
        Scored from Parquet to Parquet.
    worker : dict
        What the scoring process said of that run: seconds, its peak memory.
    service_mb : float
        The service's peak memory, in MiB.
    native : sequence of dict
        Before and after: the bare model's rows a second, by the size of the parts that it is called with.
    loop : float
        The pandas loop's rows a second.
    copied, copied_rows : list of float, int
        Rows a second into PostgreSQL, for each write of so many.
    killed : dict of str to Killed
        By kind of sink.
    """

    rows: int
    worker: dict[str, Any]
    service_mb: float
    native: Sequence[dict[str, list[float]]]
    loop: float
    copied: list[float]
    copied_rows: int
    killed: dict[str, Killed]

    @property
    def per_second(self) -> float:
        """Rows scored a second, from end to end."""
        return float(self.rows / self.worker["seconds"])

    @property
    def native_per_second(self) -> float:
        """The bare model's rows a second: the median of its passes, with the size of parts that suits it best."""
        sizes = {size for one in self.native for size in one}
        return max(median(speed for one in self.native for speed in one[size]) for size in sizes)


def make_claims(found: Found) -> list[Claim]:
    """Return the claims of a run."""
    kills = sum(one.kills for one in found.killed.values())
    per_sink = ", ".join(f"{name}: {one.kills} kills, {one.rows:,} rows" for name, one in sorted(found.killed.items()))
    speeds = f"{found.per_second:,.0f} rows/s from end to end, planning to last commit"
    return [
        Claim(
            name="batch.throughput_vs_native",
            value=found.per_second / found.native_per_second,
            unit="x",
            n=found.rows,
            against=f"the model's own library in process, on arrays in memory: {found.native_per_second:,.0f} rows/s; "
            f"{speeds}, Parquet to Parquet on two cores; target 0.7",
        ),
        Claim(
            name="batch.throughput_vs_pyfunc_loop",
            value=found.per_second / found.loop,
            unit="x",
            n=found.rows,
            against=f"mlflow.pyfunc in a pandas loop, Parquet to Parquet: {found.loop:,.0f} rows/s; {speeds}",
        ),
        Claim(
            name="batch.peak_mb",
            value=found.worker["peak_mb"] + found.service_mb,
            unit="MiB",
            n=found.rows,
            against=f"limit 1500: the scoring process's peak {found.worker['peak_mb']:.0f} and the service's "
            f"{found.service_mb:.0f}, added up though they need not fall together",
        ),
        Claim(
            name="batch.postgres_rows_per_second",
            value=median(found.copied),
            unit="1/s",
            n=len(found.copied),
            against=f"target 50,000: COPY of {found.copied_rows:,} rows, the older ones deleted, to the commit; "
            f"{min(found.copied):,.0f} to {max(found.copied):,.0f}",
        ),
        Claim(
            name="batch.rows_lost_or_doubled_after_20_kills",
            value=float(sum(one.wrong for one in found.killed.values())),
            unit="rows",
            n=kills,
            against=f"an undisturbed run, row for row and column for column; {per_sink}",
        ),
    ]
