"""Routes as values."""

import pytest

from slipway.core.service import RuntimeName, ServiceHandle
from slipway.deploy import Backend, Mirror, Role, Route
from slipway.errors import GatewayError


def backend(version=1, weight=100, role=Role.CHAMPION):
    handle = ServiceHandle(
        runtime=RuntimeName.DOCKER,
        name=f"slipway-churn-v{version}",
        id=f"id{version}",
        host="127.0.0.1",
        port=4000 + version,
        image_digest="sha256:" + str(version) * 64,
    )
    return Backend(version=version, weight=weight, role=role, handle=handle)


def test_a_route_comes_back_from_json_as_it_was():
    route = Route(
        model="churn",
        backends=(backend(1, 90), backend(2, 10, Role.CANDIDATE), backend(3, 0, Role.PREVIOUS)),
        mirror=Mirror(role=Role.CANDIDATE, percent=20),
    )
    assert Route.from_json(route.to_json()) == route
    assert (route.champion.version, route.previous.version) == (1, 3)


def test_a_route_without_backends_is_allowed():
    assert Route(model="churn").champion is None


WRONG = {
    "weights_below_100": lambda: Route(model="churn", backends=(backend(1, 90),)),
    "weights_above_100": lambda: Route(model="churn", backends=(backend(1, 100), backend(2, 10, Role.CANDIDATE))),
    "two_champions": lambda: Route(model="churn", backends=(backend(1, 50), backend(2, 50))),
    "negative_weight": lambda: backend(1, -1),
    "shadow_of_nobody": lambda: Route(model="churn", backends=(backend(),), mirror=Mirror(role=Role.CANDIDATE)),
    "shadow_of_nothing": lambda: Mirror(role=Role.CANDIDATE, percent=0),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_a_route_that_contradicts_itself_is_refused(make):
    with pytest.raises(GatewayError):
        make()
