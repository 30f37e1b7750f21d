"""The claims that the figures come to, each with what it is against. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench.results import Claim
from bench.serving.figures import Cell, Cells, Ratio, ratio
from bench.serving.plan import MAIN_MODEL, OVERLOAD
from bench.serving.systems import ECHO, PEERS, SLIPWAY
from bench.serving.tails import Tails, pooled, tail_ratio
from slipway.core.spec import Objectives

NATIVE = "native"
P99_MS = Objectives().p99_ms
THROUGHPUT = "throughput_c16"
_TITLES = {
    NATIVE: "the model in process",
    "mlflow": "MLflow's scoring server",
    "mlserver": "MLServer",
    "bentoml": "BentoML",
    ECHO: "a bare ASGI echo",
}


def title(system: str) -> str:
    """Return a system's name as a person writes it.

    >>> title("slipway:array")
    'Slipway, array'
    """
    return _TITLES.get(system, system.replace(SLIPWAY, "Slipway").replace(":", ", "))


def best_peer(cells: Cells, model: str, measure: str, *, higher_is_better: bool) -> tuple[str, Cell] | None:
    """Return the peer with the best median and its figure; None if no peer was measured."""
    found = [(peer, cell) for peer in PEERS if (cell := cells.get(model, peer, measure)) is not None]
    pick = max if higher_is_better else min
    return pick(found, key=lambda pair: pair[1].median) if found else None


def make_claims(cells: Cells, models: Sequence[str], tails: Tails | None = None) -> list[Claim]:
    """Return every claim for which both sides were measured; ``tails`` are the main model's turns at given rates."""
    return [
        *_against_peers(cells, models),
        *_against_echo(cells, models),
        *_latencies(tails or {}),
        *_pyfunc(cells),
        *_large(cells, models),
        *_validation(cells, models),
        *_overload(cells, models),
    ]


def _against_peers(cells: Cells, models: Sequence[str]) -> Iterator[Claim]:
    for model in models:
        best = best_peer(cells, model, THROUGHPUT, higher_is_better=True)
        if best is not None:
            what = "one row, 16 connections, closed loop"
            yield from _claim(cells, (model, THROUGHPUT), f"throughput_vs_best_peer_{model}", best[0], what)


def _against_echo(cells: Cells, models: Sequence[str]) -> Iterator[Claim]:
    for model in models:
        what = "the same bytes, 16 connections, closed loop"
        yield from _claim(cells, (model, THROUGHPUT), f"throughput_vs_echo_{model}", ECHO, what)


def _latencies(tails: Tails) -> Iterator[Claim]:
    for rate in (10, 100, 1000):
        ours = tails.get((SLIPWAY, rate))
        peers = {peer: turns for peer in PEERS if (turns := tails.get((peer, rate)))}
        if not ours or not peers:
            continue
        best = min(peers, key=lambda peer: pooled(peers[peer]))
        found = tail_ratio(ours, peers[best])
        what = f"{title(best)}; {MAIN_MODEL}, one row, Poisson arrivals, from the intended moment; below 1 is faster"
        if found is None:
            n = sum(len(turn.values) for turn in ours)
            value, spread = 0.0 if math.isfinite(pooled(ours)) else math.nan, "no peer held the rate"
        else:
            value, n = found.value, found.n
            spread = f"all requests of {found.turns} turns each, 95 % of draws {found.low:.3g} to {found.high:.3g}"
        yield Claim(
            name=f"serving.p99_at_{rate}rps_vs_best_peer", value=value, unit="x", n=n, against=f"{what}; {spread}"
        )


def _pyfunc(cells: Cells) -> Iterator[Claim]:
    what = "a model that cannot be compiled, one row, 16 connections"
    yield from _claim(cells, ("pyfunc", THROUGHPUT), "pyfunc_vs_mlflow", "mlflow", what)


def _large(cells: Cells, models: Sequence[str]) -> Iterator[Claim]:
    forms = (("rows10k_binary", "v2 binary tensor", ""), ("rows10k", "dataframe_split JSON", "_json"))
    for model in models:
        native = cells.get(model, NATIVE, "rows10k")
        suffix = "" if model == MAIN_MODEL else f"_{model}"
        for measure, form, kind in forms:
            ours = cells.get(model, SLIPWAY, measure)
            found = ratio(ours, native) if ours is not None and native is not None else None
            if ours is not None and found is not None:
                against = f"the native model's predict in process, {model}, the same 10,000 rows, sent as {form}"
                yield _as_claim(f"rows10k{kind}_vs_native{suffix}", found, ours.n, against)


def _validation(cells: Cells, models: Sequence[str]) -> Iterator[Claim]:
    for model in models:
        share = cells.get(model, SLIPWAY, "validate_share")
        if share is not None:
            against = f"{model}, one row: time in the phase validate over that of all phases, from /metrics"
            yield Claim(
                name=f"serving.validation_share_{model}", value=share.median, unit="1", n=share.n, against=against
            )


def _overload(cells: Cells, models: Sequence[str]) -> Iterator[Claim]:
    for model in models:
        p99, refused, lost = (cells.get(model, SLIPWAY, f"overload_{name}") for name in ("p99_ms", "refused", "lost"))
        if p99 is None or refused is None or lost is None:
            continue
        against = (
            f"the model's p99 objective of {P99_MS:g} ms; {model} at {OVERLOAD:g} times the rate that it sustains: "
            f"{refused.median:.0%} of {refused.n} were told to come back, {lost.median:g} were lost"
        )
        yield Claim(
            name=f"serving.overload_p99_vs_objective_{model}", value=p99.median / P99_MS, unit="x", n=p99.n,
            against=against,
        )  # fmt: skip


def _claim(cells: Cells, key: tuple[str, str], name: str, other: str, what: str) -> Iterator[Claim]:
    model, measure = key
    ours, theirs = cells.get(model, SLIPWAY, measure), cells.get(model, other, measure)
    found = ratio(ours, theirs) if ours is not None and theirs is not None else None
    if ours is not None and found is not None:
        yield _as_claim(name, found, ours.n, f"{title(other)}; {what}")


def _as_claim(name: str, found: Ratio, n: int, against: str) -> Claim:
    spread = f"median of {found.rounds} pairs, {found.low:.3g} to {found.high:.3g}"
    return Claim(name=f"serving.{name}", value=found.median, unit="x", n=n, against=f"{against}; {spread}")
