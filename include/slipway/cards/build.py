"""Facts become a card, in the order of Mitchell et al., "Model Cards for Model Reporting" (2019), with one part before.

Rules
-----
1. What differs from the champion comes first; for the champion itself, from the one before.
2. Every number is evidence's, the snapshot's, the declaration's or the registry's; every sentence about use, harm and
   limits is the owner's (:mod:`slipway.cards.prose`).
3. What nobody measured or wrote is said to be missing.
4. The same facts give the same card: no clock is read.
"""

from __future__ import annotations

from collections.abc import Mapping

from slipway.cards import service, tables
from slipway.cards.card import Block, Card, Difference, FactList, Grid, Measured, Prose, Section
from slipway.cards.facts import CardFacts
from slipway.cards.prose import PLACES, parts_of
from slipway.core.evidence import Check, Evidence
from slipway.core.spec import MetricName
from slipway.core.verdict import Measurement, Outcome
from slipway.reporting.release.compare import compare
from slipway.reporting.release.facts import Champion
from slipway.reporting.release.headline import TITLES
from slipway.reporting.tables import number

NOT_WRITTEN = "*Not written yet: the model's owner says it in `card.md`.*"


def build_card(facts: CardFacts) -> Card:
    """Return the card of one version."""
    prose = parts_of(facts.prose)
    further = [Section(title=title, blocks=(Prose(text),)) for title, text in prose.items() if title not in _OURS]
    sections = (
        _difference(facts),
        Section(title="Model details", blocks=(FactList(service.details(facts)),)),
        Section(title="Intended use", blocks=_written(prose, "Intended use")),
        _factors(facts, prose),
        _quality(facts, prose),
        service.objectives(facts),
        service.answers(facts),
        _data(facts, prose, "Evaluation data"),
        _data(facts, prose, "Training data"),
        _inputs(facts),
        Section(title="Ethical considerations", blocks=_written(prose, "Ethical considerations")),
        Section(title="Caveats and recommendations", blocks=_written(prose, "Caveats and recommendations")),
        *further,
        _evidence(facts),
    )
    return Card(subject=facts.subject, lead=facts.spec.purpose, figures=_figures(facts), sections=sections)


_OURS = frozenset(PLACES.values())


def _written(prose: Mapping[str, str], title: str) -> tuple[Block, ...]:
    return (Prose(prose.get(title, NOT_WRITTEN)),)


def _found(facts: CardFacts, check: Check) -> tuple[Measurement, ...]:
    item = facts.evidence.get(check)
    return () if item is None else item.measurements


def _figures(facts: CardFacts) -> dict[str, str]:
    judged = {m.name: m for m in _found(facts, Check.EVALUATE)}
    shown = [judged[m.name.value] for m in facts.spec.quality.metrics if m.name.value in judged][:3]
    figures = {m.name: number(m.value, m.unit) for m in shown}
    load = {m.name: m for m in _found(facts, Check.LOAD_TEST)}
    figures |= {
        name: number(load[f"latency.{name}"].value, "ms") for name in ("p95", "p99") if f"latency.{name}" in load
    }
    passed = sum(item.outcome is Outcome.PASSED for item in facts.evidence.values())
    return figures | {"gates passed": f"{passed} of {len(Check)}"}


def _difference(facts: CardFacts) -> Section:
    rival = facts.rival
    if rival is None:
        said = "There is no other version to compare with: this is the first that was released."
        return Section(title="What is new", blocks=(Prose(said),))
    beside = Champion(version=rival.version, evidence=rival.evidence)
    lines = compare(facts.evidence, beside, same_rows=rival.same_rows)
    ours = facts.subject.version
    blocks: list[Block] = [Difference(version=ours, other=rival.version, lines=lines)] if lines else []
    if not lines:
        blocks.append(Prose(f"Nothing was measured on both version {ours} and version {rival.version}."))
    changes = tables.changes(facts, rival)
    if changes:
        header = ("", f"Version {rival.version}", f"Version {ours}")
        blocks.append(Grid(header=header, rows=changes))
    interval = [m for m in _found(facts, Check.EVALUATE) if m.name.startswith("champion.") and m.outcome is not None]
    if interval and rival.same_rows:
        blocks.append(Measured(measurements=tuple(interval)))
    note = (
        "Where it says so, both versions answered the same rows; else each value is from the version's own release. "
        "Gates decide with intervals, not with the plain differences."
    )
    return Section(
        title=f"What is new beside the {rival.role}, version {rival.version}", blocks=tuple(blocks), note=note
    )


