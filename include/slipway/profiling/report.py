"""callgraph.html: the sentence, the picture, the hot functions, and what has become slower. Needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from slipway.core.identity import Subject
from slipway.core.verdict import Measurement, decide
from slipway.profiling.callgraph import CallGraph, Node, hot_functions, percent, prune
from slipway.profiling.flame import flames
from slipway.profiling.picture import draw, heat
from slipway.profiling.regression import Comparison
from slipway.reporting.page import card, own_file, page
from slipway.reporting.tables import measurement_table, table

TABLE_ROWS = 40


def render(
    subject: Subject,
    *,
    graph: CallGraph,
    measurements: Sequence[Measurement],
    compared: Comparison | None,
    said: str,
) -> str:
    """Return the report as one HTML page; ``said`` is what the champion's profile showed, or why there was none."""
    shown = prune(graph)
    note = (
        f"{len(shown.nodes)} of {len(graph.nodes)} functions, {graph.ms_per_request:.3g} ms a request when profiled. "
        "Box: function, share of the time with what it calls (self: without), calls and ms a request. "
        "Arrow: share and calls. Framed: what limits the rate."
    )
    parts = [
        card("Call graph", f'<p class="small">{note}<br>{_legend()}</p><div class="scroll">{draw(shown)}</div>'),
        card("What decided", measurement_table(measurements)),
        card("Against the champion", f'<p class="small">{escape(said)}</p>{_changes(compared)}'),
        card(
            "Flame graph",
            f'<p class="small">{_flame_note(compared)}</p><div class="scroll">{flames(graph, compared)}</div>',
        ),
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


def _flame_note(compared: Comparison | None) -> str:
    colour = (
        "Red: costs more than in the champion; blue: costs less; grey: no difference that is certain."
        if compared
        else "Colour: the share of the time spent in the function itself."
    )
    return f"Width: share of the time, callers above what they call, one request in the mean. {colour}"


def _changes(compared: Comparison | None) -> str:
    if compared is None or not compared.regressed:
        return ""
    rows = [
        (
            f"<code>{escape(c.function)}</code>",
            f"{c.before_ms:.4g}",
            f"{c.now_ms:.4g}",
            f"+{c.more_ms.median:.4g}",
            f"{c.more_ms.low:.4g} to {c.more_ms.high:.4g}",
            str(c.more_ms.n),
        )
        for c in compared.regressed[:TABLE_ROWS]
    ]
    head = ("Function", "Champion, ms", "Candidate, ms", "More, ms", "95 % interval", "Rounds")
    note = "<p class=\"small\">A function's times are those of the profile, the profiler's own cost included.</p>"
    return table(head, rows, numeric=(1, 2, 3, 4, 5)) + note


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
