"""The picture: what each test says of the same server, percentile by percentile."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from slipway.loadtest.charts import Chart
from slipway.loadtest.quantiles import quantile

CURVE = (0.0, 0.25, 0.5, 0.75, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.999)
TICKS = ((0.0, "min"), (0.5, "p50"), (0.75, "p75"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9"))
COLOURS = ("#9aa8b6", "#d98a1f", "#2f6fdd")
STYLE = """
.ground{fill:#fff}
text{font:13px system-ui,sans-serif;fill:#1c2733}
.title{font-size:17px;font-weight:650}
.grid{stroke:#e9edf2}
.axis{stroke:#9aa8b6}
.tick,.name{fill:#5b6b7b;font-size:12px}
.limit{stroke:#c62f3b;stroke-dasharray:6 4;stroke-width:1.2}
.limit-name{fill:#c62f3b;font-size:12px}
.truth{fill:none;stroke:#1c2733;stroke-width:1.4;stroke-dasharray:2 4}
"""
WIDTH, HEIGHT, HEADER = 900, 430, 108


def picture(
    latencies: Mapping[str, Sequence[float]], *, truth: Sequence[tuple[float, float]], limits: Mapping[str, float]
) -> str:
    """Return an SVG document.

    Parameters
    ----------
    latencies : mapping of str to sequence of float
        Each test's name and its latencies in ms, ascending.
    truth : sequence of (float, float)
        Percentile and ms that a caller meets who comes at any moment.
    limits : mapping of str to float
        Names of limits, in ms.
    """
    most = max(ordered[-1] for ordered in latencies.values())
    least = min(ordered[0] for ordered in latencies.values())
    chart = Chart(
        x=(0.0, 0.999), y=(least * 0.7, most * 1.6), width=WIDTH, height=HEIGHT, log_y=True,
        map_x=lambda q: -math.log10(1 - q),
    )  # fmt: skip
    chart.axes(x_ticks=TICKS, x_label="percentile of the requests", y_label="latency, ms")
    for name, limit in limits.items():
        chart.limit(limit, f"{name} limit {limit:g} ms", below=name == "p95")
    chart.line(truth, "truth")
    styles = [STYLE]
    for place, ordered in enumerate(latencies.values()):
        styles.append(f".line{place}{{fill:none;stroke:{COLOURS[place]};stroke-width:2.6}}")
        points = [(q, found.value) for q in CURVE if (found := quantile(ordered, q)) is not None]
        chart.line(points, f"line{place}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + HEADER}">'
        f"<style>{''.join(styles)}</style>"
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT + HEADER}"/>'
        f'<text class="title" x="20" y="28">One server that stands still now and then, and three tests of it</text>'
        f"{_key(list(latencies))}"
        f'<g transform="translate(0 {HEADER})">{"".join(chart.parts)}</g></svg>\n'
    )


def _key(names: Sequence[str]) -> str:
    entries = [*((name, f'stroke="{COLOURS[place]}" stroke-width="3"') for place, name in enumerate(names))]
    entries.append(("what a caller meets who comes at any moment, calculated", 'class="truth"'))
    lines = []
    for place, (name, look) in enumerate(entries):
        x, y = 20 + 450 * (place % 2), 54 + 24 * (place // 2)
        lines.append(f'<line x1="{x}" x2="{x + 26}" y1="{y - 4}" y2="{y - 4}" {look}/>')
        lines.append(f'<text x="{x + 34}" y="{y}">{escape(name)}</text>')
    return "".join(lines)
