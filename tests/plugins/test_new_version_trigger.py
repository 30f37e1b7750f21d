"""The watch over registered versions, as the triggerer runs it; and what a run makes of its event."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from slipway.core.new_version import ON_NEW_VERSION
from slipway.errors import RegistryUnreachable, SpecError
from slipway.ledger import EntryKind, Ledger
from slipway.settings import Settings
from slipway.workflows import new_version as watching
from slipway.workflows.workbench import Workbench
from slipway_airflow import asked
from slipway_airflow.operators.validate_data import ValidateDataOperator
from slipway_airflow.triggers import new_version
from slipway_airflow.triggers.new_version import NewVersionTrigger


class Store:
    """Airflow's store of one asset, in memory."""

    def __init__(self):
        self.kept = {}

    async def aget(self, key, default=None):
        return self.kept.get(key, default)

    async def aset(self, key, value):
        self.kept[key] = value


class World:
    """A registry, a ledger, and pauses during which something may happen."""

    def __init__(self, settings):
        self.settings = settings
        self.ledger = Ledger(settings.ledger_url)
        self.store = Store()
        self.versions = ()
        self.down = False
        self.waited = []

    def newest(self, tracking_uri, registered_model):
        if self.down:
            raise RegistryUnreachable("the registry does not answer", remedy="start it")
        return tuple(self.versions)

    def begin(self, version, release=None):
        payload = {"release": release or f"r{version}"}
        self.ledger.append(EntryKind.RELEASE_STARTED, model="churn", version=version, actor="x", payload=payload)

    def fail(self, version):
        payload = {"release": f"r{version}", "outcome": "FAILED"}
        self.ledger.append(EntryKind.RELEASE_ENDED, model="churn", version=version, actor="x", payload=payload)


class Enough(Exception):
    """The test has seen what it wanted."""


@pytest.fixture
def world(project, monkeypatch):
    found = World(Settings.load())
    monkeypatch.setattr(watching, "newest_versions", found.newest)
    return found


@pytest.fixture
def watch(world, monkeypatch):
    """Run a new trigger; each pause between two looks does the next thing, after the last one it is over."""

    def run(*happenings):
        todo, events = list(happenings), []

        async def sleep(seconds):
            world.waited.append(seconds)
            if not todo:
                raise Enough
            todo.pop(0)()

        async def follow():
            trigger = NewVersionTrigger(model="churn")
            trigger.asset_state_store = world.store
            async for event in trigger.run():
                events.append(event.payload["version"])

        monkeypatch.setattr(new_version.asyncio, "sleep", sleep)
        with pytest.raises(Enough):
            asyncio.run(follow())
        return events

    return run


def nothing():
    """Nothing happens."""


def registers(world, *versions):
    return lambda: setattr(world, "versions", versions)


def test_the_triggerer_can_make_it_again():
    path, given = NewVersionTrigger(model="churn").serialize()
    assert path == "slipway_airflow.triggers.new_version.NewVersionTrigger"
    assert NewVersionTrigger(**given).model == "churn"


def test_a_version_that_is_registered_is_offered_once(world, watch):
    assert watch(registers(world, 1), nothing, lambda: world.begin(1), nothing) == [1]


def test_several_at_once_are_offered_in_order_each_when_the_one_before_has_begun(world, watch):
    world.versions = (1,)
    world.begin(1)
    seen = watch(registers(world, 1, 2, 3), nothing, lambda: world.begin(2), lambda: world.begin(3), nothing)
    assert seen == [2, 3]


def test_of_what_was_there_before_only_the_newest_is_offered(world, watch):
    world.versions = (1, 2, 3)
    assert watch(nothing) == [3]


def test_one_that_was_released_before_the_watch_was_turned_on_is_not(world, watch):
    world.versions = (1, 2, 3)
    world.begin(3)
    assert watch(nothing) == []


def test_a_restart_offers_nothing_twice(world, watch):
    assert watch(registers(world, 1), nothing) == [1]
    assert watch(nothing) == [], "its run may still wait"
    world.begin(1)
    assert watch(nothing) == []


