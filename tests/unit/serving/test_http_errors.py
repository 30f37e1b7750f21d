import inspect

import orjson
import pytest

from slipway.errors import SlipwayError
from slipway.serving import faults, http_errors


def test_every_fault_has_a_status_of_its_own():
    named = {item for _, item in inspect.getmembers(faults, inspect.isclass) if item.__module__ == faults.__name__}
    assert {item for item in named if issubclass(item, SlipwayError)} == set(http_errors.STATUS)


def test_an_error_that_is_not_ours_keeps_its_text_to_itself():
    error = KeyError("a secret")
    assert http_errors.status_of(error) == 500
    assert "secret" not in http_errors.body_of(error)["error"]


def test_refused_methods_name_the_allowed_and_full_queues_say_when_to_come_back():
    assert http_errors.headers_of(faults.MethodNotAllowed("PUT", "POST")) == [(b"allow", b"POST")]
    assert http_errors.headers_of(faults.Overloaded("full", wait_s=1.2)) == [(b"retry-after", b"2")]
    assert http_errors.headers_of(faults.Malformed("no JSON", remedy="send JSON")) == []


VALUES = {
    "array": ([[[1]]], "an array"),
    "object": ({"a": 1}, "an object"),
    "nan": (float("nan"), "nan"),
    "number": (1.5, 1.5),
    "bool": (True, True),
    "none": (None, None),
    "int_of_70_bits": (2**70, str(2**70)),
    "endless_int": (10**5000, "an integer of 16610 bits"),
}


@pytest.mark.parametrize(("value", "shown"), VALUES.values(), ids=VALUES)
def test_any_value_can_be_shown_in_an_error(value, shown):
    problem = faults.Problem(0, "x" * 500, "is wrong", value).to_json()
    assert orjson.loads(orjson.dumps(problem))["value"] == shown
    assert len(problem["column"]) < 100
