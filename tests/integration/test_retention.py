"""Retention on a real MLflow registry and a real engine: archived, removed, restored, the same digest; images gone."""

import io
import tarfile
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from slipway.core.evidence import Check, Evidence
from slipway.core.identity import Subject, digest_bytes
from slipway.core.service import BuiltImage, RuntimeName
from slipway.core.verdict import Outcome
from slipway.errors import ArtifactError, ImageBuildError
from slipway.images.engine_build import inspect_image
from slipway.images.remove import image_bytes, remove_image
from slipway.ledger import EntryKind
from slipway.runtime.engine import connect
from slipway.settings import Settings
from slipway.workflows.restore_version import restore_version
from slipway.workflows.retain import apply_retention, plan_retention
from slipway.workflows.workbench import Workbench
from tests.fakes.specs import declared
from tests.unit.registry.conftest import Store

pytestmark = pytest.mark.alone

LOCK = digest_bytes(b"lock")


@pytest.fixture
def client():
    found = connect()
    yield found
    found.close()


def made_image(client, name, *, below=None, **said):
    """A tiny image with these labels, in its own layer or on top of another."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        member = tarfile.TarInfo(f"{name}.bin")
        member.size = 50_000
        tar.addfile(member, io.BytesIO(uuid.uuid4().bytes * 3125))
    labels = " ".join(f'{key}="{value}"' for key, value in said.items())
    if below is None:
        change = [f"LABEL {labels}"]
        client.api.import_image_from_data(data.getvalue(), repository=name, tag="1", changes=change)
        return client.images.get(f"{name}:1")
    container = client.api.create_container(below, command="none")
    client.api.put_archive(container["Id"], "/", data.getvalue())
    client.api.commit(container["Id"], repository=name, tag="1", changes=[f"LABEL {labels}"])
    client.api.remove_container(container["Id"])
    return client.images.get(f"{name}:1")


@pytest.fixture
def image(client):
    """An image of churn version 1 on a runtime layer, both ours alone; what is left at the end is removed."""
    mark = uuid.uuid4().hex[:12]
    subject = Subject(model="churn", version=1, artifact_sha256=digest_bytes(mark.encode()))
    layer = made_image(client, f"slipway-test-layer-{mark}", x="y")
    labels = {
        "slipway.model": "churn",
        "slipway.version": "1",
        "slipway.artifact_sha256": subject.artifact_sha256,
        "slipway.runtime_image": layer.id,
    }
    made = made_image(client, f"slipway-test-{mark}", below=layer.id, **labels)
    built = BuiltImage(
        digest=made.id, reference=made.id, runtime=RuntimeName.DOCKER, python_version="3.11", lock_sha256=LOCK
    )
    yield subject, built, layer.id
    for left in (made.id, layer.id):
        if inspect_image(client, left):
            client.images.remove(left, force=True)


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "include" / "models" / "churn"
    folder.mkdir(parents=True)
    retention = {"keep_versions": 2, "keep_days": 1}
    (folder / "model.yaml").write_text(yaml.safe_dump(declared(retention=retention)))
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    return Settings.load({"SLIPWAY_ROOT": str(tmp_path), "SLIPWAY_TRACKING_URI": uri, "SLIPWAY_RUNTIME": "process"})


@pytest.mark.docker
def test_an_image_goes_with_its_own_layers_and_the_layer_below_stays(client, image, settings):
    subject, built, layer = image
    own = image_bytes(built, settings)
    assert 50_000 <= own < 60_000, "the layer below is not counted"
    client.api.tag(built.digest, f"slipway-test-more-{uuid.uuid4().hex[:12]}", "1")
    note = settings.var / "images" / "n.json"
    note.parent.mkdir(parents=True)
    note.write_text(f'{{"id": "{built.digest}"}}')
    assert remove_image(built, subject, settings) == own, "although it has two names"
    assert inspect_image(client, built.digest) is None
    assert inspect_image(client, layer) is not None
    assert not note.exists()
    assert remove_image(built, subject, settings) == image_bytes(built, settings) == 0, "gone already is fine"


@pytest.mark.docker
def test_an_image_of_another_version_or_in_use_is_left(client, image, settings):
    subject, built, _ = image
    with pytest.raises(ImageBuildError, match=r"slipway\.version says 1"):
        remove_image(built, replace(subject, version=2), settings)
    container = client.api.create_container(built.digest, command="none")
    try:
        with pytest.raises(ImageBuildError, match="cannot be removed"):
            remove_image(built, subject, settings)
    finally:
        client.api.remove_container(container["Id"])
    assert inspect_image(client, built.digest) is not None
    assert remove_image(built, subject, settings) > 0


@pytest.fixture
def bench(settings, tmp_path):
    """Three versions in a real registry, seen from a year later; version 1 has a folder for an image, and reports."""
    bench = Workbench(settings, now=lambda: datetime.now(UTC) + timedelta(days=365))
    (tmp_path / "mlflow.db").touch()
    bench.registry.check()
    store = Store(settings.tracking_uri, tmp_path, tmp_path / "artifacts")
    for value in (1.0, 2.0, 3.0):
        store.register("churn", value=value)
    subject = bench.registry.files("churn", 1).subject
    page = settings.reports / "churn" / "v1" / "r1" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>one</p>")
    bench.registry.log_reports(bench.registry.files("churn", 1).run_id, page.parent, artifact_path="slipway/r1/page")
    digest = digest_bytes(b"folder")
    folder = settings.var / "images" / digest[7:]
    folder.mkdir(parents=True)
    (folder / "serving.json").write_text('{"model": "churn", "version": 1}')
    built = BuiltImage(
        digest=digest, reference=str(folder), runtime=RuntimeName.PROCESS, python_version="3.11", lock_sha256=LOCK
    )
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    evidence = Evidence(
        check=Check.BUILD_IMAGE,
        outcome=Outcome.INCONCLUSIVE,
        subject=subject.with_image(digest),
        runtime="process",
        measurements=(),
        reports=(),
        started_at=moment,
        ended_at=moment,
        release="r1",
        details={"image": built.to_json()},
        reasons=("a test",),
    )
    bench.ledger.append(EntryKind.EVIDENCE, model="churn", version=1, actor="ada", payload=evidence.to_json())
    bench.image_folder = folder
    return bench


def test_a_version_leaves_a_real_registry_and_comes_back_bit_for_bit(bench):
    before = {version: bench.registry.artifact_digest("churn", version) for version in (1, 2, 3)}
    stored = bench.registry.stored_files("churn", 1)
    planned = plan_retention(bench, ["churn"], actor="ada")
    assert [row.version for row in planned.plan.removals] == [1], planned.plan.rows
    done = apply_retention(bench, planned.digest, actor="ada")
    assert done.problems == ()
    assert done.removals[0].reclaimed == planned.plan.removals[0].sizes
    assert done.removals[0].reclaimed["registry"] == sum(stored.values()) > 0
    assert bench.registry.stored_files("churn", 1) == {}
    assert not bench.image_folder.exists()
    assert not (bench.settings.reports / "churn" / "v1").exists()
    with pytest.raises(ArtifactError, match="slipway restore churn --version 1"):
        bench.registry.files("churn", 1)
    assert {v: bench.registry.artifact_digest("churn", v) for v in (2, 3)} == {2: before[2], 3: before[3]}

    back = restore_version(bench, "churn", 1, actor="eve")
    assert (back.restored_as, back.artifact_sha256) == (1, before[1])
    assert bench.registry.files("churn", 1).subject.artifact_sha256 == before[1]
    assert bench.registry.stored_files("churn", 1) == stored
    assert (bench.settings.reports / "churn" / "v1" / "r1" / "page.html").read_text() == "<p>one</p>"
    bench.ledger.verify()
