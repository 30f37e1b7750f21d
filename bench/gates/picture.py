"""The matrix, cases by steps: a self-contained page, and the same as a PNG."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.gates.claims import agree, by_case, steps_of
from bench.gates.records import Cell, Record, Verdict
from bench.results import Claim

COLOURS = {
    Cell.PASSED: "#cfe8d5",
    Cell.FAILED: "#c2410c",
    Cell.INCONCLUSIVE: "#e9b949",
    Cell.NOT_REACHED: "#f1f3f5",
}
WORDS = {
    Cell.PASSED: "passed",
    Cell.FAILED: "failed",
    Cell.INCONCLUSIVE: "inconclusive",
    Cell.NOT_REACHED: "not reached",
}
VERDICTS = {
    Verdict.CAUGHT: ("#166534", "caught"),
    Verdict.RELEASED: ("#166534", "released"),
    Verdict.LATE: ("#b45309", "too late"),
    Verdict.MISSED: ("#b91c1c", "missed"),
    Verdict.FALSE_BLOCK: ("#b91c1c", "false block"),
    Verdict.BROKEN: ("#64748b", "not judged"),
}
EXPECTED = "#1e293b"
INTRODUCTION = (
    "Each row is one version with one fault, or a good one that looks odd, released through the real DAG. The framed "
    "cell is the last step that could know of the fault: the release must end there or before. A good version must "
    "pass every step."
)
CSS = (Path(__file__).parent / "matrix.css").read_text(encoding="utf-8")


def page(records: Sequence[Record], claims: Sequence[Claim]) -> str:
    """Return the matrix as one HTML page."""
    steps = steps_of(records)
    head = "".join(f"<th class=step><span>{step}</span></th>" for step in steps)
    rows, group = [], ""
    for runs in by_case(records):
        if runs[0].group != group:
            group = runs[0].group
            rows.append(f"<tr class=group><td colspan={len(steps) + 4}>{_text(group.replace('_', ' '))}</td></tr>")
        rows.append(_row(runs, steps))
    cards = "".join(_card(claim) for claim in claims)
    legend = "".join(
        f"<span><i style='background:{colour}'></i>{WORDS[cell]}</span>" for cell, colour in COLOURS.items()
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>What the gates catch</title>"
        f"<style>{CSS}</style><main><h1>What the gates catch</h1><p>{INTRODUCTION}</p>"
        f"<section class=cards>{cards}</section><p class=legend>{legend}"
        "<span><i class=expected></i>the last step that could know</span></p>"
        f"<table><thead><tr><th>case</th>{head}<th>verdict</th><th>seconds</th><th>runs</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></main></html>"
    )


def _row(runs: Sequence[Record], steps: Sequence[str]) -> str:
    first = runs[0]
    shown = []
    for step in steps:
        cell = _worst(runs, step)
        frame = " class=expected" if step == first.expected else ""
        shown.append(f"<td{frame} style='background:{COLOURS[cell]}' title='{step}: {WORDS[cell]}'></td>")
    counted = Counter(r.verdict for r in runs)
    verdicts = "<br>".join(
        f"<b style='color:{VERDICTS[v][0]}'>{VERDICTS[v][1]}</b>{f' {n} of {len(runs)}' if len(counted) > 1 else ''}"
        for v, n in counted.items()
    )
    seconds = [r.seconds for r in runs if r.seconds is not None]
    took = f"{sum(seconds) / len(seconds):.0f}" if seconds else ""
    reason = next((r.reason for r in runs if r.reason), "")
    said = f"<details><summary>{_text(reason[:110])}</summary>{_text(reason)}</details>" if reason else ""
    name = first.case.split("/", 1)[1].replace("_", " ")
    steady = f"{len(runs)}" if agree(runs) else f"{len(runs)}, differ"
    about = f"<b>{_text(name)}</b> <small>{_text(first.model)}</small><p>{_text(first.why)}</p>{said}"
    numbers = f"<td class=number>{took}</td><td class=number>{steady}</td>"
    return f"<tr><th scope=row>{about}</th>{''.join(shown)}<td class=verdict>{verdicts}</td>{numbers}</tr>"


def _worst(runs: Sequence[Record], step: str) -> Cell:
    """Return the cell to show where repeats differ: a stop before a pass before nothing."""
    order = (Cell.FAILED, Cell.INCONCLUSIVE, Cell.PASSED, Cell.NOT_REACHED)
    return min((r.cells.get(step, Cell.NOT_REACHED) for r in runs), key=order.index)


def _card(claim: Claim) -> str:
    value = f"{claim.value:.0f} s" if claim.unit == "s" else f"{claim.value:.1%}"
    name = claim.name.removeprefix("gates.").replace("_", " ")
    return f"<div><b>{value}</b><span>{_text(name)}</span><small>{_text(claim.against)} (n = {claim.n})</small></div>"


def _text(text: str) -> str:
    return html.escape(text, quote=True)


def picture(records: Sequence[Record], path: Path) -> None:
    """Draw the matrix as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    steps, cases = steps_of(records), by_case(records)
    figure, axes = plt.subplots(figsize=(4.6 + 0.62 * len(steps), 1.6 + 0.235 * len(cases)), dpi=130)
    for y, runs in enumerate(cases):
        for x, step in enumerate(steps):
            axes.add_patch(
                plt.Rectangle((x, y), 1, 1, facecolor=COLOURS[_worst(runs, step)], edgecolor="white", lw=1.5)
            )
        if runs[0].expected in steps:
            x = steps.index(runs[0].expected)
            axes.add_patch(plt.Rectangle((x + 0.07, y + 0.07), 0.86, 0.86, fill=False, edgecolor=EXPECTED, lw=1.6))
        worst = max((r.verdict for r in runs), key=list(VERDICTS).index)
        colour, word = VERDICTS[worst]
        axes.text(len(steps) + 0.15, y + 0.5, word, va="center", fontsize=7.5, color=colour, fontweight="bold")
    axes.set_xlim(0, len(steps) + 1.9)
    axes.set_ylim(len(cases), 0)
    axes.set_xticks([i + 0.5 for i in range(len(steps))], steps, rotation=40, ha="left", fontsize=7.5)
    axes.set_yticks(
        [i + 0.5 for i in range(len(cases))], [runs[0].case.replace("_", " ") for runs in cases], fontsize=7.5
    )
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    marks = [plt.Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor="#cbd5e1") for colour in COLOURS.values()]
    marks.append(plt.Rectangle((0, 0), 1, 1, fill=False, edgecolor=EXPECTED, lw=1.6))
    labels = [*WORDS.values(), "last step that could know"]
    figure.legend(marks, labels, loc="lower center", ncols=5, frameon=False, fontsize=7.5)
    figure.tight_layout(rect=(0, 0.3 / figure.get_figheight(), 1, 1))
    figure.savefig(path)
    plt.close(figure)
