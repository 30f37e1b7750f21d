"""A drill over versions whose images are stand-ins: what differs, what was altered and what is missing is told."""

import contextlib
import json
import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from slipway.core.evidence import Check, Evidence, Report
from slipway.core.identity import digest_bytes
from slipway.core.service import BuiltImage, RuntimeName
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import EngineUnavailable, EvidenceError, ImageBuildError, RegistryUnreachable, VersionNotFound
from slipway.images.content import CONTENT_FILE, content_digest, pack
from slipway.images.inputs import INPUTS_FILE, Inputs, pack_inputs
from slipway.images.rebuild import Rebuilt
from slipway.ledger import EntryKind
from slipway.workflows.reproduce import choose, reproduce, sample, seed_of, sentence
from tests.fakes.specs import a_spec
from tests.unit.deploy import fakes
from tests.unit.deploy.fakes import Behaviour, golden

FIRST, SECOND = digest_bytes(b"first image"), digest_bytes(b"second image")
BASE, NEXT_BASE = digest_bytes(b"base"), digest_bytes(b"next base")
CONTENT = {"srv/model/MLmodel": "file 0644 0:0 sha256:1", "config:label:slipway.base_image": f'"{BASE}"'}
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def an_image(digest):
    return BuiltImage(
        digest=digest, reference=digest, runtime=RuntimeName.DOCKER, python_version="3.11", lock_sha256=BASE
    )


@dataclass
class FakeRebuilder:
    """Gives what it is told to, and notes what it was given."""

    folder: object
    content: dict = field(default_factory=lambda: dict(CONTENT))
    problem: Exception | None = None
    given: list = field(default_factory=list)
    closed: int = 0

    def rebuild(self, kept, runtime):
        self.given.append((kept, runtime))
        if self.problem is not None:
            raise self.problem
        return Rebuilt(image=an_image(SECOND), content=self.content)


@pytest.fixture
def rebuilder(tmp_path, monkeypatch):
    folder = tmp_path / "drill"
    folder.mkdir()
    fake = FakeRebuilder(folder)

    @contextlib.contextmanager
    def rebuilding(settings, progress):
        try:
            yield fake
        finally:
            fake.closed += 1

    monkeypatch.setattr("slipway.images.rebuild.rebuilding", rebuilding)
    monkeypatch.setattr("slipway.images.rebuild.first_content", lambda *_: None)
    return fake


@pytest.fixture
def judged(bench):
    """Write the evidence of a version that was built and judged, with the files that it names."""

    def write(version=1, *, served=True, left_out=(), answers=None):
        bench.registry.add("churn", version)
        whole = golden(version)
        known = whole.answers if answers is None else answers
        # The service answers whole numbers for whole numbers: as they come back from JSON.
        whole = replace(whole, served=tuple(int(a) if answers is None else a for a in known) if served else ())
        inputs = Inputs(
            program={"a.py": b""}, config={"model": "churn", "signature": a_spec().to_signature().to_json()}
        )
        folder = bench.settings.reports / "churn" / f"v{version}"
        folder.mkdir(parents=True, exist_ok=True)
        files = {
            Check.BUILD_IMAGE: {
                "requirements.lock": b"tiny==1 --hash=sha256:" + b"0" * 64,
                INPUTS_FILE: pack_inputs(inputs),
                CONTENT_FILE: pack(CONTENT),
            },
            Check.RUN_SCENARIOS: {"golden.json": json.dumps(whole.to_json()).encode()},
        }
        for check, named in files.items():
            reports = []
            for name, data in named.items():
                (folder / name).write_bytes(data)
                if name not in left_out:
                    reports.append(Report(path=f"churn/v{version}/{name}", sha256=digest_bytes(data)))
            details = {
                "image": an_image(FIRST).to_json(),
                "base": {"reference": "base", "id": BASE},
                "backends": {"served": "native", "reason": "none"},
                "content_sha256": content_digest(CONTENT),
            }
            item = Evidence(
                check=check,
                outcome=Outcome.PASSED,
                subject=bench.registry.files("churn", version).subject.with_image(FIRST),
                runtime="docker",
                measurements=(Measurement(name="m", value=1.0, threshold=1.0, bound=Bound.MIN),),
                reports=tuple(reports),
                started_at=T0,
                ended_at=T0,
                release="r1",
                details=details if check is Check.BUILD_IMAGE else {},
            )
            bench.ledger.append(EntryKind.EVIDENCE, model="churn", version=version, actor="ada", payload=item.to_json())
        return folder

    return write


def drill(bench, versions=(("churn", 1),), **options):
    return reproduce(bench, versions, actor="ada", drill="d1", **options)


