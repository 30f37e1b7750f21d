"""The load test's report: one HTML file that needs nothing else, and links to Locust's own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from slipway.core.identity import Subject
from slipway.core.verdict import Measurement, decide
from slipway.loadtest.charts import Chart, linear_ticks, log_ticks
from slipway.loadtest.judge import Limits
from slipway.loadtest.results import LoadResults, Quantile, Summary, effective_ms, quantile
from slipway.loadtest.samples import LOCUST_REPORT, SAMPLES_FILE, Sample
from slipway.loadtest.schedule import PlannedStage
from slipway.reporting.page import card, own_file, page, tiles
from slipway.reporting.tables import measurement_table, number, table

MAX_DOTS = 4000
CURVE = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999)
CURVE_TICKS = ((0.0, "min"), (0.5, "p50"), (0.75, "p75"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9"))
RATE_BINS = 60
MARKED = (0.5, 0.95, 0.99)


def render(
    subject: Subject,
    *,
    profile: str,
    samples: Sequence[Sample],
    stages: Sequence[PlannedStage],
    limits: Limits,
    results: LoadResults,
    measurements: Sequence[Measurement],
) -> str:
    """Return the report as one self-contained HTML page; ``profile`` is the load profile's name."""
    judged = sum(stage.seconds for stage in stages if stage.judged)
    latencies = _judged_latencies(samples, stages, results.timeout_ms)
    run = results.overall
    lead = (
        f"Profile {profile}: {run.sent:,} judged requests in {judged:g} s at {run.rate_per_s:g}/s, "
        f"{results.requests:,} with warm-up. "
        "Open loop: latency counts from the moment a request was meant to start."
    )
    curves = (
        card("Percentiles", _percentiles(latencies, _span(samples, limits), limits)),
        card("Distribution", _histogram(latencies)),
    )
    parts = [
        _tiles(results),
        card("What decided", measurement_table(measurements)),
        card("Latency over time", _over_time(samples, stages, limits)),
        f'<div class="two">{"".join(curves)}</div>',
        card("Arrivals", _arrivals(samples, stages)),
        card("Stages", _stage_table(results.stages)),
        _errors(results),
        f'<p class="footnote">Locust\'s own report: <a href="{LOCUST_REPORT}">{LOCUST_REPORT}</a>. '
        f'Every request: <a href="{SAMPLES_FILE}">{SAMPLES_FILE}</a>.</p>',
    ]
    css = own_file(__file__, "report.css")
    return page("Load test", subject, parts, outcome=decide(measurements).outcome, lead=lead, css=css)


def _tiles(results: LoadResults) -> str:
    run = results.overall
    rate = "-" if run.error_rate is None else f"{run.error_rate:.2%}"
    return tiles(
        [
            ("p50", number(_point(run.p50), "ms")),
            ("p95", number(_point(run.p95), "ms")),
            ("p99", number(_point(run.p99), "ms")),
            ("errors", rate, "bad" if run.error_rate else ""),
            ("wrong answers", results.wrong_answers, "bad" if results.wrong_answers else ""),
            ("of the arrival rate held", f"{run.achieved_share:.1%}"),
        ]
    )


def _point(found: Quantile | None) -> float | None:
    return None if found is None else found.value


def _stage_table(stages: Iterable[Summary]) -> str:
    header = ("Stage", "Rate", "Sent / planned", "p50", "p95", "p99", "Errors", "Wrong", "p99 send lag")
    rows = [
        (
            f"{escape(s.label)}{'' if s.judged else ' <small>not judged</small>'}",
            f"{s.rate_per_s:g}/s",
            f"{s.sent} / {s.planned}",
            *(number(_point(q), "ms") for q in (s.p50, s.p95, s.p99)),
            str(s.errors),
            str(s.wrong),
            number(s.lag_p99, "ms"),
        )
        for s in stages
    ]
    return table(header, rows, numeric=range(1, len(header)))


def _errors(results: LoadResults) -> str:
    if not results.error_kinds:
        return ""
    rows = [(escape(kind), str(n)) for kind, n in results.error_kinds.items()]
    return card("Requests without an answer", table(("Kind", "Requests"), rows, numeric=(1,)))


def _over_time(samples: Sequence[Sample], stages: Sequence[PlannedStage], limits: Limits) -> str:
    chart = Chart(x=(0.0, stages[-1].end), y=_span(samples, limits), log_y=True, height=320)
    _bands(chart, stages)
    chart.axes(x_ticks=_seconds(stages[-1].end), x_label="intended start, s", y_label="latency, ms")
    judged = {stage.index for stage in stages if stage.judged}
    shown = _thin(samples)
    good = [s for s in shown if s.answered and s.correct is not False]
    chart.dots([(s.intended_s, s.latency_ms) for s in good if s.stage not in judged], "dot-unjudged")
    chart.dots([(s.intended_s, s.latency_ms) for s in good if s.stage in judged], "dot")
    bad = [s for s in shown if not s.answered or s.correct is False]
    chart.dots([(s.intended_s, s.latency_ms) for s in bad], "dot-bad", radius=2.6)
    chart.line(_rolling_p95(samples, stages[-1].end), "p95")
    chart.limit(limits.p95_ms, f"p95 limit {limits.p95_ms:g} ms", below=True)
    chart.limit(limits.p99_ms, f"p99 limit {limits.p99_ms:g} ms")
    key = "One dot a request (grey: not judged, red: failed or wrong); the dark line is the p95 of each stretch."
    return chart.svg("latency over time") + f"<p class=small>{key}</p>"