def _factors(facts: CardFacts, prose: Mapping[str, str]) -> Section:
    rows = tables.factors(facts.spec.quality)
    blocks: list[Block] = [Prose(prose["Factors"])] if "Factors" in prose else []
    if rows:
        blocks.append(Grid(header=("Part of the data", "Metric", "Must be", "Rows needed"), rows=rows, numeric=(2, 3)))
    else:
        blocks.append(Prose("`model.yaml` declares no slice and no group: quality was examined as a whole."))
    note = "Parts that nobody declared are searched for as well; what was found stands below."
    return Section(title="Factors", blocks=tuple(blocks), note=note)


def _quality(facts: CardFacts, prose: Mapping[str, str]) -> Section:
    found = _found(facts, Check.EVALUATE)
    names = {name.value for name in MetricName}
    parts = {
        "Overall": tuple(m for m in found if m.name in names),
        "On each declared part": tuple(m for m in found if m.name.startswith("slice.")),
        "Between groups (fairness)": tuple(m for m in found if m.name.startswith("fairness.")),
        "On parts that nobody declared": tuple(m for m in found if m.name.startswith("undeclared_parts.")),
    }
    blocks: list[Block] = [Prose(prose["Metrics"])] if "Metrics" in prose else []
    for title, measured in parts.items():
        blocks.append(Prose(f"### {title}"))
        blocks.append(Measured(measurements=measured, empty=_no_quality(facts, title)))
    if facts.metrics:
        rows = tuple((name, number(value)) for name, value in sorted(facts.metrics.items())[: tables.MAX_ROWS])
        blocks += [
            Prose("### As the training run logged it"),
            Grid(header=("Metric", "Value"), rows=rows, numeric=(1,)),
        ]
    return Section(title="Metrics", blocks=tuple(blocks), note=tables.threshold_note(facts.spec))


def _no_quality(facts: CardFacts, title: str) -> str:
    if Check.EVALUATE not in facts.evidence:
        return "Not measured: this version was not evaluated."
    return "Not declared, so not measured." if title != "Overall" else "Not measured."


def _data(facts: CardFacts, prose: Mapping[str, str], title: str) -> Section:
    blocks: list[Block] = [Prose(prose[title])] if title in prose else []
    if facts.data is None:
        why = f": {facts.data_problem}" if facts.data_problem else ""
        blocks.append(Prose(f"The version's data snapshot could not be read{why}."))
    else:
        own = facts.data.holdout if title == "Evaluation data" else facts.data.train
        blocks.append(FactList(tables.file_facts(own, facts.spec)))
    if title == "Evaluation data":
        judged = tuple(m for m in _found(facts, Check.VALIDATE_DATA) if m.outcome is not None)
        blocks.append(Measured(measurements=judged, empty="The data were not validated."))
    return Section(title=title, blocks=tuple(blocks))


def _inputs(facts: CardFacts) -> Section:
    header = ("Input", "Type", "Unit", "Declared", "In training", "Missing there", "If missing", "If outside")
    note = "What a request is held to. An answer outside of what training held is the model's guess."
    blocks: tuple[Block, ...] = (
        Grid(header=header, rows=tables.inputs(facts), numeric=(5,)),
        FactList((("Output", tables.output(facts.spec)),)),
    )
    return Section(title="Inputs, output and limits", blocks=blocks, note=note)


def _evidence(facts: CardFacts) -> Section:
    rows = tuple(_gate(facts.evidence[check]) for check in Check if check in facts.evidence)
    blocks: tuple[Block, ...] = (
        (Grid(header=("Gate", "Verdict", "Ended (UTC)", "Runtime", "Report", "sha256"), rows=rows),)
        if rows
        else (Prose("No gate has judged this version."),)
    )
    note = "Each report's digest is in the ledger; a report that does not have it was altered."
    return Section(title="Evidence", blocks=blocks, note=note)


def _gate(item: Evidence) -> tuple[str, ...]:
    page = next((r for r in item.reports if r.path.endswith(".html")), None)
    shown = (page.path.rsplit("/", 1)[-1], page.sha256.removeprefix("sha256:")[:16] + "…") if page else ("", "")
    return (TITLES[item.check.value], item.outcome.value, f"{item.ended_at:%Y-%m-%d %H:%M}", item.runtime, *shown)
