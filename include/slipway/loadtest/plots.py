"""The plots of a load test's report: each returns a chart with its key below."""

from __future__ import annotations

import math
from collections.abc import Sequence

from slipway.loadtest.capacity import Capacity
from slipway.loadtest.charts import Chart, linear_ticks, log_ticks
from slipway.loadtest.growth import Growth, Point
from slipway.loadtest.limits import Limits
from slipway.loadtest.quantiles import quantile
from slipway.loadtest.results import effective_ms
from slipway.loadtest.samples import Sample
from slipway.loadtest.schedule import Part, Target
from slipway.loadtest.story import Story
from slipway.reporting.tables import number

MAX_DOTS = 4000
CURVE = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999)
CURVE_TICKS = ((0.0, "min"), (0.5, "p50"), (0.75, "p75"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9"))
RATE_BINS = 60
MARKED = (0.5, 0.95, 0.99)
LOWEST_MS = 0.05
LABELLED = 0.055  # of the width: a narrower band has no room for its name
BANDS = {Part.WARMUP: "warm", Part.BURST: "surge", Part.RECOVERY: "unjudged", Part.CAPACITY: "unjudged"}


def over_time(story: Story) -> str:
    """Every request by its intended start; the windows, with each one's p95; the limits."""
    samples, stages, limits = story.course.samples, story.course.stages, story.limits
    end = stages[-1].end
    chart = Chart(x=(0.0, end), y=_span(samples, limits), log_y=True, height=340)
    _bands(chart, story)
    chart.axes(x_ticks=_seconds(end), x_label="intended start, s", y_label="latency, ms")
    counted = {window.index for window in story.results.windows if not window.set_aside}
    theirs = {stage.index for stage in stages if stage.target is Target.CHAMPION}
    shown = _thin(samples)
    good = [s for s in shown if s.answered and s.correct is not False]
    groups = {
        "dot-unjudged": [s for s in good if s.stage not in counted | theirs],
        "dot-champion": [s for s in good if s.stage in theirs],
        "dot": [s for s in good if s.stage in counted],
    }
    for css, members in groups.items():
        chart.dots([(s.intended_s, s.latency_ms) for s in members], css)
    bad = [s for s in shown if not s.answered or s.correct is False]
    chart.dots([(s.intended_s, s.latency_ms) for s in bad], "dot-bad", radius=2.6)
    for window in story.results.windows:
        if window.p95 is not None:
            css = "p95-aside" if window.set_aside else "p95"
            chart.line([(window.start, window.p95.value), (window.start + window.seconds, window.p95.value)], css)
    chart.limit(limits.p95_ms, f"p95 limit {limits.p95_ms:g} ms", below=True)
    chart.limit(limits.p99_ms, f"p99 limit {limits.p99_ms:g} ms")
    key = (
        "One dot a request: <i class=k-own></i> judged, <i class=k-champion></i> the champion's, "
        "<i class=k-grey></i> not judged, <i class=k-bad></i> failed or wrong. A dark bar is one window's p95. "
        "Red ground: the burst; after it come the windows that must have recovered, and the search for a rate."
    )
    return chart.svg("latency over time") + f"<p class=small>{key}</p>"


def percentiles(story: Story) -> str:
    """The candidate's percentile curve, and the champion's beside it."""
    ours, theirs = sorted(story.results.latencies), champion_latencies(story)
    span = _span(story.course.samples, story.limits)
    y = (span[0], max([span[1], *ours]))
    chart = Chart(x=(0.0, 0.999), y=y, log_y=True, width=520, height=300, map_x=lambda q: -math.log10(1 - q))
    chart.axes(x_ticks=CURVE_TICKS, x_label="percentile", y_label="latency, ms")
    for ordered, css in ((theirs, "curve-champion"), (ours, "curve")):
        points = [(q, found.value) for q in CURVE if (found := quantile(ordered, q)) is not None]
        if points:
            chart.line(points, css)
    chart.dots([(q, found.value) for q in MARKED if (found := quantile(ours, q)) is not None], "mark", radius=3.4)
    for q, limit in ((0.95, story.limits.p95_ms), (0.99, story.limits.p99_ms)):
        chart.limit(limit, f"p{q * 100:g} limit {limit:g} ms", below=q < 0.99)
    beside = " Orange: the champion." if theirs else ""
    said = f"<p class=small>All judged requests; a failed one counts as the timeout.{beside}</p>"
    return chart.svg("latency percentiles") + said


def champion_latencies(story: Story) -> list[float]:
    """Return the champion's latencies, ascending, in ms."""
    theirs = story.course.samples_of(story.course.of(Part.STAGE, target=Target.CHAMPION))
    return sorted(effective_ms(sample, story.results.timeout_ms) for sample in theirs)


def histogram(ordered: Sequence[float]) -> str:
    """How often which latency was seen; ascending, in ms."""
    if not ordered:
        return "<p class=small>No judged request was sent.</p>"
    low, high = math.log10(max(LOWEST_MS, ordered[0])), math.log10(max(0.1, ordered[-1]) * 1.05)
    bins = 36
    width = (high - low) / bins or 1.0
    counts = [0] * bins
    for value in ordered:
        counts[min(bins - 1, max(0, int((math.log10(max(LOWEST_MS, value)) - low) / width)))] += 1
    edges = [10 ** (low + i * width) for i in range(bins + 1)]
    chart = Chart(x=(edges[0], edges[-1]), y=(0.0, max(counts) * 1.1), width=520, height=300, map_x=math.log10)
    ticks = log_ticks(edges[0], edges[-1]) or [edges[0], edges[-1]]
    chart.axes(x_ticks=[(v, number(v)) for v in ticks], x_label="latency, ms", y_label="requests")
    chart.bars([(edges[i], edges[i + 1], float(n)) for i, n in enumerate(counts)], "bar")
    return chart.svg("latency distribution") + "<p class=small>All judged requests, logarithmic latency.</p>"


def arrivals(story: Story) -> str:
    """How many requests left when, beside what was planned; the bursts, which plan nothing, are left out."""
    stages = [stage for stage in story.course.stages if stage.part is not Part.BURST]
    samples, end = story.course.samples_of(stages), story.course.stages[-1].end
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
    _bands(chart, story)
    chart.axes(x_ticks=_seconds(end), x_label="sent, s", y_label="requests/s")
    chart.bars(bars, "bar")
    for stage in stages:
        chart.line([(stage.start, stage.rate_per_s), (stage.end, stage.rate_per_s)], "planned")
    return chart.svg("arrivals") + "<p class=small>Bars: sent. Dashed: planned mean rate.</p>"


def growth(name: str, points: Sequence[Point], found: Growth, unit: str) -> str:
    """What one resource did over the requests; the later half, on which it is judged, with its slope."""
    if len(points) < 2:
        return f"<p class=small>{name}: the service does not tell.</p>"
    first, last = points[0].requests, points[-1].requests
    high = max(point.value for point in points)
    chart = Chart(x=(first, max(last, first + 1)), y=(0.0, high * 1.25 or 1.0), width=350, height=220)
    middle = (first + last) / 2
    chart.band(middle, last, "unjudged", "judged")
    ticks = [(tick, f"{tick:,.0f}") for tick in linear_ticks(last, 4) if tick >= first]
    chart.axes(x_ticks=ticks, x_label="requests answered", y_label=f"{name}, {unit}" if unit else name)
    chart.line([(point.requests, point.value) for point in points], "curve")
    if found.rising and found.per_1000 is not None:
        start = points[-1].value - found.per_1000 * (last - middle) / 1000
        chart.line([(middle, start), (last, points[-1].value)], "slope")
    chart.limit(found.limit, f"limit {found.limit:,.0f}")
    return f"<figure>{chart.svg(name)}</figure>"


def capacity(found: Capacity, limits: Limits) -> str:
    """The rates that were tried, and the p99 of each."""
    steps = sorted((s for s in found.steps if s.p99_ms is not None), key=lambda s: s.rate_per_s)
    if not steps:
        return ""
    values = [max(LOWEST_MS, s.p99_ms or LOWEST_MS) for s in steps]
    low, high = steps[0].rate_per_s, steps[-1].rate_per_s
    chart = Chart(
        x=(low * 0.9, high * 1.1), y=(min(values) * 0.7, max([*values, limits.p99_ms]) * 1.6), log_y=True, height=260,
        map_x=math.log10,
    )  # fmt: skip
    chart.axes(x_ticks=[(s.rate_per_s, f"{s.rate_per_s:.3g}") for s in steps], x_label="requests/s", y_label="p99, ms")
    points = [(s.rate_per_s, value) for s, value in zip(steps, values, strict=True)]
    chart.line(points, "curve")
    for css, held in (("mark-good", True), ("dot-bad", False)):
        chart.dots([p for p, s in zip(points, steps, strict=True) if s.held is held], css, radius=4.5)
    chart.limit(limits.p99_ms, f"p99 limit {limits.p99_ms:g} ms")
    return chart.svg("rate against p99")


def _bands(chart: Chart, story: Story) -> None:
    whole = story.course.stages[-1].end
    for stage in story.course.stages:
        theirs = stage.target is Target.CHAMPION
        if theirs or not stage.judged:
            css = "champion" if theirs else BANDS.get(stage.part, "unjudged")
            chart.band(stage.start, stage.end, css, stage.label if stage.seconds > LABELLED * whole else "")
    for window in story.results.windows:
        if window.set_aside:
            said = "set aside" if window.seconds > LABELLED * whole else ""
            chart.band(window.start, window.start + window.seconds, "warm", said)


def _seconds(end: float) -> list[tuple[float, str]]:
    return [(tick, f"{tick:g}") for tick in linear_ticks(end, 10)]


def _span(samples: Sequence[Sample], limits: Limits) -> tuple[float, float]:
    """Return a latency range that holds all samples and the limits, with some air."""
    latencies = [max(LOWEST_MS, s.latency_ms) for s in samples]
    return min([*latencies, limits.p95_ms]) * 0.8, max([*latencies, limits.p99_ms]) * 2.5


def _thin(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Keep the worst of each run of neighbours, so that the picture stays small and hides nothing bad."""
    if len(samples) <= MAX_DOTS:
        return samples
    step = math.ceil(len(samples) / MAX_DOTS)
    return [
        max(samples[i : i + step], key=lambda s: (not s.answered, s.correct is False, s.latency_ms))
        for i in range(0, len(samples), step)
    ]