def _percentiles(ordered: Sequence[float], span: tuple[float, float], limits: Limits) -> str:
    y = (span[0], max([span[1], *ordered]))
    chart = Chart(x=(0.0, 0.999), y=y, log_y=True, width=520, height=300, map_x=lambda q: -math.log10(1 - q))
    chart.axes(x_ticks=CURVE_TICKS, x_label="percentile", y_label="latency, ms")
    points = [(q, found.value) for q in CURVE if (found := quantile(ordered, q)) is not None]
    chart.line(points, "curve")
    chart.dots([(q, v) for q, v in points if q in MARKED], "mark", radius=3.4)
    for q, limit in ((0.95, limits.p95_ms), (0.99, limits.p99_ms)):
        chart.limit(limit, f"p{q * 100:g} limit {limit:g} ms", below=q < 0.99)
    return (
        chart.svg("latency percentiles") + "<p class=small>All judged requests; a failed one counts as the timeout.</p>"
    )


def _histogram(ordered: Sequence[float]) -> str:
    if not ordered:
        return "<p class=small>No judged request was sent.</p>"
    low, high = math.log10(max(0.05, ordered[0])), math.log10(max(0.1, ordered[-1]) * 1.05)
    bins = 36
    width = (high - low) / bins or 1.0
    counts = [0] * bins
    for value in ordered:
        counts[min(bins - 1, max(0, int((math.log10(max(0.05, value)) - low) / width)))] += 1
    edges = [10 ** (low + i * width) for i in range(bins + 1)]
    chart = Chart(x=(edges[0], edges[-1]), y=(0.0, max(counts) * 1.1), width=520, height=300, map_x=math.log10)
    ticks = log_ticks(edges[0], edges[-1]) or [edges[0], edges[-1]]
    chart.axes(x_ticks=[(v, number(v)) for v in ticks], x_label="latency, ms", y_label="requests")
    chart.bars([(edges[i], edges[i + 1], float(n)) for i, n in enumerate(counts)], "bar")
    return chart.svg("latency distribution") + "<p class=small>All judged requests, logarithmic latency.</p>"


def _arrivals(samples: Sequence[Sample], stages: Sequence[PlannedStage]) -> str:
    end = stages[-1].end
    step = max(1.0, end / RATE_BINS)
    counts = [0] * math.ceil(end / step)
    for s in samples:
        counts[min(len(counts) - 1, max(0, int(s.sent_s / step)))] += 1
    # The last stretch may be shorter than the others.
    bars = [
        (i * step, min(end, (i + 1) * step), n / (min(end, (i + 1) * step) - i * step)) for i, n in enumerate(counts)
    ]
    top = max([rate for *_, rate in bars] + [stage.rate_per_s for stage in stages]) * 1.3
    chart = Chart(x=(0.0, end), y=(0.0, top), height=200)
    _bands(chart, stages)
    chart.axes(x_ticks=_seconds(end), x_label="sent, s", y_label="requests/s")
    chart.bars(bars, "bar")
    chart.line([(t, s.rate_per_s) for s in stages for t in (s.start, s.end)], "planned")
    return chart.svg("arrivals") + "<p class=small>Bars: sent. Dashed: planned mean rate.</p>"


def _bands(chart: Chart, stages: Sequence[PlannedStage]) -> None:
    for stage in stages:
        if not stage.judged and stage.seconds > 0:
            chart.band(stage.start, stage.end, "warm" if stage is stages[0] else "unjudged", stage.label)


def _seconds(end: float) -> list[tuple[float, str]]:
    return [(tick, f"{tick:g}") for tick in linear_ticks(end, 10)]


def _span(samples: Sequence[Sample], limits: Limits) -> tuple[float, float]:
    """Return a latency range that holds all samples and the limits, with some air."""
    latencies = [max(0.05, s.latency_ms) for s in samples]
    return min([*latencies, limits.p95_ms]) * 0.8, max([*latencies, limits.p99_ms]) * 2.5


def _judged_latencies(samples: Sequence[Sample], stages: Sequence[PlannedStage], timeout_ms: float) -> list[float]:
    judged = {stage.index for stage in stages if stage.judged}
    return sorted(effective_ms(s, timeout_ms) for s in samples if s.stage in judged)


def _thin(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Keep the worst of each run of neighbours, so that the picture stays small and hides nothing bad."""
    if len(samples) <= MAX_DOTS:
        return samples
    step = math.ceil(len(samples) / MAX_DOTS)
    return [
        max(samples[i : i + step], key=lambda s: (not s.answered, s.correct is False, s.latency_ms))
        for i in range(0, len(samples), step)
    ]


def _rolling_p95(samples: Sequence[Sample], end: float) -> list[tuple[float, float]]:
    step = max(1.0, end / RATE_BINS)
    buckets: dict[int, list[float]] = {}
    for s in samples:
        buckets.setdefault(int(s.intended_s / step), []).append(s.latency_ms)
    return [
        (min(end, (index + 0.5) * step), found.value)
        for index, values in sorted(buckets.items())
        if (found := quantile(sorted(values), 0.95)) is not None
    ]
