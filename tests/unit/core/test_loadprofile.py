"""The load profiles that people choose from."""

import pytest

from slipway.core.loadprofile import LOAD_PROFILES, load_profile
from slipway.errors import SpecError

SECONDS = {"smoke": 17.6, "standard": 125}


@pytest.mark.parametrize(("name", "seconds"), SECONDS.items())
def test_a_profile_lasts_as_long_as_it_says(name, seconds):
    assert load_profile(name).seconds == seconds


def test_tuning_takes_no_longer_than_a_minute_and_less_before_a_smoke_test():
    seconds = {name: profile.tuning_seconds for name, profile in LOAD_PROFILES.items()}
    assert seconds.pop("smoke") <= 30
    assert set(seconds.values()) == {60}


def test_the_article_profile_has_the_articles_numbers():
    profile = load_profile("article")
    assert (profile.stages[0].rate_per_s, profile.stages[0].seconds) == (10, 600)
    assert (profile.p95_ms, profile.p99_ms) == (170, 270)


def test_a_surge_must_recover():
    profile = load_profile("surge")
    assert profile.recovery
    assert [stage.judged for stage in profile.stages] == [True, False, True]


def test_an_unknown_profile_names_those_there_are():
    with pytest.raises(SpecError, match="smoke, standard, article, surge"):
        load_profile("heavy")


def test_windows_can_be_added_to_every_profile_and_the_smoke_test_stays_short():
    for name in SECONDS:
        profile = load_profile(name)
        assert profile.max_windows * profile.window_seconds > profile.seconds
    smoke = load_profile("smoke")
    champion = smoke.champion_windows * smoke.window_seconds
    assert smoke.seconds + champion + smoke.burst_seconds + smoke.window_seconds <= 32
