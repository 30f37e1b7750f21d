"""A project in a temporary folder, with a real ledger and a registry in memory."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from slipway.core.evidence import REQUIRED_CHECKS, Check, Evidence, Report
from slipway.core.identity import digest_bytes
from slipway.core.service import BuiltImage, RuntimeName, ServiceSpec
from slipway.core.serving_options import Mode, ServingOptions
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.deploy import Gateway
from slipway.deploy.journal import Deployment
from slipway.deploy.routes import Backend, Role
from slipway.errors import EvidenceError, VersionNotFound
from slipway.ledger import EntryKind
from slipway.settings import Settings
from slipway.workflows import audit_paging
from slipway.workflows.approve import record_decision
from slipway.workflows.deploy import Served, record_deployment
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from slipway.workflows.standing import DETAIL, standing
from slipway.workflows.workbench import Workbench
from tests.fakes.registry import FakeRegistry
from tests.fakes.specs import declared
from tests.unit.deploy.fakes import FakeEnvoy, FakeRuntime, golden
from tests.unit.workflows.audited import BUILT, IMAGES

REGISTERED = "leavers_forest"  # what MLflow calls churn: nothing may work only where the two names are equal
IMAGE = digest_bytes(b"the image")
TUNED = ServingOptions(mode=Mode.POOL, batch_rows=32)


class Registry(FakeRegistry):
    """Knows, as MLflow does, a model that was registered from one that was not."""

    def versions(self, model):
        found = super().versions(model)
        if not found:
            raise VersionNotFound(f"Registered Model with name={model} not found", remedy="train one")
        return found


class Bench(Workbench):
    """A workbench with a registry in memory and services in threads, watched for less time than may be declared.

    ``changed`` lists images whose bytes are no longer theirs.
    """

    def __init__(self, settings):
        self.said = []
        super().__init__(settings, say=self.said.append)
        registered = lambda model: self.spec(model).registered_model  # noqa: E731 - as the workbench's own is
        self.registry = Registry(settings.var / "registry", registered=registered)
        self.runtime = FakeRuntime()
        self.runtime.name = RuntimeName.DOCKER
        self.changed = set()

    def spec(self, model):
        spec = super().spec(model)
        return spec.model_copy(update={"deployment": spec.deployment.model_copy(update={"watch_seconds": 0.2})})

    def verify_image(self, image, files):
        if image.digest in self.changed:
            raise EvidenceError(f"image {image.digest[7:19]} was changed", remedy="release again")


@pytest.fixture
def project(tmp_path):
    def write(**changes):
        folder = tmp_path / "include" / "models" / "churn"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.yaml").write_text(yaml.safe_dump(declared(**{"registered_model": REGISTERED} | changes)))
        return Settings.load({"SLIPWAY_ROOT": str(tmp_path)})

    write()
    return write


@pytest.fixture
def bench(project):
    found = Bench(project())
    found.registry.add("churn", 1)
    services = found.runtime
    yield found
    services.close()


REFERENCE = """
def score(rows):
    values = [1.0 if row.get("x") is None else row["x"] / 100 for row in rows]
    return [{"p": value, "p_leaves": value} for value in values]
"""


@pytest.fixture
def reference(bench):
    """The model's reference: x in hundredths, and 1 where there is none."""
    (bench.settings.models / "churn" / "reference.py").write_text(REFERENCE)


@pytest.fixture
def gateway(bench):
    """The bench's gateway, with a proxy behind it that reads the routes as Envoy does."""
    envoy = FakeEnvoy(bench.settings.gateway)
    bench.gateway = Gateway(bench.settings.gateway, url=envoy.url, admin_url=envoy.admin_url, confirm_s=0.5)
    yield bench.gateway
    envoy.close()


@pytest.fixture
def release():
    return Release(id="r1", model="churn", version=1, load_profile="smoke", requester="ada")


@pytest.fixture
def put(bench, release):
    """Write evidence to the ledger as a gate would; returns the subject on the image."""
    clock = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(1000))

    def write(
        check,
        *,
        outcome=Outcome.PASSED,
        version=1,
        release_id=release.id,
        image=IMAGE,
        runtime=RuntimeName.DOCKER,
        options=TUNED,
        by="ada",
    ):
        mine = replace(release, version=version, id=release_id)
        files = bench.files(mine)
        path = bench.report_folder(mine, check.value) / ("golden.json" if check is Check.RUN_SCENARIOS else "r.html")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(golden(version).to_json()))
        subject = files.subject.with_image(image) if check.needs_image else files.subject
        built = BuiltImage(digest=image, reference=image, runtime=runtime, python_version="3.11", lock_sha256=IMAGE)
        value = 1.0 if outcome is Outcome.PASSED else 0.0
        at = next(clock)
        details = {
            Check.EVALUATE: {DETAIL: standing(bench, "churn").to_json()} if check is Check.EVALUATE else {},
            Check.BUILD_IMAGE: {"image": built.to_json()},
            Check.TUNE_SERVING: {"options": options.to_json()},
            Check.LOAD_TEST: {"options": options.to_json()},
        }.get(check, {})
        item = Evidence(
            check=check,
            outcome=outcome,
            subject=subject,
            runtime="docker",
            measurements=(Measurement(name="m", value=value, threshold=1.0, bound=Bound.MIN),),
            reports=(
                Report(
                    path=path.relative_to(bench.settings.reports).as_posix(), sha256=digest_bytes(path.read_bytes())
                ),
            ),
            started_at=at,
            ended_at=at,
            release=release_id,
            details=details,
        )
        bench.ledger.append(EntryKind.EVIDENCE, model=subject.model, version=version, actor=by, payload=item.to_json())
        return files.subject.with_image(image)

    return write


@pytest.fixture
def complete(put):
    """All gates passed on version 1."""

    def write(**changes):
        return [put(check, **changes) for check in REQUIRED_CHECKS][-1]

    return write


@pytest.fixture
def kinds(bench):
    """The kinds of the ledger's entries, in order."""
    return lambda: [entry.kind.value for entry in bench.ledger.entries()]


@pytest.fixture
def served(bench, gateway, complete):
    """Version 1, then version 2, released; everything is as recorded. Both are put behind the gateway at once."""
    running = {}
    for version in (1, 2):
        bench.registry.add("churn", version, f"model {version}".encode())
        release = Release(id=f"r{version}", model="churn", version=version, requester="ada")
        complete(version=version, release_id=release.id, image=IMAGES[version])
        record_decision(bench, release, approved=True, by="bob")
        subject = promote(bench, release)
        image = BuiltImage(digest=IMAGES[version], reference=IMAGES[version], **BUILT)
        handle = running[version] = bench.runtime.start(
            ServiceSpec(name=f"churn-{version}", image=image, subject=subject)
        )
        deployment = Deployment(
            model="churn", version=version, handle=handle, previous=None, replaced=None, events=(), timings={}
        )
        record_deployment(
            bench, EntryKind.DEPLOYMENT, Served(subject, image, TUNED), deployment, actor="ada", release=release.id
        )
    backends = (
        Backend(version=2, weight=100, role=Role.CHAMPION, handle=running[2]),
        Backend(version=1, weight=0, role=Role.PREVIOUS, handle=running[1]),
    )
    gateway.set_route("churn", backends)
    return bench


@pytest.fixture
def paged(monkeypatch):
    said = []
    monkeypatch.setattr(audit_paging._log, "error", lambda text, *given: said.append(text % given))
    return said
