"""What catalogues are told, as OpenLineage events; nothing where the settings name no address.

Rules
-----
1. An event that cannot be made or sent is lost, and said to be; no release, run or watch fails or waits for it.
2. A job is named as its DAG, a run as the DAG's run: a start and its end are one run to a catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from slipway.core.identity import Subject
from slipway.core.spec import ModelSpec
from slipway.core.verdict import Outcome
from slipway.lineage.events import Data, Field, Happening, Owner, State
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    from slipway.scoring import Interval
    from slipway.workflows.scoring_run import ScoringRun


def tell(bench: Workbench, make: Callable[[], Iterable[Happening]]) -> None:
    """Send the events that ``make`` returns; it is not called where nobody listens."""
    if not bench.settings.lineage_url:
        return
    from slipway.lineage.send import send

    try:
        settings = bench.settings
        lost = send(settings.lineage_url, list(make()), root=settings.root, key=settings.lineage_key)
    except Exception as error:  # noqa: BLE001 - by rule 1
        lost = f"{type(error).__name__}: {error}"
    if lost:
        bench.say(f"lineage events are lost: {lost}")


def tell_training(bench: Workbench, subject: Subject, data: Mapping[str, str]) -> None:
    """Tell which data a version was made of: a run that is over, since its version is registered."""

    def make() -> Iterable[Happening]:
        spec = bench.spec(subject.model)
        snapshot = Data(
            name=f"{data['dataset']}/snapshots",
            version=data["train"],
            fields=_inputs(spec),
            documentation=f"Training and holdout rows of {data['dataset']}",
            digests={"train": data["train"], "holdout": data["holdout"]},
        )
        about = _about(spec, "train", data["run"], "Makes a version of the model from a snapshot of its dataset")
        for state in (State.START, State.COMPLETE):
            yield Happening(
                **about, state=state, at=bench.now(), inputs=(snapshot,), outputs=(_version(spec, subject),)
            )

    tell(bench, make)


def tell_release(bench: Workbench, subject: Subject, release: str, outcome: Outcome | None, reason: str = "") -> None:
    """Tell that a release has begun (no outcome yet) or ended: what went in is the version, what came out its image."""

    def make() -> Iterable[Happening]:
        spec = bench.spec(subject.model)
        about = _about(spec, "release", release, f"Takes a version to production through gates. {spec.purpose}")
        failed = outcome is not None and outcome is not Outcome.PASSED
        image = () if outcome is None or subject.image_digest is None else (_image(spec, subject),)
        yield Happening(
            **about,
            state=_state(outcome),
            at=bench.now(),
            inputs=(_version(spec, subject),),
            outputs=image,
            error=reason if failed else "",
        )

    tell(bench, make)


def tell_scoring(
    bench: Workbench, run: ScoringRun, subject: Subject, outcome: Outcome | None, rows: int | None = None
) -> None:
    """Tell that a run of batch scoring has begun or ended; one without rows is complete."""

    def make() -> Iterable[Happening]:
        spec = bench.spec(run.model)
        assert spec.scoring is not None
        keys = tuple(Field(name=name, kind="key") for name in spec.scoring.keys)
        source = Data(name=spec.scoring.source.label, version=str(run.interval), fields=(*keys, *_inputs(spec)))
        sink = _sink(spec, subject, run.interval, rows=rows)
        ended = None if outcome is None else (Outcome.FAILED if outcome is Outcome.FAILED else Outcome.PASSED)
        yield Happening(
            **_about(spec, "score", run.id, "Scores the rows of an interval with the image that serves"),
            state=_state(ended),
            at=bench.now(),
            inputs=(source, _image(spec, subject)),
            outputs=(sink,),
            interval=(run.interval.start, run.interval.end),
        )

    tell(bench, make)


def tell_watch(bench: Workbench, run: ScoringRun, subject: Subject, watch: Mapping[str, Any] | None) -> None:
    """Tell that a night's watch has begun, or (with its ledger entry's payload) what it looked at and wrote."""

    def make() -> Iterable[Happening]:
        spec = bench.spec(run.model)
        reports = () if watch is None else tuple(_report(one) for one in watch["reports"])
        yield Happening(
            **_about(spec, "monitor", run.id, "Compares a day's scored rows with the champion's reference"),
            state=State.START if watch is None else State.COMPLETE,
            at=bench.now(),
            inputs=(_sink(spec, subject, run.interval), _image(spec, subject)),
            outputs=reports,
            interval=(run.interval.start, run.interval.end),
        )

    tell(bench, make)


def _about(spec: ModelSpec, kind: str, run: str, documentation: str) -> dict[str, Any]:
    return {"job": f"{spec.name}.{kind}", "run": run, "documentation": documentation, "owner": _owner(spec)}


def _state(outcome: Outcome | None) -> State:
    if outcome is None:
        return State.START
    return State.COMPLETE if outcome is Outcome.PASSED else State.FAIL


def _owner(spec: ModelSpec) -> Owner:
    return Owner(name=spec.owner.team, contact=spec.owner.contact)


def _inputs(spec: ModelSpec) -> tuple[Field, ...]:
    return tuple(
        Field(name=column.name, kind=column.dtype.value, description=column.description)
        for column in spec.signature.inputs
    )


def _output(spec: ModelSpec) -> Field:
    output = spec.to_signature().output
    return Field(name=output.name, kind=output.dtype.value)


def _version(spec: ModelSpec, subject: Subject) -> Data:
    return Data(
        name=f"{spec.name}/versions/{subject.version}",
        version=subject.artifact_sha256,
        fields=(*_inputs(spec), _output(spec)),
        documentation=spec.purpose,
        owner=_owner(spec),
        digests={"artifact": subject.artifact_sha256},
    )


def _image(spec: ModelSpec, subject: Subject) -> Data:
    digest = subject.image_digest or ""
    return Data(
        name=f"{spec.name}/images/{subject.version}",
        version=digest,
        owner=_owner(spec),
        digests={"artifact": subject.artifact_sha256, "image": digest},
    )


def _sink(spec: ModelSpec, subject: Subject, interval: Interval, *, rows: int | None = None) -> Data:
    assert spec.scoring is not None
    keys = tuple(Field(name=name, kind="key") for name in spec.scoring.keys)
    return Data(
        name=spec.scoring.sink.label,
        version=str(interval),
        fields=(*keys, _output(spec)),
        documentation=f"Answers of {spec.name}, with the version, image and run of each",
        owner=_owner(spec),
        digests={"artifact": subject.artifact_sha256, "image": subject.image_digest or ""},
        rows=rows,
    )


def _report(report: Mapping[str, str | None]) -> Data:
    digest = report["sha256"] or ""
    return Data(name=f"reports/{report['path']}", version=digest, digests={"report": digest} if digest else {})
