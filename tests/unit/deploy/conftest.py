import pytest

from slipway.deploy import Gateway
from tests.unit.deploy.fakes import FakeEnvoy, FakeRuntime


@pytest.fixture
def envoy(tmp_path):
    fake = FakeEnvoy(tmp_path / "gateway")
    yield fake
    fake.close()


@pytest.fixture
def gateway(tmp_path, envoy):
    return Gateway(tmp_path / "gateway", url=envoy.url, admin_url=envoy.admin_url, confirm_s=0.5)


@pytest.fixture
def runtime():
    fake = FakeRuntime()
    yield fake
    fake.close()
