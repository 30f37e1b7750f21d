"""callgraph.html: the sentence, the picture, the hot functions, and what has become slower. Needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from slipway.core.verdict import Bound, Measurement, Outcome, decide
from slipway.profiling.callgraph import CallGraph, Node, hot_functions, percent, prune
from slipway.profiling.picture import draw, heat
from slipway.profiling.regression import Change

TABLE_ROWS = 40


def render(
    title: str,
    *,
    graph: CallGraph,
    measurements: Sequence[Measurement],
    changes: Sequence[Change],
    compared: str,
) -> str:
    """Return the report as one HTML page; ``compared`` says what the profile was held against, or why it was not."""
    verdict = decide(measurements).outcome
    shown = prune(graph)
    note = (
        f"{len(shown.nodes)} of {len(graph.nodes)} functions, {graph.ms_per_request:.3g} ms a request when profiled. "
        "Box: function, share of the time with what it calls (self: without), calls and ms a request. "
        "Arrow: share and calls. Framed: what limits the rate."
    )
    body = [
        f"<h1>{escape(title)} {_chip(verdict)}</h1><p class=lead>{escape(graph.sentence())}</p>",
        f"<section class=card><h2>Call graph</h2><p class=note>{note}<br>{_legend()}</p>"
        f"<div class=scroll>{draw(shown)}</div></section>",
        f"<section class=card><h2>What decided</h2>{_measurement_table(measurements)}</section>",
        f"<section class=card><h2>Against the champion</h2><p class=note>{escape(compared)}</p>"
        f"{_changes(changes)}</section>",
        f"<section class=card><h2>Hot functions</h2>{_hot(hot_functions(graph, TABLE_ROWS))}</section>",
    ]
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}</title>"
    style, script = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("report.css", "sort.js"))
    content = f"<body><main>{''.join(body)}</main><script>{script}</script></body>"
    page = f"<head>{head}<style>{style}</style></head>{content}"
    return f"<!doctype html><html lang=en>{page}</html>\n"


def _chip(outcome: Outcome | None) -> str:
    text = "recorded" if outcome is None else outcome.value
    return f'<span class="chip {text}">{text}</span>'


def _legend() -> str:
    stops = ",".join(f"{heat(i / 10)[0]} {i * 10}%" for i in range(11))
    return f'0 %<span class="legend" style="background:linear-gradient(90deg,{stops})"></span>100 % of the time'


def _number(value: float | None, unit: str = "") -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" + (f" {unit}" if unit not in ("", "1") else "")


def _measurement_table(measurements: Iterable[Measurement]) -> str:
    rows = []
    for m in measurements:
        side = "" if m.bound is None else ("≤ " if m.bound is Bound.MAX else "≥ ")
        limit = side + _number(m.threshold, m.unit) if m.threshold is not None else ""
        few = f" of {m.n_required} needed" if m.n < m.n_required else ""
        rows.append(
            f"<tr><td>{_chip(m.outcome)}</td><td><code>{escape(m.name)}</code></td>"
            f"<td class=n>{_number(m.value, m.unit)}</td><td class=n>{limit}</td><td class=n>{m.n}{few}</td>"
            f"<td class=note>{escape(m.note)}</td></tr>"
        )
    head = (
        "<tr><th>Verdict</th><th>Measurement</th><th class=n>Value</th><th class=n>Limit</th><th class=n>n</th>"
        "<th>Note</th></tr>"
    )
    return f"<table>{head}{''.join(rows)}</table>"


def _changes(changes: Sequence[Change]) -> str:
    if not changes:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(c.function)}</code></td><td class=n>{c.before_ms:.4g}</td>"
        f"<td class=n>{c.now_ms:.4g}</td><td class=n>+{c.grew_ms:.4g}</td></tr>"
        for c in changes[:TABLE_ROWS]
    )
    head = (
        "<tr><th>Function</th><th class=n>Champion, ms</th><th class=n>Candidate, ms</th><th class=n>More, ms</th></tr>"
    )
    return f"<table>{head}{rows}</table>"


def _hot(nodes: Sequence[Node]) -> str:
    most = max((n.own_share for n in nodes), default=1.0) or 1.0
    head = (
        "<tr><th>Function</th><th>Where</th><th>Whose</th><th class=n data-dir=down>Self</th><th class=n>Self, ms</th>"
        "<th class=n>Total</th><th class=n>Total, ms</th><th class=n>Calls a request</th></tr>"
    )
    return (
        f'<table class="sort"><thead>{head}</thead><tbody>{"".join(_hot_row(n, most) for n in nodes)}</tbody></table>'
    )


def _hot_row(n: Node, most: float) -> str:
    """Return a row; the bar of the function that takes ``most`` is the longest."""
    bar = f'<span class="bar" style="width:{70 * n.own_share / most:.0f}px"></span>'
    cells = [
        f"<td><code>{escape(n.function.label)}</code></td><td class=note>{escape(n.function.place)}</td>",
        f"<td class=note>{n.function.origin.value}</td>",
        f'<td class=n data-v="{n.own_share:.6f}">{bar}{percent(n.own_share)}</td>',
        f'<td class=n data-v="{n.own_ms:.6f}">{n.own_ms:.4f}</td>',
        f'<td class=n data-v="{n.cumulative_share:.6f}">{percent(n.cumulative_share)}</td>',
        f'<td class=n data-v="{n.cumulative_ms:.6f}">{n.cumulative_ms:.4f}</td>',
        f'<td class=n data-v="{n.calls:.6f}">{n.calls:.4g}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"
