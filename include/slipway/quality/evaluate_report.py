"""The quality gate's report: metrics, the champion beside it, slices, fairness, and the picture behind the numbers."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from slipway.core.identity import Subject
from slipway.core.spec import ModelSpec, Task
from slipway.core.verdict import Measurement, Outcome, decide
from slipway.quality.discover import Found, Harm, Search
from slipway.quality.metrics import calibration, correlation, roc_auc, roc_curve
from slipway.quality.slices import Scored
from slipway.quality.svg import AMBER, BLUE, GREEN, GREY, RED, Bar, Frame, Spread, bars, forest, interval
from slipway.reporting.page import card, own_file, page, tiles
from slipway.reporting.tables import chip, measurement_table, number, outcome_chip, table

if TYPE_CHECKING:
    from slipway.quality.evaluate import Quality

COLOURS = {Outcome.PASSED: GREEN, Outcome.FAILED: RED, Outcome.INCONCLUSIVE: AMBER, None: BLUE}
MAX_DOTS, SHOWN_PARTS = 1500, 8


def render(quality: Quality, *, spec: ModelSpec, subject: Subject) -> str:
    """Return the report as one self-contained HTML page."""
    measurements = quality.measurements
    figures = [("rows scored", quality.details["rows_scored"]), ("rows set aside", quality.details["rows_set_aside"])]
    figures += [(m.name, number(m.value)) for m in measurements if m.name in {t.name for t in spec.quality.metrics}]
    parts = [
        tiles(figures),
        card("What decided", measurement_table(measurements)),
        _champion(quality, spec),
        _slices(measurements),
        _parts(quality.search, spec),
        _fairness(quality),
        _pictures(quality.scored, spec),
    ]
    return page(
        "Model evaluation", subject, parts, outcome=decide(measurements).outcome, css=own_file(__file__, "report.css")
    )


def _champion(quality: Quality, spec: ModelSpec) -> str:
    comparison = quality.comparison
    if comparison is None:
        return card("Beside the champion", note="First release: there is no champion to compare with.")
    facts = quality.details["champion"]
    rows = [
        ("challenger (this version)", number(comparison.challenger)),
        (escape(facts["name"]), number(comparison.champion)),
        ("difference, positive is better", number(comparison.difference)),
        ("rows compared", str(facts["rows_compared"])),
        ("share of draws within the margin", number(comparison.within(spec.quality.champion_margin))),
        ("loss that is stopped with 80 % probability", number(comparison.detectable(spec.quality.champion_margin))),
        ("holdout rows that the champion was trained on", _trained(facts["rows_trained_on"], facts)),
    ]
    drawn = ""
    if comparison.low is not None and comparison.high is not None:
        drawn = interval(
            comparison.low, comparison.difference, comparison.high, limit=0.0 - spec.quality.champion_margin
        )
    return card(
        "Beside the champion",
        table((f"{comparison.metric}", "Value"), rows, numeric=(1,)),
        drawn,
        note="95 % interval of the paired bootstrap: both models on the same rows. The version is stopped when it is "
        "worse by more than the margin with 95 % confidence (one-sided), and worse at all with 99 %.",
    )


def _trained(rows: int, facts: dict[str, object]) -> str:
    if not rows:
        return "0"
    return f"{rows}, {'left out' if facts['rows_trained_on_excluded'] else 'kept: too few others remain'}"


def _slices(measurements: Iterable[Measurement]) -> str:
    items = [
        Bar(f"{m.name.removeprefix('slice.')} (n={m.n})", m.value, COLOURS[m.outcome], m.threshold)
        for m in measurements
        if m.name.startswith("slice.")
    ]
    return card("Slices", bars(items), note="The dark tick is the slice's own threshold.") if items else ""


def _parts(found: Search, spec: ModelSpec) -> str:
    """Return the worst parts of the search, as a forest plot of their bias and a table."""
    heading = "Parts that nobody declared"
    if not found.parts:
        return card(heading, note=f"{found.rows} rows are too few to be cut into parts.")
    said = (
        f"{found.parts} parts of {found.rows} rows, by one input or two; {found.asked} of them were asked about: "
        + ("those on which the version answers materially otherwise than the champion. " if found.beside else "all. ")
        + "A part stops the version when it is worse beyond chance (corrected for all that were asked about) and the "
        "excess, as a share of the overall root mean square error, is past its limit. "
        + f"A mean error of {number(found.detectable)} on a fifth of the rows is found with a probability of 80 %."
    )
    shown = _distinct(found.found)
    lines = [
        Spread(
            label=f"{part.label} (n={part.rows})",
            low=part.low,
            value=part.value,
            high=part.high,
            beside=part.rival,
            colour=RED if part.harmful else BLUE,
        )
        for part in shown
        if part.harm is Harm.BIAS
    ]
    legend = f"Mean of answer - {spec.quality.label}, with intervals that hold for all parts at once. Hollow: champion."
    plot = f'{forest(lines)}<p class="small">{escape(legend)}</p>' if lines else ""
    return card(heading, plot, _part_table(shown), note=said)


def _distinct(found: Iterable[Found]) -> list[Found]:
    """Return the first few parts of each harm, leaving out those that differ by a hair: same rows count and value."""
    kept: dict[tuple[str, int, str], Found] = {}
    for part in found:
        kept.setdefault((part.harm.value, part.rows, f"{part.value:.3g}"), part)
    return [part for harm in Harm for part in [p for p in kept.values() if p.harm is harm][:SHOWN_PARTS]]


def _part_table(shown: Iterable[Found]) -> str:
    rows = [
        (
            outcome_chip(Outcome.FAILED) if part.harmful else chip("recorded"),
            escape(part.label),
            str(part.rows),
            "mean error" if part.harm is Harm.BIAS else "root mean square error",
            number(part.value),
            number(part.rival),
            f"{part.excess:.2f} of {part.limit:.2f}",
            f"{part.chance:.2g}",
        )
        for part in shown
    ]
    header = ("Verdict", "Part", "Rows", "Measured", "Version", "Champion", "Excess of limit", "Corrected p")
    return table(header, rows, numeric=(2, 4, 5, 6, 7)) if rows else ""


def _fairness(quality: Quality) -> str:
    by_name = {m.name: m for m in quality.measurements}
    parts = []
    for name, groups in quality.groups.items():
        measured = by_name[name]
        ends = quality.details["fairness_intervals"].get(name)
        between = f", 95 % interval {number(ends[0])} to {number(ends[1])}" if ends else ""
        value = f"{number(measured.value)}{between}, limit {number(measured.threshold)}"
        said = f"<p>{outcome_chip(measured.outcome)} <code>{escape(name)}</code> = {value}</p>"
        parts.append(said + bars([Bar(f"{g.label} (n={g.rows})", _known(g.value)) for g in groups]))
    return card("Fairness between groups", *parts) if parts else ""


def _pictures(scored: Scored, spec: ModelSpec) -> str:
    if not len(scored.truth):
        return card("Predictions", note="There is no finite prediction to draw.")
    if spec.task is Task.CLASSIFICATION:
        return _roc_and_calibration(scored)
    return _residuals(scored, spec)


def _roc_and_calibration(scored: Scored) -> str:
    unit = Frame(x=(0, 1), y=(0, 1), x_name="false positive rate", y_name="true positive rate")
    diagonal = unit.curve([(0, 0), (1, 1)], colour=GREY, dashed=True)
    roc = unit.draw(diagonal, unit.curve(roc_curve(scored.truth, scored.predicted)))
    found = calibration(scored.truth, np.clip(scored.predicted, 0, 1))
    same = Frame(x=(0, 1), y=(0, 1), x_name="mean predicted probability", y_name="observed share")
    dots = same.draw(
        diagonal,
        *(same.dots([(mean, seen)], radius=3 + 9 * (n / len(scored.truth)) ** 0.5) for *_, n, mean, seen in found),
    )
    rows = [
        (f"{low:.1f} to {high:.1f}", str(n), f"{mean:.3f}", f"{seen:.3f}", f"{seen - mean:+.3f}")
        for low, high, n, mean, seen in found
    ]
    header = ("Predicted probability", "Rows", "Mean predicted", "Observed share", "Difference")
    area = number(_known(roc_auc(scored.truth, scored.predicted)))
    return card(
        "ROC curve and calibration",
        f'<div class="row"><figure>{roc}</figure><figure>{dots}</figure></div>',
        table(header, rows, numeric=(1, 2, 3, 4)),
        note=f"Area under the ROC curve: {area}. Dashed: chance on the left, perfect calibration on the right. "
        "A larger dot stands for more rows.",
    )


def _residuals(scored: Scored, spec: ModelSpec) -> str:
    step = max(1, len(scored.truth) // MAX_DOTS)
    truth, predicted = scored.truth[::step], scored.predicted[::step]
    low, high = float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))
    same = Frame(x=(low, high), y=(low, high), x_name="true", y_name="predicted")
    against = same.draw(
        same.curve([(low, low), (high, high)], colour=GREY, dashed=True),
        same.dots(list(zip(truth, predicted, strict=True))),
    )
    error = predicted - truth
    reach = float(np.abs(error).max()) or 1.0
    off = Frame(x=(low, high), y=(-reach, reach), x_name="predicted", y_name="predicted - true")
    residuals = off.draw(
        off.curve([(low, 0), (high, 0)], colour=GREY, dashed=True), off.dots(list(zip(predicted, error, strict=True)))
    )
    said = f"Correlation {number(_known(correlation(scored.truth, scored.predicted)))}; label {spec.quality.label}."
    return card("Predictions and residuals", f'<div class="row">{against}{residuals}</div>', note=said)


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
