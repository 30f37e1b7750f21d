"""Watching a version that has just got traffic."""

import pytest

from slipway.deploy.watch import Watch, watch
from tests.unit.deploy.fakes import Behaviour, Service, golden


@pytest.fixture
def services():
    made = []

    def make(version, **behaviour):
        service = Service(version, Behaviour(**behaviour))
        made.append(service)
        return service

    yield make
    for service in made:
        service.kill()


def url(service):
    return f"http://127.0.0.1:{service.server.port}"


def look(new, *, through=None, others=(), alive=None, seconds=0.35, settling=()):
    """Watch version 2; the gateway is ``through``, or the service itself."""
    target = Watch(
        gateway_url=url(through or new),
        service_url=url(new),
        golden=golden(2),
        version=2,
        others=others,
        alive=alive or (lambda: new.alive),
    )
    return watch(target, seconds=seconds, settling=settling)


def test_a_version_that_answers_well_passes(services):
    seen = look(services(2))
    assert seen.problems == () and seen.by_new == seen.requests >= 2


def test_the_champions_answers_in_its_share_are_not_held_against_the_new_version(services):
    seen = look(services(2), through=services(1), others=(1,))
    assert seen.problems == () and seen.by_new == seen.requests


def test_a_new_version_that_the_gateway_seldom_asks_is_asked_directly(services):
    seen = look(services(2, wrong_from=2), through=services(1), others=(1,))
    assert seen.problems[0].startswith("asked directly, row 0")


def test_an_error_at_the_gateway_counts_whoever_made_it(services):
    seen = look(services(2), through=services(1, fails_from=1), others=(1,))
    assert seen.problems[0].startswith("through the gateway, answered 500")


def test_a_version_that_should_have_no_traffic_any_more_is_reported(services):
    seen = look(services(2), through=services(1))
    assert seen.problems[0] == "through the gateway, answered as version 1, not 2"


def test_the_version_before_may_answer_while_the_change_settles_and_not_longer(services):
    seen = look(services(2), through=services(1), settling=(1,), seconds=1.5)
    assert seen.requests > 1 and seen.problems[0] == "through the gateway, answered as version 1, not 2"


def test_a_watch_in_which_the_new_version_never_answered_passes_nothing(services):
    seen = look(services(2), through=services(1), settling=(1,))
    assert seen.problems == (f"not one of {seen.requests} requests was answered by version 2",)


def test_a_service_that_died_at_the_end_of_the_watch_is_noticed(services):
    looks = iter([True, False])
    assert look(services(2), alive=lambda: next(looks)).problems == ("the service has stopped running",)
