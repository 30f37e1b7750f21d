"""The figures as a picture: throughput for each model, and latency against the rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.serving.claims import THROUGHPUT, title
from bench.serving.figures import Cells
from bench.serving.plan import MAIN_MODEL
from bench.serving.systems import ECHO, PEERS, SLIPWAY

_SYSTEMS = (*PEERS, SLIPWAY, ECHO)
_COLOURS = {"mlflow": "#7f8ea3", "mlserver": "#c98a3d", "bentoml": "#8c6bb1", SLIPWAY: "#0b6e4f", ECHO: "#c9ced6"}
_MARKERS = {"mlflow": "s", "mlserver": "^", "bentoml": "D", SLIPWAY: "o", ECHO: "x"}
_INK, _GRID = "#1f2933", "#e4e7eb"


def draw(cells: Cells, models: Sequence[str], *, rates: Sequence[float], out: Path) -> Path:
    """Write the picture: bars of single-row throughput, and p99 at each rate; log scales, ranges as whiskers."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 10, "svg.hashsalt": "bench", "text.color": _INK})
    figure, (bars, lines) = plt.subplots(1, 2, figsize=(13, 5), width_ratios=(3, 2), layout="constrained")
    _bars(bars, cells, models)
    _lines(lines, cells, rates)
    known = [system for system in _SYSTEMS if any(system in cells.systems(model) for model in models)]
    handles = [plt.Rectangle((0, 0), 1, 1, color=_COLOURS[system]) for system in known]
    figure.legend(handles, [title(system) for system in known], loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(out, metadata={"Date": None})
    plt.close(figure)
    return out


def _bars(axes: Any, cells: Cells, models: Sequence[str]) -> None:
    width = 0.8 / len(_SYSTEMS)
    for place, system in enumerate(_SYSTEMS):
        for position, model in enumerate(models):
            cell = cells.get(model, system, THROUGHPUT)
            if cell is None:
                continue
            x = position + (place - (len(_SYSTEMS) - 1) / 2) * width
            whiskers = [[cell.median - cell.low], [cell.high - cell.median]]
            axes.bar(x, cell.median, width * 0.92, color=_COLOURS[system], yerr=whiskers, ecolor=_INK, capsize=2)
            axes.annotate(
                _short(cell.median), (x, cell.high), (0, 4), textcoords="offset points", ha="center", fontsize=8
            )
    axes.set_yscale("log")
    axes.margins(y=0.12)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xticks(range(len(models)), models)
    _dress(axes, "One row a request, 16 connections: requests a second")
    axes.grid(axis="x", visible=False)


def _lines(axes: Any, cells: Cells, rates: Sequence[float]) -> None:
    from matplotlib.ticker import LogLocator

    for system in _SYSTEMS:
        found = [(rate, cells.get(MAIN_MODEL, system, f"p99_ms_at_{rate:g}")) for rate in rates]
        points = [(rate, cell) for rate, cell in found if cell is not None and math.isfinite(cell.high)]
        if points:
            middles = [cell.median for _, cell in points]
            spread = [[c.median - c.low for _, c in points], [c.high - c.median for _, c in points]]
            axes.errorbar(
                [rate for rate, _ in points],
                middles,
                yerr=spread,
                color=_COLOURS[system],
                marker=_MARKERS[system],
                linewidth=2,
                capsize=3,
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(list(rates), [f"{rate:,.0f}/s" for rate in rates])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    _dress(axes, f"{MAIN_MODEL}: p99 in ms at a given rate (no point: not held)")


def _dress(axes: Any, heading: str) -> None:
    axes.set_title(heading, loc="left", fontsize=11, fontweight="bold")
    axes.grid(color=_GRID, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _short(value: float) -> str:
    """Return a number in little space.

    >>> _short(26600.0), _short(463.2)
    ('26.6k', '463')
    """
    return f"{value / 1000:.1f}k" if value >= 1000 else f"{value:.0f}"
