"""callgraph.html: the sentence, the picture, the hot functions, and what has become slower. Needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from slipway.core.identity import Subject
from slipway.core.verdict import Measurement, decide
from slipway.profiling.callgraph import CallGraph, Node, hot_functions, percent, prune
from slipway.profiling.picture import draw, heat
from slipway.profiling.regression import Change
from slipway.reporting.page import card, own_file, page
from slipway.reporting.tables import measurement_table, table

TABLE_ROWS = 40


def render(
    subject: Subject,
    *,
    graph: CallGraph,
    measurements: Sequence[Measurement],
    changes: Sequence[Change],
    compared: str,
) -> str:
    """Return the report as one HTML page; ``compared`` says what the profile was held against, or why it was not."""
    shown = prune(graph)
    note = (
        f"{len(shown.nodes)} of {len(graph.nodes)} functions, {graph.ms_per_request:.3g} ms a request when profiled. "
        "Box: function, share of the time with what it calls (self: without), calls and ms a request. "
        "Arrow: share and calls. Framed: what limits the rate."
    )
    parts = [
        card("Call graph", f'<p class="small">{note}<br>{_legend()}</p><div class="scroll">{draw(shown)}</div>'),
        card("What decided", measurement_table(measurements)),
        card("Against the champion", f'<p class="small">{escape(compared)}</p>{_changes(changes)}'),
        card("Hot functions", _hot(hot_functions(graph, TABLE_ROWS))),
    ]
    return page(
        "Serving profile",
        subject,
        parts,
        outcome=decide(measurements).outcome,
        lead=graph.sentence(),
        css=own_file(__file__, "report.css"),
        script=own_file(__file__, "sort.js"),
        wide=True,
    )


def _legend() -> str:
    stops = ",".join(f"{heat(i / 10)[0]} {i * 10}%" for i in range(11))
    return f'0 %<span class="legend" style="background:linear-gradient(90deg,{stops})"></span>100 % of the time'


def _changes(changes: Sequence[Change]) -> str:
    if not changes:
        return ""
    rows = [
        (f"<code>{escape(c.function)}</code>", f"{c.before_ms:.4g}", f"{c.now_ms:.4g}", f"+{c.grew_ms:.4g}")
        for c in changes[:TABLE_ROWS]
    ]
    return table(("Function", "Champion, ms", "Candidate, ms", "More, ms"), rows, numeric=(1, 2, 3))


def _hot(nodes: Sequence[Node]) -> str:
    most = max((n.own_share for n in nodes), default=1.0) or 1.0
    head = (
        "<tr><th>Function</th><th>Where</th><th>Whose</th><th class=num data-dir=down>Self</th>"
        "<th class=num>Self, ms</th><th class=num>Total</th>"
        "<th class=num>Total, ms</th><th class=num>Calls a request</th></tr>"
    )
    return (
        f'<table class="sort"><thead>{head}</thead><tbody>{"".join(_hot_row(n, most) for n in nodes)}</tbody></table>'
    )


def _hot_row(n: Node, most: float) -> str:
    """Return a row; the bar of the function that takes ``most`` is the longest."""
    bar = f'<span class="bar" style="width:{70 * n.own_share / most:.0f}px"></span>'
    cells = [
        f"<td><code>{escape(n.function.label)}</code></td><td class=small>{escape(n.function.place)}</td>",
        f"<td class=small>{n.function.origin.value}</td>",
        f'<td class=num data-v="{n.own_share:.6f}">{bar}{percent(n.own_share)}</td>',
        f'<td class=num data-v="{n.own_ms:.6f}">{n.own_ms:.4f}</td>',
        f'<td class=num data-v="{n.cumulative_share:.6f}">{percent(n.cumulative_share)}</td>',
        f'<td class=num data-v="{n.cumulative_ms:.6f}">{n.cumulative_ms:.4f}</td>',
        f'<td class=num data-v="{n.calls:.6f}">{n.calls:.4g}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"
