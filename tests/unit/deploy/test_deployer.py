"""Deployments and rollbacks, with services in threads and a proxy that reads Envoy's files."""

import pytest

from slipway.deploy import Role, deploy, deployer, rollback
from slipway.deploy.gateway import Gateway
from slipway.errors import GatewayError, ServiceError
from tests.unit.deploy.fakes import Behaviour, Hammer, golden, image, spec, subject


@pytest.fixture
def put(runtime, gateway):
    """Deploy a version; ``how`` goes to the spec's deployment section."""

    def run(version, *, act=deploy, build=0, progress=lambda text: None, **how):
        return act(
            runtime=runtime,
            gateway=gateway,
            image=image(version, build=build),
            subject=subject(version, build=build),
            spec=spec(**how),
            golden=golden(version),
            progress=progress,
        )

    return run


def shares(gateway):
    route = gateway.route("churn")
    return {backend.version: (backend.role, backend.weight) for backend in route.backends}


def test_the_first_version_gets_all_traffic(put, gateway, runtime):
    done = put(1)
    assert (done.version, done.previous, done.replaced) == (1, None, None)
    assert shares(gateway) == {1: (Role.CHAMPION, 100)}
    assert set(done.timings) == {"start", "smoke", "switch", "watch"}
    assert done.events[-1].text == "version 1 serves"
    assert done.to_json()["handle"]["name"] == "slipway-churn-v1"


def test_the_version_before_stays_warm_and_older_ones_are_stopped(put, gateway, runtime):
    first, _, done = put(1), put(2), put(3)
    assert shares(gateway) == {3: (Role.CHAMPION, 100), 2: (Role.PREVIOUS, 0)}
    assert runtime.running() == [2, 3]
    assert (done.replaced, done.previous[0]) == (2, 2)
    assert not runtime.is_alive(first.handle)


def test_a_switch_under_load_fails_no_request(put, gateway):
    put(1)
    with Hammer(gateway.model_url("churn")) as load:
        put(2)
        put(3, strategy="canary", canary_steps=[20, 60])
    assert load.failures == [] and load.count > 50
    assert {"1", "2", "3"} <= set(load.versions) and load.versions[-1] == "3"


def test_progress_is_told_each_step_of_a_canary(put):
    put(1)
    told = []
    put(2, strategy="canary", canary_steps=[50], progress=told.append)
    assert [text for text in told if text.endswith("of the traffic")] == [
        "version 2 gets 50% of the traffic",
        "version 2 gets 100% of the traffic",
    ]


def test_a_deployment_that_is_done_already_changes_nothing(put, gateway, runtime):
    put(1)
    done = put(2)
    again = put(2)
    assert again.handle == done.handle and again.previous == done.previous and again.replaced is None
    assert runtime.started == [1, 2] and runtime.stopped == []


BAD = {
    "does_not_start": (Behaviour(starts=False), "did not start"),
    "is_never_ready": (Behaviour(becomes_ready=False), "not ready within 2 s"),
    "answers_wrongly": (Behaviour(wrong_from=1), "failed its smoke test and got no traffic: row 0"),
    "says_another_version": (Behaviour(says_version=1), "answered as version 1, not 2"),
    "wrong_after_two_requests": (Behaviour(wrong_from=3), "failed its watch .* row 0: answered"),
    "fails_after_two_requests": (Behaviour(fails_from=3), "failed its watch .* answered 500"),
    "dies_after_two_requests": (Behaviour(dies_at=3), "failed its watch"),
}


@pytest.mark.parametrize("how", [{}, {"strategy": "canary", "canary_steps": [30]}], ids=["switch", "canary"])
@pytest.mark.parametrize(("behaviour", "said"), BAD.values(), ids=BAD)
def test_a_bad_version_is_taken_out_and_the_champion_serves_on(put, gateway, runtime, behaviour, said, how):
    put(1)
    before = gateway.route("churn")
    runtime.behaviours[2] = behaviour
    with pytest.raises(ServiceError, match=said):
        put(2, **how)
    assert gateway.route("churn") == before
    assert runtime.running() == [1]
    with Hammer(gateway.model_url("churn"), threads=1) as load:
        pass
    assert load.failures == [] and set(load.versions) <= {"1"}


