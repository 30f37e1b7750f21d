"""What the builder says, and what an image says about itself."""

import time

import pytest

from slipway.errors import ImageBuildError
from slipway.images.engine_build import follow, runs_as_root, wrong_labels

ID = "sha256:" + "a" * 64


def later():
    return time.monotonic() + 60


def test_the_log_is_handed_on_and_the_id_returned():
    said = []
    events = [
        {"stream": "Step 1/2 : FROM x\n"},
        {"stream": " ---> 0123456789ab\n"},
        {"aux": {"ID": ID}},
        {"stream": "Successfully\nbuilt"},
    ]
    assert follow(events, said.append, deadline=later()) == ID
    assert said == ["Step 1/2 : FROM x", "Successfully", "built"]


FAULTS = {
    "a step fails": ([{"stream": "no such wheel\n"}, {"error": "returned a non-zero code: 1"}], "no such wheel"),
    "full disk": ([{"error": "write /x: no space left on device"}], "docker image prune"),
    "no image": ([{"stream": "Step 1\n"}], "named no image"),
}


@pytest.mark.parametrize(("events", "text"), FAULTS.values(), ids=FAULTS)
def test_a_build_that_fails_says_why(events, text):
    with pytest.raises(ImageBuildError, match=text):
        follow(events, lambda line: None, deadline=later())


def test_a_build_without_end_is_ended():
    def forever():
        while True:
            yield {"stream": "working\n"}

    with pytest.raises(ImageBuildError, match="took more than"):
        follow(forever(), lambda line: None, deadline=time.monotonic() - 1)


@pytest.mark.parametrize("user", ["", "root", "0", "0:0", "root:10001", "00"])
def test_root_is_seen_under_each_of_its_names(user):
    assert runs_as_root({"Config": {"User": user}})


def test_an_unprivileged_user_is_not_root():
    assert not runs_as_root({"Config": {"User": "10001:10001"}})


def test_an_image_that_the_engine_does_not_know_fails_every_check():
    assert runs_as_root({})
    assert wrong_labels({}, {"a": "1"}) == {"a": "nothing"}


def test_labels_that_say_something_else_are_named():
    seen = {"Config": {"Labels": {"slipway.version": "2", "maintainer": "x"}}}
    assert wrong_labels(seen, {"slipway.version": "1"}) == {"slipway.version": "2"}
    assert wrong_labels(seen, {"slipway.version": "2"}) == {}