def entries(bench):
    return bench.ledger.entries(kinds=[EntryKind.REPRODUCTION])


def test_a_version_that_is_the_same_passes_and_is_in_the_ledger_with_its_page(bench, rebuilder, judged):
    judged()
    (found,) = drill(bench, seed=7)
    assert found.verdict.outcome is Outcome.PASSED, found.verdict.reasons
    assert (found.rebuilt, found.content.identical, found.answers.changed, found.answers.rows) == (True, True, 0, 20)
    (entry,) = entries(bench)
    assert (entry.version, entry.actor, entry.payload["seed"], entry.payload["outcome"]) == (1, "ada", 7, "PASSED")
    page = (bench.settings.reports / entry.payload["report"]["path"]).read_bytes()
    assert digest_bytes(page) == entry.payload["report"]["sha256"]
    assert b"the same to the last bit" in page
    assert rebuilder.closed == 1
    assert bench.runtime.running() == []


def test_it_is_built_from_what_was_recorded(bench, rebuilder, judged):
    judged()
    drill(bench)
    ((kept, runtime),) = rebuilder.given
    assert runtime is RuntimeName.DOCKER
    assert (kept.base, kept.choice.backend) == (BASE, "native")
    assert kept.lock.startswith("tiny==1")
    assert kept.inputs.program == {"a.py": b""}
    assert kept.files.subject.artifact_sha256 == bench.registry.artifact_digest("churn", 1)


def test_one_answer_that_differs_by_one_unit_in_the_last_place_is_told(bench, rebuilder, judged, monkeypatch):
    before = [float(a) + 0.5 for a in golden(1).answers]
    after = list(before)
    after[13] = math.nextafter(before[13], math.inf)
    judged(answers=before)
    monkeypatch.setattr(fakes, "answer", lambda version, x: after[x])
    (found,) = drill(bench)
    assert found.verdict.outcome is Outcome.FAILED
    assert (found.answers.changed, found.answers.max_ulps, found.answers.examples[0].row) == (1, 1, 13)
    assert "1 of 20 answers differ" in sentence(found)
    assert "by at most 2.84e-14, 1 unit in the last place" in sentence(found)
    page = (bench.settings.reports / entries(bench)[0].payload["report"]["path"]).read_text()
    assert repr(after[13]) in page
    assert "1 of 20 differ" in page


def test_a_path_that_differs_is_named_in_the_ledger_and_on_the_page(bench, rebuilder, judged):
    judged()
    rebuilder.content = {**CONTENT, "srv/model/MLmodel": "file 0644 0:0 sha256:2", "srv/extra": "file 0644 0:0 x"}
    (found,) = drill(bench)
    assert found.verdict.outcome is Outcome.FAILED
    assert found.content.changed == 2
    (entry,) = entries(bench)
    assert entry.payload["content"]["paths"] == ["srv/extra: not there before", "srv/model/MLmodel: other bytes"]
    page = (bench.settings.reports / entry.payload["report"]["path"]).read_text()
    assert "srv/model/MLmodel: other bytes" in page


def test_on_another_base_the_content_differs_by_design_and_the_answers_decide(bench, rebuilder, judged):
    judged()
    rebuilder.content = {**CONTENT, "config:label:slipway.base_image": f'"{NEXT_BASE}"', "etc/debian_version": "file x"}
    (found,) = drill(bench, base="debian:next")
    assert rebuilder.given[0][0].base == "debian:next"
    assert found.verdict.outcome is Outcome.PASSED
    assert (found.content.other_base, found.content.identical) == ("debian:next", False)
    assert "by design" in sentence(found)
    bench.runtime.behaviours[1] = Behaviour(wrong_from=1)
    (found,) = drill(bench, base="debian:next")
    assert found.verdict.outcome is Outcome.FAILED


def test_a_base_by_another_name_that_is_the_recorded_one_is_no_other_base(bench, rebuilder, judged):
    judged()
    rebuilder.content = {**CONTENT, "srv/extra": "file"}
    (found,) = drill(bench, base="base:again")
    assert (found.content.other_base, found.verdict.outcome) == ("", Outcome.FAILED)


def alter(name):
    def change(bench, folder):
        data = bytearray((folder / name).read_bytes())
        data[-3] ^= 1
        (folder / name).write_bytes(data)

    return change


ALTERED = {
    "golden.json": (alter("golden.json"), "golden.json was altered", Outcome.INCONCLUSIVE),
    "lock": (alter("requirements.lock"), "requirements.lock was altered", Outcome.FAILED),
    "program": (alter(INPUTS_FILE), "inputs.zip was altered", Outcome.FAILED),
    "content": (alter(CONTENT_FILE), "content.txt.gz was altered", Outcome.FAILED),
    "artifact": (lambda bench, folder: bench.registry.tamper("churn", 1), "in the registry is", Outcome.FAILED),
}


