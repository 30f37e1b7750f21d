import pytest

from slipway.core.verdict import Bound, Measurement
from slipway.monitoring.signals import is_far

FAR = {
    "twice the limit": ({"value": 0.2, "threshold": 0.1, "bound": Bound.MAX}, True),
    "a little beyond": ({"value": 0.15, "threshold": 0.1, "bound": Bound.MAX}, False),
    "within": ({"value": 0.05, "threshold": 0.1, "bound": Bound.MAX}, False),
    "a share's remainder, twice": ({"value": 0.94, "threshold": 0.97, "bound": Bound.MIN}, True),
    "a share's remainder, not twice": ({"value": 0.95, "threshold": 0.97, "bound": Bound.MIN}, False),
    "half of a minimum": ({"value": 50, "threshold": 100, "bound": Bound.MIN, "unit": "rows"}, True),
    "a limit of nothing has no far": ({"value": 1.0, "threshold": 0.0, "bound": Bound.MAX}, False),
    "not measured": ({"value": None, "threshold": 0.1, "bound": Bound.MAX}, False),
    "too few to tell": ({"value": 0.9, "threshold": 0.1, "bound": Bound.MAX, "n": 3, "n_required": 30}, False),
    "only recorded": ({"value": 0.9}, False),
}


@pytest.mark.parametrize(("values", "far"), FAR.values(), ids=FAR)
def test_far_is_told_from_near(values, far):
    assert is_far(Measurement(name="x", **values), 2.0) is far
