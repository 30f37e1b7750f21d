"""The story as a page: what stopped the release first, then the steps, the champion, and every gate."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import shorten
from slipway.reporting.page import card, document, own_file
from slipway.reporting.release.compare import Compared
from slipway.reporting.release.examples import Example
from slipway.reporting.release.facts import FileState
from slipway.reporting.release.gauge import gauge, place
from slipway.reporting.release.headline import TITLES
from slipway.reporting.release.story import GateStory, Link, Story
from slipway.reporting.release.timeline import State
from slipway.reporting.tables import MAX_NOTE, chip, number, outcome_chip, table

MARKS = {State.PASSED: "✓", State.FAILED: "✕", State.INCONCLUSIVE: "?", State.NOT_REACHED: ""}


def render(story: Story) -> str:
    """Return the whole page; the same story gives the same bytes."""
    parts = [
        _verdict(story),
        _champion(story),
        _steps(story),
        '<h2 class="section">Every gate</h2>' if story.gates else "",
        *(_gate(story, gate) for gate in story.gates),
        _about(story),
    ]
    title = f"Release of {story.model}" + (f" version {story.version}" if story.version else "")
    return document(
        title, parts, css=own_file(__file__, "release.css"), script=own_file(__file__, "release.js"), wide=False
    )


def _verdict(story: Story) -> str:
    tone = "" if story.outcome is None else story.outcome.value
    version = f"version {story.version}" if story.version else "version unknown"
    serves = f" · version {story.serving} serves" if story.serving and story.outcome is not Outcome.PASSED else ""
    names = f"<b>{escape(story.model)}</b> {version} · release {escape(story.release)}{serves}"
    about = chip(story.word, tone) + names
    gate = story.stopping_gate
    altered = _altered(story)
    shown = [
        f'<p class="about">{about}</p><h1>{escape(story.headline)}</h1>',
        f'<p class="because">{escape(story.because)}</p>' if story.because else "",
        _next(story.what_next),
        _measured(gate.stopping[:6]) if gate else "",
        _example(gate.example, "first") if gate and gate.example else "",
        _links(story, (*(gate.links if gate else ()), *story.card)),
        altered,
    ]
    return f'<section class="verdict {tone}">{"".join(shown)}</section>'


def _altered(story: Story) -> str:
    if not story.altered:
        return ""
    names = ", ".join(f"<code>{escape(path)}</code>" for path in story.altered)
    return f'<p class="warn"><b>Altered after it was recorded:</b> {names}. Do not rely on what it says.</p>'


def _next(sentences: Iterable[str]) -> str:
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return f'<div class="next"><b>What to do next</b>{said}</div>' if said else ""


def _steps(story: Story) -> str:
    cells = []
    for step in story.steps:
        took = "" if step.seconds is None else _seconds(step.seconds)
        tone = "none" if step.state is State.NOT_REACHED else step.state.value
        hint = escape(f"{step.step}: {step.state.value}")
        cells.append(
            f'<div class="step {tone}" title="{hint}"><i>{MARKS[step.state]}</i>'
            f"{escape(step.title)}<span>{took}</span></div>"
        )
    timed = [step for step in story.steps if step.seconds and step.state is not State.NOT_REACHED]
    total = sum(step.seconds or 0.0 for step in timed)
    bar = "".join(
        f'<div class="{step.state.value}" style="flex:{step.seconds:.3f}" '
        f'title="{escape(step.title)}: {_seconds(step.seconds or 0)}"></div>'
        for step in timed
    )
    spent = f'<div class="spent">{bar}</div>' if timed else ""
    note = f"{_seconds(total)} in these steps, by the ledger" if timed else ""
    return card("Step by step", f'<div class="strip">{"".join(cells)}</div>', spent, note=note)


def _champion(story: Story) -> str:
    if not story.gates:
        return ""
    if story.champion is None:
        return card("Beside the champion", note="There is no other champion: this version stands by its own limits.")
    if not story.compared:
        said = f"Nothing has been measured yet on both this version and the champion, version {story.champion}."
        return card("Beside the champion", note=said)
    rows = [
        (
            f"<code>{escape(line.name)}</code>{' <small>same rows</small>' if line.same_rows else ''}",
            escape(TITLES[line.check.value]),
            escape(number(line.there, line.unit)),
            escape(number(line.here, line.unit)),
            _difference(line),
        )
        for line in story.compared
    ]
    header = ("Measurement", "Gate", f"Champion, version {story.champion}", f"Version {story.version}", "Difference")
    note = (
        "Where it does not say that the rows were the same, the champion's value is from its own release: a difference "
        "here is for the reader, the gates decide with intervals."
    )
    return card("Beside the champion", table(header, rows, numeric=(2, 3, 4)), note=note)


def _difference(line: Compared) -> str:
    change = line.here - line.there
    sign = "+" if change > 0 else "-" if change < 0 else ""
    shown = escape(f"{sign}{number(float(abs(change)), line.unit)}")
    tone = {True: "up", False: "down", None: ""}[line.better]
    return f'<span class="{tone}">{shown}</span>'


def _gate(story: Story, gate: GateStory) -> str:
    judged = [m for m in gate.measurements if m.outcome is not None]
    what = f"{sum(m.outcome is Outcome.PASSED for m in judged)} of {len(judged)} within limits{_closest(gate)}"
    if gate.outcome is not Outcome.PASSED and not gate.measurements:
        what = "crashed: nothing was measured"
    tries = f" · ran {gate.tries} times" if gate.tries > 1 else ""
    stopped, told_above = gate.outcome is not Outcome.PASSED, gate is story.stopping_gate
    inside = [
        "" if gate.measurements else f"<pre>{escape(shorten('; '.join(gate.reasons), 1500))}</pre>",
        "" if told_above else _next(gate.remedies),
        _measured(gate.measurements),
        "" if told_above or gate.example is None else _example(gate.example, gate.check.value),
        _links(story, gate.links),
    ]
    return (
        f'<details class="gate"{" open" if stopped else ""}><summary>{outcome_chip(gate.outcome)}'
        f"<span>{escape(TITLES[gate.check.value])}</span>"
        f'<span class="what">{escape(what + tries)}</span><span class="took">{_seconds(gate.seconds)}</span></summary>'
        f'<div class="inside">{"".join(inside)}</div></details>'
    )


def _closest(gate: GateStory) -> str:
    """Return the measurement that came closest to its limit; counts that must be zero come no closer than that."""
    near = [m for m in gate.measurements if m.outcome is Outcome.PASSED and m.threshold and m.value is not None]
    if gate.outcome is not Outcome.PASSED or not near:
        return ""
    m = min(near, key=lambda m: abs(place(float(m.value or 0), float(m.threshold or 0))))
    side = "≤" if m.bound is Bound.MAX else "≥"
    return f", closest: {m.name} {number(m.value, m.unit)} {side} {number(float(m.threshold or 0), m.unit)}"


def _measured(measurements: Iterable[Measurement]) -> str:
    order = {Outcome.FAILED: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASSED: 2, None: 3}
    rows = []
    for m in sorted(measurements, key=lambda m: order[m.outcome]):
        note = f'<span class="small">{escape(shorten(m.note, MAX_NOTE))}</span>' if m.note else ""
        name = f"<code>{escape(m.name)}</code>{note}"
        n = f"{m.n:,}" if m.n >= m.n_required else f"{m.n:,} of {m.n_required:,}"
        rows.append((outcome_chip(m.outcome), name, gauge(m), _value(m), _limit(m), n))
    if not rows:
        return ""
    shown = table(("Verdict", "Measurement", "Against its limit", "Value", "Limit", "n"), rows, numeric=(3, 4, 5))
    return shown.replace("<td><code>", '<td class="m"><code>')


def _value(m: Measurement) -> str:
    return "not measured" if m.value is None else f"<b>{escape(number(float(m.value), m.unit))}</b>"


def _limit(m: Measurement) -> str:
    if m.threshold is None:
        return ""
    side = "≤" if m.bound is Bound.MAX else "≥"
    return f'<span class="limit">{side} {escape(number(float(m.threshold), m.unit))}</span>'


def _example(example: Example, key: str) -> str:
    lines = "".join(f"<p>{escape(line)}</p>" for line in example.lines)
    button = f'<button data-copies="{escape(key)}-command">Copy</button>' if example.command else ""
    command = f'<pre id="{escape(key)}-command">{escape(example.command)}</pre>' if example.command else ""
    note = '<p class="small">The address was the candidate\'s; put in that of a server of the same image.</p>'
    after = f"{command}{note}" if command else ""
    return f'<div class="example"><h3>{escape(example.title)}{button}</h3>{lines}{after}</div>'


def _links(story: Story, links: Iterable[Link]) -> str:
    shown, first = [], True
    for link in links:
        title = escape(link.title)
        if link.state is FileState.GONE:
            shown.append(f'<span class="bad">{title}: gone</span>')
            continue
        main = first and link.path.endswith(".html") and link.state is FileState.SOUND
        first = first and not main
        tone = "main" if main else "bad" if link.state is FileState.ALTERED else ""
        word = ": altered" if link.state is FileState.ALTERED else ""
        address = quote(posixpath.relpath(link.path, story.folder or "."))
        shown.append(f'<a class="{tone}" href="{escape(address)}">{title}{word}</a>')
    return f'<p class="links">{"".join(shown)}</p>' if shown else ""


def _about(story: Story) -> str:
    subject = story.subject or {}
    facts = {
        "Asked for by": story.requester,
        "Reason": story.reason,
        "Load profile": story.load_profile,
        "Began": f"{story.began:%Y-%m-%d %H:%M:%S} UTC" if story.began else "",
        "Serving": f"version {story.serving}" if story.serving else "",
        "Artifact": subject.get("artifact_sha256") or "",
        "Image": subject.get("image_digest") or "",
        "Ledger": "entries {} to {}".format(*story.entries) if story.entries else "",
    }
    lines = "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items() if value)
    note = "Every number on this page is from the ledger; each report was checked against the digest in its evidence."
    return card("What this page is about", f"<dl>{lines}</dl>", note=note)


def _seconds(seconds: float) -> str:
    """Return a duration as a person says it.

    >>> _seconds(4.25), _seconds(75), _seconds(3700)
    ('4.2 s', '1 min 15 s', '1 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
