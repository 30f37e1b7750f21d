"""A profile may ask for more than the model declares, never for less; and always for enough requests to tell."""

import pytest

from slipway.core.loadprofile import LOAD_PROFILES, load_profile
from slipway.core.spec import Objectives
from slipway.loadtest.limits import P99_REQUIRES, Limits
from slipway.loadtest.schedule import plan_stages, plan_windows


def limits(name, **declared):
    return Limits.of(Objectives(**declared), load_profile(name))


STRICTER = {
    "the objectives": ({"p95_ms": 50, "p99_ms": 80}, (50, 80)),
    "the profile": ({"p95_ms": 900, "p99_ms": 950}, (170, 270)),
    "one each": ({"p95_ms": 50, "p99_ms": 950}, (50, 270)),
}


@pytest.mark.parametrize(("declared", "held"), STRICTER.values(), ids=STRICTER)
def test_of_two_limits_the_stricter_one_holds(declared, held):
    found = limits("article", **declared)
    assert (found.p95_ms, found.p99_ms) == held


@pytest.mark.parametrize("rate", [0.05, 0.5, 5, 20, 200])
@pytest.mark.parametrize("profile", LOAD_PROFILES.values(), ids=LOAD_PROFILES)
def test_what_is_judged_is_sent_at_the_declared_rate_or_faster_and_is_enough_for_a_p99(profile, rate):
    warm, windows = plan_windows(profile, rate)
    judged = [window for window in windows if window.judged]
    more = profile.max_windows - len(judged)
    assert all(window.rate_per_s >= rate for window in judged)
    assert sum(window.planned for window in judged) + more * judged[-1].planned >= P99_REQUIRES
    assert warm.seconds + sum(window.seconds for window in windows) == pytest.approx(profile.seconds)


@pytest.mark.parametrize("rate", [0.5, 20])
def test_a_surge_is_three_times_what_is_judged(rate):
    first, surge, last = (stage.rate_per_s for stage in plan_stages(load_profile("surge"), rate)[1:])
    assert (surge, last) == (3 * first, first)


RAISED = {"smoke": 5, "standard": 0.5, "surge": 1}
ASKED = {"smoke": 20, "standard": 5, "surge": 5, "article": 0.1}


@pytest.mark.parametrize(("name", "rate"), RAISED.items())
def test_a_rate_that_was_raised_for_want_of_requests_is_known(name, rate):
    assert limits(name, arrival_rate_per_s=rate).raised_from == rate


@pytest.mark.parametrize(("name", "rate"), ASKED.items())
def test_a_rate_that_the_model_declares_or_the_profile_asks_for_is_not_raised(name, rate):
    assert limits(name, arrival_rate_per_s=rate).raised_from is None