def test_a_bad_first_version_leaves_a_model_that_answers_503(put, gateway, runtime):
    runtime.behaviours[1] = Behaviour(wrong_from=3)
    with pytest.raises(ServiceError, match="failed its watch"):
        put(1)
    assert gateway.route("churn").backends == ()
    assert runtime.running() == []


def test_a_failed_deployment_keeps_the_warm_version_too(put, gateway, runtime):
    put(1)
    put(2)
    before = gateway.route("churn")
    runtime.behaviours[3] = Behaviour(wrong_from=3)
    with pytest.raises(ServiceError):
        put(3)
    assert gateway.route("churn") == before
    assert runtime.running() == [1, 2]


def test_an_image_other_than_the_one_tested_is_not_started(runtime, gateway):
    with pytest.raises(ServiceError, match="deploy the image that was tested"):
        deploy(
            runtime=runtime,
            gateway=gateway,
            image=image(1, build=1),
            subject=subject(1),
            spec=spec(),
            golden=golden(1),
        )
    assert runtime.started == []


def test_a_rebuilt_image_of_the_same_version_goes_beside_the_champion(put, gateway, runtime):
    first = put(1)
    second = put(1, build=1)
    assert runtime.is_alive(first.handle) and first.handle.name != second.handle.name
    assert [backend.digest for backend in gateway.route("churn").backends] == [
        image(1, build=1).digest,
        image(1).digest,
    ]


class Killed(BaseException):
    """A task that is ended from outside."""


def killed_at(word):
    def progress(text):
        if word in text:
            raise Killed(text)

    return progress


@pytest.mark.parametrize("word", ["beside the champion", "smoke test", "gets 50%", "gets 100%", "watched"])
def test_a_deployment_that_is_ended_from_outside_is_undone(put, gateway, runtime, word):
    put(1)
    before = gateway.route("churn")
    with pytest.raises(Killed):
        put(2, strategy="canary", canary_steps=[50], progress=killed_at(word))
    assert gateway.route("churn") == before
    assert runtime.running() == [1]


@pytest.fixture
def half_done(put, monkeypatch):
    """Version 1 serves; a deployment of version 2 was killed with SIGKILL while it had all traffic."""
    put(1)
    with monkeypatch.context() as patch:
        patch.setattr(deployer._Change, "_undo", lambda *args: None)
        with pytest.raises(Killed):
            put(2, progress=killed_at("gets 100%"))


def test_a_deployment_that_was_killed_is_finished_by_the_same_call(put, gateway, runtime, half_done):
    assert shares(gateway)[2] == (Role.CANDIDATE, 100)
    put(2)
    assert shares(gateway) == {2: (Role.CHAMPION, 100), 1: (Role.PREVIOUS, 0)}
    assert runtime.started == [1, 2]


def test_a_deployment_that_was_killed_is_undone_by_another(put, gateway, runtime, half_done):
    put(3)
    assert shares(gateway) == {3: (Role.CHAMPION, 100), 1: (Role.PREVIOUS, 0)}
    assert runtime.running() == [1, 3]


def test_a_deployment_that_was_killed_is_undone_by_deploying_the_champion(put, gateway, runtime, half_done):
    put(1)
    assert shares(gateway) == {1: (Role.CHAMPION, 100)}
    assert runtime.running() == [1]


def test_a_champion_that_died_is_started_again_from_its_image(put, gateway, runtime):
    first = put(1)
    runtime.services[first.handle.id].kill()
    again = put(1)
    assert again.handle != first.handle
    assert shares(gateway) == {1: (Role.CHAMPION, 100)}


def test_a_dead_champion_does_not_stand_in_the_way_of_a_canary(put, gateway, runtime):
    first = put(1)
    runtime.services[first.handle.id].kill()
    done = put(2, strategy="canary", canary_steps=[10])
    assert shares(gateway) == {2: (Role.CHAMPION, 100)} and done.previous is None


def test_a_serving_version_that_answers_wrongly_is_not_called_deployed(put, runtime):
    first = put(1)
    runtime.services[first.handle.id].behaviour = Behaviour(wrong_from=1)
    with pytest.raises(ServiceError, match="serves already, but answers wrongly"):
        put(1)


