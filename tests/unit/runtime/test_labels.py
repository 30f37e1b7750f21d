"""Marks on services."""

from pathlib import Path

import pytest

from slipway.core.identity import Subject
from slipway.core.service import BuiltImage, RuntimeName, ServiceSpec
from slipway.runtime.labels import project_id, restarts, service_labels
from slipway.settings import Settings

DIGEST = "sha256:" + "a" * 64


def spec(**labels):
    return ServiceSpec(
        name="churn-v3",
        image=BuiltImage(
            digest=DIGEST, reference=DIGEST, runtime=RuntimeName.DOCKER, python_version="3.11", lock_sha256=DIGEST
        ),
        subject=Subject(model="churn", version=3, artifact_sha256="sha256:" + "b" * 64),
        labels=labels,
    )


def test_what_runs_from_another_checkout_or_another_var_folder_is_not_ours():
    places = [("/a", "/a/var"), ("/b", "/b/var"), ("/a", "/elsewhere")]
    ids = [project_id(Settings(root=Path(root), var=Path(var))) for root, var in places]
    assert len(set(ids)) == len(places)
    assert ids[0] == project_id(Settings(root=Path("/a"), var=Path("/a/var")))


def test_labels_name_project_service_and_subject_whatever_the_spec_says():
    labels = service_labels(spec(**{"slipway.project": "another", "team": "growth"}), "p1")
    assert labels == {
        "team": "growth",
        "slipway.project": "p1",
        "slipway.service": "churn-v3",
        "slipway.model": "churn",
        "slipway.version": "3",
        "slipway.artifact_sha256": "sha256:" + "b" * 64,
    }


@pytest.mark.parametrize(("role", "expected"), [("champion", True), ("candidate", False), ("profile", False)])
def test_only_a_champion_restarts(role, expected):
    assert restarts(spec(**{"slipway.role": role})) is expected
    assert not restarts(spec())