@pytest.mark.parametrize(("change", "said", "outcome"), ALTERED.values(), ids=ALTERED)
def test_one_byte_that_was_altered_is_found_and_named(bench, rebuilder, judged, change, said, outcome):
    change(bench, judged())
    (found,) = drill(bench)
    assert found.verdict.outcome is outcome
    assert said in found.problem
    assert said in entries(bench)[0].payload["problem"]


def test_a_version_that_cannot_be_built_does_not_end_the_drill(bench, rebuilder, judged):
    judged(1)
    judged(2)
    rebuilder.problem = ImageBuildError("tiny-math 1.0 has no wheel there", remedy="copy it")
    found = drill(bench, [("churn", 1), ("churn", 2)])
    assert [one.rebuilt for one in found] == [False, False]
    assert "not rebuilt: tiny-math 1.0 has no wheel there" in sentence(found[0])
    assert [entry.payload["outcome"] for entry in entries(bench)] == ["FAILED", "FAILED"]


@pytest.mark.parametrize(
    "error",
    [EngineUnavailable("no engine", remedy="start it"), RegistryUnreachable("no registry", remedy="start it")],
)
def test_without_engine_or_registry_nothing_is_shown_about_any_version(bench, rebuilder, judged, error):
    judged()
    rebuilder.problem = error
    with pytest.raises(type(error)):
        drill(bench)
    assert entries(bench) == []
    assert rebuilder.closed == 1


def test_a_service_that_does_not_start_or_answer_leaves_the_answers_unknown(bench, rebuilder, judged):
    judged()
    for behaviour, said in (
        (Behaviour(starts=False), "did not start"),
        (Behaviour(fails_from=3), "golden row 2: answered 500"),
        (Behaviour(says_version=9), "1 answers as version 9"),
    ):
        bench.runtime.behaviours[1] = behaviour
        (found,) = drill(bench)
        assert found.verdict.outcome is Outcome.INCONCLUSIVE
        assert (found.rebuilt, found.answers) == (True, None)
        assert said in found.problem
    assert bench.runtime.running() == []


def test_without_served_answers_the_first_image_is_asked(bench, rebuilder, judged):
    judged(served=False)
    (found,) = drill(bench)
    assert found.verdict.outcome is Outcome.PASSED
    asked = [spec.image.digest for spec in bench.runtime.specs.values()]
    assert sorted(asked) == sorted([FIRST, SECOND])


def test_without_a_recorded_content_nothing_is_claimed_about_it(bench, rebuilder, judged):
    judged(left_out=(CONTENT_FILE,))
    (found,) = drill(bench)
    assert (found.content.identical, found.verdict.outcome) == (None, Outcome.INCONCLUSIVE)
    assert "content not compared" in sentence(found)


def test_without_the_kept_program_the_present_one_is_used_and_said(bench, rebuilder, judged):
    judged(left_out=(INPUTS_FILE,))
    (found,) = drill(bench)
    assert "those of this checkout were used" in found.notes[0]
    assert "serving/__main__.py" in rebuilder.given[0][0].inputs.program


def test_a_version_that_was_never_judged_cannot_be_asked_for(bench, rebuilder):
    with pytest.raises(EvidenceError, match="has passed the scenarios"):
        drill(bench)


def test_a_sample_is_of_judged_versions_that_are_still_registered(bench, judged):
    for version in (1, 2, 3):
        judged(version)
    bench.registry.add("churn", 4)
    gone = bench.registry._folder("churn", 2)
    gone.rename(gone.with_name("gone-2"))
    bench.registry.versions = lambda model: [type("V", (), {"version": v}) for v in (1, 3, 4)]
    assert sample(bench, count=9, seed=1) == (("churn", 1), ("churn", 3))
    assert choose(bench, "churn", version=None, every=False) == [("churn", 3)]
    assert choose(bench, "churn", version=None, every=True) == [("churn", 1), ("churn", 3)]
    assert choose(bench, "churn", version=2, every=False) == [("churn", 2)]


def test_a_model_without_any_judged_version_has_nothing_to_choose(bench):
    with pytest.raises(VersionNotFound, match="no version of churn has passed"):
        choose(bench, "churn", version=None, every=True)


def test_a_run_draws_the_same_sample_when_its_task_is_cleared():
    assert seed_of("scheduled__2026") == seed_of("scheduled__2026") != seed_of("scheduled__2027")
