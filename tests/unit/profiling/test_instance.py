import httpx
import pytest

from slipway.errors import ServiceError
from slipway.profiling.instance import MAX_FAILURES, TIMED_REQUESTS, Instance

BODIES = [[{"x": float(i)}] for i in range(15)]


@pytest.fixture
def ask(serve):
    with httpx.Client() as client:

        def instance(service):
            client.base_url = serve(service)
            return Instance(client)

        yield instance


def test_a_profile_is_that_of_the_requests_asked_for_and_of_no_others(ask, profiled):
    instance = ask(profiled())
    instance.send(BODIES)
    instance.look(BODIES[:4])
    assert [document["requests"] for document in instance.profiles] == [4]
    assert (instance.sent, instance.errors) == (19, 0)


def test_times_are_taken_of_a_few_requests_and_leave_no_profile(ask, profiled):
    instance = ask(profiled(extra_s=0.01))
    instance.time(BODIES)
    assert instance.timed_requests == TIMED_REQUESTS
    assert [ms >= 10 for ms in instance.timed] == [True]
    assert instance.profiles == []


def test_an_image_of_before_the_profiler_could_be_left_out_has_no_times(ask, profiled):
    instance = ask(profiled(knows_time=False))
    instance.time(BODIES)
    assert (instance.timed, instance.sent) == ([], 0)


def test_a_service_that_fails_again_and_again_is_asked_no_further(ask, profiled):
    instance = ask(profiled(fail_every=1))
    instance.send(BODIES * 3)
    assert instance.lost
    assert instance.sent == MAX_FAILURES


def test_times_of_failures_only_are_none(ask, profiled):
    instance = ask(profiled(fail_every=1))
    instance.time(BODIES)
    assert instance.timed == []


def test_a_service_that_is_not_in_profile_mode_is_an_error_with_a_remedy(ask, profiled):
    with pytest.raises(ServiceError, match="SLIPWAY_SERVING_PROFILE=1"):
        ask(profiled(profile_mode=False)).look(BODIES)
