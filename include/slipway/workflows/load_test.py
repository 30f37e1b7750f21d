"""Gate 7: does the candidate hold its objectives under load, with right answers?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slipway.core.evidence import Check, Evidence, Findings
from slipway.core.golden import Golden
from slipway.core.identity import Subject
from slipway.core.loadprofile import load_profile
from slipway.core.service import BuiltImage
from slipway.core.verdict import Bound, Measurement
from slipway.deploy.smoke import smoke
from slipway.workflows.candidate import CANDIDATE, service_name, service_spec, started
from slipway.workflows.champion import champion_beside, serving_entry
from slipway.workflows.deploy import recorded_options
from slipway.workflows.gate import run_gate
from slipway.workflows.records import built_image, golden_answers, tuned_options
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench

LATER = "wrong_answers.later"


def load_test(bench: Workbench, release: Release) -> Evidence:
    """Drive the candidate with an open-loop load and hold p95, p99, errors and answers against the objectives.

    The candidate is started anew with the options that tuning chose, as production will start it, and stopped after:
    what ran before, and a try before this one, make no difference to it. An instance of the champion, with the options
    that it serves with, is asked in between. The instance that the scenarios were put to is asked the golden rows once
    more before it goes: it is the oldest there is, and an answer must not depend on that.
    """
    from slipway.loadtest import load_test as drive
    from slipway.loadtest.run import Setting
    from slipway.workflows.load_mix import load_mix

    spec, files = bench.spec(release.model), bench.files(release)
    subject, image = built_image(bench, release, files)
    options = tuned_options(bench, subject, release=release.id)

    def work(out: Path) -> tuple[Subject, Findings]:
        asked = golden_answers(bench, subject)
        later = _asked_again(bench, release, subject, image, asked)
        golden, kinds = load_mix(bench, spec, files, asked)
        candidate = service_spec(spec, subject, image, role=CANDIDATE, env=options.to_env())
        serving = serving_entry(bench, subject)
        theirs = recorded_options(serving).to_env() if serving else {}
        with (
            started(bench, candidate, startup_seconds=spec.objectives.startup_seconds) as handle,
            champion_beside(bench, spec, subject, role=CANDIDATE, env=theirs) as beside,
        ):
            found = drive(
                spec=spec,
                subject=subject,
                profile=load_profile(release.load_profile),
                golden=golden,
                url=handle.url,
                setting=Setting(
                    kinds=kinds,
                    champion_url=beside.handle.url if beside.handle else None,
                    champion_absent=beside.absent,
                    before=later,
                ),
                out=out,
                progress=bench.say,
            )
        return subject, replace(found, details={**found.details, "options": options.to_json()})

    return run_gate(bench, release, Check.LOAD_TEST, subject, work)


def _asked_again(
    bench: Workbench, release: Release, subject: Subject, image: BuiltImage, golden: Golden
) -> tuple[Measurement, ...]:
    """Ask the scenarios' instance the golden rows once more; if it runs no more, what an earlier try found counts."""
    handle = bench.runtime_of(image).find(service_name(subject.model, subject.version, CANDIDATE))
    if handle is None or handle.image_digest != image.digest:
        return _found_before(bench, release, subject)
    found = smoke(handle.url, golden, version=subject.version)
    wrong = Measurement(
        name=LATER,
        value=float(len(found)),
        threshold=0.0,
        bound=Bound.MAX,
        unit="problems",
        n=len(golden.rows),
        note=f"asked again, some gates after the scenarios: {found[0]}" if found else "",
    )
    return (wrong,)


def _found_before(bench: Workbench, release: Release, subject: Subject) -> tuple[Measurement, ...]:
    """Return what this gate's last try found on that instance: a second try must be no way around it."""
    for evidence in reversed(bench.ledger.evidence(subject.model, subject.version)):
        if (evidence.check, evidence.release, evidence.subject) == (Check.LOAD_TEST, release.id, subject):
            found = tuple(m for m in evidence.measurements if m.name == LATER)
            if found:
                return found
    return ()
