"""The part of the data gate's report that stands beside the champion's data: shifts, in words and in pictures."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from slipway.core.spec import ModelSpec
from slipway.quality.drift import ALL_ROWS, Drift
from slipway.quality.giveaway import STRONG, Gain
from slipway.quality.shifts import Kind
from slipway.quality.svg import overlaid
from slipway.reporting.page import card
from slipway.reporting.tables import chip, number, table

if TYPE_CHECKING:
    import pandas as pd

    from slipway.quality.validate import Beside, DataReview

BINS, MAX_SHOWN, MAX_PICTURES, MAX_CATEGORIES = 28, 12, 9, 8
NOTE = (
    "A shift stops the version when chance does not explain it (corrected for all columns) and it is past its limit; "
    "smaller ones are recorded. Limits and intended shifts are declared under quality.drift in model.yaml."
)


def against_champion(review: DataReview, spec: ModelSpec) -> str:
    """Return the card; in a first release it says that there is nothing to compare with."""
    if review.beside is None:
        return card("Beside the champion's data", note="First release: there is no champion to compare with.")
    beside = review.beside
    told = [d for d in beside.drift if d.worth_saying]
    stops = spec.quality.drift.severity == "fail"
    shown = _shift_table(told[:MAX_SHOWN], stops) if told else "<p>No shift beyond chance that is worth a word.</p>"
    more = f"<p>{len(told) - MAX_SHOWN} more.</p>" if len(told) > MAX_SHOWN else ""
    figures = "".join(_pictures(told, beside, review))
    alone = escape(", ".join(beside.not_compared))
    legend = '<p class="small">Grey: the champion. Blue: this version.</p>' if figures else ""
    return card(
        f"Beside the data of {beside.name}",
        shown,
        more,
        f"<p>Not in the data of both, and so not compared: <code>{alone}</code>.</p>" if alone else "",
        legend,
        f'<div class="grid">{figures}</div>' if figures else "",
        _gains(beside.gains),
        note=NOTE,
    )


def _shift_table(told: Iterable[Drift], stops: bool) -> str:
    rows = [
        (
            chip(_word(d, stops)),
            escape(d.file),
            f"<code>{escape(' and '.join(d.columns))}</code>",
            escape(d.shift.kind.value),
            number(d.shift.effect),
            number(d.limit),
            f"{d.chance:.1g}",
            escape(d.shift.seen),
        )
        for d in told
    ]
    header = ("Verdict", "File", "Column", "What moved", "Effect", "Limit", "Corrected p", "Seen")
    return table(header, rows, numeric=(4, 5, 6))


def _word(drift: Drift, stops: bool) -> str:
    if drift.intended:
        return "intended"
    return "FAILED" if drift.gross and stops else "WARNING"


def _pictures(told: Iterable[Drift], beside: Beside, review: DataReview) -> list[str]:
    """Return one picture a column and file, of those that have shifted, the largest shift first."""
    alone = [d for d in told if d.shift.kind is not Kind.RELATION and ALL_ROWS not in d.columns]
    wanted = dict.fromkeys((d.file, name) for d in alone for name in d.columns)
    return [
        f"<figure>{_drawn(beside.frames[file][name], review.frames[file][name])}</figure>".replace(
            "</figure>", f"<figcaption>{escape(name)}, {escape(file)}</figcaption></figure>"
        )
        for file, name in list(wanted)[:MAX_PICTURES]
    ]


def _drawn(before: pd.Series, now: pd.Series) -> str:
    if before.dtype.kind in "iuf" and now.dtype.kind in "iuf":
        both = [s.to_numpy(dtype=float, na_value=np.nan) for s in (before, now)]
        known = [values[np.isfinite(values)] for values in both]
        pooled = np.concatenate(known)
        if not len(pooled):
            return ""
        edges = np.linspace(pooled.min(), pooled.max() if np.ptp(pooled) else pooled.min() + 1, BINS + 1)
        shares = [np.histogram(values, bins=edges)[0] / max(len(values), 1) for values in known]
        return overlaid(shares[0].tolist(), shares[1].tolist()) + _ends(f"{edges[0]:.4g}", f"{edges[-1]:.4g}")
    counts = [s.dropna().astype(str).value_counts(normalize=True) for s in (before, now)]
    names = list(dict.fromkeys([*counts[0].index, *counts[1].index]))[:MAX_CATEGORIES]
    first, second = ([float(c.get(name, 0.0)) for name in names] for c in counts)
    return overlaid(first, second) + f'<div class="small">{escape(" · ".join(names))}</div>'


def _ends(low: str, high: str) -> str:
    return f'<div class="ends"><span>{low}</span><span>{high}</span></div>'


def _gains(gains: tuple[Gain, ...]) -> str:
    strong = [g for g in gains if g.now >= STRONG][:5] or list(gains[:3])
    rows = [
        (f"<code>{escape(g.column)}</code>", escape(g.file), number(g.before), number(g.now), number(g.low))
        for g in strong
    ]
    header = ("Input alone", "File", "Orders the champion's labels", "Orders these", "Gain, lower end (Fisher's z)")
    return table(header, rows, numeric=(2, 3, 4)) if rows else ""
