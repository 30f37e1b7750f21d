"""The load test asks the candidate, a champion in between where there is one, and declared requests of every kind."""

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.core.evidence import Check, Findings
from slipway.core.golden import Golden, Tolerance
from slipway.core.identity import digest_bytes
from slipway.core.serving_options import Mode, ServingOptions
from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.core.verdict import Bound, Measurement
from slipway.errors import GateStopped
from slipway.workflows.approve import record_decision
from slipway.workflows.champion import NO_CHAMPION
from slipway.workflows.deploy import deploy
from slipway.workflows.load_mix import IN_RANGE, MISSING, NEW_ROWS, OUT_OF_RANGE, load_mix, unusual_rows
from slipway.workflows.load_test import load_test
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from slipway.workflows.start_candidate import start_candidate
from tests.unit.deploy.fakes import Behaviour

OLD = digest_bytes(b"the champion's image")
OPTIONS = ServingOptions(mode=Mode.INLINE)
BESIDE = "slipway-churn-v2-candidate-champion"


def names(bench):
    return sorted(handle.name for handle in bench.runtime.list())


@pytest.fixture
def served(bench, gateway, complete):
    """Version 1 serves, with options of its own."""
    release = Release(id="r1", model="churn", version=1, requester="ada")
    complete(version=1, release_id=release.id, image=OLD, options=OPTIONS)
    record_decision(bench, release, approved=True, by="bob")
    promote(bench, release)
    deploy(bench, release)


@pytest.fixture
def candidate(bench, put, reference):
    """Version 2 has come as far as the load test."""
    bench.registry.add("churn", 2, b"model 2")
    release = Release(id="r2", model="churn", version=2, load_profile="smoke", requester="ada")
    for check in (Check.BUILD_IMAGE, Check.RUN_SCENARIOS, Check.TUNE_SERVING):
        put(check, version=2, release_id=release.id)
    return release


@pytest.fixture
def driven(bench, monkeypatch):
    """What the capability was given, and what ran then."""
    seen = []

    def drive(**given):
        seen.append((given, names(bench)))
        page = Path(given["out"]) / "load_test.html"
        page.write_text("<p>found</p>")
        return Findings(
            measurements=(Measurement(name="m", value=0.0, threshold=0.0, bound=Bound.MAX), *given["setting"].before),
            reports={str(page): "Load test"},
        )

    monkeypatch.setattr("slipway.loadtest.load_test", drive)
    return seen


def test_the_champion_runs_beside_with_the_options_that_it_serves_with(bench, served, candidate, driven):
    before = names(bench)
    load_test(bench, candidate)
    ((given, running),) = driven
    assert {BESIDE, "slipway-churn-v2-candidate"} <= set(running)
    twin = next(spec for spec in bench.runtime.specs.values() if spec.name == BESIDE)
    assert (ServingOptions.from_env(twin.env), twin.image.digest, twin.prediction_log) == (OPTIONS, OLD, None)
    assert given["setting"].champion_url not in (None, given["url"])
    assert names(bench) == before


def test_without_a_champion_it_goes_on(bench, candidate, driven):
    load_test(bench, candidate)
    ((given, _),) = driven
    assert (given["setting"].champion_url, given["setting"].champion_absent) == (None, NO_CHAMPION)


def test_a_champion_that_does_not_start_is_told_and_stops_nothing(bench, served, candidate, driven):
    before = names(bench)
    bench.runtime.behaviours[1] = Behaviour(starts=False)
    load_test(bench, candidate)
    ((given, _),) = driven
    assert given["setting"].champion_url is None
    assert "version 1, cannot be started" in given["setting"].champion_absent
    assert names(bench) == before


@pytest.mark.parametrize("error", [RuntimeError("no pace"), KeyboardInterrupt()], ids=["fails", "is killed"])
def test_neither_is_left_when_the_load_test(bench, served, candidate, monkeypatch, error):
    before = names(bench)

    def drive(**_):
        raise error

    monkeypatch.setattr("slipway.loadtest.load_test", drive)
    with pytest.raises(type(error)):
        load_test(bench, candidate)
    assert names(bench) == before


CANDIDATE = "slipway-churn-v2-candidate"


def asked_again(bench):
    """What the last evidence says about it."""
    evidence = bench.ledger.evidence("churn", 2)[-1]
    return next((m for m in evidence.measurements if m.name == "wrong_answers.later"), None)


def test_the_scenarios_instance_is_asked_again_before_it_goes(bench, candidate, driven):
    first = start_candidate(bench, candidate)
    load_test(bench, candidate)
    ((given, _),) = driven
    assert given["url"] != first.url
    assert (asked_again(bench).value, asked_again(bench).n) == (0.0, 20)


LATER = {"wrong": Behaviour(wrong_from=1), "errors": Behaviour(fails_from=1)}


