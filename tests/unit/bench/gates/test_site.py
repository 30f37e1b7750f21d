from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from bench.gates import site as sites
from bench.gates.case import Moment
from bench.gates.records import Cell
from slipway.core.evidence import Check
from slipway.core.verdict import Outcome
from slipway.ledger.entries import EntryKind
from slipway.orchestrator.follow import TaskChange
from slipway.orchestrator.records import DagRun, TaskState

STATES = [
    ("validate_data", "success"),
    ("build_image", "running"),
    ("build_image", "success"),
    ("approve", "awaiting_input"),
    ("approve", "running"),
    ("approve", "awaiting_input"),
    ("approve", "success"),
    ("promote", "failed"),
]


class FakeStack:
    """An orchestrator that goes through ``STATES``, and a ledger with one piece of evidence."""

    def __init__(self):
        self.done = []
        self.ledger = SimpleNamespace(evidence=self.evidence)

    def follow(self, client, dag_id, run_id, *, on_change, timeout_s):
        self.done.append(("follow", dag_id, run_id))
        for name, state in STATES:
            on_change(TaskChange(None, TaskState(task_id=name, state=state, try_number=1)))
        return DagRun(dag_id=dag_id, run_id=run_id, state="failed")

    def tasks(self, dag_id, run_id):
        ended = datetime.now(UTC) + timedelta(seconds=50)
        last = dict(STATES)
        return [TaskState(task_id=name, state=state, try_number=1, ended=ended) for name, state in last.items()]

    def log_tail(self, dag_id, run_id, task_id, try_number, lines):
        return f"PromotionRefused:\n{task_id} was refused"

    def evidence(self, model, version):
        def one(release):
            return SimpleNamespace(
                check=Check.VALIDATE_DATA,
                outcome=Outcome.PASSED,
                release=release,
                ended_at=datetime.now(UTC),
                reasons=(),
            )

        return [one("run-1"), one("another")]

    def answer(self, settings, model, *, option, comment, user):
        self.done.append(("answer", model, option, user))


@pytest.fixture
def stack(monkeypatch, tmp_path):
    found = FakeStack()
    for name in ("SLIPWAY_VAR", "SLIPWAY_RUNTIME", "SLIPWAY_WHEEL_DIR"):
        monkeypatch.setenv(name, str(tmp_path) if name != "SLIPWAY_RUNTIME" else "process")
    monkeypatch.setattr(sites, "follow", found.follow)
    monkeypatch.setattr(sites, "answer", found.answer)
    monkeypatch.setattr(sites, "airflow", lambda settings: found)
    monkeypatch.setattr(sites, "trigger", lambda settings, model, **told: "run-1")
    monkeypatch.setattr(sites, "Workbench", lambda settings: found)
    return found


def test_a_release_is_followed_tampered_with_and_approved_once_and_in_that_order(stack, tmp_path):
    site = sites.Site(tmp_path, runtime="process", say=print)
    context = SimpleNamespace(model="tumor_malignancy")
    ended = site.release(context, 2, at=lambda moment: stack.done.append(moment))
    assert stack.done == [
        ("follow", "tumor_malignancy.release", "run-1"),
        Moment.AFTER_BUILD,
        Moment.AT_APPROVAL,
        ("answer", "tumor_malignancy", "Approve", "officer"),
    ]
    assert ended.cells["promote"] is Cell.FAILED
    assert ended.reason == "PromotionRefused: promote was refused"
    assert ended.seconds == pytest.approx(50, abs=5)
    assert not ended.released


class Deployments:
    """A ledger of deployments, of which a rollback takes the last away."""

    def __init__(self, *versions):
        self.versions = list(versions)

    def entries(self, *, model, kinds, limit):
        assert (kinds, limit) == ([EntryKind.DEPLOYMENT], 1)
        return [SimpleNamespace(version=1)]

    def live_at(self, model, moment):
        return SimpleNamespace(version=self.versions[-1])

    def roll_back(self, settings, dag_id, *, run_id, conf):
        assert dag_id == "tumor_malignancy.rollback"
        if len(self.versions) > 1:
            self.versions.pop()


@pytest.fixture
def deployed(stack, monkeypatch, tmp_path):
    def site(*versions):
        stack.ledger = Deployments(*versions)
        monkeypatch.setattr(sites, "start_run", stack.ledger.roll_back)
        done = DagRun(dag_id="tumor_malignancy.rollback", run_id="back", state="success")
        monkeypatch.setattr(sites, "follow", lambda *args, **options: done)
        return sites.Site(tmp_path, runtime="process", say=print)

    return site


@pytest.mark.parametrize("versions", [(1,), (1, 6), (1, 6, 9)])
def test_after_an_interrupted_run_the_first_champion_is_put_back(deployed, versions):
    site = deployed(*versions)
    assert site.ensure_champion("tumor_malignancy") == 1
    assert site.champion("tumor_malignancy") == 1


def test_a_champion_that_no_rollback_brings_back_ends_the_benchmark(deployed):
    with pytest.raises(RuntimeError, match="version 6 serves, version 1 should"):
        deployed(6).ensure_champion("tumor_malignancy")


def test_a_site_has_a_folder_of_its_own_and_takes_wheels_from_the_checkout(monkeypatch, tmp_path):
    for name in ("SLIPWAY_VAR", "SLIPWAY_RUNTIME", "SLIPWAY_WHEEL_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    settings = sites.Site(tmp_path, runtime="docker", say=print).settings
    assert settings.var == tmp_path
    assert settings.runtime == "docker"
    assert settings.wheel_dir == settings.root / "var" / "wheels"