def test_a_gateway_that_is_down_stops_a_deployment_before_anything_starts(runtime, tmp_path):
    down = Gateway(tmp_path, url="http://127.0.0.1:9", admin_url="http://127.0.0.1:9")
    with pytest.raises(GatewayError, match="start Envoy"):
        deploy(runtime=runtime, gateway=down, image=image(1), subject=subject(1), spec=spec(), golden=golden(1))
    assert runtime.started == []


def test_a_gateway_that_goes_deaf_during_a_switch_leaves_the_champion(put, gateway, runtime, envoy):
    put(1)
    before = gateway.route("churn")

    def deafen(text):
        if text.startswith("smoke test"):
            envoy.mood = "deaf"

    with pytest.raises(GatewayError, match="did not take the change"):
        put(2, progress=deafen)
    assert gateway.route("churn") == before
    assert runtime.running() == [1]


def test_a_gateway_that_goes_deaf_during_the_watch_leaves_the_service_that_it_still_asks(put, gateway, runtime, envoy):
    put(1)
    runtime.behaviours[2] = Behaviour(wrong_from=3)

    def deafen(text):
        if text.startswith("version 2 gets 100%"):
            envoy.mood = "deaf"

    with pytest.raises(GatewayError, match=r"failed its watch .* putting back the routes of before failed"):
        put(2, progress=deafen)
    assert runtime.running() == [1, 2]
    assert shares(gateway) == {2: (Role.CANDIDATE, 100), 1: (Role.CHAMPION, 0)}


def test_the_end_of_the_log_of_a_bad_version_is_in_the_error(put, runtime, monkeypatch):
    runtime.behaviours[1] = Behaviour(wrong_from=1)
    monkeypatch.setattr(runtime, "logs", lambda handle, max_bytes: "KeyError: 'tenure'\n")
    with pytest.raises(ServiceError, match="its log ends with: KeyError: 'tenure'"):
        put(1)


def test_a_service_that_will_not_stop_does_not_undo_a_deployment(put, runtime, monkeypatch):
    put(1)
    put(2)

    def stuck(handle, grace_s=10):
        raise ServiceError(f"{handle.name} does not stop", remedy="stop it by hand")

    with monkeypatch.context() as patch:
        patch.setattr(runtime, "stop", stuck)
        done = put(3)
    assert "slipway-churn-v1 could not be stopped" in " ".join(event.text for event in done.events)
    put(3)
    assert runtime.running() == [2, 3]


# -- rollback -------------------------------------------------------------------------------------------------------


def test_a_rollback_uses_the_warm_service_and_stops_the_replaced_one(put, gateway, runtime):
    first = put(1)
    put(2)
    done = put(1, act=rollback)
    assert (done.handle, done.replaced, done.previous) == (first.handle, 2, None)
    assert shares(gateway) == {1: (Role.CHAMPION, 100)}
    assert runtime.started == [1, 2] and runtime.running() == [1]


def test_a_rollback_starts_the_version_from_its_image_if_it_is_not_warm_any_more(put, gateway, runtime):
    first = put(1)
    put(2)
    runtime.services[first.handle.id].kill()
    put(1, act=rollback)
    assert runtime.started == [1, 2, 1] and runtime.running() == [1]


def test_a_rollback_ignores_canary_steps_and_may_be_done_twice(put, gateway, runtime):
    put(1)
    put(2)
    told = []
    put(1, act=rollback, strategy="canary", canary_steps=[10], progress=told.append)
    put(1, act=rollback)
    assert not [text for text in told if "10%" in text]
    assert shares(gateway) == {1: (Role.CHAMPION, 100)}


def test_a_rollback_to_a_version_that_answers_wrongly_is_refused(put, gateway, runtime):
    first = put(1)
    put(2)
    before = gateway.route("churn")
    runtime.services[first.handle.id].behaviour = Behaviour(wrong_from=1)
    with pytest.raises(ServiceError, match="failed its smoke test"):
        put(1, act=rollback)
    assert gateway.route("churn") == before
    assert runtime.running() == [1, 2]
