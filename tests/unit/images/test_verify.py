"""A container image is what was tested by its digest; a tag, or another image's labels, do not pass for it."""

from types import SimpleNamespace

import pytest

from slipway.core.identity import Subject, digest_bytes
from slipway.core.service import BuiltImage, RuntimeName
from slipway.errors import EvidenceError, ImageBuildError
from slipway.images import verify
from slipway.images.container_image import subject_labels

TESTED, OTHER, LOCK = (digest_bytes(name) for name in (b"tested", b"another", b"lock"))
SUBJECT = Subject(model="churn", version=2, artifact_sha256=digest_bytes(b"model"))
FILES = SimpleNamespace(subject=SUBJECT)


def image(reference=TESTED):
    return BuiltImage(
        digest=TESTED, reference=reference, runtime=RuntimeName.DOCKER, python_version="3.11", lock_sha256=LOCK
    )


@pytest.fixture
def engine(monkeypatch):
    """An engine's images: what stands behind each name."""
    found = {}
    monkeypatch.setattr(verify, "connect", lambda: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(verify, "inspect_image", lambda client, reference: found.get(reference))
    return found


def attributes(digest=TESTED, subject=SUBJECT):
    return {"Id": digest, "Config": {"Labels": subject_labels(subject, LOCK)}}


def test_the_image_that_was_tested_passes(engine):
    engine[TESTED] = attributes()
    verify.verify_image(image(), FILES)


def test_an_image_that_is_gone_is_refused(engine):
    with pytest.raises(ImageBuildError, match="not on this engine any more"):
        verify.verify_image(image(), FILES)


def test_its_tag_on_another_image_does_not_stand_in_for_an_image_that_is_gone(engine):
    engine["slipway-churn:2"] = attributes(OTHER)
    with pytest.raises(ImageBuildError, match="not on this engine any more"):
        verify.verify_image(image(), FILES)


def test_another_image_behind_the_reference_is_refused(engine):
    engine["slipway-churn:2"] = attributes(OTHER)
    with pytest.raises(EvidenceError, match="not what was tested: slipway-churn:2 is image"):
        verify.verify_image(image("slipway-churn:2"), FILES)


def test_an_image_of_another_version_is_refused(engine):
    other = Subject(model="churn", version=1, artifact_sha256=digest_bytes(b"older"))
    engine[TESTED] = attributes(subject=other)
    with pytest.raises(EvidenceError, match="its label"):
        verify.verify_image(image(), FILES)


def test_a_tag_that_was_moved_while_the_image_stays_changes_nothing(engine):
    engine[TESTED], engine["slipway-churn:2"] = attributes(), attributes(OTHER)
    verify.verify_image(image(), FILES)
