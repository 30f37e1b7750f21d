from __future__ import annotations

import pytest

from slipway.errors import ServiceError
from slipway.loadtest.target import require_private

ALLOWED = [
    "http://127.0.0.1:8080",
    "http://localhost:8080",
    "http://10.1.2.3:80",
    "http://172.17.0.2",
    "http://[::1]:9",
]
REFUSED = {
    "public address": "http://93.184.216.34/",
    "encrypted": "https://127.0.0.1:8443",
    "another scheme": "file:///etc/passwd",
    "no host": "http://",
    "not an address": "127.0.0.1:8080",
    "a port that is none": "http://127.0.0.1:port",
    "cloud metadata": "http://169.254.169.254/",
    "no destination": "http://0.0.0.0:80",
    "unknown host": "http://no-such-host.invalid",
}


@pytest.mark.parametrize("url", ALLOWED)
def test_loopback_and_private_addresses_may_be_loaded(url):
    assert require_private(url) == url


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_load_goes_nowhere_else(url):
    with pytest.raises(ServiceError):
        require_private(url)
