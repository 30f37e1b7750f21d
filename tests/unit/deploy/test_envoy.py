"""Envoy's configuration, as values."""

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.core.service import RuntimeName, ServiceHandle
from slipway.deploy import Backend, Mirror, Role, Route
from slipway.deploy.envoy import bootstrap, render


def backend(version, weight, role):
    handle = ServiceHandle(
        runtime=RuntimeName.DOCKER,
        name="n",
        id="i",
        host="127.0.0.1",
        port=4000 + version,
        image_digest="sha256:" + str(version) * 64,
    )
    return Backend(version=version, weight=weight, role=role, handle=handle)


ROUTE = Route(
    model="churn",
    backends=(backend(1, 90, Role.CHAMPION), backend(2, 10, Role.CANDIDATE), backend(3, 0, Role.PREVIOUS)),
)


def entries(*routes):
    return render(routes, version="v")[1]["resources"][0]["virtual_hosts"][0]["routes"]


def test_every_backend_has_a_cluster_and_those_with_weight_have_a_share():
    clusters, _ = render([ROUTE], version="v")
    assert [c["name"] for c in clusters["resources"]] == ["churn-v1-11111111", "churn-v2-22222222", "churn-v3-33333333"]
    shares = entries(ROUTE)[0]["route"]["weighted_clusters"]["clusters"]
    assert [(s["name"], s["weight"]) for s in shares] == [("churn-v1-11111111", 90), ("churn-v2-22222222", 10)]
    assert shares[1]["response_headers_to_add"][0]["header"]["value"] == "churn-v2-22222222"


def test_a_model_is_reached_under_its_name_and_under_the_open_inference_protocol():
    own, v2, unknown = entries(ROUTE)
    assert own["match"] == {"prefix": "/models/churn/"} and own["route"]["prefix_rewrite"] == "/"
    assert v2["match"] == {"path_separated_prefix": "/v2/models/churn"} and "prefix_rewrite" not in v2["route"]
    assert unknown["direct_response"]["status"] == 404


def test_a_model_without_a_backend_answers_503():
    assert [e["direct_response"]["status"] for e in entries(Route(model="churn"))] == [503, 503, 404]


def test_only_a_request_that_no_service_has_read_is_sent_again():
    policy = entries(ROUTE)[0]["route"]["retry_policy"]["retry_on"].split(",")
    assert set(policy) == {"connect-failure", "refused-stream", "reset-before-request"}


def test_a_shadow_gets_its_share_of_copies():
    shadowed = replace(ROUTE, mirror=Mirror(role=Role.CANDIDATE, percent=20))
    (mirror,) = entries(shadowed)[0]["route"]["request_mirror_policies"]
    assert mirror["cluster"] == "churn-v2-22222222"
    assert mirror["runtime_fraction"]["default_value"] == {"numerator": 20, "denominator": "HUNDRED"}


HOSTS = {"127.0.0.1": "STATIC", "::1": "STATIC", "host.docker.internal": "STRICT_DNS"}


@pytest.mark.parametrize(("host", "kind"), HOSTS.items(), ids=HOSTS)
def test_a_name_is_looked_up_and_an_address_is_not(host, kind):
    champion = backend(1, 100, Role.CHAMPION)
    moved = replace(champion, handle=replace(champion.handle, host=host))
    (cluster,) = render([Route(model="churn", backends=(moved,))], version="v")[0]["resources"]
    assert cluster["type"] == kind


def test_routes_are_rendered_in_one_order_whatever_order_they_come_in():
    other = Route(model="alpha")
    assert render([ROUTE, other], version="v") == render([other, ROUTE], version="v")


def test_the_start_file_watches_the_folder_of_both_files():
    start = bootstrap(cds=Path("/g/xds/cds.json"), rds=Path("/g/xds/rds.json"), host="127.0.0.1", port=1, admin_port=2)
    cds = start["dynamic_resources"]["cds_config"]["path_config_source"]
    assert cds == {"path": "/g/xds/cds.json", "watched_directory": {"path": "/g/xds"}}
    assert start["admin"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 2}
