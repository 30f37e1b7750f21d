from slipway.stack import envoy


def test_the_bootstrap_is_written_only_when_the_gateway_is_started(settings, tmp_path):
    asked = []

    def config(port, admin_port):
        asked.append((port, admin_port))
        return tmp_path / "bootstrap.yaml"

    service = envoy.service(settings, port=10000, admin_port=9901, config=config, caller={})
    assert asked == []
    assert str(tmp_path / "bootstrap.yaml") in service.command()
    assert asked == [(10000, 9901)]


def test_a_gateway_on_another_port_is_another_gateway(settings):
    def fingerprint(port, admin_port):
        return envoy.service(settings, port=port, admin_port=admin_port, config=None, caller={}).fingerprint

    assert fingerprint(1, 2) == fingerprint(1, 2)
    assert len({fingerprint(1, 2), fingerprint(3, 2), fingerprint(1, 3)}) == 3
