"""What the builder says, and what an image says about itself."""

import time

import pytest

from slipway.errors import ImageBuildError
from slipway.images.engine_build import follow, remove_left, remove_made, runs_as_root, wrong_labels

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


def test_the_id_that_each_step_left_is_noted_for_the_removal():
    steps = []
    events = [
        {"stream": "Step 1/2 : FROM x\n"},
        {"stream": " ---> 0123456789ab\n"},
        {"stream": " ---> Running in ba9876543210\n ---> aaaaaaaaaaaa\n"},
        {"aux": {"ID": ID}},
    ]
    follow(events, lambda line: None, deadline=later(), steps=steps)
    assert steps == ["0123456789ab", "aaaaaaaaaaaa"]


class Engine:
    """Images by id, each with its parent; removing one removes its unnamed parents, as the engine does."""

    def __init__(self, parents):
        from docker.errors import APIError, ImageNotFound

        self.errors = APIError, ImageNotFound
        self.parents, self.images = dict(parents), self

    def get(self, image_id):
        found = [known for known in self.parents if known.startswith(image_id)]
        if not found:
            raise self.errors[1]("no such image")
        return type("Image", (), {"attrs": {"Id": found[0]}})

    def remove(self, image_id):
        if image_id in self.parents.values():
            response = type("Response", (), {"status_code": 409, "url": "", "reason": "conflict"})
            raise self.errors[0]("it has children", response=response)
        del self.parents[image_id]


def test_what_was_made_is_removed_newest_first_and_what_others_stand_on_stays():
    engine = Engine({"base": None, "step1": "base", "step2": "step1", "image": "step2", "others": "step1"})
    remove_made(engine, ["base", "step1", "step2", "image", "gone"], keep=["base"])
    assert set(engine.parents) == {"base", "step1", "others"}


def test_the_base_stays_also_when_nothing_stands_on_it():
    engine = Engine({"base": None, "image": "base"})
    remove_made(engine, ["base", "image"], keep=["base"])
    assert set(engine.parents) == {"base"}


def test_what_a_killed_drill_left_is_removed_once_no_drill_can_be_at_it():
    now = time.time()
    engine = Engine({"old": None, "young": None})
    engine.api = type(
        "Api", (), {"images": lambda self, name: [{"Id": "old", "Created": now - 900}, {"Id": "young", "Created": now}]}
    )()
    remove_left(engine, "slipway-reproduction", older_than_s=600)
    assert set(engine.parents) == {"young"}
