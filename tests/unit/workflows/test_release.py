"""What a trigger form or an API call may hold."""

import pytest

from slipway.errors import SlipwayError
from slipway.workflows.release import Release


def test_an_empty_form_means_the_newest_version_and_the_standard_profile():
    release = Release.from_params(
        "churn", "run", {"version": None, "load_profile": None, "reason": ""}, requester="ada"
    )
    assert (release.version, release.load_profile, release.requester) == (None, "standard", "ada")


WRONG = {
    "a misspelt key": {"versoin": 3},
    "an unknown load profile": {"load_profile": "heavy"},
    "version zero": {"version": 0},
}


@pytest.mark.parametrize("params", WRONG.values(), ids=WRONG)
def test_a_release_is_refused_for(params):
    with pytest.raises(SlipwayError):
        Release.from_params("churn", "run", params, requester="ada")


def test_a_run_id_becomes_a_folder_name():
    slug = Release(id="manual__2026-01-01T00:00:00+00:00", model="churn").slug
    assert "/" not in slug
    assert ":" not in slug
