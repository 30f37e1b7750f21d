"""``slipway reproduce``: what it says, and that it exits 0 only when each version is the same."""

import pytest

from slipway.core.identity import Subject, digest_bytes
from slipway.core.reproduction import ContentCompared, Reproduction, compare_answers
from slipway.workflows import reproduce as workflow

D, E = digest_bytes(b"d"), digest_bytes(b"e")


def result(version=1, **changes):
    given = {
        "content": ContentCompared(before=D, after=D, changed=0),
        "answers": compare_answers([0.1], [0.1]),
        "rebuilt": True,
        "seconds": 12.0,
        **changes,
    }
    subject = Subject(model="churn", version=version, artifact_sha256=D, image_digest=D)
    return Reproduction(subject=subject, runtime="docker", **given)


@pytest.fixture
def drill(monkeypatch, registry, ledger):
    asked = []

    def prepare(*found):
        def reproduce(bench, versions, **given):
            asked.append((list(versions), given))
            bench.say("building [again]")
            return list(found)

        monkeypatch.setattr(workflow, "reproduce", reproduce)
        return asked

    return prepare


def test_a_version_that_is_the_same_is_told_in_a_sentence(slipway, drill):
    asked = drill(result())
    ran = slipway("reproduce", "churn", "--version", 1)
    said = " ".join(ran.out.split())
    assert ran.code == 0
    assert "churn version 1 PASSED rebuilt in 12 s, content identical, all 1 answers identical to the last bit" in said
    assert "churn/v1/reproduction/" in ran.out
    assert "building [again]" in ran.err
    assert asked[0][0] == [("churn", 1)]


def test_what_differs_is_named_and_the_exit_code_is_1(slipway, drill):
    content = ContentCompared(before=D, after=E, changed=1, paths=("srv/model/MLmodel: other bytes",))
    drill(result(content=content, answers=compare_answers([0.1], [0.10000000000000002])))
    ran = slipway("reproduce", "churn", "--version", 1)
    assert ran.code == 1
    assert "srv/model/MLmodel: other bytes" in ran.out
    assert "golden row 0: 0.1, now 0.10000000000000002" in ran.out


def test_for_programs_there_is_json_and_nothing_else(slipway, drill):
    drill(result(), result(version=2, rebuilt=False, content=None, answers=None, problem="no wheel"))
    ran = slipway("reproduce", "churn", "--version", 1, "--json")
    assert [one["outcome"] for one in ran.json] == ["PASSED", "FAILED"]
    assert ran.code == 1


def test_another_base_is_handed_on(slipway, drill):
    asked = drill(result())
    slipway("reproduce", "churn", "--version", 1, "--base", "debian:next")
    assert asked[0][1]["base"] == "debian:next"


def test_a_model_that_was_never_judged_says_what_to_do(slipway, drill):
    drill()
    said = slipway("reproduce", "churn", "--all").paragraph()
    assert "no version of churn has passed the scenarios" in said
    assert "slipway release churn" in said


def test_a_model_that_is_not_there_is_one_paragraph(slipway, drill):
    drill()
    slipway("reproduce", "nothing").paragraph()
