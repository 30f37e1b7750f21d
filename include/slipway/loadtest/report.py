"""The load test's report: one HTML file that needs nothing else, and links to Locust's own."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from slipway.core.identity import Subject
from slipway.core.verdict import decide
from slipway.loadtest import plots
from slipway.loadtest.compare import Ratio
from slipway.loadtest.latency import value_of
from slipway.loadtest.limits import RECOVERY_FACTOR
from slipway.loadtest.results import Summary
from slipway.loadtest.samples import LOCUST_REPORT, SAMPLES_FILE
from slipway.loadtest.story import Story
from slipway.loadtest.summary import intervals, mix
from slipway.reporting.page import card, own_file, page, tiles
from slipway.reporting.tables import measurement_table, number, table

__all__ = ["Story", "render"]

UNITS = {"memory": "MiB"}


def render(subject: Subject, story: Story) -> str:
    """Return the report as one self-contained HTML page."""
    results = story.results
    run = results.overall
    lead = (
        f"Profile {story.profile}: {run.sent:,} judged requests in {len(results.windows)} windows at "
        f"{run.rate_per_s:g}/s, {results.requests:,} with everything else. "
        "Open loop: latency counts from the moment a request was meant to start."
    )
    curves = (
        card("Percentiles", plots.percentiles(story)),
        card("Distribution", plots.histogram(sorted(results.latencies))),
    )
    parts = [
        _tiles(story),
        card("What decided", measurement_table(story.measurements)),
        card("Latency over time", plots.over_time(story)),
        card("Percentiles and their limits", _intervals(story), note=METHOD),
        f'<div class="two">{"".join(curves)}</div>',
        _comparison(story),
        _growth(story),
        _capacity(story),
        _mix(story),
        card("Windows", _window_table(story)),
        card("Arrivals", plots.arrivals(story)),
        card("Stages", _stage_table(results.stages)),
        _host(story),
        _errors(story),
        f'<p class="footnote">Locust\'s own report: <a href="{LOCUST_REPORT}">{LOCUST_REPORT}</a>. '
        f'Every request: <a href="{SAMPLES_FILE}">{SAMPLES_FILE}</a>.</p>',
    ]
    css = own_file(__file__, "report.css")
    return page("Load test", subject, parts, outcome=decide(story.measurements).outcome, lead=lead, css=css)


METHOD = (
    "What decides is how many requests lie above the limit: neighbours count as one event, the true share has Poisson "
    "bounds, beside them the batch means of ten stretches. The intervals in ms are those of order statistics, and of a "
    "block bootstrap over the same ten stretches."
)


def _tiles(story: Story) -> str:
    results, run = story.results, story.results.overall
    rate = "-" if run.error_rate is None else f"{run.error_rate:.2%}"
    shown: list[tuple[str, object] | tuple[str, object, str]] = [
        ("p50", number(value_of(run.p50), "ms")),
        ("p95", number(value_of(run.p95), "ms")),
        ("p99", number(value_of(run.p99), "ms")),
        ("errors", rate, "bad" if run.error_rate else ""),
        ("wrong answers", results.wrong_answers, "bad" if results.wrong_answers else ""),
    ]
    ratio = story.beyond.comparison.p95
    if ratio is not None:
        shown.append(("times the champion's p95", f"{ratio.value:.2f}"))
    if story.beyond.capacity is not None:
        shown.append(("highest rate that holds", number(story.beyond.capacity.rate_per_s, "/s")))
    return tiles(shown)


def _intervals(story: Story) -> str:
    header = ("", "Value", "Limit", "Order statistics", "Block bootstrap", "Above the limit", "Events", "True share")
    rows = []
    for name, found in intervals(story.results, story.limits).items():
        above = found["above"]
        rows.append(
            (
                name,
                number(found["value_ms"], "ms"),
                number(float(found["limit_ms"]), "ms"),
                _range(found["order_statistics_ms"]),
                _range(found["block_bootstrap_ms"]),
                f"{above['over']:,} of {above['n']:,}",
                str(above["clusters"]),
                f"{above['low']:.1%} to {above['high']:.1%}, allowed {above['allowed']:.0%}",
            )
        )
    return table(header, rows, numeric=range(1, len(header)))


def _range(interval: list[float | None] | None) -> str:
    if interval is None:
        return "-"
    low, high = interval
    return f"{number(low)} to {'∞' if high is None else number(high)} ms"


def _comparison(story: Story) -> str:
    found = story.beyond.comparison
    if found.p95 is None or found.p99 is None:
        return card("Beside the champion", f'<p class="small">{escape(found.absent)}</p>')
    rows = [_ratio_row(name, ratio) for name, ratio in (("p95", found.p95), ("p99", found.p99))]
    header = ("", "Candidate", "Champion", "Ratio", "95 % interval", "Pairs of windows")
    note = "At the same rate, in the windows between. Recorded; it decides nothing, unless the host is in question."
    return card("Beside the champion", table(header, rows, numeric=range(1, len(header))), note=note)


def _ratio_row(name: str, ratio: Ratio) -> tuple[str, ...]:
    interval = "-" if ratio.low is None or ratio.high is None else f"{ratio.low:.2f} to {ratio.high:.2f}"
    return (
        name, number(ratio.candidate_ms, "ms"), number(ratio.champion_ms, "ms"), f"{ratio.value:.2f}", interval,
        str(ratio.pairs),
    )  # fmt: skip


def _growth(story: Story) -> str:
    drawn = [
        plots.growth(name, story.points.get(name, ()), found, UNITS.get(name, ""))
        for name, found in story.beyond.growth.items()
    ]
    burst = story.beyond.burst
    said = ""
    if burst is not None:
        said = (
            f"The burst: {burst.n:,} requests, every second one of a row that is new; {burst.per_s:,.0f} answers "
            f"a second to a few callers that asked again at once. {burst.seconds:.1f} s later the service was "
            + ("within its p95 limit, or" if burst.recovered else "neither within its p95 limit nor")
            + f" at most {RECOVERY_FACTOR:g} times as slow as before."
        )
    return card("What grows with the requests", f'<div class="three">{"".join(drawn)}</div>', note=said)


def _capacity(story: Story) -> str:
    found = story.beyond.capacity
    if found is None:
        return ""
    rate = (
        "No rate held the objectives" if found.rate_per_s is None else f"{found.rate_per_s:.4g}/s held the objectives"
    )
    ends = "; the generator could not ask faster" if found.limited else "; nothing that was tried broke them"
    above = ends if found.broke_at is None else f", {found.broke_at:.4g}/s broke one"
    return card("The highest rate", plots.capacity(found, story.limits), note=f"{rate}{above}.")


def _mix(story: Story) -> str:
    kinds = mix(story.course, story.results, story.kind)
    if len(kinds) < 2:
        return ""
    header = ("Kind of request", "Requests", "p50", "p95", "p99")
    rows = [
        (escape(name), f"{one['n']:,}", *(number(one[f"p{q}_ms"], "ms") for q in (50, 95, 99)))
        for name, one in kinds.items()
    ]
    return card("Kinds of requests", table(header, rows, numeric=range(1, 5)))


def _window_table(story: Story) -> str:
    header = ("Window", "From", "Requests", "p50", "p95", "p99", "Errors")
    rows: list[tuple[str, ...]] = []
    for place, window in enumerate(story.results.windows, start=1):
        figures: list[Any] = [window.p50, value_of(window.p95), value_of(window.p99)]
        aside = " <small>set aside as warm-up</small>" if window.set_aside else ""
        shown = (number(figure, "ms") for figure in figures)
        rows.append((f"{place}{aside}", f"{window.start:.1f} s", str(window.n), *shown, str(window.errors)))
    return table(header, rows, numeric=range(1, len(header)))


def _stage_table(stages: Iterable[Summary]) -> str:
    header = ("Stage", "Rate", "Sent / planned", "p50", "p95", "p99", "Errors", "Wrong", "p99 send lag")
    rows = [
        (
            f"{escape(s.label)}{'' if s.judged else ' <small>not judged</small>'}",
            f"{s.rate_per_s:g}/s",
            f"{s.sent} / {s.planned}",
            *(number(value_of(q), "ms") for q in (s.p50, s.p95, s.p99)),
            str(s.errors),
            str(s.wrong),
            number(s.lag_p99, "ms"),
        )
        for s in stages
    ]
    return table(header, rows, numeric=range(1, len(header)))


def _host(story: Story) -> str:
    noise = story.noise
    if noise is None:
        return ""
    calibrations = ", ".join(f"{ms:.2f}" for ms in noise.calibration_ms)
    rows = [
        ("CPU time that went to other hosts", f"{noise.steal_share:.1%}"),
        ("Processes of others that were ready to run", number(noise.running_others)),
        ("Fixed work, ms, before, in between and after", calibrations),
        ("Stretches in which a processor paused", str(len(noise.pauses))),
        ("Judged requests that such a pause covers", str(story.results.paused)),
    ]
    return card("The host", table(("", ""), [(escape(name), value) for name, value in rows], numeric=(1,)))


def _errors(story: Story) -> str:
    if not story.results.error_kinds:
        return ""
    rows = [(escape(kind), str(n)) for kind, n in story.results.error_kinds.items()]
    return card("Requests without an answer", table(("Kind", "Requests"), rows, numeric=(1,)))