@pytest.mark.parametrize("behaviour", LATER.values(), ids=LATER)
def test_a_version_that_answers_otherwise_when_it_is_older_is_stopped(bench, candidate, driven, behaviour):
    bench.runtime.behaviours[2] = behaviour
    start_candidate(bench, candidate)
    bench.runtime.behaviours[2] = Behaviour()  # a fresh instance is right
    with pytest.raises(GateStopped, match=r"wrong_answers\.later"):
        load_test(bench, candidate)
    assert "asked again" in asked_again(bench).note
    assert CANDIDATE not in names(bench)
    with pytest.raises(GateStopped, match=r"wrong_answers\.later"):
        load_test(bench, candidate)  # a second try is no way around it
    start_candidate(bench, candidate)
    load_test(bench, candidate)  # an instance that was asked anew is


def test_what_an_earlier_try_found_counts_in_its_release_only(bench, put, candidate, driven):
    start_candidate(bench, candidate)
    load_test(bench, candidate)
    load_test(bench, candidate)
    assert (asked_again(bench).value, asked_again(bench).n) == (0.0, 20)
    for check in (Check.BUILD_IMAGE, Check.RUN_SCENARIOS, Check.TUNE_SERVING):
        put(check, version=2, release_id="r3")
    load_test(bench, replace(candidate, id="r3"))
    assert asked_again(bench) is None


def test_an_instance_that_is_gone_or_of_another_image_is_not_asked(bench, candidate, driven):
    load_test(bench, candidate)
    assert asked_again(bench) is None
    other = digest_bytes(b"another image")
    handle = start_candidate(bench, candidate)
    bench.runtime.handles[handle.id] = replace(handle, image_digest=other)
    load_test(bench, candidate)
    assert asked_again(bench) is None


SIGNATURE = Signature(
    inputs=(
        Column(name="a", dtype=DType.FLOAT, min=0, max=10, nullable=True, on_missing=Policy.parse("flag")),
        Column(name="b", dtype=DType.INT, min=0, max=9, on_out_of_range=Policy.parse("clip")),
        Column(name="c", dtype=DType.FLOAT, on_missing=Policy.parse({"impute": 0.5})),
        Column(name="d", dtype=DType.FLOAT, min=0, max=1),
    ),
    output=Output(name="y"),
)


def golden_of(rows):
    return Golden(rows=tuple(rows), answers=(0.0,) * len(rows), tolerance=Tolerance(absolute=1e-9, relative=0))


def test_every_declared_kind_of_request_is_a_tenth_of_what_is_sent():
    rows = [{"a": 1.0 + i, "b": i % 9, "c": 2.0, "d": 0.5} for i in range(200)]
    unusual = list(unusual_rows(rows, SIGNATURE))
    kinds = [kind for kind, _ in unusual]
    whole = len(rows) + len(unusual)
    assert {kind: round(kinds.count(kind) / whole, 2) for kind in kinds} == {MISSING: 0.1, OUT_OF_RANGE: 0.1}
    gaps = {name for kind, row in unusual if kind == MISSING for name, value in row.items() if value is None}
    assert gaps == {"a", "c"}
    assert {row["b"] for kind, row in unusual if kind == OUT_OF_RANGE} == {-1, 10}
    assert all(0 <= row["d"] <= 1 for _, row in unusual)


def test_a_declaration_that_rejects_everything_unusual_adds_nothing():
    strict = Signature(inputs=(Column(name="d", dtype=DType.FLOAT, min=0, max=1),), output=Output(name="y"))
    assert list(unusual_rows([{"d": 0.5}], strict)) == []


def test_few_requests_are_the_same_as_another_and_each_answer_is_known(bench, project, candidate):
    found, kinds = mix_of(bench, project, candidate, [{"x": 10.0 + i} for i in range(20)])
    assert found.rows[:20] == tuple({"x": 10.0 + i} for i in range(20))
    complete = [row["x"] for row, kind in zip(found.rows, kinds, strict=True) if kind == IN_RANGE]
    assert len(set(complete)) == 20 + NEW_ROWS
    assert all(10 <= x <= 29 for x in complete)
    assert found.answers[20 : 20 + NEW_ROWS] == tuple(x / 100 for x in complete[20:])


def mix_of(bench, project, candidate, rows):
    column = {"name": "x", "dtype": "float", "min": 0, "max": 50, "nullable": True, "on_missing": "flag",
              "on_out_of_range": "clip"}  # fmt: skip
    project(signature={"inputs": [column], "output": {"name": "p", "dtype": "float"}})
    golden = replace(golden_of(rows), served=(0.25,) * len(rows))  # as the scenarios leave it
    return load_mix(bench, bench.spec("churn"), bench.files(candidate), golden)


def test_the_reference_says_what_to_answer_to_them(bench, project, candidate):
    found, kinds = mix_of(bench, project, candidate, [{"x": 25.0}] * 20)
    assert set(kinds) == {IN_RANGE, MISSING, OUT_OF_RANGE}
    expected = dict(zip(kinds, found.answers, strict=True))
    assert expected[MISSING] == 1.0
    assert expected[OUT_OF_RANGE] in (0.0, 0.5)  # clipped to an end before the model sees it
    assert found.tolerance == golden_of([{"x": 25.0}]).tolerance
