"""Digests are identities; names are hints."""

import pytest

from slipway.core.identity import Subject, digest_bytes, digest_tree, parse_digest, parse_model_name
from slipway.errors import IdentityError

A, B = digest_bytes(b"a"), digest_bytes(b"b")


@pytest.mark.parametrize("name", ["churn", "tumor_malignancy", "m2"])
def test_a_plain_name_is_a_model_name(name):
    assert parse_model_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "1x", "a-b", "a/b", "x", "a" * 64, "a\n"])
def test_anything_else_is_no_model_name(name):
    with pytest.raises(IdentityError, match="What to do"):
        parse_model_name(name)


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "g" * 64, "a" * 64, A.upper(), A + "0"])
def test_a_malformed_digest_is_refused(text):
    with pytest.raises(IdentityError):
        parse_digest(text)


def test_a_tree_digest_ignores_the_order_of_listing():
    assert digest_tree({"x": A, "y": B}) == digest_tree({"y": B, "x": A})


CHANGED = {"content": {"x": B, "y": B}, "name": {"z": A, "y": B}, "swapped": {"x": B, "y": A}, "file gone": {"x": A}}


@pytest.mark.parametrize("files", CHANGED.values(), ids=CHANGED)
def test_a_tree_digest_changes_with(files):
    assert digest_tree({"x": A, "y": B}) != digest_tree(files)


def test_evidence_made_before_the_image_covers_every_image_of_the_artifact():
    early = Subject(model="churn", version=1, artifact_sha256=A)
    assert early.covers(early.with_image(B))


OTHERS = {
    "another image": Subject(model="churn", version=1, artifact_sha256=A, image_digest=A),
    "another artifact": Subject(model="churn", version=1, artifact_sha256=B, image_digest=B),
    "another version": Subject(model="churn", version=2, artifact_sha256=A, image_digest=B),
    "another model": Subject(model="fraud", version=1, artifact_sha256=A, image_digest=B),
    "no image": Subject(model="churn", version=1, artifact_sha256=A),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_evidence_on_an_image_does_not_cover(other):
    judged = Subject(model="churn", version=1, artifact_sha256=A, image_digest=B)
    assert not judged.covers(other)


@pytest.mark.parametrize("version", [0, -1, True, "1", 1.0, None])
def test_a_subject_needs_a_version_number(version):
    with pytest.raises(IdentityError):
        Subject(model="churn", version=version, artifact_sha256=A)


def test_a_subject_survives_json():
    subject = Subject(model="churn", version=3, artifact_sha256=A, image_digest=B)
    assert Subject.from_json(subject.to_json()) == subject