def test_what_was_registered_while_nobody_looked_is_offered_after_a_restart(world, watch):
    world.versions = (1,)
    assert watch(nothing) == [1]
    world.begin(1)
    world.versions = (1, 2, 3)
    assert watch(lambda: world.begin(2), nothing) == [2, 3]


def test_a_lost_store_makes_no_second_release(world, watch):
    assert watch(registers(world, 1), lambda: world.begin(1)) == [1]
    world.store.kept.clear()
    assert watch(nothing) == []


def test_a_version_that_failed_is_not_offered_again(world, watch):
    world.versions = (1,)
    assert watch(lambda: world.begin(1), lambda: world.fail(1), nothing, nothing) == [1]


def test_while_the_registry_is_down_the_watch_waits_longer_and_then_goes_on(world, watch):
    world.down = True

    def back():
        world.down, world.versions = False, (1,)

    assert watch(nothing, nothing, nothing, back, nothing) == [1]
    assert world.waited == [4, 8, 16, 32, 2, 2]


def test_a_pause_is_never_longer_than_a_minute():
    assert new_version.wait_s(10_000) == 60


def test_a_store_that_does_not_answer_does_not_end_the_watch(world, watch):
    async def refuse(*_):
        raise RuntimeError("the API server is gone")

    world.store.aset = refuse
    assert watch(registers(world, 1), nothing) == [1]


# What a run makes of it.


def event(version=2, **extra):
    return SimpleNamespace(extra={"from_trigger": True, "payload": {"model": "churn", "version": version}, **extra})


FORGED = {
    "sent through the API": event(from_rest_api=True),
    "without an origin": SimpleNamespace(extra={"payload": {"version": 2}}),
    "without a version": SimpleNamespace(extra={"from_trigger": True, "payload": {}}),
    "with a version that is none": event(version="2"),
    "without anything": SimpleNamespace(extra=None),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_an_event_that_no_watch_sent_starts_nothing(forged):
    with pytest.raises(SpecError, match="no watch has sent"):
        asked.version_offered([event(), forged])


@pytest.fixture
def context():
    def build(*events, user=None, **params):
        run = SimpleNamespace(run_id="asset_triggered__1", run_type="asset_triggered", triggering_user_name=user)
        given = {"version": None, "load_profile": "smoke", "reason": None} | params
        return {"dag_run": run, "params": given, "triggering_asset_events": {"the asset": list(events)}}

    return build


@pytest.fixture
def operator(world, monkeypatch):
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    with DAG("churn.release", schedule=None):
        return ValidateDataOperator(task_id="validate_data", model="churn")


def test_the_release_is_of_the_version_that_was_offered_and_asked_for_by_a_program(operator, context):
    release = operator.release(context(event(2)))
    assert (release.version, release.requester) == (2, ON_NEW_VERSION)


def test_a_release_that_a_person_asked_for_stays_theirs(operator, context):
    release = operator.release(context(user="ada", version=5))
    assert (release.version, release.requester) == (5, "ada")


def test_an_event_that_came_twice_is_skipped_and_leaves_no_trace(operator, context, world, monkeypatch):
    monkeypatch.setattr(Workbench, "version", lambda self, release: release.version)
    world.begin(2, release="another")
    before = world.ledger.head()
    with pytest.raises(AirflowSkipException, match="version 2 had its release already"):
        operator.execute(context(event(2)))
    assert world.ledger.head() == before


def test_a_person_may_release_again_what_failed_by_itself(operator, context, world):
    world.begin(2, release="another")
    release = operator.release(context(user="ada", version=2))
    assert not watching.is_repeat(Workbench(world.settings), release)
    assert watching.is_repeat(Workbench(world.settings), replace(release, requester=ON_NEW_VERSION))


def test_a_forged_event_fails_the_task_at_once(operator, context):
    with pytest.raises(AirflowFailException, match="no watch has sent"):
        operator.execute(context(event(from_rest_api=True)))


@pytest.mark.usefixtures("project")
def test_settings_are_read_anew_for_each_watch():
    assert new_version.open_bench().settings == Settings.load()
